//! Server-side apply of a stage: dry-run everything, then write what differs.

mod glimpse;
mod object;
mod recreation;

use crate::change::{Action, Change, ChangeSet};
use crate::epoch::Epoch;
use crate::error::StageError;
use crate::health::{self, Health};
use crate::ignore::IgnoreRule;
use crate::normalisation::normalise;
use crate::object::{ObjectId, split_api_version, text_at};
use crate::order;
use crate::proof::{Hash, Proofs};
use bytes::Bytes;
use flux_kube::Target;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};
use serde_json::Value;
use std::sync::Arc;

/// How thoroughly unchanged objects are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Every object gets a dry-run.
    Full,
    /// An object with a proof only has its metadata compared.
    Proved,
}

/// What an immutable field of a changed object leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// The apply fails, unless the object itself asks to be recreated.
    OnRequest,
    /// The object is deleted and created.
    Always,
}

/// What becomes of fields that are managed under another version of their API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiVersions {
    /// They stay.
    Keep,
    /// They are moved to the version of the manifest.
    Migrate,
}

/// What a look at an unchanged object has to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Whether it is unchanged.
    Identity,
    /// Its health as well.
    Health,
}

/// How a Kustomization wants its objects applied.
#[derive(Debug)]
pub struct Settings {
    /// What to do about immutable fields.
    pub force: Force,
    /// Managers of `--override-manager`, whose fields are taken over.
    pub overridden_managers: Vec<String>,
    /// Drift that is left alone.
    pub ignore: Vec<Arc<IgnoreRule>>,
    /// Objects checked at the same time, from `--concurrent-ssa`.
    pub concurrency: usize,
    /// What becomes of fields managed under another version.
    pub api_versions: ApiVersions,
    /// What a look at an unchanged object has to find out.
    pub interest: Interest,
    /// Selector of labels that the objects have, to list them by.
    pub selector: String,
}

/// A desired object, normalised and kept as text until it is its turn.
#[derive(Debug)]
pub struct Desired {
    /// Identity.
    pub id: ObjectId,
    /// Version part of `apiVersion`.
    pub version: String,
    hash: Hash,
    json: Bytes,
}

impl Desired {
    /// Normalises an object as built.
    ///
    /// # Errors
    /// If it cannot be written as JSON, which no parsed object causes.
    pub fn new(mut object: Value) -> Result<Self, serde_json::Error> {
        normalise(&mut object);
        let (_, version) = split_api_version(text_at(&object, "/apiVersion"));
        let json = Bytes::from(serde_json::to_vec(&object)?);
        Ok(Self { id: ObjectId::of(&object), version: version.to_owned(), hash: Hash::of(&json), json })
    }

    fn change(&self, action: Action, state: State) -> Change {
        let State { resource_version, health } = state;
        Change { id: self.id.clone(), version: self.version.clone(), action, resource_version, health }
    }
}

/// Objects of a stage whose dry-runs have passed, in apply order.
#[derive(Debug, Default)]
pub struct Checked {
    work: Vec<(Desired, object::Plan)>,
}

impl Checked {
    /// The objects, each with its version.
    pub fn objects(&self) -> impl Iterator<Item = (&ObjectId, &str)> {
        self.work.iter().map(|(desired, _)| (&desired.id, desired.version.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.work.is_empty()
    }

    /// Splits off everything but the first `count` objects.
    #[must_use]
    pub fn split_off(&mut self, count: usize) -> Self {
        Self { work: self.work.split_off(count.min(self.work.len())) }
    }
}

/// What an answer of the API server shows of an object.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    resource_version: u64,
    health: Option<Health>,
}

impl State {
    /// Of metadata alone; a version that is no number is older than any.
    fn of_metadata(metadata: &Value) -> Self {
        let resource_version = text_at(metadata, "/metadata/resourceVersion").parse().unwrap_or(0);
        Self { resource_version, health: None }
    }

    /// Of metadata alone, where that shows the health of the kind.
    fn of_plain(metadata: &Value, id: &ObjectId) -> Self {
        let mut state = Self::of_metadata(metadata);
        if metadata.pointer("/metadata/deletionTimestamp").is_none_or(Value::is_null) {
            state.health = health::is_always_current(&id.group, &id.kind).then_some(Health::Current);
        }
        state
    }

    /// Of a whole object.
    fn of(object: &Value) -> Self {
        let now = jiff::Timestamp::now().as_second();
        Self { health: health::health(object, now).ok(), ..Self::of_metadata(object) }
    }
}

/// Applies objects as one identity on one cluster.
#[derive(Debug)]
pub struct Applier<'a> {
    /// Cluster and identity.
    pub target: &'a Target,
    /// How.
    pub settings: &'a Settings,
    /// What is known of the objects from earlier runs.
    pub proofs: &'a Proofs,
    /// How thoroughly to look.
    pub check: Check,
    /// The epoch at the beginning: proofs of others do not hold.
    pub epoch: Epoch,
}

impl Applier<'_> {
    /// Applies the objects of one stage; nothing is written unless every dry-run passed.
    ///
    /// Changes are in apply order. Writes go rank by rank, in parallel inside a rank.
    ///
    /// # Errors
    /// [`StageError`] with all objects that were refused.
    pub async fn apply_stage(&self, objects: Vec<Desired>) -> Result<ChangeSet, StageError> {
        let checked = self.check_stage(objects).await?;
        self.write_stage(&checked).await
    }

    /// Carries out the dry-runs of one stage.
    ///
    /// # Errors
    /// [`StageError`] with all objects that were refused.
    pub async fn check_stage(&self, mut objects: Vec<Desired>) -> Result<Checked, StageError> {
        objects.sort_by(|a, b| order::compare(&a.id, &b.id));
        let glimpses = self.glimpse(&objects).await;
        let checks: Vec<_> = objects.iter().map(|desired| self.check(desired, &glimpses).boxed()).collect();
        let checked = at_most(self.settings.concurrency, checks).await;
        let (mut plans, mut errors) = (Vec::with_capacity(checked.len()), Vec::new());
        for result in checked {
            match result {
                Ok(plan) => plans.push(plan),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(StageError::new(errors));
        }
        Ok(Checked { work: objects.into_iter().zip(plans).collect() })
    }

    /// Writes what the dry-runs of a stage, or of a portion of it, have shown to be needed.
    ///
    /// # Errors
    /// [`StageError`] with all objects of the rank that was refused.
    pub async fn write_stage(&self, checked: &Checked) -> Result<ChangeSet, StageError> {
        let mut changes = ChangeSet::default();
        for rank in checked.work.chunk_by(|(a, _), (b, _)| order::rank(&a.id.kind) == order::rank(&b.id.kind))
        {
            let writes: Vec<_> =
                rank.iter().map(|(desired, plan)| self.write(desired, plan).boxed()).collect();
            let mut errors = Vec::new();
            for result in at_most(self.settings.concurrency, writes).await {
                match result {
                    Ok(change) => changes.push(change),
                    Err(error) => errors.push(error),
                }
            }
            if !errors.is_empty() {
                return Err(StageError::new(errors));
            }
        }
        Ok(changes)
    }
}

/// Results in the order of the work, of which only so much is under way at a time.
async fn at_most<T>(concurrency: usize, work: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(work).buffered(concurrency.max(1)).collect().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn only_so_much_is_under_way_at_a_time() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = (0..10).map(|number| {
            let (running, most) = (&running, &most);
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::Relaxed);
                number
            }
            .boxed()
        });
        assert_eq!(at_most(3, work.collect()).await, (0..10).collect::<Vec<_>>());
        assert_eq!(most.into_inner(), 3);
    }
}
