use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use flux_kube::{Object, ObjectName, Watch};
use parking_lot::{Mutex, RwLock};
use serde_json::Value;

use crate::kind::Kind;
use crate::trigger::{Trigger, TriggerObject};

/// A watch of another kind, which wakes the objects that refer to what changed.
pub struct SourceWatch<K: Kind> {
    /// What is watched.
    pub watch: Watch,
    /// The part of each object that is kept; everything else is forgotten.
    pub project: fn(&Object) -> Value,
    /// Whether a change from one state to another wakes anyone; `None` is an object that is not there.
    pub passes: fn(Option<&Projection>, Option<&Projection>) -> bool,
    /// Whether the changed object matters to one that refers to it.
    pub concerns: fn(&K::Object, &Projection) -> bool,
}

/// The kept part of a watched object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    /// Namespace and name.
    pub name: ObjectName,
    /// Unique id.
    pub uid: String,
    /// Version.
    pub resource_version: String,
    /// Generation.
    pub generation: i64,
    /// What [`SourceWatch::project`] gave.
    pub value: Value,
}

/// The kept parts of all watched objects, by kind.
#[derive(Debug, Default)]
pub struct Sources {
    kinds: RwLock<HashMap<String, HashMap<ObjectName, Arc<Projection>>>>,
    /// Indices of the watches whose first list has been told.
    synced: RwLock<HashSet<usize>>,
}

impl Sources {
    /// The kept part of an object, if it exists.
    pub fn get(&self, kind: &str, name: &ObjectName) -> Option<Arc<Projection>> {
        self.kinds.read().get(kind)?.get(name).cloned()
    }

    pub(crate) fn names(&self, kind: &str) -> Vec<ObjectName> {
        self.kinds.read().get(kind).into_iter().flat_map(HashMap::keys).cloned().collect()
    }

    pub(crate) fn is_synced(&self, watch: usize) -> bool {
        self.synced.read().contains(&watch)
    }

    pub(crate) fn set_synced(&self, watch: usize) {
        self.synced.write().insert(watch);
    }

    pub(crate) fn insert(
        &self,
        kind: &str,
        projection: Projection,
    ) -> (Option<Arc<Projection>>, Arc<Projection>) {
        let new = Arc::new(projection);
        let mut kinds = self.kinds.write();
        let objects = kinds.entry(kind.to_owned()).or_default();
        (objects.insert(new.name.clone(), Arc::clone(&new)), new)
    }

    pub(crate) fn remove(&self, kind: &str, name: &ObjectName) -> Option<Arc<Projection>> {
        self.kinds.write().get_mut(kind)?.remove(name)
    }
}

/// Which versions of watched objects a run works on, so that word of them, which may come while it is under way,
/// makes it neither start over nor run again.
#[derive(Debug, Default)]
pub(crate) struct Taken(Mutex<Vec<(String, Arc<Projection>)>>);

impl Taken {
    /// The run works on this version; a later one of the same object changes nothing about that.
    pub(crate) fn note(&self, kind: &str, taken: &Arc<Projection>) {
        let mut objects = self.0.lock();
        if !objects.iter().any(|(known, other)| known == kind && other.name == taken.name) {
            objects.push((kind.to_owned(), Arc::clone(taken)));
        }
    }

    /// Whether a trigger only tells of a version that the run works on.
    pub(crate) fn covers(&self, trigger: &Trigger) -> bool {
        trigger.object.as_ref().is_some_and(|change| self.includes(change))
    }

    fn includes(&self, change: &TriggerObject) -> bool {
        self.0.lock().iter().any(|(kind, taken)| {
            *kind == change.kind
                && (&taken.name.namespace, &taken.name.name) == (&change.namespace, &change.name)
                && (&taken.uid, &taken.resource_version) == (&change.uid, &change.resource_version)
        })
    }
}

/// Passes when an artifact appears or its revision changes, and, for kinds that ask for it, on create and delete
/// (platform.md 4.7). The projection has to keep `status.artifact.revision` as `revision`.
pub fn revision_changed(old: Option<&Projection>, new: Option<&Projection>) -> bool {
    let revision = |projection: Option<&Projection>| {
        projection.and_then(|projection| projection.value.get("revision").cloned()).filter(Value::is_string)
    };
    match (old, new) {
        (Some(_), Some(_)) => revision(new).is_some() && revision(old) != revision(new),
        (None, Some(_)) | (Some(_), None) => true,
        (None, None) => false,
    }
}

/// Passes on every change of the object's version: for `ConfigMaps` and Secrets.
pub fn version_changed(old: Option<&Projection>, new: Option<&Projection>) -> bool {
    let version = |projection: Option<&Projection>| projection.map(|found| found.resource_version.clone());
    version(old) != version(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: &str) -> Arc<Projection> {
        let name = ObjectName::new("apps", "app");
        let (uid, resource_version) = ("uid".to_owned(), number.to_owned());
        Arc::new(Projection { name, uid, resource_version, ..Projection::default() })
    }

    fn change(uid: &str, number: &str) -> TriggerObject {
        let [kind, namespace, name] = ["Source", "apps", "app"].map(str::to_owned);
        TriggerObject { kind, namespace, name, uid: uid.to_owned(), resource_version: number.to_owned() }
    }

    #[test]
    fn a_run_knows_the_version_that_it_took_first_and_no_other() {
        let taken = Taken::default();
        assert!(!taken.includes(&change("uid", "1")));
        taken.note("Source", &version("1"));
        taken.note("Source", &version("2"));
        assert!(taken.includes(&change("uid", "1")));
        assert!(!taken.includes(&change("uid", "2")), "what was done already was done with the first");
        assert!(!taken.includes(&change("uid", "")), "that the object is gone is news");
        assert!(!taken.includes(&change("another", "1")));
        assert!(!taken.includes(&TriggerObject { kind: "Other".to_owned(), ..change("uid", "1") }));
    }
}
