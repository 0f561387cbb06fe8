//! What a run knows of its object's status, and how that gets to the server: one replacement of the status, locked to the
//! version of our own last write, which costs the server about a sixth less than a merge patch of the difference. Works on
//! JSON, so that it is compiled once for all kinds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flux_api::Condition;
use flux_kube::{Merge, Object, ObjectName, Target};
use flux_process::Rollout;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::conditions::Conditions;
use crate::finalise::Subject;
use crate::kind::{Profile, Rules};
use crate::merge_patch;
use crate::outbox::Outbox;
use crate::planted::{self, Planted};
use crate::store::Store;

/// A progress message is written when its phase lasts this long.
const PROGRESS_AFTER: Duration = Duration::from_secs(1);
/// Tries of a patch that meets a newer version of the object.
const CONFLICTS: u32 = 5;

/// The status could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The server refused or did not answer.
    #[error("failed to update status")]
    Patch(#[source] flux_kube::Error),
    /// The object is gone, or another one of its name is there now.
    #[error("the object was deleted")]
    Gone,
}

pub(crate) struct Session {
    pub(crate) profile: &'static Profile,
    pub(crate) name: ObjectName,
    /// The object at the start.
    pub(crate) object: Arc<Object>,
    target: Target,
    outbox: Option<Outbox>,
    store: Arc<Store>,
    state: Mutex<State>,
    persisted: tokio::sync::Mutex<Persisted>,
    flush: Flush,
}

/// The status as the run sees it.
pub(crate) struct State {
    /// All but the conditions.
    pub(crate) status: Map<String, Value>,
    pub(crate) conditions: Conditions,
    /// Facts for the metadata of notices.
    pub(crate) metadata: BTreeMap<String, String>,
    /// The rollout that the run is a step of.
    pub(crate) rollout: Option<Rollout>,
}

/// The status as the server has it.
struct Persisted {
    status: Map<String, Value>,
    conditions: Vec<Condition>,
    resource_version: String,
}

/// When the status is to be written in the middle of a run.
#[derive(Default)]
struct Flush {
    at: Mutex<Option<Instant>>,
    changed: Notify,
    closed: AtomicBool,
}

impl Session {
    pub(crate) fn new(
        profile: &'static Profile,
        object: Arc<Object>,
        (target, outbox): (Target, Option<Outbox>),
        store: Arc<Store>,
    ) -> Self {
        let persisted = Persisted::read(&object);
        let conditions = Conditions::new(persisted.conditions.clone());
        let status = persisted.status.clone();
        let state = State { status, conditions, metadata: BTreeMap::new(), rollout: None };
        Self {
            profile,
            name: object.metadata.object_name(),
            object,
            target,
            outbox,
            store,
            state: Mutex::new(state),
            persisted: tokio::sync::Mutex::new(persisted),
            flush: Flush::default(),
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        let observed = self.state.lock().status.get("observedGeneration").and_then(Value::as_i64);
        Subject {
            rules: self.profile.rules,
            generation: self.object.metadata.generation,
            observed: observed.unwrap_or(-1),
            now: Timestamp::now(),
        }
    }

    /// The objects of the kind as last seen.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock())
    }

    /// Asks for the status to be written after `delay`, unless it is written before.
    pub(crate) fn flush_after(&self, delay: Duration) {
        let at = Instant::now() + delay;
        let mut slot = self.flush.at.lock();
        if slot.is_none_or(|earlier| at < earlier) {
            *slot = Some(at);
            self.flush.changed.notify_one();
        }
    }

    pub(crate) fn progressed(&self) {
        self.flush_after(PROGRESS_AFTER);
    }

    /// Writes the status whenever it is due, until [`Self::close`]. A write that has begun is always finished, so that
    /// the version it gives is known.
    pub(crate) async fn flush(&self) {
        while !self.flush.closed.load(Ordering::Acquire) {
            let at = *self.flush.at.lock();
            let due = async {
                match at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.flush.changed.notified() => continue,
            }
            *self.flush.at.lock() = None;
            if let Err(error) = self.persist().await {
                debug!(error = %crate::message(&error), "failed to write progress");
            }
        }
    }

    /// Ends [`Self::flush`].
    pub(crate) fn close(&self) {
        self.flush.closed.store(true, Ordering::Release);
        self.flush.changed.notify_one();
    }

    /// Writes what differs from the server's status. Foreign conditions are kept. Nobody hears of a revision before the
    /// status shows it: the events told so far go afterwards. If the status cannot be written they wait for the next run
    /// of the object; a process that is killed in between finds them at its start.
    pub(crate) async fn persist(&self) -> Result<(), CommitError> {
        self.releasing(self.write_status()).await
    }

    /// Carries out a write, and lets the events go that were told before it.
    async fn releasing(
        &self,
        write: impl Future<Output = Result<(), CommitError>>,
    ) -> Result<(), CommitError> {
        let Some(outbox) = &self.outbox else { return write.await };
        // on disk before the status tells of them: a process that is killed in between has them sent by the next
        let mark = outbox.stored().await;
        if planted::is(Planted::EarlyEvents) {
            outbox.release(&self.object.metadata.uid, mark);
        }
        let written = write.await;
        // a deleted object has no status that could tell more
        if matches!(written, Ok(()) | Err(CommitError::Gone)) {
            outbox.release(&self.object.metadata.uid, mark);
        }
        written
    }

