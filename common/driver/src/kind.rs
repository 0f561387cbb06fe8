use std::time::Duration;

use flux_api::{Condition, ConditionStatus};
use flux_kube::{Metadata, ObjectName, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::notice::Notice;
use crate::run::Run;
use crate::watched::SourceWatch;

/// A kind of object that a controller reconciles. The implementor holds what all runs of the kind share.
///
/// Suspend, finalizers, conditions, status, events, jitter and backoff are the driver's; a kind says what its objects
/// mean and carries out the steps.
pub trait Kind: Send + Sync + Sized + 'static {
    /// Typed view of the cached object. An object that does not fit is skipped with a log line.
    type Object: DeserializeOwned + Send + Sync + 'static;
    /// Its status without conditions; `()` for kinds that have none. Conditions that it may have are not read.
    type Status: Serialize + DeserializeOwned + Default + Send + Sync;
    /// The spec with defaults resolved and references parsed.
    type Plan: Send + Sync;
    /// What steps find out about the object, and conditions tell.
    type Fact: Fact;
    /// Progress messages.
    type Phase: Phase;
    /// Why a run fails.
    type Error: Failure;
    /// What is the same for all objects.
    const PROFILE: &'static Profile;
    /// A finalizer of older versions on objects that get none any more: it is removed when they are deleted.
    const FORMER_FINALIZER: Option<&'static str> = None;

    /// Watches besides the own kind, which wake the objects that refer to what changed.
    fn watches(&self) -> Vec<SourceWatch<Self>> {
        Vec::new()
    }

    /// The objects of other kinds that this object refers to: changes of these wake it.
    fn references(&self, _object: &Self::Object) -> Vec<Reference> {
        Vec::new()
    }

    /// The objects of the own kind that go before this one: wakes are ordered by them, and their success wakes this
    /// one if it waits.
    fn dependencies(&self, _object: &Self::Object) -> Vec<ObjectName> {
        Vec::new()
    }

    /// Resolves the spec. Pure; an error is one of configuration.
    ///
    /// # Errors
    /// The kind's own error, whose verdict should be [`Class::Stalled`](crate::Class::Stalled) or
    /// [`Class::Terminal`](crate::Class::Terminal).
    fn plan(&self, object: &Self::Object) -> Result<Self::Plan, Self::Error>;

    /// Whether the object has to be looked at for its metadata's sake, although neither generation nor request is new. Pure.
    fn lacks(&self, _metadata: &Metadata) -> bool {
        false
    }

    /// How often the object is reconciled.
    fn schedule(&self, plan: &Self::Plan) -> Schedule;

    /// The steps of the diagram.
    fn reconcile(
        &self,
        run: &mut Run<'_, Self>,
        plan: &Self::Plan,
    ) -> impl Future<Output = Result<Outcome, Self::Error>> + Send;

    /// Undoes outside effects of an object that is being deleted; the driver then removes the finalizer. Not called for
    /// kinds without one.
    fn delete(&self, _run: &mut Run<'_, Self>) -> impl Future<Output = Result<Deletion, Self::Error>> + Send {
        async { Ok(Deletion::Done) }
    }

    /// Events at the end of a run, after its conditions are known. Pure. Events of failures are the driver's.
    fn notices(&self, _ending: &Ending<'_, Self>) -> Vec<Notice> {
        Vec::new()
    }
}

/// An object of another kind that an object refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Kind, as [`Resource::kind`] has it.
    pub kind: String,
    /// Namespace and name.
    pub name: ObjectName,
}

impl Reference {
    /// A reference to `kind` of that name.
    pub fn new(kind: impl Into<String>, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: ObjectName::new(namespace, name) }
    }
}

/// What is the same for all objects of a kind.
#[derive(Debug)]
pub struct Profile {
    /// Where the kind is served.
    pub resource: Resource,
    /// Name of the controller in events and logs, such as `kustomize-controller`.
    pub controller: &'static str,
    /// Name under which status is written.
    pub field_manager: &'static str,
    /// Finalizer that is added before the first run.
    pub finalizer: Option<&'static str>,
    /// How an object is suspended.
    pub suspend: Suspend,
    /// How conditions come about.
    pub rules: Rules,
    /// Types of condition that are ours; others are left alone. `Ready`, `Reconciling` and `Stalled` are always ours.
    pub owned: &'static [&'static str],
    /// Whether runs are measured in `gotk_reconcile_duration_seconds`.
    pub measured: Measured,
}

impl Profile {
    /// Lower-cased kind: the name of the controller in metrics and queues.
    pub fn queue_name(&self) -> String {
        self.resource.kind.to_ascii_lowercase()
    }

    pub(crate) fn owns(&self, condition_type: &str) -> bool {
        matches!(condition_type, "Ready" | "Reconciling" | "Stalled") || self.owned.contains(&condition_type)
    }
}

