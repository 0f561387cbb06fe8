//! Why an apply or a prune failed, in the contract's words.

use std::error::Error as StdError;

/// Errors of a stage that are reported; a stage of thousands must not fill the condition.
const REPORTED: usize = 20;

/// What failed for one object.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// A namespaced object without namespace.
    #[error("{subject} namespace not specified")]
    NamespaceMissing {
        /// `Kind/name`.
        subject: String,
        /// The API server's answer, where it was asked.
        #[source]
        source: NoNamespace,
    },
    /// The object, or the namespace it lives in, does not exist.
    #[error("{subject} not found")]
    NotFound {
        /// `Kind/namespace/name`.
        subject: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// The API server refuses the object.
    #[error("{subject} dry-run failed{}", parenthesised(.source))]
    DryRun {
        /// `Kind/namespace/name`.
        subject: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// The API server refused what it had accepted in the dry-run.
    #[error("{subject} apply failed")]
    Apply {
        /// `Kind/namespace/name`.
        subject: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// Former field managers could not be folded in.
    #[error("{subject} metadata.managedFields cleanup failed")]
    Cleanup {
        /// `Kind/namespace/name`.
        subject: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// Managed fields could not be moved to another version of their API.
    #[error("{subject} failed to migrate API version")]
    Migration {
        /// `Kind/namespace/name`.
        subject: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// An object to be made anew could not be deleted.
    #[error("{subject} immutable field detected, failed to delete object")]
    Delete {
        /// `Kind/namespace/name`.
        subject: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// An object to be made anew did not go.
    #[error(
        "{subject} immutable field detected, failed to wait for object to be deleted: a finalizer holds it"
    )]
    NotDeleted {
        /// `Kind/namespace/name`.
        subject: String,
    },
    /// The live object could not be read.
    #[error("{subject} query failed")]
    Query {
        /// `Kind/namespace/name`.
        subject: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// A stale object could not be deleted.
    #[error("{subject} delete failed")]
    Prune {
        /// `Kind/namespace/name`.
        subject: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// The API server's answer is not an object.
    #[error("{subject} answer of the API server cannot be read")]
    Answer {
        /// `Kind/namespace/name`.
        subject: String,
        /// Where it fails.
        source: serde_json::Error,
    },
}

/// A namespaced kind needs a namespace in its manifest or from `spec.targetNamespace`.
#[derive(Debug, thiserror::Error)]
#[error("the server could not find the requested resource")]
pub struct NoNamespace;

fn parenthesised(error: &flux_kube::Error) -> String {
    let Some(status) = error.status() else { return String::new() };
    let causes = status.details.get("causes").and_then(serde_json::Value::as_array);
    let conflict = causes
        .into_iter()
        .flatten()
        .any(|cause| cause.get("reason").and_then(serde_json::Value::as_str) == Some("FieldManagerConflict"));
    let reason = if conflict { "FieldManagerConflict" } else { status.reason.as_str() };
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

impl ObjectError {
    pub(crate) fn dry_run(subject: String, source: flux_kube::Error) -> Self {
        if source.is_not_found() {
            Self::NotFound { subject, source }
        } else {
            Self::DryRun { subject, source }
        }
    }

    /// What has to come for the same attempt to succeed without anyone changing the object.
    pub fn missing(&self) -> Option<Missing> {
        match self {
            Self::NotFound { source, .. } => {
                let details = &source.status()?.details;
                let text = |key: &str| details.get(key).and_then(serde_json::Value::as_str);
                (text("kind") == Some("namespaces"))
                    .then(|| text("name"))
                    .flatten()
                    .map(|name| Missing::Namespace(name.to_owned()))
            }
            Self::DryRun { source: flux_kube::Error::UnknownKind { api_version, kind }, .. } => {
                Some(Missing::Kind { api_version: api_version.clone(), kind: kind.clone() })
            }
            Self::NamespaceMissing { .. }
            | Self::DryRun { .. }
            | Self::Apply { .. }
            | Self::Cleanup { .. }
            | Self::Migration { .. }
            | Self::Delete { .. }
            | Self::NotDeleted { .. }
            | Self::Query { .. }
            | Self::Prune { .. }
            | Self::Answer { .. } => None,
        }
    }
}

/// Something whose arrival makes a failed apply worth another attempt at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// A namespace of this name.
    Namespace(String),
    /// A kind that the server does not serve.
    Kind {
        /// Group and version.
        api_version: String,
        /// Kind.
        kind: String,
    },
}

/// The failed objects of one stage; nothing of the stage was applied unless the writes themselves failed.
///
/// The text is that of the first 20 errors, a line each, the first one first.
#[derive(Debug)]
pub struct StageError {
    errors: Vec<ObjectError>,
}

impl StageError {
    /// At least one error.
    pub(crate) fn new(errors: Vec<ObjectError>) -> Self {
        Self { errors }
    }

    /// The errors, in apply order.
    pub fn errors(&self) -> &[ObjectError] {
        &self.errors
    }
}

impl std::fmt::Display for StageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<String> = self.errors.iter().take(REPORTED).map(|error| chain(error)).collect();
        f.write_str(&lines.join("\n"))?;
        match self.errors.len().checked_sub(REPORTED) {
            Some(more) if more > 0 => write!(f, "\nand {more} more"),
            _ => Ok(()),
        }
    }
}

impl StdError for StageError {}

/// An error and its sources, as Go's `%w` joins them.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
