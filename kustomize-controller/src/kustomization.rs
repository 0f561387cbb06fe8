//! The kind Kustomization. The steps of a run, in the words of the delivery diagram:
//!
//! 1. `notify about new revision`: a source published a revision, or another trigger came
//! 2. `fetch artifact for revision`
//! 3. `build manifests to objects`
//! 4. `reconcile objects`
//! 5. `wait for readiness`
//!
//! The driver then carries out `update status for revision` and `emit events`.

pub mod arrival;
pub mod dependency;
pub mod error;
mod fetch;
mod finalization;
pub mod health;
pub mod history;
pub mod manifests;
mod objects;
pub mod plan;
mod pruning;
mod readiness;
mod run;
pub mod source;
mod variables;

use arrival::Arrivals;
use error::Error;
use flux_api::kustomize::{Kustomization, KustomizationStatus};
use flux_api::well_known::FINALIZER;
use flux_api::{ConditionStatus, GoDuration, NamespacedName};
use flux_apply::apply::ApiVersions;
use flux_apply::change::ChangeSet;
use flux_apply::epoch::Epochs;
use flux_apply::hub::Hub;
use flux_apply::order::GroupKind;
use flux_apply::proof::Proofs;
use flux_apply::wait::FailFast;
use flux_artifact::ArtifactReader;
use flux_driver::{
    ConditionChange, Course, Deletion, Ending, Fact as DriverFact, Kind, Measured, Notice, NoticeType,
    Outcome, Phase as DriverPhase, Profile, Reference, Rules, Run, Schedule, SourceWatch, Suspend,
};
use flux_kube::{ObjectName, Resource};
use flux_kustomize::substitution::Unset;
use health::Reviews;
use manifests::RemoteBases;
use parking_lot::Mutex;
use plan::Plan;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A full check at the latest after this many runs that trusted proofs.
const FULL_CHECK_EVERY: u32 = 6;

/// Settings of all runs, from the controller's flags and gates.
#[derive(Debug)]
pub struct Settings {
    /// Delay where a source or a dependency is not ready (`--requeue-dependency`).
    pub requeue_dependency: Duration,
    /// Objects of one Kustomization checked at the same time (`--concurrent-ssa`).
    pub concurrent_ssa: usize,
    /// Account to act as where the spec names none (`--default-service-account`); empty for the controller itself.
    pub default_account: String,
    /// Whether sources lie in the own namespace only (`--no-cross-namespace-refs`).
    pub references: References,
    /// Managers whose fields are taken over (`--override-manager`).
    pub overridden_managers: Vec<String>,
    /// Kinds of the custom stage (`--custom-apply-stage-kinds`).
    pub custom_stage: Vec<GroupKind>,
    /// Whether a failed object ends a wait (gate `DisableFailFastBehavior`).
    pub fail_fast: FailFast,
    /// What an unset variable is (gate `StrictPostBuildSubstitutions`).
    pub unset_variables: Unset,
    /// Whether sources of kind ExternalArtifact may be used (gate `ExternalArtifact`).
    pub external_artifacts: ExternalArtifacts,
    /// Selector of the ConfigMaps and Secrets whose changes set off those who use them
    /// (`--watch-configs-label-selector`); `None` for none of them (gate `DisableConfigWatchers`).
    pub watched_configs: Option<String>,
    /// Where sources are read (gate `DirectSourceFetch`).
    pub source_reads: SourceReads,
    /// What something newer does to a wait for health (gate `CancelHealthCheckOnNewRevision`).
    pub newer: Newer,
    /// How applied objects are logged (gate `GroupChangeLog`).
    pub change_log: ChangeLog,
    /// What becomes of fields managed under another version of their API (gate `MigrateAPIVersion`).
    pub api_versions: ApiVersions,
    /// What becomes of a base at a URL (`--no-remote-bases`).
    pub remote_bases: RemoteBases,
}

/// Which namespaces may be referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum References {
    /// All of them.
    AllNamespaces,
    /// The own one.
    OwnNamespace,
}

/// Whether sources of kind ExternalArtifact may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalArtifacts {
    /// They may.
    Allowed,
    /// They are refused.
    Refused,
}

/// Where sources are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceReads {
    /// From what the watches told.
    Cached,
    /// From the API server.
    Live,
}

