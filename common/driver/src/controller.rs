//! A kind at work: its watches feed the store and the dispatcher, and each run is carried out here.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flux_kube::{Change, Object, ObjectName, Watch, Watcher};
use futures::FutureExt as _;
use parking_lot::Mutex;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info, warn};

use crate::dispatcher::{Command, Dispatcher};
use crate::kind::{Kind, Reference};
use crate::metrics::KindMetrics;
use crate::order;
use crate::planted::{self, Planted};
use crate::queue::Fingerprint;
use crate::services::Services;
use crate::store::{Links, Store};
use crate::trigger::{Lane, Trigger, TriggerObject};
use crate::watched::{Projection, SourceWatch, Sources};

mod execution;

/// Commands on their way to a dispatcher.
const COMMANDS: usize = 1024;
/// Pause before a watch that panicked is started again.
const WATCH_PAUSE: Duration = Duration::from_secs(1);

/// A kind at work.
#[derive(Debug)]
pub struct Controller {
    store: Arc<Store>,
    commands: mpsc::Sender<Command>,
    tasks: JoinSet<()>,
    dispatcher: AbortOnDropHandle<()>,
    synced: watch::Receiver<bool>,
}

/// Whether the first list of a watch is still being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListPhase {
    First,
    Over,
}

/// What all runs of a kind share.
pub(crate) struct Shared<K: Kind> {
    pub(crate) kind: K,
    pub(crate) services: Services,
    pub(crate) store: Arc<Store>,
    pub(crate) sources: Sources,
    pub(crate) metrics: KindMetrics,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) stop: CancellationToken,
    random: Mutex<SmallRng>,
    commands: mpsc::Sender<Command>,
}

/// Has objects looked at. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Triggers {
    commands: mpsc::Sender<Command>,
}

impl Triggers {
    /// Has an object looked at, if it exists.
    pub async fn send(&self, name: ObjectName, trigger: Trigger) {
        // a dispatcher that has stopped takes no triggers
        let _ = self.commands.send(Command::Trigger(name, trigger)).await;
    }
}

impl Controller {
    /// Starts the watches of `kind` at once, and its runs when `lead` becomes true and all first lists are told. After
    /// `stop`, no run starts, runs that wait are given up, and the others end.
    pub fn start<K: Kind>(
        kind: K,
        services: Services,
        lead: watch::Receiver<bool>,
        stop: CancellationToken,
    ) -> Self {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let store = Arc::new(Store::default());
        let watches = kind.watches();
        let unsynced = watches.len() + 1;
        let metrics = services.metrics.of_kind(&K::PROFILE.resource.kind);
        let slots = Arc::new(Semaphore::new(services.settings.concurrent.max(1)));
        metrics.max_concurrent.set(i64::try_from(services.settings.concurrent).unwrap_or(i64::MAX));
        let backoff = services.settings.backoff;
        let random = SmallRng::seed_from_u64(services.settings.seed);
        let shared = Arc::new(Shared {
            kind,
            services,
            store: Arc::clone(&store),
            sources: Sources::default(),
            metrics: metrics.clone(),
            slots: Arc::clone(&slots),
            stop: stop.clone(),
            random: Mutex::new(random),
            commands: commands.clone(),
        });
        let (sync, synced) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (index, source) in watches.into_iter().enumerate() {
            let source = Arc::new(source);
            tasks.spawn(supervised(Arc::clone(&shared), move |shared| {
                shared.watch_source(Arc::clone(&source), index)
            }));
        }
        tasks.spawn(supervised(Arc::clone(&shared), move |shared| shared.watch_own(sync.clone())));
        info!(controller = K::PROFILE.queue_name(), "Starting Controller");
        let dispatcher = Dispatcher {
            kind: K::PROFILE.resource.kind.to_string(),
            store: Arc::clone(&store),
            metrics,
            slots,
            start_run: Box::new(move |start| Box::pin(execution::run(Arc::clone(&shared), start))),
            commands: receiver,
            unsynced,
            lead,
            stop,
            backoff,
        };
        Self {
            store,
            commands,
            tasks,
            dispatcher: AbortOnDropHandle::new(tokio::spawn(dispatcher.run())),
            synced,
        }
    }

    /// The objects of the kind as last seen.
    pub fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// Resolves when the first list of the kind is in the store.
    pub async fn synced(&self) {
        // the sender goes only with the process
        let _ = self.synced.clone().wait_for(|synced| *synced).await;
    }

    /// A handle that has objects looked at.
    pub fn triggers(&self) -> Triggers {
        Triggers { commands: self.commands.clone() }
    }

    /// Waits until the runs have ended after a stop.
    pub async fn stopped(mut self) {
        if let Err(error) = (&mut self.dispatcher).await {
            warn!(%error, "a dispatcher ended early");
        }
        self.tasks.shutdown().await;
    }
}

