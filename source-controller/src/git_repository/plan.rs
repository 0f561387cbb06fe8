//! The spec with its defaults.

use std::time::Duration;

use flux_api::Artifact;
use flux_api::source::{GitProvider, GitRepository, GitRepositorySpec};
use flux_artifact::Revision;
use flux_git::{Credentials, InvalidReference, ReferenceSelector, RepositoryUrl, Resolved};

use super::error::Error;

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);
const DEFAULT_BRANCH: &str = "master";

/// The spec with its defaults.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(super) url: RepositoryUrl,
    /// User name and password in the URL.
    pub(super) url_credentials: Credentials,
    /// Kept as a result: a name that cannot be is a failure of the checkout, which is retried as one.
    pub(super) reference: Result<ReferenceSelector, InvalidReference>,
    pub(super) secret: Option<String>,
    pub(super) proxy_secret: Option<String>,
    pub(super) interval: Duration,
    /// Of listing and fetching together.
    pub(super) timeout: Duration,
    pub(super) ignore: Option<String>,
    pub(super) sparse: Vec<String>,
    /// Whether the remote's head tells that nothing changed, which goes into a notice of its own.
    pub(super) has_remote_head: bool,
}

impl Plan {
    /// Resolves the spec.
    pub(super) fn of(spec: &GitRepositorySpec) -> Result<Self, Error> {
        refuse_unsupported(spec)?;
        let (url, url_credentials) = RepositoryUrl::parse_with_credentials(&spec.url)
            .map_err(|source| Error::Url { url: without_credentials(&spec.url), source })?;
        let reference = reference(spec);
        let has_remote_head = matches!(
            reference,
            Ok(ReferenceSelector::Branch(_) | ReferenceSelector::Tag(_) | ReferenceSelector::Name(_))
        );
        Ok(Self {
            url,
            url_credentials,
            reference,
            secret: spec.secret_ref.as_ref().map(|reference| reference.name.clone()),
            proxy_secret: spec.proxy_secret_ref.as_ref().map(|reference| reference.name.clone()),
            interval: spec.interval.to_std(),
            timeout: spec.timeout.map_or(DEFAULT_TIMEOUT, flux_api::GoDuration::to_std),
            ignore: spec.ignore.clone(),
            sparse: spec.sparse_checkout.clone(),
            has_remote_head,
        })
    }

    /// Whether the stored artifact is what this plan makes of the resolved commit.
    pub(super) fn is_satisfied_by(
        &self,
        object: &GitRepository,
        artifact: &Artifact,
        resolved: &Resolved,
    ) -> bool {
        let Some(status) = &object.status else { return false };
        let stored: Option<Revision> = artifact.revision.parse().ok();
        stored.as_ref() == Some(&resolved.revision)
            && status.observed_ignore == self.ignore
            && status.observed_sparse_checkout == self.sparse
            && !status.observed_recurse_submodules
            && status.observed_include.is_empty()
            && status.included_artifacts.is_empty()
            && flux_api::find_condition(&status.conditions, super::fact::ARTIFACT_IN_STORAGE)
                .is_some_and(|condition| condition.status == flux_api::ConditionStatus::True)
    }
}

/// What is not supported yet is refused before anything is done.
fn refuse_unsupported(spec: &GitRepositorySpec) -> Result<(), Error> {
    let provider = spec.provider.as_ref().is_some_and(|provider| *provider != GitProvider::Generic);
    let unsupported = [
        (spec.url.starts_with("ssh://"), "spec.url"),
        (provider, "spec.provider"),
        (spec.verify.is_some(), "spec.verify"),
        (!spec.include.is_empty(), "spec.include"),
        (spec.recurse_submodules, "spec.recurseSubmodules"),
    ];
    match unsupported.into_iter().find(|(is_asked_for, _)| *is_asked_for) {
        Some((_, field)) => Err(Error::Unsupported(field)),
        None => Ok(()),
    }
}

