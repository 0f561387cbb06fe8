use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use flux_kube::{Object, ObjectName, Watch};
use parking_lot::RwLock;
use serde_json::Value;

use crate::kind::Kind;

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
