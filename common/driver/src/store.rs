use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use flux_api::well_known::REQUESTED_AT;
use flux_kube::{Object, ObjectName};
use parking_lot::RwLock;
use serde_json::Value;

use crate::kind::Reference;
use crate::queue::Fingerprint;

/// The objects of a kind as last seen, as bytes, with an index of what they refer to. Fed by the kind's watch and by the
/// answers to our own writes, whichever is newer.
#[derive(Debug, Default)]
pub struct Store {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    objects: HashMap<ObjectName, Arc<Object>>,
    links: HashMap<ObjectName, Links>,
    /// What the watch has told: the objects themselves may be newer already, from answers to our own writes.
    told: HashMap<ObjectName, Told>,
    referrers: HashMap<Reference, BTreeSet<ObjectName>>,
    dependants: HashMap<ObjectName, BTreeSet<ObjectName>>,
}

/// The part of an object's state whose change wakes someone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// What the object's own run looks at.
    pub(crate) fingerprint: Fingerprint,
    /// What its dependants wait for, if it has any.
    pub(crate) progress: Option<Value>,
}

/// What an object refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) references: Vec<Reference>,
    pub(crate) dependencies: Vec<ObjectName>,
}

impl Store {
    /// The object of that name.
    pub fn get(&self, name: &ObjectName) -> Option<Arc<Object>> {
        self.inner.read().objects.get(name).cloned()
    }

    /// All objects, in no order.
    pub fn list(&self) -> Vec<Arc<Object>> {
        self.inner.read().objects.values().cloned().collect()
    }

    /// Names of all objects, in no order.
    pub fn names(&self) -> Vec<ObjectName> {
        self.inner.read().objects.keys().cloned().collect()
    }

    /// Names of the objects that refer to `reference`, sorted.
    pub fn referrers(&self, reference: &Reference) -> Vec<ObjectName> {
        self.inner.read().referrers.get(reference).into_iter().flatten().cloned().collect()
    }

    /// Names of the objects that depend on `name`, sorted.
    pub fn dependants(&self, name: &ObjectName) -> Vec<ObjectName> {
        self.inner.read().dependants.get(name).into_iter().flatten().cloned().collect()
    }

    /// Names of the objects that depend on any other, in no order.
    pub(crate) fn dependent(&self) -> Vec<ObjectName> {
        let inner = self.inner.read();
        let dependent = inner.links.iter().filter(|(_, links)| !links.dependencies.is_empty());
        dependent.map(|(name, _)| name.clone()).collect()
    }

    /// Names of the objects that `name` depends on.
    pub fn dependencies(&self, name: &ObjectName) -> Vec<ObjectName> {
        self.inner.read().links.get(name).map(|links| links.dependencies.clone()).unwrap_or_default()
    }

    pub(crate) fn fingerprints(&self) -> Vec<(ObjectName, Fingerprint)> {
        let inner = self.inner.read();
        inner.objects.iter().map(|(name, object)| (name.clone(), fingerprint(object))).collect()
    }

    /// Takes over an object that the watch tells, with what it refers to. Gives what the watch has told before.
    pub(crate) fn apply(&self, name: &ObjectName, object: Arc<Object>, links: Links) -> (Option<Told>, Told) {
        let mut inner = self.inner.write();
        let progress = inner.dependants.contains_key(name).then(|| progress(&object));
        let told = Told { fingerprint: fingerprint(&object), progress };
        if inner.links.get(name) != Some(&links) {
            inner.unlink(name);
            inner.link(name, links);
        }
        let newest = match inner.objects.get(name) {
            Some(mine) if mine.metadata.uid == object.metadata.uid && !object.at_least(mine) => {
                Arc::clone(mine)
            }
            Some(_) | None => object,
        };
        inner.objects.insert(name.clone(), newest);
        (inner.told.insert(name.clone(), told.clone()), told)
    }

    /// Takes over what the server answered to a write of ours; only for an object that is still known.
    pub(crate) fn refresh(&self, name: &ObjectName, object: Arc<Object>) {
        let mut inner = self.inner.write();
        let Some(mine) = inner.objects.get_mut(name) else { return };
        if mine.metadata.uid == object.metadata.uid && object.at_least(mine) {
            *mine = object;
        }
    }

