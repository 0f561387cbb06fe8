use std::sync::Arc;
use std::time::Duration;

use flux_kube::{Error as KubeError, Identity, Object, ObjectName, Target};
use flux_process::Rollout;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::dispatcher::Command;
use crate::kind::{ConditionChange, Fact as _, Kind, Phase as _};
use crate::merge_patch;
use crate::notice::Notice;
use crate::permit::{CpuPermit, Permits, Reservation};
use crate::services::Services;
use crate::session::{CommitError, Session};
use crate::trigger::{Lane, Trigger, TriggerObject};
use crate::watched::{Projection, Sources, Taken};

/// Progress is written this soon after a wait has begun.
const WAIT_FLUSH: Duration = Duration::from_millis(250);

/// What a step may do to the world. It has no way to the conditions: those follow from facts, progress and outcome.
pub struct Run<'r, K: Kind> {
    pub(crate) session: &'r Session,
    pub(crate) object: &'r K::Object,
    pub(crate) services: &'r Services,
    pub(crate) sources: &'r Sources,
    pub(crate) triggers: &'r [Trigger],
    pub(crate) since: Instant,
    pub(crate) commands: &'r mpsc::Sender<Command>,
    pub(crate) interrupt: watch::Receiver<Option<Trigger>>,
    pub(crate) taken: &'r Taken,
    pub(crate) slot: &'r Slot,
    pub(crate) span: tracing::Span,
}

/// How a wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled<T> {
    /// With what was waited for.
    Done(T),
    /// The limit passed first.
    TimedOut,
    /// Something changed that the run has to start over for.
    Superseded(Trigger),
}