/// What something newer does to a wait for health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newer {
    /// It ends the wait.
    Cancels,
    /// It waits for its end.
    Waits,
}

/// How applied objects are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeLog {
    /// Each object with what happened to it.
    ByObject,
    /// What happened, with the objects.
    ByAction,
}

impl ChangeLog {
    /// A change set as JSON.
    fn of(self, changes: &ChangeSet) -> String {
        let mut fields = serde_json::Map::new();
        for change in changes {
            let (subject, action) = (change.id.subject(), change.action.as_str());
            match self {
                Self::ByObject => {
                    fields.insert(subject, action.into());
                }
                Self::ByAction => {
                    let subjects =
                        fields.entry(action).or_insert_with(|| serde_json::Value::Array(Vec::new()));
                    if let Some(subjects) = subjects.as_array_mut() {
                        subjects.push(subject.into());
                    }
                }
            }
        }
        serde_json::Value::Object(fields).to_string()
    }
}

/// What all runs share.
#[derive(Debug)]
pub struct Kustomizations {
    /// Settings.
    pub settings: Settings,
    /// Fetches artifacts.
    pub reader: ArtifactReader,
    /// Watches the health of objects.
    pub hub: Hub,
    /// Wakes those whose objects lacked something.
    pub arrivals: Arrivals,
    /// Tells which proofs still hold.
    pub epochs: Epochs,
    reviews: Arc<Reviews>,
    memories: Mutex<HashMap<ObjectName, Arc<Memory>>>,
}

/// What is remembered of a Kustomization from run to run.
#[derive(Debug, Default)]
struct Memory {
    proofs: Proofs,
    /// Runs since the last full check.
    trusting: Mutex<u32>,
}

impl Kustomizations {
    /// The kind, with nothing remembered.
    pub fn new(
        settings: Settings,
        reader: ArtifactReader,
        (hub, epochs): (Hub, Epochs),
        arrivals: Arrivals,
    ) -> Self {
        Self { settings, reader, hub, arrivals, epochs, reviews: Arc::default(), memories: Mutex::default() }
    }

    fn memory(&self, name: &ObjectName) -> Arc<Memory> {
        Arc::clone(self.memories.lock().entry(name.clone()).or_default())
    }
}

/// What a run finds out.
#[derive(Debug)]
pub enum Fact {
    /// It has begun.
    Begun,
    /// The revision is applied and healthy.
    Applied(String),
    /// Health is being awaited.
    HealthAwaited {
        /// Revision.
        revision: String,
        /// Limit.
        timeout: GoDuration,
    },
    /// What was applied is healthy.
    Healthy(GoDuration),
    /// It is not.
    Unhealthy(String),
    /// There is nothing whose health could be awaited.
    NothingAwaited,
}

impl DriverFact for Fact {
    fn changes(&self) -> Vec<ConditionChange> {
        use ConditionStatus::{False, True, Unknown};
        vec![match self {
            Self::Begun => {
                ConditionChange::set("Ready", Unknown, "Progressing", "Reconciliation in progress")
            }
            Self::Applied(revision) => {
                let message = format!("Applied revision: {revision}");
                return vec![
                    ConditionChange::set("Ready", True, "ReconciliationSucceeded", message),
                    ConditionChange::remove("Stalled"),
                ];
            }
            Self::HealthAwaited { revision, timeout } => {
                let message =
                    format!("Running health checks for revision {revision} with a timeout of {timeout}");
                ConditionChange::set("Healthy", Unknown, "Progressing", message)
            }
            Self::Healthy(elapsed) => ConditionChange::set(
                "Healthy",
                True,
                "Succeeded",
                format!("Health check passed in {elapsed}"),
            ),
            Self::Unhealthy(cause) => {
                ConditionChange::set("Healthy", False, "HealthCheckFailed", cause.clone())
            }
            Self::NothingAwaited => ConditionChange::remove("Healthy"),
        }]
    }
}

/// What a run is doing, for a revision and with a timeout.
#[derive(Debug)]
pub struct Phase {
    step: &'static str,
    revision: String,
    timeout: GoDuration,
}

impl DriverPhase for Phase {
    fn message(&self) -> String {
        format!("{} for revision {} with a timeout of {}", self.step, self.revision, self.timeout)
    }
}