    pub(crate) fn remove(&self, name: &ObjectName) -> Option<Arc<Object>> {
        let mut inner = self.inner.write();
        inner.unlink(name);
        inner.told.remove(name);
        inner.objects.remove(name)
    }
}

impl Inner {
    fn link(&mut self, name: &ObjectName, links: Links) {
        for reference in &links.references {
            self.referrers.entry(reference.clone()).or_default().insert(name.clone());
        }
        for dependency in &links.dependencies {
            self.dependants.entry(dependency.clone()).or_default().insert(name.clone());
        }
        self.links.insert(name.clone(), links);
    }

    fn unlink(&mut self, name: &ObjectName) {
        let Some(links) = self.links.remove(name) else { return };
        for reference in &links.references {
            if let Some(names) = self.referrers.get_mut(reference) {
                names.remove(name);
                if names.is_empty() {
                    self.referrers.remove(reference);
                }
            }
        }
        for dependency in &links.dependencies {
            if let Some(names) = self.dependants.get_mut(dependency) {
                names.remove(name);
                if names.is_empty() {
                    self.dependants.remove(dependency);
                }
            }
        }
    }
}

/// What a run has to have seen of an object.
pub(crate) fn fingerprint(object: &Object) -> Fingerprint {
    Fingerprint {
        uid: object.metadata.uid.clone(),
        generation: object.metadata.generation,
        requested_at: object.metadata.annotations.get(REQUESTED_AT).cloned(),
        deleting: object.metadata.deletion_timestamp.is_some(),
    }
}

/// What dependants of an object wait for: whether it is Ready, for which generation, and with what revision.
fn progress(object: &Object) -> Value {
    let Ok(value) = object.value() else { return Value::Null };
    let status = |pointer: &str| value.pointer(pointer).cloned().unwrap_or_default();
    let conditions = status("/status/conditions");
    let ready = conditions.as_array().into_iter().flatten().find(|condition| condition["type"] == "Ready");
    let ready = ready.and_then(|condition| condition.get("status")).cloned().unwrap_or_default();
    Value::Array(vec![ready, status("/status/observedGeneration"), status("/status/lastAppliedRevision")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(version: u64) -> Arc<Object> {
        let json = format!(r#"{{"metadata":{{"name":"app","uid":"u","resourceVersion":"{version}"}}}}"#);
        Arc::new(Object::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn the_newest_state_wins_whoever_brings_it() {
        let (store, name) = (Store::default(), ObjectName::new("apps", "app"));
        store.refresh(&name, object(1));
        assert!(store.get(&name).is_none(), "an answer does not bring a deleted object back");
        store.apply(&name, object(2), Links::default());
        store.refresh(&name, object(4));
        store.apply(&name, object(3), Links::default());
        assert_eq!(store.get(&name).unwrap().metadata.resource_version, "4");
    }

    #[test]
    fn an_answer_to_a_write_does_not_hide_what_the_watch_tells() {
        let (store, name) = (Store::default(), ObjectName::new("apps", "app"));
        let generation = |generation: i64, version: u64| {
            let json =
                format!(r#"{{"metadata":{{"generation":{generation},"resourceVersion":"{version}"}}}}"#);
            Arc::new(Object::parse(json.as_bytes()).unwrap())
        };
        store.apply(&name, generation(1, 1), Links::default());
        store.refresh(&name, generation(2, 3));
        let (old, new) = store.apply(&name, generation(2, 2), Links::default());
        assert_ne!(old.unwrap().fingerprint, new.fingerprint);
    }

    #[test]
    fn referrers_follow_the_newest_links() {
        let (store, name) = (Store::default(), ObjectName::new("apps", "app"));
        let to = |kind: &str| Reference::new(kind, "apps", "source");
        let links = |kind: &str| Links { references: vec![to(kind)], dependencies: vec![] };
        store.apply(&name, object(1), links("Bucket"));
        store.apply(&name, object(2), links("GitRepository"));
        assert!(store.referrers(&to("Bucket")).is_empty());
        assert_eq!(store.referrers(&to("GitRepository")), std::slice::from_ref(&name));
        store.remove(&name);
        assert!(store.referrers(&to("GitRepository")).is_empty());
    }
}
