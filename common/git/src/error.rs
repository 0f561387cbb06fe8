//! Why something could not be had from a Git server, in the words of the Flux controllers.

use std::io;
use std::sync::Arc;

use flux_gotext::ParseConstraintError;

use crate::access::Access;

/// Why no commit came of a reference.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The server knows no such repository.
    #[error("unable to clone: repository not found: git repository: '{0}'")]
    RepositoryNotFound(String),
    /// The repository has no commits.
    #[error("git repository is empty")]
    Empty,
    /// The server could not be asked or did not answer well.
    #[error("unable to clone '{url}'")]
    Clone {
        /// Address of the repository.
        url: String,
        /// What went wrong; others may have met with it as well.
        source: Arc<TransportError>,
    },
    /// `ref.name` names nothing.
    #[error("unable to resolve ref '{0}' to a specific commit")]
    UnknownReference(String),
    /// `ref.semver` is no range.
    #[error("semver parse error")]
    SemVer(#[source] ParseConstraintError),
    /// No tag lies in the range.
    #[error("no match found for semver: {0}")]
    NoMatchingVersion(String),
    /// `ref.commit` does not exist, or not where it was looked for.
    #[error("unable to resolve commit object for '{0}': object not found")]
    CommitNotFound(String),
}

/// What went wrong between us and a server.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// 401.
    #[error("authentication required")]
    AuthenticationRequired,
    /// 403.
    #[error("authorization failed")]
    AuthorizationFailed,
    /// 404.
    #[error("repository not found")]
    NotFound,
    /// Any other status.
    #[error("unexpected status {0}")]
    Status(reqwest::StatusCode),
    /// The request failed on the way.
    #[error("failed to reach the server")]
    Http(#[source] reqwest::Error),
    /// A redirect to nowhere, to another protocol, or in circles.
    #[error("refused redirect")]
    Redirect,
    /// The named reference is not there.
    #[error("couldn't find remote ref {0:?}")]
    UnknownReference(String),
    /// The answer is not what the protocol says.
    #[error("invalid answer of the server: {0}")]
    Protocol(&'static str),
    /// The server reports an error of its own.
    #[error("remote error: {0}")]
    Remote(String),
    /// The repository names its objects by SHA-256.
    #[error("SHA-256 repositories are not supported")]
    ObjectFormat,
    /// An answer past its bound.
    #[error("answer of the server is larger than {0} bytes")]
    TooLarge(u64),
    /// The pack that came is none, or objects are missing from it.
    #[error("invalid pack")]
    Pack(#[source] git2::Error),
    /// Objects could not be stored.
    #[error("failed to store objects")]
    Store(#[source] io::Error),
    /// The time given to the server is over.
    #[error("context deadline exceeded")]
    DeadlineExceeded,
    /// A worker thread broke down.
    #[error("indexing was interrupted")]
    Interrupted,
}

impl GitError {
    /// What went wrong with `access`.
    pub(crate) fn of_access(access: &Access, source: impl Into<Arc<TransportError>>) -> Self {
        let (url, source) = (access.url.to_string(), source.into());
        if matches!(*source, TransportError::NotFound) {
            return Self::RepositoryNotFound(url);
        }
        Self::Clone { url, source }
    }
}

impl From<reqwest::Error> for TransportError {
    /// The address is dropped from the text: it may hold secrets in its query.
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}
