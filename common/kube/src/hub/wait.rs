use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::{Hub, Observed, Topic};
use crate::error::Error;
use crate::name::ObjectName;
use crate::object::Object;
use crate::resource::Resource;
use crate::target::Target;

/// Pauses between the GETs for what cannot be watched.
const POLL_START: Duration = Duration::from_secs(1);
const POLL_CAP: Duration = Duration::from_secs(5);

/// An object to wait for.
#[derive(Debug, Clone)]
pub struct Awaited {
    /// Resource.
    pub resource: Resource,
    /// Namespace and name.
    pub name: ObjectName,
    /// The state that the apply, or a GET, has shown: the first verdict is made of it.
    pub known: Option<Object>,
    /// Lowest version that the run wrote of this resource; the watch starts there. Without one it starts with a list.
    pub since: Option<String>,
    /// Whether the object carries the hub's owner label.
    pub labelled: bool,
}

impl Awaited {
    pub(super) fn version(&self) -> Option<&str> {
        self.since.as_deref().filter(|version| !version.is_empty())
    }
}

/// A wait for some objects: their states, and when one of them changes.
pub struct Wait<V> {
    hub: Hub<V>,
    target: Target,
    changed: Arc<Notify>,
    watched: HashMap<(Resource, ObjectName), Watched<V>>,
    polled: HashMap<(Resource, ObjectName), Option<Arc<Observed<V>>>>,
    pause: Duration,
}

struct Watched<V> {
    topic: Arc<Topic<V>>,
    /// What was known before the topic told anything.
    known: Option<Arc<Observed<V>>>,
}

impl<V: Send + Sync + 'static> Wait<V> {
    pub(super) fn new(hub: Hub<V>, target: Target) -> Self {
        Self {
            hub,
            target,
            changed: Arc::default(),
            watched: HashMap::new(),
            polled: HashMap::new(),
            pause: POLL_START,
        }
    }

    pub(super) fn watch(&mut self, object: &Awaited, topic: Arc<Topic<V>>) {
        topic.enter(&object.name, &self.changed);
        let known = object.known.as_ref().map(|known| Arc::new(self.hub.observe(known)));
        self.watched.insert((object.resource.clone(), object.name.clone()), Watched { topic, known });
    }

    pub(super) fn poll(&mut self, object: &Awaited) {
        let known = object.known.as_ref().map(|known| Arc::new(self.hub.observe(known)));
        self.polled.insert((object.resource.clone(), object.name.clone()), known);
    }

    /// The newest known state of an object; `None` if nothing is known yet.
    pub fn state(&self, resource: &Resource, name: &ObjectName) -> Option<Arc<Observed<V>>> {
        let key = (resource.clone(), name.clone());
        if let Some(polled) = self.polled.get(&key) {
            return polled.clone();
        }
        let watched = self.watched.get(&key)?;
        let told = watched.topic.states.lock().get(name).cloned();
        match (told, &watched.known) {
            (Some(told), Some(known)) if is_older(&told, known) => Some(Arc::clone(known)),
            (Some(told), _) => Some(told),
            (None, known) => known.clone(),
        }
    }

    /// Waits until one of the objects may have changed. Look at [`Self::state`] before the first call.
    ///
    /// # Errors
    /// [`Error`] of a GET that is no matter of time, such as Forbidden.
    pub async fn changed(&mut self) -> Result<(), Error> {
        if self.polled.is_empty() {
            self.changed.notified().await;
            return Ok(());
        }
        tokio::select! {
            () = self.changed.notified() => return Ok(()),
            () = tokio::time::sleep(self.pause) => {}
        }
        self.pause = (self.pause * 2).min(POLL_CAP);
        let keys: Vec<_> = self.polled.keys().cloned().collect();
        for key in keys {
            let observed = match self.target.get(&key.0, &key.1).await {
                Ok(body) => self.hub.observe(&Object::parse(&body).map_err(Error::Decode)?),
                Err(error) if error.is_not_found() => Observed::gone(),
                Err(error) if error.is_transient() => continue,
                Err(error) => return Err(error),
            };
            self.polled.insert(key, Some(Arc::new(observed)));
        }
        Ok(())
    }
}

/// Whether what a topic told is older than what the run itself has seen. A deletion carries no version, and counts.
fn is_older<V>(told: &Observed<V>, known: &Observed<V>) -> bool {
    let number = |observed: &Observed<V>| observed.resource_version.parse::<u64>().ok();
    match (number(told), number(known)) {
        (Some(told), Some(known)) => told < known,
        _ => false,
    }
}

impl<V> Drop for Wait<V> {
    fn drop(&mut self) {
        // the weak references of this wait end with it
        self.changed = Arc::default();
        for ((_, name), watched) in &self.watched {
            watched.topic.leave(name);
        }
    }
}

impl<V> std::fmt::Debug for Wait<V> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (watched, polled) = (self.watched.len(), self.polled.len());
        formatter
            .debug_struct("Wait")
            .field("watched", &watched)
            .field("polled", &polled)
            .finish_non_exhaustive()
    }
}