impl<K: Kind> Run<'_, K> {
    /// The object at the start of the run.
    pub fn object(&self) -> &K::Object {
        self.object
    }

    /// The object at the start of the run, with its metadata.
    pub fn raw(&self) -> &Object {
        &self.session.object
    }

    /// The span `reconcile` of this run, to record its `revision` or to link it.
    pub fn span(&self) -> &tracing::Span {
        &self.span
    }

    /// Namespace and name.
    pub fn name(&self) -> &ObjectName {
        &self.session.name
    }

    /// Generation that the run works for.
    pub fn generation(&self) -> i64 {
        self.session.object.metadata.generation
    }

    /// Value of `requestedAt`, if a person asked for this run and no run has answered yet.
    pub fn requested_at(&self) -> Option<&str> {
        let requested = self.session.object.metadata.annotations.get(flux_api::well_known::REQUESTED_AT)?;
        let handled = self.session.with_state(|state| state.status.get("lastHandledReconcileAt").cloned());
        (handled.as_ref().and_then(Value::as_str) != Some(requested)).then_some(requested.as_str())
    }

    /// What set off the run.
    pub fn triggers(&self) -> &[Trigger] {
        self.triggers
    }

    /// When the newest trigger came, or when the run fell due: what was found out after that is news to this run.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Has other objects of the kind looked at, since this run has found something out that matters to them. Their runs
    /// are told who woke them.
    pub async fn wake(&self, names: Vec<ObjectName>) {
        let metadata = &self.session.object.metadata;
        let object = TriggerObject {
            kind: K::PROFILE.resource.kind.to_string(),
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
            uid: metadata.uid.clone(),
            resource_version: metadata.resource_version.clone(),
        };
        let trigger = Trigger { lane: Lane::Changed, object: Some(object) };
        // a dispatcher that has stopped takes no commands
        let _ = self.commands.send(Command::Wake(names, trigger)).await;
    }

    /// The kept part of a watched object of another kind, which the run works on from now on: word of this version does
    /// not make it start over.
    pub fn source(&self, kind: &str, name: &ObjectName) -> Option<Arc<Projection>> {
        let found = self.sources.get(kind, name)?;
        self.taken.note(kind, &found);
        Some(found)
    }

    /// Another object of the own kind as last seen, by the watch or in the answer to a write of ours. The watch tells
    /// changes in their order: whoever was changed before the object of this run is seen so.
    pub fn peer(&self, name: &ObjectName) -> Option<Arc<Object>> {
        self.session.store().get(name)
    }

    /// A step has begun. In memory only; written if the step lasts.
    pub fn progress(&self, phase: &K::Phase) {
        let subject = self.session.subject();
        self.session
            .with_state(|state| subject.progress(&mut state.conditions, phase.reason(), &phase.message()));
        self.session.progressed();
    }

    /// A step has found something out, which conditions tell.
    pub fn fact(&self, fact: &K::Fact) {
        let subject = self.session.subject();
        self.session.with_state(|state| {
            for change in fact.changes() {
                match change {
                    ConditionChange::Set { condition, status, reason, message } => {
                        let setting = crate::conditions::Setting {
                            condition_type: condition,
                            status,
                            reason,
                            message: &message,
                        };
                        state.conditions.set(setting, subject.generation, subject.now);
                    }
                    ConditionChange::Remove { condition } => state.conditions.remove(condition),
                }
            }
        });
        self.session.progressed();
    }

    /// Changes the status. Conditions, `observedGeneration` and `lastHandledReconcileAt` are the driver's.
    pub fn status<T>(&self, change: impl FnOnce(&mut K::Status) -> T) -> T {
        self.session.with_state(|state| {
            let mut typed: K::Status = decode_status(&state.status);
            let before = encode_status(&typed);
            let result = change(&mut typed);
            if let Some(patch) = merge_patch::difference(&before, &encode_status(&typed)) {
                merge_patch::apply(&mut state.status, patch);
            }
            result
        })
    }

    /// A notice for users, in the order of the calls. notification-controller hears of it when the status is next stored:
    /// by [`Self::commit`], in a step or wait that lasts, or at the end of the run.
    pub fn notify(&self, notice: Notice) {
        self.services.tell(self.session, notice);
    }

    /// The run is a step of this rollout: its last status update and its events belong to the rollout's trace.
    pub fn belongs_to(&self, rollout: Rollout) {
        self.session.with_state(|state| state.rollout = Some(rollout));
    }

    /// A fact for the metadata of all later notices of this run, such as `revision`.
    pub fn annotate(&self, key: impl Into<String>, value: impl Into<String>) {
        self.session.with_state(|state| state.metadata.insert(key.into(), value.into()));
    }

    /// Writes the status before the first outside effect: the intent.
    ///
    /// # Errors
    /// [`CommitError`]; then nothing outside may be touched.
    pub async fn commit(&self) -> Result<(), CommitError> {
        self.session.persist().await
    }

    /// A processor for CPU work on a blocking thread.
    pub async fn cpu(&self) -> CpuPermit<'_> {
        self.services.permits.cpu().await
    }

    /// Carries out `work`, which is blocked on `remote` (host and credentials) most of the time: a limited number of these
    /// per remote, and a run that is blocked for long does not count as being at work.
    pub async fn remote<T>(&self, remote: &str, work: impl Future<Output = T> + Send) -> T {
        let waited = async {
            let permit = self.services.permits.remote(remote).await;
            let result = work.await;
            drop(permit);
            result
        };
        self.blocked(remote, waited).await
    }

    /// As [`Self::remote`], for `work` that several runs share, and that takes its place at the remote itself. When the
    /// process stops, a run that is blocked for long is given up, as in [`Self::wait`]: `work` only reads.
    pub async fn blocked<T>(&self, remote: &str, work: impl Future<Output = T> + Send) -> T {
        tokio::pin!(work);
        tokio::select! {
            biased;
            result = &mut work => return result,
            () = tokio::time::sleep(self.services.permits.patience(remote)) => {}
        }
        let blocked = self.services.permits.blocked(remote);
        if blocked.is_some() {
            self.slot.leave();
        }
        let result = tokio::select! {
            biased;
            result = work => result,
            () = self.slot.stopped() => std::future::pending().await,
        };
        drop(blocked);
        self.slot.enter().await;
        result
    }

    /// What all runs share, for work that outlives this one.
    pub fn permits(&self) -> &Permits {
        &self.services.permits
    }

    /// Memory or disk for `bytes` of data that is about to be downloaded or built.
    pub async fn reserve(&self, bytes: u64) -> Reservation<'_> {
        self.services.permits.reserve(bytes).await
    }

    /// The own cluster as `identity` sees it.
    ///
    /// # Errors
    /// [`KubeError::InvalidIdentity`] if the account's name is malformed.
    pub fn target(&self, identity: &Identity) -> Result<Target, KubeError> {
        self.services.cluster.target(identity)
    }

    /// Waits for `outcome`, at most for `limit`, while the run does not count as being at work. A newer trigger ends the
    /// wait. Nothing that borrows the run can be held across it.
    pub async fn wait<T>(&mut self, limit: Duration, outcome: impl Future<Output = T> + Send) -> Settled<T> {
        let (mut interrupt, taken) = (self.interrupt.clone(), self.taken);
        let superseded = async {
            let is_news =
                |slot: &Option<Trigger>| slot.as_ref().is_some_and(|trigger| !taken.covers(trigger));
            match interrupt.wait_for(is_news).await.map(|trigger| trigger.clone()) {
                Ok(Some(trigger)) => trigger,
                Ok(None) | Err(_) => std::future::pending().await,
            }
        };
        self.wait_unless(superseded, limit, outcome).await
    }

    /// As [`Self::wait`], where a newer trigger has to wait for the end as well.
    pub async fn wait_through<T>(
        &mut self,
        limit: Duration,
        outcome: impl Future<Output = T> + Send,
    ) -> Settled<T> {
        self.wait_unless(std::future::pending(), limit, outcome).await
    }

    async fn wait_unless<T>(
        &mut self,
        superseded: impl Future<Output = Trigger> + Send,
        limit: Duration,
        outcome: impl Future<Output = T> + Send,
    ) -> Settled<T> {
        self.session.flush_after(WAIT_FLUSH);
        self.slot.leave();
        let settled = tokio::select! {
            biased;
            result = outcome => Settled::Done(result),
            trigger = superseded => Settled::Superseded(trigger),
            () = tokio::time::sleep(limit) => Settled::TimedOut,
            // the run is given up where it stands: its intent is stored, and the next leader goes on
            () = self.slot.stopped() => std::future::pending().await,
        };
        self.slot.enter().await;
        settled
    }
}

