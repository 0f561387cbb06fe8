//! Why a run fails, and what follows from it. Source: kustomize-controller contract, section 5 (Flux 2.9).

use super::dependency::NotReady;
use super::plan::InvalidSpec;
use flux_api::GoDuration;
use flux_apply::error::{Missing, ObjectError, StageError};
use flux_apply::ignore::InvalidTarget;
use flux_apply::object::InvalidObjectId;
use flux_driver::{Class, Failure, Report, Trigger, Verdict};

/// Why a run of a Kustomization fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The spec cannot be carried out.
    #[error(transparent)]
    Spec(#[from] InvalidSpec),
    /// The source lies in another namespace, and these are closed.
    #[error("can't access '{0}', cross-namespace references have been blocked")]
    CrossNamespace(String),
    /// The source's kind is behind a gate.
    #[error("can't access '{0}', ExternalArtifact feature gate is disabled")]
    GateClosed(String),
    /// There is no such source; the text is the API server's.
    #[error("{0}")]
    SourceNotFound(String),
    /// The source could not be read.
    #[error("unable to get source '{name}'")]
    Source {
        /// `namespace/name`.
        name: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// The source has no artifact yet.
    #[error("Source artifact not found, retrying in {0}")]
    NoArtifact(GoDuration),
    /// A dependency is missing or unreadable.
    #[error("dependency '{name}' not found")]
    DependencyNotFound {
        /// `namespace/name`.
        name: String,
        /// The API server's answer.
        source: flux_kube::Error,
        /// When the run is tried again.
        delay: GoDuration,
    },
    /// A dependency is not ready.
    #[error("{reason}")]
    Dependency {
        /// Which, and why.
        reason: NotReady,
        /// When the run is tried again.
        delay: GoDuration,
    },
    /// The source's artifact is not served.
    #[error("Source is not ready, artifact not found, retrying in {0}")]
    ArtifactNotFound(GoDuration),
    /// The artifact could not be fetched.
    #[error(transparent)]
    Fetch(flux_artifact::FetchError),
    /// The artifact is not what its source published.
    #[error("failed to verify archive")]
    Verify(#[source] flux_artifact::FetchError),
    /// The artifact could not be unpacked.
    #[error(transparent)]
    Unpack(flux_artifact::UnpackError),
    /// The artifact has no such directory.
    #[error("kustomization path not found: stat {0}: no such file or directory")]
    PathNotFound(String),
    /// The manifests could not be built.
    #[error("{0}")]
    Build(String),
    /// The target cluster's client could not be made.
    #[error("failed to build kube client")]
    Client(#[source] flux_kube::Error),
    /// A variable's ConfigMap or Secret could not be read.
    #[error("substitute from '{reference}' error")]
    Variables {
        /// `Kind/name`.
        reference: String,
        /// The API server's answer.
        source: flux_kube::Error,
    },
    /// A rule of `spec.ignore` selects by something that is no pattern.
    #[error("failed to create ignore rule selector")]
    Ignore(#[source] InvalidTarget),
    /// The status holds an id that is none.
    #[error(transparent)]
    Inventory(#[from] InvalidObjectId),
    /// A Secret that is still encrypted.
    #[error("{0} is SOPS encrypted, configuring decryption is required for this secret to be reconciled")]
    Encrypted(String),
    /// A stage was refused. The text ends with what was changed before it.
    #[error("{error}\n{changed}")]
    Apply {
        /// The refused objects.
        error: StageError,
        /// Lines of the stages before.
        changed: String,
    },
    /// Objects of a stage did not become healthy.
    #[error("{cause}\n{changed}")]
    Stage {
        /// Which, and how they are.
        cause: String,
        /// Lines of what was applied.
        changed: String,
    },
    /// Stale objects could not be deleted.
    #[error("delete failed, errors: {0}")]
    Prune(String),
    /// What was applied did not become healthy.
    #[error("health check failed after {elapsed}: {cause}")]
    Unhealthy {
        /// How long it was watched.
        elapsed: GoDuration,
        /// Which objects, and how they are.
        cause: String,
    },
    /// Something newer came while health was awaited.
    #[error("New reconciliation triggered by {0}")]
    Superseded(String),
    /// Something newer came while a stage or a prune was waited for.
    #[error("New reconciliation triggered by {0}, starting over")]
    Overtaken(String),
    /// The status could not be stored.
    #[error("failed to update status")]
    Commit(#[source] flux_driver::CommitError),
    /// Objects could not be deleted with their Kustomization.
    #[error("pruning for deleted resource failed")]
    Finalization,
}

impl Error {
    /// Something newer came while health was awaited.
    pub(super) fn superseded(trigger: Trigger) -> Self {
        Self::Superseded(described(trigger))
    }

    /// Something newer came in the middle of an apply or a prune.
    pub(super) fn overtaken(trigger: Trigger) -> Self {
        Self::Overtaken(described(trigger))
    }

    /// What has to come for the next run to succeed without anyone's doing.
    pub(super) fn missing(&self) -> Vec<Missing> {
        let Self::Apply { error, .. } = self else { return Vec::new() };
        error.errors().iter().filter_map(ObjectError::missing).collect()
    }
}

fn described(trigger: Trigger) -> String {
    trigger.object.map_or_else(|| "a request".to_owned(), |object| object.to_string())
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        let after = |delay: &GoDuration| Class::Waiting(delay.to_std());
        match self {
            Self::Spec(_) => Verdict::stalled("UnsupportedFeature"),
            Self::CrossNamespace(_) | Self::GateClosed(_) => Verdict::new(Class::Terminal, "AccessDenied"),
            Self::SourceNotFound(_) => Verdict::retry("ArtifactFailed").report(Report::Silent),
            Self::Source { .. } => Verdict::transient("ArtifactFailed").report(Report::Silent),
            Self::NoArtifact(delay) | Self::ArtifactNotFound(delay) => {
                Verdict::new(after(delay), "ArtifactFailed").report(Report::Silent)
            }
            Self::DependencyNotFound { delay, .. } | Self::Dependency { delay, .. } => {
                Verdict::new(after(delay), "DependencyNotReady").report(Report::Normal)
            }
            Self::Fetch(_) | Self::Verify(_) | Self::Unpack(_) | Self::PathNotFound(_) => {
                Verdict::retry("ArtifactFailed")
            }
            Self::Build(_) | Self::Variables { .. } => Verdict::retry("BuildFailed"),
            Self::Client(_)
            | Self::Ignore(_)
            | Self::Inventory(_)
            | Self::Encrypted(_)
            | Self::Apply { .. }
            | Self::Stage { .. } => Verdict::retry("ReconciliationFailed"),
            Self::Prune(_) => Verdict::retry("PruneFailed"),
            Self::Unhealthy { .. } => Verdict::retry("HealthCheckFailed"),
            Self::Superseded(_) => {
                Verdict::new(Class::Superseded, "HealthCheckCanceled").report(Report::Normal)
            }
            // Flux does not end these waits: nothing is told of one that ends
            Self::Overtaken(_) => Verdict::new(Class::Overtaken, "Progressing").report(Report::Silent),
            Self::Finalization => Verdict::transient("PruneFailed"),
            Self::Commit(_) => Verdict::transient("ReconciliationFailed"),
        }
    }

    fn event_message(&self) -> String {
        if let Self::DependencyNotFound { delay, .. } | Self::Dependency { delay, .. } = self {
            return format!("Dependencies do not meet ready condition, retrying in {delay}");
        }
        if let Self::Superseded(trigger) = self {
            return format!("Health checks canceled due to new reconciliation triggered by {trigger}");
        }
        self.condition_message()
    }
}
