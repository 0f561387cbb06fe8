//! Waiting for objects without asking for each: one watch per kind, shared by all who wait.
//!
//! A topic watches the objects of one resource that carry our owner label, from the first waiter until some time after
//! the last, and keeps of each only what the caller's function makes of it. Nobody sees the state of an object that its
//! own identity may not read: an access review comes first. What may not be watched, or does not carry the label, is read
//! by the waiter's own GETs.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::cluster::Cluster;
use crate::error::Error;
use crate::name::ObjectName;
use crate::object::Object;
use crate::resource::Resource;
use crate::target::{ReviewedAccess, Target};
use crate::watch::{Change, Watch, Watcher};

mod wait;
pub use wait::{Awaited, Wait};

/// A topic without waiters lives on for this long.
const TOPIC_LINGER: Duration = Duration::from_mins(1);
/// An access review is valid for this long.
const REVIEW_TTL: Duration = Duration::from_mins(1);
/// Reviews that are kept; past this the old ones go.
const REVIEWS: usize = 4096;

/// What a hub knows of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed<V> {
    /// Unique id.
    pub uid: String,
    /// Generation.
    pub generation: i64,
    /// Version.
    pub resource_version: String,
    /// What the caller's function made of the object; `None` if it is gone.
    pub verdict: Option<V>,
}

impl<V> Observed<V> {
    fn of(object: &Object, reduce: &Reduce<V>) -> Self {
        let metadata = &object.metadata;
        Self {
            uid: metadata.uid.clone(),
            generation: metadata.generation,
            resource_version: metadata.resource_version.clone(),
            verdict: Some(reduce(object)),
        }
    }

    fn gone() -> Self {
        Self { uid: String::new(), generation: 0, resource_version: String::new(), verdict: None }
    }
}

/// Makes of an object the little that a waiter wants to know.
type Reduce<V> = dyn Fn(&Object) -> V + Send + Sync;

/// Shared watches of a cluster. Cheap to clone.
pub struct Hub<V> {
    inner: Arc<Inner<V>>,
}

impl<V> Clone for Hub<V> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

struct Inner<V> {
    cluster: Cluster,
    /// Selector of our owner label.
    selector: String,
    /// The one namespace that is watched; empty means all of them.
    namespace: String,
    reduce: Box<Reduce<V>>,
    topics: Mutex<HashMap<Resource, Arc<Topic<V>>>>,
    reviews: Mutex<HashMap<ReviewKey, (bool, Instant)>>,
}

