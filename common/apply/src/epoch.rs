//! The epoch: what decides, besides the objects themselves, what an apply comes to. The server's version, the definitions
//! of kinds, and the configurations of admission. A proof holds in the epoch in which it was made.
//!
//! All is watched. The version cannot be: it is read whenever the watch of definitions is opened anew, since no server
//! becomes another one while it keeps a connection.

use flux_kube::{Change, Cluster, Content, Error, Object, Resource, Watch, Watcher};
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// After a start, runs wait at most this long until the epoch is known; without it they look at every object.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);
const DEFINITIONS: Resource =
    Resource::cluster("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
const ADMISSION: &str = "admissionregistration.k8s.io";
/// Kinds by which admission is configured. What a server does not serve is not watched.
const CONFIGURATIONS: [&str; 6] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];
/// Versions that a configuration may be served in, the best one first.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// Keeps the epoch of a cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Epochs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    state: watch::Sender<State>,
    /// Tells of each watch whether the server refuses it.
    refused: Mutex<Vec<Arc<AtomicBool>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// What is known, and what had to be learned to know it.
#[derive(Debug, Default)]
struct State {
    version: Option<String>,
    /// Kinds that are watched, and whether their first list has been told; empty until discovery has told the kinds.
    watched: HashMap<String, bool>,
    marks: HashMap<(String, String), Mark>,
    snapshot: Arc<Snapshot>,
}

/// One state of a definition or configuration.
#[derive(Debug, Clone, PartialEq)]
struct Mark {
    uid: String,
    generation: i64,
    mutates: Vec<Rule>,
}

/// Resources whose updates a configuration may change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    groups: Vec<String>,
    resources: Vec<String>,
}

/// Numbers that grow with each change.
#[derive(Debug, Clone, Default)]
struct Snapshot {
    changes: u32,
    /// Of the server and of admission.
    general: u32,
    /// Of definitions, by name.
    definitions: HashMap<String, u32>,
    mutates: Vec<Rule>,
}

/// The epoch at one time; nothing where it is not known.
#[derive(Debug, Clone)]
pub struct Epoch(Option<Arc<Snapshot>>);

/// The epoch as far as one kind of object is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    general: u32,
    definition: u32,
}

#[cfg(test)]
impl Stamp {
    pub(crate) fn new(general: u32) -> Self {
        Self { general, definition: 0 }
    }
}

impl Epoch {
    /// `None` where the epoch is not known: nothing can be proved in it.
    pub fn stamp(&self, resource: &Resource) -> Option<Stamp> {
        let snapshot = self.0.as_deref()?;
        let name = format!("{}.{}", resource.plural, resource.group);
        let definition = snapshot.definitions.get(&name).copied().unwrap_or_default();
        Some(Stamp { general: snapshot.general, definition })
    }

    /// Whether admission may change what is applied, which does not show in managed fields.
    pub fn mutates(&self, resource: &Resource) -> bool {
        let covers = |rule: &Rule| {
            let any = |texts: &[String], one: &str| texts.iter().any(|text| text == "*" || text == one);
            any(&rule.groups, &resource.group)
                && (any(&rule.resources, &resource.plural) || any(&rule.resources, "*/*"))
        };
        self.0.as_deref().is_none_or(|snapshot| snapshot.mutates.iter().any(covers))
    }
}

