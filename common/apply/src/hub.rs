//! One watch per kind for all who wait for objects of that kind to become healthy.
//!
//! A watch sees what carries the owner label, opens with the first waiter and closes a minute after the last. Each event
//! is reduced to the object's health when it arrives, so that a waiter costs no more than a map look-up, and wakes only
//! those who follow the object: a thousand may wait.

use crate::health::{Health, health};
use crate::rules;
use crate::wait::Seen;
use flux_kube::{Change, Cluster, Content, Object, ObjectName, Resource, Watch, Watcher};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
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
    /// Version that the watch began with; 0 where it began with a list.
    start: u64,
    known: RwLock<Known>,
    /// Whom to wake, by the object that they follow.
    followers: Mutex<HashMap<ObjectName, Vec<Arc<Notify>>>>,
    waiters: watch::Sender<usize>,
    task: Mutex<Option<AbortHandle>>,
    /// Whether the controller may not look.
    forbidden: Arc<AtomicBool>,
}

/// What a watch has told.
#[derive(Debug)]
struct Known {
    objects: HashMap<ObjectName, Observed>,
    /// Newest version that was told.
    version: u64,
    /// Lists that were told in full.
    lists: u64,
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
    followed: Vec<ObjectName>,
    news: Arc<Notify>,
    /// Lists that were told before.
    lists: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut followers = self.watch.followers.lock();
        for name in &self.followed {
            let Some(waiting) = followers.get_mut(name) else { continue };
            waiting.retain(|news| !Arc::ptr_eq(news, &self.news));
            if waiting.is_empty() {
                followers.remove(name);
            }
        }
        drop(followers);
        self.watch.waiters.send_modify(|waiters| *waiters = waiters.saturating_sub(1));
    }
}

impl Hub {
    /// A hub that watches as the controller.
    pub fn new(cluster: Cluster, reach: Reach) -> Self {
        Self { shared: Arc::new(HubShared { cluster, reach, watches: Mutex::default() }) }
    }

    /// Joins the watch of a kind, in a namespace where the reach is one. Opens it if there is none: after the version
    /// `since`, so that only later states are told, or with a list where that is 0.
    pub fn subscribe(&self, resource: &Resource, namespace: &str, since: u64) -> Subscription {
        let namespace = match self.shared.reach {
            Reach::Cluster => "",
            Reach::Namespace => namespace,
        };
        let key = (format!("{}/{}", resource.api_version(), resource.kind), namespace.to_owned());
        let mut watches = self.shared.watches.lock();
        let watch = watches.entry(key.clone()).or_insert_with(|| self.open(resource, namespace, since, key));
        Subscription::new(watch)
    }

    fn open(
        &self,
        resource: &Resource,
        namespace: &str,
        start: u64,
        key: (String, String),
    ) -> Arc<KindWatch> {
        let asked = Watch {
            resource: resource.clone(),
            namespace: namespace.to_owned(),
            label_selector: format!("{}/name", rules::GROUP),
            content: Content::Full,
            start: (start > 0).then(|| start.to_string()),
        };
        let watcher = Watcher::new(self.shared.cluster.clone(), asked, rand::random());
        let watch = Arc::new(KindWatch {
            start,
            known: RwLock::new(Known { objects: HashMap::new(), version: start, lists: 0 }),
            followers: Mutex::default(),
            waiters: watch::Sender::new(0),
            task: Mutex::new(None),
            forbidden: watcher.forbidden(),
        });
        let (weak, waiters) = (Arc::downgrade(&watch), watch.waiters.subscribe());
        let hub = Arc::downgrade(&self.shared);
        let resource = resource.clone();
        let task = tokio::spawn(async move {
            let mut told = std::pin::pin!(follow(watcher, &resource, &weak));
            loop {
                tokio::select! {
                    () = &mut told => return,
                    () = idle(waiters.clone()) => {}
                }
                let Some(hub) = hub.upgrade() else { return };
                let mut watches = hub.watches.lock();
                // someone may have joined between the end of the pause and this lock
                if watches.get(&key).is_none_or(|watch| *watch.waiters.borrow() == 0) {
                    watches.remove(&key);
                    return;
                }
            }
        });
        *watch.task.lock() = Some(task.abort_handle());
        watch
    }
}

/// Keeps the states up to date, for as long as anyone holds the watch.
async fn follow(mut watcher: Watcher, resource: &Resource, watch: &std::sync::Weak<KindWatch>) {
    loop {
        let change = watcher.next().await;
        let Some(watch) = watch.upgrade() else { return };
        watch.learn(change, resource);
    }
}

