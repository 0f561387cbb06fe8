//! From a commit to an artifact in the storage.

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_api::Artifact;
use flux_artifact::{Storage, StoreError, StoredArtifact};
use flux_driver::Run;
use flux_git::{Checkout, CommitTree, TreeError};
use flux_process::Rollout;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tracing::{Instrument as _, info, info_span};

use super::GitRepositories;
use super::error::Error;
use super::fact::Fact;
use super::plan::Plan;
use super::storage::location;

impl GitRepositories {
    /// Packs the commit's tree, and records the artifact and what it was made of.
    pub(super) async fn build_artifact_for_revision(
        &self,
        run: &Run<'_, Self>,
        plan: &Plan,
        checkout: Checkout,
    ) -> Result<(), Error> {
        let revision = checkout.revision.to_string();
        let commit = checkout.commit.clone();
        let span = info_span!("build artifact for revision", revision);
        Rollout::of(&run.raw().metadata.uid, &revision).join(&span);
        let location =
            location(run).map_err(|error| StoreError::CreateDirectory(std::io::Error::other(error)))?;
        let building = async {
            let sparse = plan.sparse.clone();
            let tree = run.cpu().await.run(move || read_tree(&checkout, &sparse)).await?;
            let memory = run.reserve(tree.memory()).await;
            let (storage, ignore, paid) = (Arc::clone(&self.storage), plan.ignore.clone(), memory.share());
            let file_name = format!("{}.tar.gz", commit.hash);
            let pack = move || {
                let _paid = paid;
                pack(&storage, &location, &file_name, (&tree, ignore.as_deref()))
            };
            run.cpu().await.run(pack).await
        };
        let stored = building.instrument(span).await?;
        info!(revision, size = stored.size, "stored artifact");
        self.subjects.lock().put(commit.hash, commit.subject);
        run.status(|status| {
            status.artifact = Some(recorded(stored, &revision));
            status.observed_ignore.clone_from(&plan.ignore);
            status.observed_sparse_checkout.clone_from(&plan.sparse);
            // what an earlier controller may have put there
            status.observed_recurse_submodules = false;
            status.observed_include.clear();
            status.included_artifacts.clear();
            status.source_verification_mode = None;
        });
        run.fact(&Fact::Stored(revision));
        Ok(())
    }
}

/// Lists the files of the commit; on a blocking thread.
fn read_tree(checkout: &Checkout, sparse: &[String]) -> Result<CommitTree, Error> {
    checkout.tree(sparse).map_err(|error| match error {
        TreeError::SparseDirectory(_) => Error::Sparse(error),
        TreeError::InvalidPath(_)
        | TreeError::TooManyFiles(_)
        | TreeError::TooDeep(_)
        | TreeError::Object(_) => Error::Tree(error),
    })
}

/// Writes the archive; on a blocking thread.
fn pack(
    storage: &Storage,
    location: &flux_artifact::ObjectLocation,
    file_name: &str,
    (tree, ignore): (&CommitTree, Option<&str>),
) -> Result<StoredArtifact, Error> {
    let rules = tree.ignore_rules(ignore).map_err(Error::Ignore)?;
    Ok(storage.store(location, file_name, |sink| Ok(tree.write_archive(&rules, sink)?))?)
}

fn recorded(stored: StoredArtifact, revision: &str) -> Artifact {
    Artifact {
        digest: stored.digest.to_string(),
        last_update_time: Time(stored.last_update_time),
        metadata: BTreeMap::new(),
        path: stored.path,
        revision: revision.to_owned(),
        size: i64::try_from(stored.size).ok(),
        url: stored.url,
    }
}