impl<K: Kind> std::fmt::Debug for Run<'_, K> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Run").field("name", &self.session.name).finish_non_exhaustive()
    }
}

/// A status that does not fit its type reads as empty: it is ours, and will be overwritten.
pub(crate) fn decode_status<S: serde::de::DeserializeOwned + Default>(status: &Map<String, Value>) -> S {
    serde_json::from_value(Value::Object(status.clone())).unwrap_or_default()
}

fn encode_status<S: serde::Serialize>(status: &S) -> Map<String, Value> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(status) else { return Map::new() };
    for driver in ["conditions", "observedGeneration", "lastHandledReconcileAt"] {
        fields.remove(driver);
    }
    fields
}

/// A run's place among those at work (`--concurrent`).
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
    stop: CancellationToken,
    /// Cancelled when a wait is given up at a stop.
    abandoned: CancellationToken,
}

impl Slot {
    pub(crate) fn new(slots: Arc<Semaphore>, held: OwnedSemaphorePermit, stop: CancellationToken) -> Self {
        Self { slots, held: Mutex::new(Some(held)), stop, abandoned: CancellationToken::new() }
    }

    fn leave(&self) {
        self.held.lock().take();
    }

    async fn enter(&self) {
        if self.held.lock().is_some() {
            return;
        }
        if let Ok(permit) = Arc::clone(&self.slots).acquire_owned().await {
            *self.held.lock() = Some(permit);
        }
    }

    async fn stopped(&self) {
        self.stop.cancelled().await;
        self.abandoned.cancel();
    }

    /// Resolves when the run waits and the process stops.
    pub(crate) async fn abandoned(&self) {
        self.abandoned.cancelled().await;
    }
}