impl Kind for Kustomizations {
    type Object = Kustomization;
    type Status = KustomizationStatus;
    type Plan = Plan;
    type Fact = Fact;
    type Phase = Phase;
    type Error = Error;
    const PROFILE: &'static Profile = &Profile {
        resource: Resource::namespaced(
            "kustomize.toolkit.fluxcd.io",
            "v1",
            "Kustomization",
            "kustomizations",
        ),
        controller: "kustomize-controller",
        field_manager: "gotk-kustomize-controller",
        finalizer: Some(FINALIZER),
        suspend: Suspend::Spec,
        rules: Rules::Direct,
        owned: &["Healthy"],
        measured: Measured::Yes,
    };

    fn watches(&self) -> Vec<SourceWatch<Self>> {
        let external = match self.settings.external_artifacts {
            ExternalArtifacts::Allowed => Some("ExternalArtifact"),
            ExternalArtifacts::Refused => None,
        };
        let kinds = ["GitRepository", "OCIRepository", "Bucket"].into_iter().chain(external);
        let sources = kinds.filter_map(|kind| source::watch(kind, source::concerns));
        let configs = self.settings.watched_configs.iter().flat_map(|selector| variables::watches(selector));
        sources.chain(configs).collect()
    }

    fn references(&self, object: &Kustomization) -> Vec<Reference> {
        let source = &object.spec.source_ref;
        let own = object.metadata.namespace.as_deref().unwrap_or_default();
        let namespace = source.namespace.as_deref().filter(|text| !text.is_empty()).unwrap_or(own);
        let from = object.spec.post_build.iter().flat_map(|post_build| &post_build.substitute_from);
        let configs = from.map(|from| Reference::new(from.kind.to_string(), own, &from.name));
        [Reference::new(source.kind.as_str(), namespace, &source.name)].into_iter().chain(configs).collect()
    }

    fn dependencies(&self, object: &Kustomization) -> Vec<ObjectName> {
        let own = object.metadata.namespace.as_deref().unwrap_or_default();
        let namespace = |given: &Option<String>| given.clone().filter(|text| !text.is_empty());
        let name = |on: &flux_api::DependencyReference| {
            ObjectName::new(namespace(&on.namespace).unwrap_or_else(|| own.to_owned()), &on.name)
        };
        object.spec.depends_on.iter().map(name).collect()
    }

    fn plan(&self, object: &Kustomization) -> Result<Plan, Error> {
        Ok(Plan::new(&own_name(object), &object.spec)?)
    }

    fn schedule(&self, plan: &Plan) -> Schedule {
        Schedule {
            interval: plan.interval.to_std(),
            retry: Some(plan.retry_interval.to_std()),
            timeout: plan.timeout.to_std(),
        }
    }

    async fn reconcile(&self, run: &mut Run<'_, Self>, plan: &Plan) -> Result<Outcome, Error> {
        run::reconcile(self, run, plan).await
    }

    async fn delete(&self, run: &mut Run<'_, Self>) -> Result<Deletion, Error> {
        finalization::delete(self, run).await
    }

    fn notices(&self, ending: &Ending<'_, Self>) -> Vec<Notice> {
        if ending.course == Course::Suspended || !ending.is_ready() {
            return Vec::new();
        }
        let message = format!(
            "Reconciliation finished in {}, next run in {}",
            printed(ending.elapsed),
            ending.object.spec.interval
        );
        // the line that people look for in the log
        tracing::info!("{message}");
        let reason = flux_api::find_condition(ending.conditions, "Ready")
            .map_or_else(|| "info".to_owned(), |ready| ready.reason.clone());
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let notice = Notice::new(NoticeType::Normal, reason, message)
            .with("revision", text(&ending.status.last_applied_revision))
            .with("originRevision", text(&ending.status.last_applied_origin_revision))
            .with("commit_status", "update");
        vec![notice]
    }
}

/// Namespace and name of the object.
fn own_name(object: &Kustomization) -> NamespacedName {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    NamespacedName::new(text(&object.metadata.namespace), text(&object.metadata.name))
}

/// A span of time as Go prints it.
fn printed(elapsed: Duration) -> GoDuration {
    GoDuration::from_nanos(i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
}