    async fn write_status(&self) -> Result<(), CommitError> {
        if matches!(self.profile.rules, Rules::None) {
            return Ok(());
        }
        let mut persisted = self.persisted.lock().await;
        *self.flush.at.lock() = None;
        let mut tries = 0;
        loop {
            let Some(status) = self.news(&persisted) else { return Ok(()) };
            let resource = &self.profile.resource;
            // the server takes everything but the status from the version that this names
            let body = json!({
                "apiVersion": resource.api_version(),
                "kind": resource.kind,
                "metadata": {
                    "namespace": self.name.namespace,
                    "name": self.name.name,
                    "uid": self.object.metadata.uid,
                    "resourceVersion": persisted.resource_version,
                },
                "status": status,
            });
            let manager = self.profile.field_manager;
            match self.target.replace_status(resource, &self.name, &body, manager).await {
                Ok(answer) => {
                    self.take_answer(&mut persisted, &answer);
                    return Ok(());
                }
                Err(error) if error.is_conflict() && tries < CONFLICTS => {
                    tries += 1;
                    self.reread(&mut persisted).await?;
                }
                Err(error) if error.is_not_found() => return Err(CommitError::Gone),
                Err(error) => return Err(CommitError::Patch(error)),
            }
        }
    }

    /// Removes a finalizer, and lets the last events of the object go.
    pub(crate) async fn release_object(&self, finalizer: &str) -> Result<(), CommitError> {
        let removed = self.set_finalizers(|finalizers| finalizers.retain(|each| each != finalizer));
        self.releasing(removed).await
    }

    /// Adds or removes a finalizer, by a merge patch locked to the version at hand.
    pub(crate) async fn set_finalizers(
        &self,
        change: impl Fn(&mut Vec<String>) + Send + Sync,
    ) -> Result<(), CommitError> {
        let mut persisted = self.persisted.lock().await;
        let mut finalizers = self.object.metadata.finalizers.clone();
        let mut tries = 0;
        loop {
            let before = finalizers.clone();
            change(&mut finalizers);
            if finalizers == before {
                return Ok(());
            }
            let body = json!({ "metadata": {
                "resourceVersion": persisted.resource_version,
                "finalizers": finalizers,
            } });
            let merge = Merge { field_manager: self.profile.field_manager, ..Merge::default() };
            match self.target.merge(&self.profile.resource, &self.name, &body, &merge).await {
                Ok(answer) => {
                    self.take_answer(&mut persisted, &answer);
                    return Ok(());
                }
                Err(error) if error.is_conflict() && tries < CONFLICTS => {
                    tries += 1;
                    finalizers.clone_from(&self.reread(&mut persisted).await?.metadata.finalizers);
                }
                Err(error) if error.is_not_found() => return Err(CommitError::Gone),
                Err(error) => return Err(CommitError::Patch(error)),
            }
        }
    }

    /// The whole status, if it differs from the server's.
    fn news(&self, persisted: &Persisted) -> Option<Map<String, Value>> {
        let mut state = self.state.lock();
        state.conditions.keep_times(&persisted.conditions);
        let conditions = state.conditions.as_slice();
        if state.status == persisted.status && conditions == persisted.conditions {
            return None;
        }
        let mut status = state.status.clone();
        if !conditions.is_empty() || !persisted.conditions.is_empty() {
            status.insert("conditions".to_owned(), json!(conditions));
        }
        Some(status)
    }

    fn take_answer(&self, persisted: &mut Persisted, answer: &[u8]) {
        match Object::parse(answer) {
            Ok(object) => {
                let object = Arc::new(object);
                *persisted = Persisted::read(&object);
                self.store.refresh(&self.name, object);
            }
            Err(error) => warn!(%error, "failed to read the answer to a status update"),
        }
    }

    /// Reads the object again after a conflict, and carries our changes over to what others made of it.
    async fn reread(&self, persisted: &mut Persisted) -> Result<Arc<Object>, CommitError> {
        let body = match self.target.get(&self.profile.resource, &self.name).await {
            Ok(body) => body,
            Err(error) if error.is_not_found() => return Err(CommitError::Gone),
            Err(error) => return Err(CommitError::Patch(error)),
        };
        let decode = |error| CommitError::Patch(flux_kube::Error::Decode(error));
        let object = Arc::new(Object::parse(&body).map_err(decode)?);
        if object.metadata.uid != self.object.metadata.uid {
            return Err(CommitError::Gone);
        }
        let fresh = Persisted::read(&object);
        let mut state = self.state.lock();
        let ours = merge_patch::difference(&persisted.status, &state.status).unwrap_or_default();
        state.status.clone_from(&fresh.status);
        merge_patch::apply(&mut state.status, ours);
        state.conditions.take_foreign(&fresh.conditions, |condition_type| self.profile.owns(condition_type));
        *persisted = fresh;
        Ok(object)
    }
}

impl Persisted {
    fn read(object: &Object) -> Self {
        let mut status = match object.value() {
            Ok(Value::Object(mut fields)) => fields.remove("status").unwrap_or_default(),
            Ok(_) | Err(_) => Value::Null,
        };
        let mut status = status.as_object_mut().map(std::mem::take).unwrap_or_default();
        let mut conditions = status.remove("conditions").unwrap_or_default();
        let conditions = conditions.as_array_mut().map(std::mem::take).unwrap_or_default();
        let conditions =
            conditions.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect();
        Self { status, conditions, resource_version: object.metadata.resource_version.clone() }
    }
}
