//! Why a run fails, and what follows. Texts and reasons: Flux 2.9, GitRepository.

use flux_artifact::StoreError;
use flux_driver::{Failure, Verdict};
use flux_git::{GitError, IgnoreError, InvalidReference, InvalidUrl, TreeError};

use super::credentials::{CredentialsError, ProxyError};
use super::fact::{FETCH_FAILED, STORAGE_OPERATION_FAILED};

/// Why a run fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0} is not supported yet")]
    Unsupported(&'static str),
    #[error("failed to parse url '{url}'")]
    Url { url: String, source: InvalidUrl },
    #[error("failed to checkout and determine revision")]
    Reference(#[source] InvalidReference),
    #[error("failed to configure proxy options")]
    Proxy(#[source] ProxyError),
    #[error("failed to get secret '{name}'")]
    Secret { name: String, source: flux_kube::Error },
    #[error("failed to configure authentication options")]
    Credentials(#[source] CredentialsError),
    #[error("secretRef '{0}' has github app data but provider is not set to github")]
    AppData(String),
    #[error("git repository is empty")]
    Empty,
    #[error("failed to checkout and determine revision")]
    Checkout(#[source] GitError),
    #[error("failed to checkout and determine revision")]
    Tree(#[source] TreeError),
    // the blank before the colon is upstream's
    #[error("failed to sparse checkout directories ")]
    Sparse(#[source] TreeError),
    #[error("failed to load source ignore patterns from repository")]
    Ignore(#[source] IgnoreError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("garbage collection for deleted resource failed")]
    Remove(#[source] std::io::Error),
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unsupported(_) => Verdict::stalled("UnsupportedFeature"),
            Self::Url { .. } => Verdict::stalled("URLInvalid").on(FETCH_FAILED),
            Self::Proxy(_) | Self::Secret { .. } | Self::Credentials(_) => {
                Verdict::transient("AuthenticationFailed").on(FETCH_FAILED)
            }
            Self::AppData(_) => Verdict::transient("InvalidProviderConfiguration").on(FETCH_FAILED),
            Self::Empty => Verdict::transient("EmptyGitRepository").on(FETCH_FAILED),
            Self::Reference(_) | Self::Checkout(_) | Self::Tree(_) | Self::Sparse(_) => {
                Verdict::transient("GitOperationFailed").on(FETCH_FAILED)
            }
            // no condition of its own: source-controller contract, section 5.4
            Self::Ignore(_) => Verdict::transient("SourceIgnoreError"),
            Self::Store(StoreError::CreateDirectory(_)) => {
                Verdict::transient("DirectoryCreationFailed").on(STORAGE_OPERATION_FAILED)
            }
            Self::Store(StoreError::Write(_)) => {
                Verdict::transient("ArchiveOperationFailed").on(STORAGE_OPERATION_FAILED)
            }
            Self::Remove(_) => Verdict::transient("GarbageCollectionFailed"),
        }
    }
}

impl From<GitError> for Error {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Empty => Self::Empty,
            other @ (GitError::RepositoryNotFound(_)
            | GitError::Clone { .. }
            | GitError::UnknownReference(_)
            | GitError::SemVer(_)
            | GitError::NoMatchingVersion(_)
            | GitError::CommitNotFound(_)) => Self::Checkout(other),
        }
    }
}