/// `commit` goes before `name`, that before `tag`, that before `semver`, that before `branch`: the code of upstream,
/// not its documentation.
fn reference(spec: &GitRepositorySpec) -> Result<ReferenceSelector, InvalidReference> {
    let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
    let Some(reference) = &spec.reference else { return ReferenceSelector::branch(DEFAULT_BRANCH) };
    let branch = given(&reference.branch);
    if let Some(commit) = given(&reference.commit) {
        return ReferenceSelector::commit(&commit, branch.as_deref());
    }
    if let Some(name) = given(&reference.name) {
        return ReferenceSelector::name(&name);
    }
    if let Some(tag) = given(&reference.tag) {
        return ReferenceSelector::tag(&tag);
    }
    if let Some(range) = given(&reference.semver) {
        return Ok(ReferenceSelector::SemVer(range));
    }
    ReferenceSelector::branch(branch.as_deref().unwrap_or(DEFAULT_BRANCH))
}

/// A URL that cannot be parsed may still hold a password.
fn without_credentials(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let (start, rest) = (url.get(..scheme + 3), url.get(at + 1..));
            format!("{}{}", start.unwrap_or_default(), rest.unwrap_or_default())
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use flux_api::LocalObjectReference;
    use flux_api::source::{GitRepositoryInclude, GitRepositoryRef, GitRepositoryVerification};

    use super::*;

    fn spec(url: &str) -> GitRepositorySpec {
        GitRepositorySpec { url: url.to_owned(), ..GitRepositorySpec::default() }
    }

    fn selector(reference: GitRepositoryRef) -> ReferenceSelector {
        let spec = GitRepositorySpec { reference: Some(reference), ..spec("https://git.example/app") };
        Plan::of(&spec).expect("a plan").reference.expect("a selector")
    }

    #[test]
    fn references_go_before_one_another() {
        let text = |text: &str| Some(text.to_owned());
        let commit = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";
        let mut all = GitRepositoryRef {
            branch: text("main"),
            commit: text(commit),
            name: text("refs/heads/x"),
            semver: text("1.x"),
            tag: text("v1"),
        };
        let want = ReferenceSelector::commit(commit, Some("main")).expect("a selector");
        assert_eq!(selector(all.clone()), want);
        all.commit = None;
        assert_eq!(selector(all.clone()), ReferenceSelector::Name("refs/heads/x".to_owned()));
        all.name = None;
        assert_eq!(selector(all.clone()), ReferenceSelector::Tag("v1".to_owned()));
        all.tag = None;
        assert_eq!(selector(all.clone()), ReferenceSelector::SemVer("1.x".to_owned()));
        all.semver = None;
        assert_eq!(selector(all.clone()), ReferenceSelector::Branch("main".to_owned()));
        all.branch = None;
        assert_eq!(selector(all), ReferenceSelector::Branch("master".to_owned()));
    }

    #[test]
    fn what_is_not_supported_yet_is_named() {
        let include = GitRepositoryInclude {
            repository: LocalObjectReference { name: "x".to_owned() },
            ..GitRepositoryInclude::default()
        };
        let http = || spec("https://git.example/app");
        let table = [
            (spec("ssh://git@git.example/app"), "spec.url is not supported yet"),
            (
                GitRepositorySpec { provider: Some(GitProvider::GitHub), ..http() },
                "spec.provider is not supported yet",
            ),
            (
                GitRepositorySpec { verify: Some(GitRepositoryVerification::default()), ..http() },
                "spec.verify is not supported yet",
            ),
            (GitRepositorySpec { include: vec![include], ..http() }, "spec.include is not supported yet"),
            (
                GitRepositorySpec { recurse_submodules: true, ..http() },
                "spec.recurseSubmodules is not supported yet",
            ),
        ];
        for (spec, want) in table {
            assert_eq!(Plan::of(&spec).expect_err(want).to_string(), want);
        }
        assert!(Plan::of(&GitRepositorySpec { provider: Some(GitProvider::Generic), ..http() }).is_ok());
    }

    #[test]
    fn a_password_in_a_broken_url_is_not_shown() {
        let error = Plan::of(&spec("http://user:secret@[broken")).expect_err("broken");
        assert_eq!(
            flux_driver::message(&error),
            "failed to parse url 'http://[broken': invalid IPv6 address"
        );
    }
}
