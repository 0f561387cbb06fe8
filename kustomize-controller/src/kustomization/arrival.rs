//! Waking Kustomizations when what their objects lacked has come: a namespace, or the definition of a kind.
//!
//! Two watches, each open only while someone waits; a Kustomization is woken once, and says anew what it lacks.

use flux_apply::error::Missing;
use flux_kube::{Change, Cluster, Content, Object, ObjectName, Resource, Watch, Watcher};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// A definition is announced a moment before its kind is served.
const SERVED_WITHIN: Duration = Duration::from_secs(10);
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
    loop {
        let Change::Applied(object) = watcher.next().await else { continue };
        let Some(shared) = shared.upgrade() else { return };
        match place {
            Place::Namespaces => shared.wake_those(|missing| is_namespace(missing, &object)),
            Place::Definitions => shared.look_for(&object).await,
        }
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

    /// Looks whether the kinds of a changed definition's group are served now.
    async fn look_for(&self, definition: &Object) {
        let Some((_, group)) = definition.metadata.name.split_once('.') else { return };
        let of_group = |missing: &Missing| match missing {
            Missing::Kind { api_version, kind } if api_version.split('/').next() == Some(group) => {
                Some((api_version.clone(), kind.clone()))
            }
            Missing::Kind { .. } | Missing::Namespace(_) => None,
        };
        let wanted: Vec<_> = self.waiting.lock().values().flatten().filter_map(of_group).collect();
        let look = async {
            for kind in wanted {
                until_served(&self.cluster, [&kind]).await;
                let (api_version, kind) = kind;
                let served = Missing::Kind { api_version, kind };
                self.wake_those(|missing| *missing == served);
            }
        };
        // a definition that is not accepted has another event when it is
        let _ = tokio::time::timeout(SERVED_WITHIN, look).await;
    }
}

/// Resolves when discovery shows all of the kinds, each given as `apiVersion` and kind.
pub(super) async fn until_served<'a>(
    cluster: &Cluster,
    kinds: impl IntoIterator<Item = &'a (String, String)>,
) {
    let target = cluster.controller();
    for (api_version, kind) in kinds {
        loop {
            cluster.mapper().invalidate().await;
            if target.resource(api_version, kind).await.is_ok() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