impl Epochs {
    /// Watches as the controller.
    pub fn watch(cluster: Cluster) -> Self {
        let shared = Arc::new(Shared {
            started: Instant::now(),
            state: watch::Sender::new(State::default()),
            refused: Mutex::default(),
            tasks: Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        shared.tasks.lock().spawn(follow_server(weak, cluster));
        Self { shared }
    }

    /// The epoch now. After a start it is waited for, but not for long.
    pub async fn now(&self) -> Epoch {
        let mut state = self.shared.state.subscribe();
        let complete = state.wait_for(State::is_complete);
        // a server that does not let us look leaves it unknown
        let _ = tokio::time::timeout_at(self.shared.started + SETTLED_WITHIN, complete).await;
        let refused = self.shared.refused.lock().iter().any(|refused| refused.load(Ordering::Relaxed));
        let state = self.shared.state.borrow();
        Epoch((state.is_complete() && !refused).then(|| Arc::clone(&state.snapshot)))
    }
}

impl State {
    fn is_complete(&self) -> bool {
        self.version.is_some() && !self.watched.is_empty() && self.watched.values().all(|told| *told)
    }

    fn take_version(&mut self, version: String) {
        if self.version.as_ref() != Some(&version) {
            self.version = Some(version);
            self.bump(None);
        }
    }

    fn take(&mut self, kind: &str, change: &Change) {
        match change {
            Change::Applied(object) => {
                let name = object.metadata.name.clone();
                let mark = Mark::of(kind, object);
                if self.marks.get(&(kind.to_owned(), name.clone())) != Some(&mark) {
                    self.marks.insert((kind.to_owned(), name.clone()), mark);
                    self.changed(kind, name);
                }
            }
            Change::Deleted(name) => {
                self.marks.remove(&(kind.to_owned(), name.name.clone()));
                self.changed(kind, name.name.clone());
            }
            Change::Synced => {
                self.watched.insert(kind.to_owned(), true);
            }
        }
    }

    fn changed(&mut self, kind: &str, name: String) {
        if kind == DEFINITIONS.kind {
            return self.bump(Some(name));
        }
        let mutates = self.marks.values().flat_map(|mark| mark.mutates.clone()).collect();
        Arc::make_mut(&mut self.snapshot).mutates = mutates;
        self.bump(None);
    }

    /// Something has changed: of one definition, or of the server.
    fn bump(&mut self, definition: Option<String>) {
        let snapshot = Arc::make_mut(&mut self.snapshot);
        snapshot.changes = snapshot.changes.wrapping_add(1);
        match definition {
            Some(name) => {
                snapshot.definitions.insert(name, snapshot.changes);
            }
            None => snapshot.general = snapshot.changes,
        }
    }
}

impl Mark {
    fn of(kind: &str, object: &Object) -> Self {
        let rules = match kind {
            "MutatingWebhookConfiguration" => Some("/webhooks"),
            "MutatingAdmissionPolicy" => Some("/spec/matchConstraints"),
            _ => None,
        };
        let mutates = rules.map(|place| Rule::all(&object.value().unwrap_or_default(), place));
        Self {
            uid: object.metadata.uid.clone(),
            generation: object.metadata.generation,
            mutates: mutates.unwrap_or_default(),
        }
    }
}

impl Rule {
    /// The rules of webhooks (a list) or of a policy (one object) that are about updates.
    fn all(configuration: &Value, place: &str) -> Vec<Self> {
        let found = configuration.pointer(place);
        let matchers = match found {
            Some(Value::Array(webhooks)) => webhooks.iter().collect(),
            Some(policy) => vec![policy],
            None => Vec::new(),
        };
        let rules = matchers
            .into_iter()
            .flat_map(|matcher| [matcher.get("rules"), matcher.get("resourceRules")])
            .flatten()
            .flat_map(|rules| rules.as_array().into_iter().flatten());
        let texts = |rule: &Value, key: &str| -> Vec<String> {
            let values = rule.get(key).and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        rules
            .filter(|rule| texts(rule, "operations").iter().any(|text| text == "*" || text == "UPDATE"))
            .map(|rule| Self { groups: texts(rule, "apiGroups"), resources: texts(rule, "resources") })
            .collect()
    }
}

/// Reads the version each time that the watch of definitions opens, and starts the watches of what this version serves.
async fn follow_server(shared: Weak<Shared>, cluster: Cluster) {
    let definitions = Watch { content: Content::Metadata, ..Watch::all(DEFINITIONS) };
    let mut watcher = Watcher::new(cluster.clone(), definitions, rand::random());
    let mut openings = watcher.openings();
    let mut watched = HashSet::new();
    if let Some(shared) = shared.upgrade() {
        shared.refused.lock().push(watcher.forbidden());
    }
    loop {
        tokio::select! {
            change = watcher.next() => {
                let Some(shared) = shared.upgrade() else { return };
                shared.state.send_modify(|state| state.take(&DEFINITIONS.kind, &change));
            }
            opened = openings.changed() => {
                if opened.is_err() {
                    return;
                }
                let known = shared.upgrade().and_then(|shared| shared.state.borrow().version.clone());
                let (version, served) = ask(&cluster, known).await;
                let Some(shared) = shared.upgrade() else { return };
                for resource in served {
                    if watched.insert(resource.kind.to_string()) {
                        shared.state.send_modify(|state| {
                            state.watched.insert(resource.kind.to_string(), false);
                        });
                        let weak = Arc::downgrade(&shared);
                        shared.tasks.lock().spawn(follow(weak, cluster.clone(), resource));
                    }
                }
                shared.state.send_modify(|state| state.take_version(version));
            }
        }
    }
}

/// Asks for the version, and for what is served of it, until there is an answer.
async fn ask(cluster: &Cluster, known: Option<String>) -> (String, Vec<Resource>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = async {
            let version = cluster.controller().version().await?;
            if known.as_ref().is_some_and(|known| *known != version) {
                cluster.mapper().invalidate().await;
            }
            Ok::<_, Error>((version, served(cluster).await?))
        };
        match answer.await {
            Ok(answer) => return answer,
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// The configurations of admission that the server knows.
async fn served(cluster: &Cluster) -> Result<Vec<Resource>, Error> {
    let mut served = Vec::new();
    for kind in CONFIGURATIONS {
        for version in VERSIONS {
            match cluster.controller().resource(&format!("{ADMISSION}/{version}"), kind).await {
                Ok(resource) => {
                    served.push(resource);
                    break;
                }
                Err(Error::UnknownKind { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(served)
}

async fn follow(shared: Weak<Shared>, cluster: Cluster, resource: Resource) {
    let kind = resource.kind.to_string();
    let mut watcher = Watcher::new(cluster, Watch::all(resource), rand::random());
    if let Some(shared) = shared.upgrade() {
        shared.refused.lock().push(watcher.forbidden());
    }
    loop {
        let change = watcher.next().await;
        let Some(shared) = shared.upgrade() else { return };
        shared.state.send_modify(|state| state.take(&kind, &change));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flux_kube::ObjectName;
    use serde_json::json;

    const CONFIG_MAPS: Resource = Resource::CONFIG_MAP;
    const THINGS: Resource = Resource::namespaced("example.com", "v1", "Thing", "things");

    fn applied(name: &str, generation: i64, fields: Value) -> Change {
        let mut object = json!({"metadata": {"name": name, "uid": "u", "generation": generation}});
        object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Change::Applied(Arc::new(Object::parse(object.to_string().as_bytes()).unwrap()))
    }

    fn epoch(state: &State) -> Epoch {
        Epoch(Some(Arc::clone(&state.snapshot)))
    }

    #[test]
    fn a_new_version_of_the_server_is_a_new_epoch() {
        let mut state = State::default();
        state.take_version("v1.36.0".to_owned());
        let before = epoch(&state).stamp(&CONFIG_MAPS);
        state.take_version("v1.36.0".to_owned());
        assert_eq!(epoch(&state).stamp(&CONFIG_MAPS), before);
        state.take_version("v1.37.0".to_owned());
        assert_ne!(epoch(&state).stamp(&CONFIG_MAPS), before);
    }

    #[test]
    fn a_changed_definition_is_a_new_epoch_for_its_kind() {
        let mut state = State::default();
        let stamps =
            |state: &State| [&THINGS, &CONFIG_MAPS].map(|resource| epoch(state).stamp(resource).unwrap());
        state.take(&DEFINITIONS.kind, &applied("things.example.com", 1, json!({})));
        let one = stamps(&state);
        state.take(&DEFINITIONS.kind, &applied("things.example.com", 1, json!({"status": {}})));
        assert_eq!(stamps(&state), one, "a list tells what is known");
        state.take(&DEFINITIONS.kind, &applied("things.example.com", 2, json!({})));
        let two = stamps(&state);
        assert!(two[0] != one[0] && two[1] == one[1]);
        state.take(&DEFINITIONS.kind, &Change::Deleted(ObjectName::new("", "things.example.com")));
        assert_ne!(stamps(&state)[0], two[0]);
    }

    #[test]
    fn changes_of_admission_are_new_epochs_for_all_kinds() {
        for kind in CONFIGURATIONS {
            let mut state = State::default();
            let one = epoch(&state).stamp(&THINGS);
            state.take(kind, &applied("a", 1, json!({})));
            let two = epoch(&state).stamp(&THINGS);
            state.take(kind, &Change::Deleted(ObjectName::new("", "a")));
            assert!(one != two && epoch(&state).stamp(&THINGS) != two, "{kind}");
        }
    }

    #[test]
    fn what_admission_may_change_is_known() {
        let rule = |group: &str, resource: &str, operation: &str| {
            json!({
                "apiGroups": [group], "apiVersions": ["v1"], "resources": [resource], "operations": [operation]
            })
        };
        let mut state = State::default();
        let changes = |state: &State| [&THINGS, &CONFIG_MAPS].map(|resource| epoch(state).mutates(resource));
        assert_eq!(changes(&state), [false, false]);
        let kind = "MutatingWebhookConfiguration";
        state.take(kind, &applied("a", 1, json!({"webhooks": [{"rules": [rule("*", "*", "CREATE")]}]})));
        assert_eq!(changes(&state), [false, false], "objects that exist are updated");
        state.take(kind, &applied("a", 2, json!({"webhooks": [{"rules": [rule("", "*", "*")]}]})));
        assert_eq!(changes(&state), [false, true]);
        let policy = json!({"spec": {"matchConstraints": {"resourceRules": [rule("example.com", "things", "UPDATE")]}}});
        state.take("MutatingAdmissionPolicy", &applied("b", 1, policy));
        assert_eq!(changes(&state), [true, true]);
        state.take(kind, &Change::Deleted(ObjectName::new("", "a")));
        assert_eq!(changes(&state), [true, false]);
        let validating = json!({"webhooks": [{"rules": [rule("*", "*", "*")]}]});
        state.take("ValidatingWebhookConfiguration", &applied("c", 1, validating));
        assert_eq!(changes(&state), [true, false]);
    }

    #[test]
    fn without_knowledge_nothing_is_proved() {
        let unknown = Epoch(None);
        assert!(unknown.stamp(&THINGS).is_none() && unknown.mutates(&THINGS));
        let mut state = State::default();
        state.take_version("v1".to_owned());
        assert!(!state.is_complete());
        state.watched.insert("a".to_owned(), false);
        assert!(!state.is_complete());
        state.take("a", &Change::Synced);
        assert!(state.is_complete());
    }
}