impl<K: Kind> Shared<K> {
    async fn watch_own(self: Arc<Self>, sync: watch::Sender<bool>) {
        let settings = &self.services.settings;
        let own = Watch {
            namespace: settings.namespace.clone(),
            label_selector: settings.label_selector.clone(),
            ..Watch::all(K::PROFILE.resource.clone())
        };
        info!(kind = %own.resource.kind, "Starting EventSource");
        let mut watcher =
            Watcher::new(self.services.cluster.clone(), own, settings.seed).knowing(self.store.names());
        // a watch that starts again goes on where it was
        let mut phase = if *sync.borrow() { ListPhase::Over } else { ListPhase::First };
        loop {
            match watcher.next().await {
                Change::Applied(object) => self.own_applied(object, phase).await,
                Change::Deleted(name) => self.own_deleted(&name).await,
                Change::Synced => {
                    if std::mem::replace(&mut phase, ListPhase::Over) == ListPhase::First {
                        self.send(Command::Synced).await;
                        sync.send_replace(true);
                    } else {
                        // a later list may hide that an object was not ready for a while and is again
                        let waiting = self.store.dependent();
                        self.send(Command::WakeWaiting(waiting, Trigger::new(Lane::Changed))).await;
                    }
                }
            }
        }
    }

    async fn own_applied(&self, object: Arc<Object>, phase: ListPhase) {
        let name = object.metadata.object_name();
        let Some(links) = self.links(&object) else {
            self.own_deleted(&name).await;
            return;
        };
        let (old, new) = self.store.apply(&name, Arc::clone(&object), links);
        let lane = lane(old.as_ref().map(|told| &told.fingerprint), &new.fingerprint, phase);
        let lacking = || self.kind.lacks(&object.metadata).then_some(Lane::Changed);
        if let Some(lane) = lane.or_else(lacking) {
            let trigger = Trigger { lane, object: Some(trigger_object(&K::PROFILE.resource.kind, &object)) };
            self.send(Command::Trigger(name.clone(), trigger)).await;
        }
        if new.progress.is_some() && old.is_none_or(|old| old.progress != new.progress) {
            let dependants = self.store.dependants(&name);
            let object = Some(trigger_object(&K::PROFILE.resource.kind, &object));
            self.send(Command::WakeWaiting(dependants, Trigger { lane: Lane::Changed, object })).await;
        }
    }

    /// What an object refers to. One that cannot be read, for whatever reason, is skipped, and stops no other.
    fn links(&self, object: &Object) -> Option<Links> {
        let read = || {
            let typed: K::Object = serde_json::from_slice(&object.json)?;
            let (references, dependencies) = (self.kind.references(&typed), self.kind.dependencies(&typed));
            Ok::<_, serde_json::Error>(Links { references, dependencies })
        };
        let (kind, name) = (&K::PROFILE.resource.kind, object.metadata.object_name());
        match std::panic::catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(links)) => return Some(links),
            Ok(Err(error)) => {
                warn!(%kind, object = %name, %error, "skipped an object that cannot be decoded");
            }
            Err(_) => {
                self.metrics.panics.inc();
                error!(%kind, object = %name, "skipped an object that cannot be read without a panic");
            }
        }
        None
    }

    async fn own_deleted(&self, name: &ObjectName) {
        let removed = self.store.remove(name);
        if let (Some(outbox), Some(object)) = (&self.services.outbox, removed) {
            // no run will store a status any more
            outbox.release(&object.metadata.uid, outbox.mark());
        }
        self.metrics.forget(&name.namespace, &name.name);
        self.send(Command::Remove(name.clone())).await;
    }

    async fn watch_source(self: Arc<Self>, source: Arc<SourceWatch<K>>, index: usize) {
        let settings = &self.services.settings;
        let mut wanted = source.watch.clone();
        if wanted.namespace.is_empty() {
            wanted.namespace.clone_from(&settings.namespace);
        }
        let kind = wanted.resource.kind.to_string();
        info!(%kind, "Starting EventSource");
        let seed = settings.seed.wrapping_add(1).wrapping_add(u64::try_from(index).unwrap_or_default());
        let mut watcher =
            Watcher::new(self.services.cluster.clone(), wanted, seed).knowing(self.sources.names(&kind));
        let mut synced = self.sources.is_synced(index);
        loop {
            let (old, new) = match watcher.next().await {
                Change::Applied(object) => {
                    let projection = Projection {
                        name: object.metadata.object_name(),
                        uid: object.metadata.uid.clone(),
                        resource_version: object.metadata.resource_version.clone(),
                        generation: object.metadata.generation,
                        value: (source.project)(&object),
                    };
                    let (old, new) = self.sources.insert(&kind, projection);
                    (old, Some(new))
                }
                Change::Deleted(name) => (self.sources.remove(&kind, &name), None),
                Change::Synced => {
                    if !std::mem::replace(&mut synced, true) {
                        self.sources.set_synced(index);
                        self.send(Command::Synced).await;
                    }
                    continue;
                }
            };
            // what the first list shows, the runs of the first list see anyway
            if synced
                && (source.passes)(old.as_deref(), new.as_deref())
                && let Some(shown) = new.as_ref().or(old.as_ref())
            {
                let version = new.as_ref().map(|new| new.resource_version.as_str()).unwrap_or_default();
                self.wake(&source, &kind, (shown, version)).await;
            }
        }
    }

    /// Wakes the objects that refer to a changed one, those that others depend on first.
    async fn wake(&self, source: &SourceWatch<K>, kind: &str, (changed, version): (&Projection, &str)) {
        let reference = Reference { kind: kind.to_owned(), name: changed.name.clone() };
        let concerned: Vec<ObjectName> = self
            .store
            .referrers(&reference)
            .into_iter()
            .filter(|name| {
                let object = self.store.get(name);
                let typed = object.and_then(|object| serde_json::from_slice::<K::Object>(&object.json).ok());
                typed.is_some_and(|typed| (source.concerns)(&typed, changed))
            })
            .collect();
        if concerned.is_empty() || planted::is(Planted::SilentSources) {
            return;
        }
        let ordered = match order::sort(concerned, |name| self.store.dependencies(name)) {
            Ok(ordered) => ordered,
            Err(cycle) => {
                warn!(error = %cycle, "failed to order dependants");
                return;
            }
        };
        let object = TriggerObject {
            kind: kind.to_owned(),
            namespace: changed.name.namespace.clone(),
            name: changed.name.name.clone(),
            uid: changed.uid.clone(),
            resource_version: version.to_owned(),
        };
        self.send(Command::Wake(ordered, Trigger { lane: Lane::Changed, object: Some(object) })).await;
    }

    async fn send(&self, command: Command) {
        // a dispatcher that has stopped takes no commands
        let _ = self.commands.send(command).await;
    }
}

