//! Waking Kustomizations when what their objects lacked has come: a namespace, or the definition of a kind.
//!
//! Two watches, each open only while someone waits; a Kustomization is woken once, and says anew what it lacks.

use flux_apply::error::Missing;
use flux_kube::{Change, Cluster, Content, Object, ObjectName, Resource, Watch, Watcher};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// A definition is announced a moment before its kind is served; this long is looked for it.
const SERVED_WITHIN: Duration = Duration::from_secs(10);
/// Time before the first look; it doubles with each.
const PAUSE: Duration = Duration::from_millis(100);
const DEFINITIONS: Resource =
    Resource::cluster("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");

/// Who waits for what. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Arrivals {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cluster: Cluster,
    wake: mpsc::UnboundedSender<ObjectName>,
    waiting: Mutex<HashMap<ObjectName, Vec<Missing>>>,
    watches: Mutex<HashMap<Place, AbortOnDropHandle<()>>>,
}

/// Where something can be seen to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Namespaces,
    Definitions,
}

impl Place {
    fn of(missing: &Missing) -> Self {
        match missing {
            Missing::Namespace(_) => Self::Namespaces,
            Missing::Kind { .. } => Self::Definitions,
        }
    }

    fn watch(self) -> Watch {
        let resource = match self {
            Self::Namespaces => Resource::NAMESPACE,
            Self::Definitions => DEFINITIONS,
        };
        Watch { content: Content::Metadata, ..Watch::all(resource) }
    }
}

impl Arrivals {
    /// Watches `cluster` and gives the names of those to be woken to `wake`.
    pub fn new(cluster: Cluster, wake: mpsc::UnboundedSender<ObjectName>) -> Self {
        let (waiting, watches) = (Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { cluster, wake, waiting, watches }) }
    }

    /// A Kustomization waits for these, and no longer for what it waited for before; nothing ends its wait.
    pub fn await_any(&self, name: &ObjectName, missing: Vec<Missing>) {
        let mut waiting = self.shared.waiting.lock();
        let places: Vec<Place> = missing.iter().map(Place::of).collect();
        if missing.is_empty() {
            waiting.remove(name);
        } else {
            waiting.insert(name.clone(), missing);
        }
        let mut watches = self.shared.watches.lock();
        watches.retain(|place, _| waiting.values().flatten().any(|missing| Place::of(missing) == *place));
        for place in places {
            watches.entry(place).or_insert_with(|| {
                let watcher = Watcher::new(self.shared.cluster.clone(), place.watch(), rand::random());
                AbortOnDropHandle::new(tokio::spawn(follow(Arc::downgrade(&self.shared), place, watcher)))
            });
        }
    }
}

async fn follow(shared: std::sync::Weak<Shared>, place: Place, mut watcher: Watcher) {
    let mut looks = Looks::default();
    loop {
        let change = tokio::select! {
            change = watcher.next() => Some(change),
            () = looks.due() => None,
        };
        let Some(shared) = shared.upgrade() else { return };
        match (place, change) {
            (_, Some(Change::Deleted(_) | Change::Synced)) => {}
            (Place::Namespaces, Some(Change::Applied(object))) => {
                shared.wake_those(|missing| is_namespace(missing, &object));
            }
            (Place::Definitions, Some(Change::Applied(object))) => {
                if let Some((_, group)) = object.metadata.name.split_once('.') {
                    looks.schedule(group);
                }
            }
            (_, None) => shared.look_for(&looks.take()).await,
        }
    }
}

/// When to look whether kinds of changed groups are served now: soon after a change, however many there are at once, and
/// less and less often for a while.
#[derive(Debug, Default)]
struct Looks {
    groups: HashSet<String>,
    next: Option<Instant>,
    pause: Duration,
}

impl Looks {
    /// A definition of the group has changed.
    fn schedule(&mut self, group: &str) {
        self.groups.insert(group.to_owned());
        self.pause = PAUSE;
        let soon = Instant::now() + PAUSE;
        self.next = Some(self.next.map_or(soon, |next| next.min(soon)));
    }

    /// Resolves when it is time for a look; never while nothing has changed.
    async fn due(&self) {
        match self.next {
            Some(next) => tokio::time::sleep_until(next).await,
            None => std::future::pending().await,
        }
    }

    /// The groups to look at now; schedules the look after this one.
    fn take(&mut self) -> HashSet<String> {
        self.pause *= 2;
        // all pauses together are twice the last one
        if self.pause > SERVED_WITHIN / 2 {
            self.next = None;
            return std::mem::take(&mut self.groups);
        }
        self.next = Some(Instant::now() + self.pause);
        self.groups.clone()
    }
}

fn is_namespace(missing: &Missing, object: &Object) -> bool {
    matches!(missing, Missing::Namespace(name) if *name == object.metadata.name)
        && object.metadata.deletion_timestamp.is_none()
}

impl Shared {
    fn wake_those(&self, has_come: impl Fn(&Missing) -> bool) {
        self.waiting.lock().retain(|name, missing| {
            let woken = missing.iter().any(&has_come);
            if woken {
                // a controller that is stopping wakes nobody
                let _ = self.wake.send(name.clone());
            }
            !woken
        });
    }

    /// Looks whether awaited kinds of these groups are served now.
    async fn look_for(&self, groups: &HashSet<String>) {
        let of_groups = |missing: &Missing| match missing {
            Missing::Kind { api_version, kind } => {
                let group = api_version.split('/').next().unwrap_or_default();
                groups.contains(group).then(|| (api_version.clone(), kind.clone()))
            }
            Missing::Namespace(_) => None,
        };
        let wanted: HashSet<_> = self.waiting.lock().values().flatten().filter_map(of_groups).collect();
        if wanted.is_empty() {
            return;
        }
        self.cluster.mapper().invalidate().await;
        for (api_version, kind) in wanted {
            if self.cluster.controller().resource(&api_version, &kind).await.is_ok() {
                let served = Missing::Kind { api_version, kind };
                self.wake_those(|missing| *missing == served);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_changes_at_once_cost_a_few_looks() {
        let begun = Instant::now();
        let mut looks = Looks::default();
        for _ in 0..100 {
            looks.schedule("example.com");
        }
        looks.schedule("example.org");
        let mut count = 0;
        while looks.next.is_some() {
            looks.due().await;
            assert_eq!(looks.take().len(), 2);
            count += 1;
        }
        assert_eq!(count, 6);
        assert!(looks.groups.is_empty());
        assert!(begun.elapsed() < SERVED_WITHIN, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_brings_the_next_look_forward() {
        let mut looks = Looks::default();
        looks.schedule("example.com");
        for _ in 0..5 {
            looks.due().await;
            looks.take();
        }
        let begun = Instant::now();
        looks.schedule("example.com");
        looks.due().await;
        assert_eq!(begun.elapsed(), PAUSE);
    }
}