/// Who wants to do what: user (empty for the controller), verb, resource, namespace.
type ReviewKey = (String, &'static str, Resource, String);

struct Topic<V> {
    states: Mutex<HashMap<ObjectName, Arc<Observed<V>>>>,
    waiters: Mutex<HashMap<ObjectName, Vec<Weak<Notify>>>>,
    /// Ends the watch with the topic.
    task: Mutex<Option<AbortOnDropHandle<()>>>,
    /// When the last waiter left.
    idle_since: Mutex<Option<Instant>>,
}

impl<V: Send + Sync + 'static> Hub<V> {
    /// A hub for objects with the label that `selector` names. `reduce` runs on each event, and should keep little.
    pub fn new(
        cluster: Cluster,
        selector: impl Into<String>,
        namespace: impl Into<String>,
        reduce: impl Fn(&Object) -> V + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner {
            cluster,
            selector: selector.into(),
            namespace: namespace.into(),
            reduce: Box::new(reduce),
            topics: Mutex::default(),
            reviews: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Joins the wait for `objects` as `target` sees them. Objects of one resource share a watch, which starts at the
    /// lowest version of those given, if it is not open yet.
    ///
    /// # Errors
    /// [`Error`]; [`Error::is_forbidden`] if `target` may not read one of the objects.
    pub async fn join(&self, target: &Target, objects: Vec<Awaited>) -> Result<Wait<V>, Error> {
        let mut wait = Wait::new(self.clone(), target.clone());
        for object in objects {
            let readable = self.may_read(target, &object).await?;
            if readable && object.labelled && self.may_watch(&object).await? {
                let topic = self.topic(&object);
                wait.watch(&object, topic);
                continue;
            }
            if !readable {
                // who may not read all may still read this one; if not, the server says so in its own words
                target.get(&object.resource, &object.name).await.or_else(absent)?;
            }
            wait.poll(&object);
        }
        Ok(wait)
    }

    /// Whether `target` may read all objects of the resource in the object's namespace.
    async fn may_read(&self, target: &Target, object: &Awaited) -> Result<bool, Error> {
        Ok(target.user().is_none() || self.allowed(target, "get", object).await?)
    }

    async fn may_watch(&self, object: &Awaited) -> Result<bool, Error> {
        let controller = self.inner.cluster.controller();
        Ok(self.allowed(&controller, "watch", object).await?
            && self.allowed(&controller, "list", object).await?)
    }

    async fn allowed(&self, target: &Target, verb: &'static str, object: &Awaited) -> Result<bool, Error> {
        // the controller watches everywhere or in its own namespace; accounts are asked for the object's namespace
        let user = target.user().unwrap_or_default();
        let namespace = if user.is_empty() { &self.inner.namespace } else { &object.name.namespace };
        let key = (user, verb, object.resource.clone(), namespace.clone());
        let now = Instant::now();
        let known = self.inner.reviews.lock().get(&key).copied();
        if let Some((allowed, at)) = known
            && now.duration_since(at) < REVIEW_TTL
        {
            return Ok(allowed);
        }
        let access = ReviewedAccess { verb, resource: &object.resource, namespace, name: "" };
        let allowed = target.may(&access).await?;
        let mut reviews = self.inner.reviews.lock();
        if reviews.len() >= REVIEWS {
            reviews.retain(|_, (_, at)| now.duration_since(*at) < REVIEW_TTL);
        }
        reviews.insert(key, (allowed, now));
        Ok(allowed)
    }

    /// The topic of the object's resource, opened if need be.
    fn topic(&self, object: &Awaited) -> Arc<Topic<V>> {
        let mut topics = self.inner.topics.lock();
        topics.retain(|_, topic| !topic.is_stale());
        if let Some(topic) = topics.get(&object.resource) {
            *topic.idle_since.lock() = None;
            return Arc::clone(topic);
        }
        let topic = Arc::new(Topic {
            states: Mutex::default(),
            waiters: Mutex::default(),
            task: Mutex::new(None),
            idle_since: Mutex::new(None),
        });
        let watch = Watch {
            namespace: self.inner.namespace.clone(),
            label_selector: self.inner.selector.clone(),
            start: object.version().map(ToOwned::to_owned),
            ..Watch::all(object.resource.clone())
        };
        let watcher = Watcher::new(self.inner.cluster.clone(), watch, rand::random());
        let follow = Topic::follow(Arc::downgrade(&topic), watcher, Arc::downgrade(&self.inner));
        *topic.task.lock() = Some(AbortOnDropHandle::new(tokio::spawn(follow)));
        topics.insert(object.resource.clone(), Arc::clone(&topic));
        topic
    }

    fn observe(&self, object: &Object) -> Observed<V> {
        Observed::of(object, &self.inner.reduce)
    }
}

impl<V: Send + Sync + 'static> Topic<V> {
    /// Takes in what the watch tells, until the topic is stale.
    async fn follow(topic: Weak<Self>, mut watcher: Watcher, hub: Weak<Inner<V>>) {
        loop {
            let change = tokio::select! {
                change = watcher.next() => change,
                () = tokio::time::sleep(TOPIC_LINGER) => {
                    let (Some(hub), Some(topic)) = (hub.upgrade(), topic.upgrade()) else { return };
                    if topic.is_stale() {
                        hub.topics.lock().retain(|_, each| !Arc::ptr_eq(each, &topic));
                        return;
                    }
                    continue;
                }
            };
            let (Some(hub), Some(topic)) = (hub.upgrade(), topic.upgrade()) else { return };
            match change {
                Change::Applied(object) => {
                    let observed = Observed::of(&object, &hub.reduce);
                    topic.tell(&object.metadata.object_name(), observed);
                }
                Change::Deleted(name) => topic.tell(&name, Observed::gone()),
                Change::Synced => {}
            }
        }
    }

    fn tell(&self, name: &ObjectName, observed: Observed<V>) {
        let waiters = self.waiters.lock();
        let mut states = self.states.lock();
        if observed.verdict.is_none() && !waiters.contains_key(name) {
            // nobody waits for it, and a later waiter brings its own first state
            states.remove(name);
            return;
        }
        states.insert(name.clone(), Arc::new(observed));
        drop(states);
        for waiter in waiters.get(name).into_iter().flatten().filter_map(Weak::upgrade) {
            waiter.notify_one();
        }
    }
}

impl<V> Topic<V> {
    fn enter(&self, name: &ObjectName, waiter: &Arc<Notify>) {
        self.waiters.lock().entry(name.clone()).or_default().push(Arc::downgrade(waiter));
    }

    fn leave(&self, name: &ObjectName) {
        let mut waiters = self.waiters.lock();
        if let Some(of_name) = waiters.get_mut(name) {
            of_name.retain(|waiter| waiter.strong_count() > 0);
            if of_name.is_empty() {
                waiters.remove(name);
            }
        }
        if waiters.is_empty() {
            *self.idle_since.lock() = Some(Instant::now());
        }
    }

    fn is_stale(&self) -> bool {
        self.idle_since.lock().is_some_and(|since| since.elapsed() >= TOPIC_LINGER)
    }
}

/// An object that is not there yet may be waited for.
fn absent(error: Error) -> Result<bytes::Bytes, Error> {
    if error.is_not_found() { Ok(bytes::Bytes::new()) } else { Err(error) }
}

impl<V> std::fmt::Debug for Hub<V> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Hub").field("selector", &self.inner.selector).finish_non_exhaustive()
    }
}
