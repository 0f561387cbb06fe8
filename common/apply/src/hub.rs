//! One watch per kind for all who wait for objects of that kind to become healthy.
//!
//! A watch sees what carries the owner label, opens with the first waiter and closes a minute after the last. Each event
//! is reduced to the object's health when it arrives, so that a waiter costs no more than a map look-up.

use crate::health::{Health, health};
use crate::rules;
use crate::wait::Seen;
use flux_kube::{Change, Cluster, Content, Object, ObjectName, Resource, Watch, Watcher};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A watch stays open this long after its last waiter.
const LINGER: Duration = Duration::from_mins(1);

/// Where watches look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// One watch for all namespaces.
    Cluster,
    /// One for each namespace: the controller may not look at all of them.
    Namespace,
}

/// What is known of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Observed {
    resource_version: u64,
    seen: Seen,
}

/// The watches of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    shared: Arc<HubShared>,
}

#[derive(Debug)]
struct HubShared {
    cluster: Cluster,
    reach: Reach,
    watches: Mutex<HashMap<(String, String), Arc<KindWatch>>>,
}

#[derive(Debug)]
struct KindWatch {
    states: RwLock<HashMap<ObjectName, Observed>>,
    /// Counts changes; the first one says that a list was told in full.
    revision: watch::Sender<u64>,
    waiters: watch::Sender<usize>,
    task: Mutex<Option<AbortHandle>>,
}

impl Drop for KindWatch {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut() {
            task.abort();
        }
    }
}

/// A waiter's view of one kind; dropping it lets the watch close.
#[derive(Debug)]
pub struct Subscription {
    watch: Arc<KindWatch>,
    revision: watch::Receiver<u64>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.watch.waiters.send_modify(|waiters| *waiters = waiters.saturating_sub(1));
    }
}

impl Hub {
    /// A hub that watches as the controller.
    pub fn new(cluster: Cluster, reach: Reach) -> Self {
        Self { shared: Arc::new(HubShared { cluster, reach, watches: Mutex::default() }) }
    }

    /// Joins the watch of a kind, in a namespace where the reach is one; opens it if there is none.
    pub fn subscribe(&self, resource: &Resource, namespace: &str) -> Subscription {
        let namespace = match self.shared.reach {
            Reach::Cluster => "",
            Reach::Namespace => namespace,
        };
        let key = (format!("{}/{}", resource.api_version(), resource.kind), namespace.to_owned());
        let mut watches = self.shared.watches.lock();
        let watch = watches.entry(key.clone()).or_insert_with(|| self.open(resource, namespace, key));
        watch.waiters.send_modify(|waiters| *waiters += 1);
        Subscription { watch: Arc::clone(watch), revision: watch.revision.subscribe() }
    }

    fn open(&self, resource: &Resource, namespace: &str, key: (String, String)) -> Arc<KindWatch> {
        let watch = Arc::new(KindWatch {
            states: RwLock::default(),
            revision: watch::Sender::new(0),
            waiters: watch::Sender::new(0),
            task: Mutex::new(None),
        });
        let asked = Watch {
            resource: resource.clone(),
            namespace: namespace.to_owned(),
            label_selector: format!("{}/name", rules::GROUP),
            content: Content::Full,
            start: None,
        };
        let watcher = Watcher::new(self.shared.cluster.clone(), asked, rand::random());
        let (weak, waiters) = (Arc::downgrade(&watch), watch.waiters.subscribe());
        let hub = Arc::downgrade(&self.shared);
        let task = tokio::spawn(async move {
            tokio::select! {
                () = follow(watcher, &weak) => {}
                () = idle(waiters) => {}
            }
            if let Some(hub) = hub.upgrade() {
                let mut watches = hub.watches.lock();
                // someone may have joined between the end of the pause and this lock
                if watches.get(&key).is_some_and(|watch| *watch.waiters.borrow() == 0) {
                    watches.remove(&key);
                }
            }
        });
        *watch.task.lock() = Some(task.abort_handle());
        watch
    }
}

/// Keeps the states up to date, for as long as anyone holds the watch.
async fn follow(mut watcher: Watcher, watch: &std::sync::Weak<KindWatch>) {
    loop {
        let change = watcher.next().await;
        let Some(watch) = watch.upgrade() else { return };
        match change {
            Change::Applied(object) => {
                let name = object.metadata.object_name();
                watch.states.write().insert(name, observe(&object));
                // until the first list is complete, nobody is woken
                watch.revision.send_if_modified(|revision| {
                    let synced = *revision > 0;
                    *revision += u64::from(synced);
                    synced
                });
            }
            Change::Deleted(name) => {
                watch.states.write().remove(&name);
                watch.revision.send_modify(|revision| *revision += 1);
            }
            Change::Synced => watch.revision.send_modify(|revision| *revision += 1),
        }
    }
}

/// Resolves when nobody has waited for a while.
async fn idle(mut waiters: watch::Receiver<usize>) {
    loop {
        if waiters.wait_for(|waiters| *waiters == 0).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(LINGER) => return,
            joined = waiters.wait_for(|waiters| *waiters > 0) => {
                if joined.is_err() {
                    return;
                }
            }
        }
    }
}

fn observe(object: &Object) -> Observed {
    let now = jiff::Timestamp::now().as_second();
    let seen = match object.value() {
        Ok(value) => match health(&value, now) {
            Ok(health) => Seen::Health(health),
            Err(error) => Seen::Error(error.to_string()),
        },
        Err(error) => Seen::Error(error.to_string()),
    };
    Observed { resource_version: object.metadata.resource_version.parse().unwrap_or(0), seen }
}

impl Subscription {
    /// What is known of an object at or past a version (0 for whatever version).
    pub fn seen(&self, name: &ObjectName, at_least: u64) -> Seen {
        match self.watch.states.read().get(name) {
            Some(observed) if observed.resource_version >= at_least => observed.seen.clone(),
            None if *self.revision.borrow() > 0 => Seen::Health(Health::NotFound),
            Some(_) | None => Seen::Nothing,
        }
    }

    /// Resolves when anything of the kind has changed since the last call.
    pub async fn changed(&mut self) {
        if self.revision.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