/// Runs a watch for ever. One that panics, over an object that nobody has thought of, is started again.
async fn supervised<K: Kind, F: Future<Output = ()>>(
    shared: Arc<Shared<K>>,
    task: impl Fn(Arc<Shared<K>>) -> F,
) {
    loop {
        if AssertUnwindSafe(task(Arc::clone(&shared))).catch_unwind().await.is_err() {
            shared.metrics.panics.inc();
            error!(kind = %K::PROFILE.resource.kind, "a watch panicked, starting it again");
        }
        tokio::time::sleep(WATCH_PAUSE).await;
    }
}

/// Whether a change of an own object has to be looked at: a new object, a new generation, a deletion, or a new
/// `requestedAt` (platform.md 4.7).
fn lane(old: Option<&Fingerprint>, new: &Fingerprint, phase: ListPhase) -> Option<Lane> {
    let Some(old) = old else {
        return Some(match phase {
            ListPhase::First => Lane::Listed,
            ListPhase::Over => Lane::Changed,
        });
    };
    if old.uid != new.uid || old.generation != new.generation || old.deleting != new.deleting {
        return Some(Lane::Changed);
    }
    (new.requested_at.is_some() && old.requested_at != new.requested_at).then_some(Lane::Asked)
}

fn trigger_object(kind: &str, object: &Object) -> TriggerObject {
    TriggerObject {
        kind: kind.to_owned(),
        namespace: object.metadata.namespace.clone(),
        name: object.metadata.name.clone(),
        uid: object.metadata.uid.clone(),
        resource_version: object.metadata.resource_version.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(generation: i64, annotations: &str) -> Fingerprint {
        let json = format!(r#"{{"metadata":{{"generation":{generation},"annotations":{{{annotations}}}}}}}"#);
        crate::store::fingerprint(&Object::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn labels_and_status_wake_nobody_and_a_request_does() {
        let asked = r#""reconcile.fluxcd.io/requestedAt":"1""#;
        let plain = object(1, "");
        assert_eq!(lane(None, &plain, ListPhase::First), Some(Lane::Listed));
        assert_eq!(lane(None, &plain, ListPhase::Over), Some(Lane::Changed));
        assert_eq!(lane(Some(&plain), &object(1, r#""other":"1""#), ListPhase::Over), None);
        assert_eq!(lane(Some(&plain), &object(2, ""), ListPhase::Over), Some(Lane::Changed));
        assert_eq!(lane(Some(&plain), &object(1, asked), ListPhase::Over), Some(Lane::Asked));
        assert_eq!(lane(Some(&object(1, asked)), &plain, ListPhase::Over), None);
    }
}
