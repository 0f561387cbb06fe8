//! Tests against `git http-backend` of the lab.
#![cfg(test)]

mod archive;
mod mirror;
mod polling;
mod reference;
mod transport;

use std::fmt::Write as _;
use std::io::Read as _;

use std::time::Duration;

use flux_git::{
    Access, Checkout, Credentials, Freshness, GitClient, GitError, GitLimits, ListRequest, Patience,
    ReferenceSelector, RepositoryUrl,
};
use tempfile::TempDir;
use tokio::time::Instant;

/// A client with mirrors of its own, and without credentials.
struct Git {
    client: GitClient,
    _directory: TempDir,
}

impl Git {
    fn new() -> Self {
        Self::with(GitLimits::default())
    }

    fn with(limits: GitLimits) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let client = GitClient::new(directory.path().join("mirrors"), limits).expect("a client");
        Self { client, _directory: directory }
    }

    async fn checkout(&self, access: &Access, selector: &ReferenceSelector) -> Result<Checkout, GitError> {
        self.checkout_within(access, selector, Duration::from_mins(1)).await
    }

    async fn checkout_within(
        &self,
        access: &Access,
        selector: &ReferenceSelector,
        limit: Duration,
    ) -> Result<Checkout, GitError> {
        let mut patience = Patience::new(limit);
        let request = ListRequest {
            user: "test",
            access,
            selector,
            interval: Duration::from_mins(1),
            freshness: Freshness::Since(Instant::now()),
        };
        let listing = self.client.list(&request, &mut patience).await?;
        let resolved = self.client.resolve(access, &listing, selector, &mut patience).await?;
        self.client.checkout(&resolved, &mut patience).await
    }
}

fn access(url: &str) -> Access {
    access_as(url, Credentials::Anonymous)
}

fn access_as(url: &str, credentials: Credentials) -> Access {
    let url: RepositoryUrl = url.parse().expect("a URL");
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    Access { url, client, responder: String::new(), credentials }
}

fn main_branch() -> ReferenceSelector {
    ReferenceSelector::branch("main").expect("a selector")
}

/// The error with its sources, as users see it.
fn message(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The tar inside the archive of a checkout.
fn tar_of(checkout: &Checkout, sparse: &[&str], ignore: Option<&str>) -> Vec<u8> {
    let sparse: Vec<String> = sparse.iter().map(ToString::to_string).collect();
    let tree = checkout.tree(&sparse).expect("a tree");
    let mut archive = Vec::new();
    let rules = tree.ignore_rules(ignore).expect("rules");
    tree.write_archive(&rules, &mut archive).expect("an archive");
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(archive.as_slice()).read_to_end(&mut tar).expect("gzip");
    tar
}

/// Paths in the archive of a checkout, each with its mode.
fn entries_of(checkout: &Checkout, sparse: &[&str], ignore: Option<&str>) -> Vec<String> {
    let tar = tar_of(checkout, sparse, ignore);
    let mut archive = tar::Archive::new(tar.as_slice());
    let entries = archive.entries().expect("entries").map(|entry| {
        let entry = entry.expect("an entry");
        let path = entry.path().expect("a path").display().to_string();
        format!("{path} {:o}", entry.header().mode().expect("a mode"))
    });
    entries.collect()
}

/// Text that hardly compresses, so that a second copy of it would show.
fn incompressible(words: u64) -> String {
    let mut text = String::new();
    for number in 0..words {
        write!(text, "{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).expect("written");
    }
    text
}