impl KindWatch {
    /// Takes over what the watch tells, and wakes those whom it concerns.
    fn learn(&self, change: Change, resource: &Resource) {
        let mut known = self.known.write();
        let changed = match change {
            Change::Applied(object) => {
                let observed = observe(&object, resource);
                known.version = known.version.max(observed.resource_version);
                let name = object.metadata.object_name();
                known.objects.insert(name.clone(), observed);
                Some(name)
            }
            Change::Deleted(name) => {
                // as old as what was told before it: an object of the same name that is made later is newer
                let resource_version = known.version;
                let gone = Observed { resource_version, seen: Seen::Health(Health::NotFound) };
                known.objects.insert(name.clone(), gone);
                Some(name)
            }
            Change::Synced => {
                known.lists += 1;
                None
            }
        };
        drop(known);
        let followers = self.followers.lock();
        match changed {
            Some(name) => followers.get(&name).into_iter().flatten().for_each(|news| news.notify_one()),
            None => followers.values().flatten().for_each(|news| news.notify_one()),
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

fn observe(object: &Object, resource: &Resource) -> Observed {
    let now = jiff::Timestamp::now().as_second();
    let seen = match object.value() {
        Ok(value) => match health(&with_kind(value, resource), now) {
            Ok(health) => Seen::Health(health),
            Err(error) => Seen::Error(error.to_string()),
        },
        Err(error) => Seen::Error(error.to_string()),
    };
    Observed { resource_version: object.metadata.resource_version.parse().unwrap_or(0), seen }
}

/// The object with its kind: built-in kinds do not say theirs in lists.
fn with_kind(mut object: serde_json::Value, resource: &Resource) -> serde_json::Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiVersion".into(), resource.api_version().into());
        fields.insert("kind".into(), resource.kind.as_ref().into());
    }
    object
}

impl Subscription {
    fn new(watch: &Arc<KindWatch>) -> Self {
        watch.waiters.send_modify(|waiters| *waiters += 1);
        let lists = watch.known.read().lists;
        Self { watch: Arc::clone(watch), followed: Vec::new(), news: Arc::default(), lists }
    }

    /// What happens to this object is news from now on.
    pub fn follow(&mut self, name: &ObjectName) {
        self.followed.push(name.clone());
        self.watch.followers.lock().entry(name.clone()).or_default().push(Arc::clone(&self.news));
    }

    /// Whether the controller may not look, so that nothing will be told.
    pub fn is_forbidden(&self) -> bool {
        self.watch.forbidden.load(Ordering::Relaxed)
    }

    /// Whether everything after this version is told; what came before must be read.
    pub fn covers(&self, version: u64) -> bool {
        self.watch.start > 0 && self.watch.start <= version
    }

    /// What is known of an object at or past a version (0 for whatever version); `None` if nothing was told.
    pub fn seen(&self, name: &ObjectName, at_least: u64) -> Option<Seen> {
        let known = self.watch.known.read();
        match known.objects.get(name) {
            Some(observed) if observed.resource_version >= at_least => Some(observed.seen.clone()),
            // a list that began after the object was written does not have it
            None if known.lists > self.lists => Some(Seen::Health(Health::NotFound)),
            Some(_) | None => None,
        }
    }

    /// Resolves when there is news of an object that is followed since the last call.
    pub async fn changed(&mut self) {
        self.news.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    const KIND: Resource = Resource::namespaced("apps", "v1", "Deployment", "deployments");

    fn watch() -> Arc<KindWatch> {
        Arc::new(KindWatch {
            start: 1,
            known: RwLock::new(Known { objects: HashMap::new(), version: 1, lists: 0 }),
            followers: Mutex::default(),
            waiters: watch::Sender::new(0),
            task: Mutex::new(None),
            forbidden: Arc::default(),
        })
    }

    fn applied(name: &str) -> Change {
        let json = format!(r#"{{"metadata":{{"namespace":"apps","name":"{name}","resourceVersion":"2"}}}}"#);
        Change::Applied(Arc::new(Object::parse(json.as_bytes()).unwrap()))
    }

    #[test]
    fn only_those_who_follow_an_object_are_woken() {
        let watch = watch();
        let (one, other) = (ObjectName::new("apps", "one"), ObjectName::new("apps", "other"));
        let mut subscriptions = [Subscription::new(&watch), Subscription::new(&watch)];
        let [first, second] = &mut subscriptions;
        first.follow(&one);
        second.follow(&other);
        watch.learn(applied("one"), &KIND);
        assert!(first.changed().now_or_never().is_some());
        assert!(first.changed().now_or_never().is_none(), "it was told");
        assert!(second.changed().now_or_never().is_none());
        watch.learn(Change::Deleted(other), &KIND);
        assert!(second.changed().now_or_never().is_some());
        watch.learn(Change::Synced, &KIND);
        assert!(first.changed().now_or_never().is_some() && second.changed().now_or_never().is_some());
        drop(subscriptions);
        assert!(watch.followers.lock().is_empty());
    }
}