/// Whether a kind has a series in `gotk_reconcile_duration_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// It has.
    Yes,
    /// It has none.
    No,
}

/// How an object is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspend {
    /// By `spec.suspend: true`.
    Spec,
    /// By an annotation of this key with the value `disabled`.
    Annotation(&'static str),
    /// Not at all.
    Never,
}

/// How conditions and observedGeneration come about at the end of a run.
#[derive(Debug, Clone, Copy)]
pub enum Rules {
    /// Ready is a summary of the other conditions (source-controller.md 5, platform.md 8.4).
    Summary(Summary),
    /// Ready is what the run says (kustomize-controller.md 6, notification-controller.md 9.3).
    Direct,
    /// The kind has no status.
    None,
}

/// What Ready is a summary of.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    /// Types in order of precedence.
    pub order: &'static [&'static str],
    /// Which of them are bad news when True.
    pub negative: &'static [&'static str],
    /// Type that makes Ready False whenever it is False itself: `SourceVerified`.
    pub veto: Option<&'static str>,
}

/// How often an object is reconciled, and for how long at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Time from a success to the next run.
    pub interval: Duration,
    /// Time from a failure of class [`Class::Retry`](crate::Class::Retry) to the next run; the interval if absent.
    pub retry: Option<Duration>,
    /// Time that a user gives the steps that wait; the run's own deadline is well past it.
    pub timeout: Duration,
}

/// A condition that follows from what a step found out.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionChange {
    /// The condition is so.
    Set {
        /// Type.
        condition: &'static str,
        /// Status.
        status: ConditionStatus,
        /// Reason.
        reason: &'static str,
        /// Message.
        message: String,
    },
    /// There is no such condition.
    Remove {
        /// Type.
        condition: &'static str,
    },
}

impl ConditionChange {
    /// The condition is so.
    pub fn set(
        condition: &'static str,
        status: ConditionStatus,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::Set { condition, status, reason, message: message.into() }
    }

    /// There is no such condition.
    pub const fn remove(condition: &'static str) -> Self {
        Self::Remove { condition }
    }
}

/// What a step found out. Under [`Rules::Direct`] a fact may say `Ready`; under [`Rules::Summary`] it must not.
pub trait Fact: Send {
    /// The conditions that follow.
    fn changes(&self) -> Vec<ConditionChange>;
}

/// Kinds that have no facts to tell.
impl Fact for std::convert::Infallible {
    fn changes(&self) -> Vec<ConditionChange> {
        match *self {}
    }
}

/// A part of a run that a user sees in `Reconciling`.
pub trait Phase: Send {
    /// Message for the user.
    fn message(&self) -> String;

    /// Reason of the condition.
    fn reason(&self) -> &'static str {
        "Progressing"
    }
}

/// Kinds that have no progress to tell.
impl Phase for std::convert::Infallible {
    fn message(&self) -> String {
        match *self {}
    }
}

/// How a run ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The steps were carried out.
    Done(Next),
    /// There was nothing to do.
    Unchanged(Next),
    /// The steps have to be carried out again at once, as if retried.
    Again,
}

/// When the next run is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// After the interval, with jitter.
    Interval,
    /// After this time.
    After(Duration),
    /// At the next change of the object.
    Never,
}

/// How far a deletion got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Nothing is left; the finalizer goes.
    Done,
    /// Something is left; look again after this time.
    Pending(Duration),
}

/// The end of a run, for [`Kind::notices`].
#[derive(Debug)]
pub struct Ending<'e, K: Kind> {
    /// The object at the start.
    pub object: &'e K::Object,
    /// The status at the start.
    pub status_before: &'e K::Status,
    /// The status at the end.
    pub status: &'e K::Status,
    /// Conditions at the start.
    pub conditions_before: &'e [Condition],
    /// Conditions at the end.
    pub conditions: &'e [Condition],
    /// What kind of run it was, and how it ended.
    pub course: Course,
    /// How long the run took.
    pub elapsed: Duration,
    /// Schedule, if the spec could be resolved.
    pub schedule: Option<Schedule>,
}

impl<K: Kind> Ending<'_, K> {
    /// Ready is True and neither Stalled nor Reconciling is.
    pub fn is_ready(&self) -> bool {
        let is_true = |condition_type: &str| {
            flux_api::find_condition(self.conditions, condition_type)
                .is_some_and(|condition| condition.status == ConditionStatus::True)
        };
        is_true("Ready") && !is_true("Stalled") && !is_true("Reconciling")
    }
}

/// What kind of run it was, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// The steps succeeded.
    Succeeded(Outcome),
    /// The steps, or the spec's resolution, failed.
    Failed,
    /// The object is suspended.
    Suspended,
    /// The object is being deleted.
    Deleting,
}
