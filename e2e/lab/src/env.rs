//! A test's own namespace in the shared lab.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Event;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::runtime::watcher::{self, watch_object};
use kube::{Api, Client};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::accounts::Account;
use crate::controller::{Controller, ControllerProcess};
use crate::lab::Lab;
use crate::objects::{Condition, ObjectKey, gone};
use crate::supervisor::Command;

/// How long a test waits for a condition, unless told otherwise: far longer than it ever takes, since machines differ.
const PATIENCE: Duration = Duration::from_mins(1);

/// A namespace of the shared lab and a client for it. Its methods end the test when they fail, with a message that says
/// what was attempted; the state of the namespace is printed then.
pub struct Env {
    lab: Arc<Lab>,
    client: Client,
    namespace: String,
    patience: Duration,
}

impl Env {
    /// Makes a namespace in the lab that this test binary shares; the first caller starts the lab.
    ///
    /// # Panics
    /// If the lab does not start.
    pub async fn start() -> Self {
        let lab = Lab::shared().await;
        Self::within(succeeded("start the lab", lab)).await
    }

    /// Makes a namespace in a given lab.
    ///
    /// # Panics
    /// If the API server refuses.
    pub async fn within(lab: Arc<Lab>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let client = succeeded("connect to the lab", lab.admin().await);
        let namespace = format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let env = Self { lab, client, namespace, patience: PATIENCE };
        env.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": env.namespace}}))
            .await;
        env
    }

    /// Waits this long for conditions, instead of a minute.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The lab.
    pub fn lab(&self) -> &Arc<Lab> {
        &self.lab
    }

    /// The test's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The administrator's client.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Applies an object of any kind as field manager `flux-lab`; the namespace defaults to the test's.
    ///
    /// # Panics
    /// If the API server refuses.
    pub async fn apply(&self, object: &impl Serialize) -> Value {
        let key = succeeded("read the object", ObjectKey::of(object));
        let body = succeeded("serialize the object", serde_json::to_value(object));
        let parameters = PatchParams::apply("flux-lab").force();
        let answer = self.api(&key).patch(&key.name, &parameters, &Patch::Apply(&body)).await;
        as_value(&succeeded(&format!("apply {key}"), answer))
    }

    /// Applies a stream of YAML documents through kubectl.
    ///
    /// # Panics
    /// If the API server refuses.
    pub async fn apply_yaml(&self, documents: &str) {
        let arguments = ["apply", "--server-side", "--force-conflicts", "-n", &self.namespace, "-f", "-"];
        succeeded("apply YAML", self.lab.kubectl(&arguments, Some(documents)).await);
    }

    /// Sends a JSON merge patch, for instance to suspend an object or to ask for a reconciliation.
    ///
    /// # Panics
    /// If the API server refuses.
    pub async fn merge(&self, object: &impl Serialize, change: Value) -> Value {
        let key = succeeded("read the object", ObjectKey::of(object));
        let answer = self.api(&key).patch(&key.name, &PatchParams::default(), &Patch::Merge(&change)).await;
        as_value(&succeeded(&format!("patch {key}"), answer))
    }

    /// The object as it is now.
    ///
    /// # Panics
    /// If the API server fails in another way than by not finding it.
    pub async fn get(&self, key: &ObjectKey) -> Option<Value> {
        let answer = self.api(key).get_opt(&key.name).await;
        succeeded(&format!("get {key}"), answer).as_ref().map(as_value)
    }

    /// All objects of a kind in the test's namespace.
    ///
    /// # Panics
    /// If the API server refuses.
    pub async fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        let key = ObjectKey::new(api_version, kind, "");
        let answer = self.api(&key).list(&ListParams::default()).await;
        succeeded(&format!("list {kind}"), answer).items.iter().map(as_value).collect()
    }

    /// Deletes an object and waits until it is gone.
    ///
    /// # Panics
    /// If the API server refuses or the object stays.
    pub async fn delete(&self, object: &impl Serialize) {
        let key = succeeded("read the object", ObjectKey::of(object));
        let answer = self.api(&key).delete(&key.name, &DeleteParams::background()).await;
        succeeded(&format!("delete {key}"), answer);
        self.eventually_key(&key, gone()).await;
    }

    /// Waits by a watch until the condition holds for an object; gives the object then.
    ///
    /// # Panics
    /// If it does not hold in time: the message shows the object as it was last.
    pub async fn eventually(&self, object: &impl Serialize, condition: Condition) -> Value {
        let key = succeeded("read the object", ObjectKey::of(object));
        self.eventually_key(&key, condition).await
    }

    /// As [`Env::eventually`], for an object that the test has no copy of. Gives null for an object that is gone.
    ///
    /// # Panics
    /// As [`Env::eventually`].
    pub async fn eventually_key(&self, key: &ObjectKey, condition: Condition) -> Value {
        let mut last = None;
        let watching = async {
            let mut states = std::pin::pin!(watch_object(self.api(key), &key.name));
            while let Some(state) = states.next().await {
                // A broken watch is started again by the stream itself.
                let Ok(state) = state else { continue };
                let state = state.as_ref().map(as_value);
                let holds = condition.holds(state.as_ref());
                last = state;
                if holds {
                    return true;
                }
            }
            false
        };
        let held = timeout(self.patience, watching).await.unwrap_or(false);
        if !held {
            let shown = last.map_or_else(|| "it does not exist".to_owned(), |object| format!("{object:#}"));
            fail(&format!("{key} did not become '{condition}' in {:?}: {shown}", self.patience));
        }
        last.unwrap_or_default()
    }

    /// The Kubernetes Events about an object so far, oldest first.
    ///
    /// # Panics
    /// If the API server refuses.
    pub async fn events(&self, object: &impl Serialize) -> Vec<Event> {
        let key = succeeded("read the object", ObjectKey::of(object));
        let answer = self.event_api(&key).list(&about(&key)).await;
        let mut events = succeeded(&format!("list the events of {key}"), answer).items;
        events.sort_by(|left, right| left.metadata.resource_version.cmp(&right.metadata.resource_version));
        events
    }

    /// Waits for an Event with this reason about an object.
    ///
    /// # Panics
    /// If none comes in time.
    pub async fn event(&self, object: &impl Serialize, reason: &str) -> Event {
        let key = succeeded("read the object", ObjectKey::of(object));
        let selector =
            format!("involvedObject.kind={},involvedObject.name={},reason={reason}", key.kind, key.name);
        let config = watcher::Config::default().fields(&selector);
        let watching = async {
            let mut states = std::pin::pin!(watcher::watcher(self.event_api(&key), config));
            while let Some(state) = states.next().await {
                if let Ok(watcher::Event::Apply(event) | watcher::Event::InitApply(event)) = state {
                    return Some(event);
                }
            }
            None
        };
        match timeout(self.patience, watching).await {
            Ok(Some(event)) => event,
            Ok(None) | Err(_) => {
                fail(&format!("no event '{reason}' about {key} came in {:?}", self.patience))
            }
        }
    }

    /// A ServiceAccount of the test's namespace, with a token and a kubeconfig, and no rights yet.
    ///
    /// # Panics
    /// If the API server refuses.
    pub async fn account(&self, name: &str) -> Account {
        succeeded("make an account", self.lab.account(&self.namespace, name).await)
    }

    /// Gives an account of the test's namespace a ClusterRole inside the namespace.
    ///
    /// # Panics
    /// If the API server refuses.
    pub async fn grant_here(&self, account: &str, cluster_role: &str) {
        let name = format!("{account}-{cluster_role}");
        self.apply(&self.binding("RoleBinding", &name, account, cluster_role)).await;
    }

    /// Gives an account of the test's namespace a ClusterRole in the whole cluster.
    ///
    /// # Panics
    /// If the API server refuses.
    pub async fn grant_everywhere(&self, account: &str, cluster_role: &str) {
        let name = format!("{}-{account}-{cluster_role}", self.namespace);
        self.apply(&self.binding("ClusterRoleBinding", &name, account, cluster_role)).await;
    }

    fn binding(&self, kind: &str, name: &str, account: &str, cluster_role: &str) -> Value {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster_role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.namespace}],
        })
    }

    /// Starts a controller that sees the test's namespace only, under an account with the rights that the installation
    /// gives it.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn controller(&self, controller: &Controller) -> ControllerProcess {
        let name = controller.name();
        let account = self.account(name).await;
        self.grant_everywhere(name, "crd-controller").await;
        if name == "kustomize-controller" {
            self.grant_everywhere(name, "cluster-admin").await;
        }
        let controller = controller.clone().flag("--watch-all-namespaces=false");
        let started = controller.start(&self.lab, &account, &self.namespace).await;
        succeeded(&format!("start {name}"), started)
    }

    /// The API for an object's kind and namespace.
    pub fn api(&self, key: &ObjectKey) -> Api<DynamicObject> {
        let resource = key.resource();
        if key.is_cluster_scoped() {
            return Api::all_with(self.client.clone(), &resource);
        }
        let namespace = key.namespace.as_deref().unwrap_or(&self.namespace);
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    fn event_api(&self, key: &ObjectKey) -> Api<Event> {
        Api::namespaced(self.client.clone(), key.namespace.as_deref().unwrap_or(&self.namespace))
    }
}

impl std::fmt::Debug for Env {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Env").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Drop for Env {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let kinds =
            "gitrepositories,kustomizations,alerts,providers,receivers,deployments,pods,configmaps,events";
        let mut command = Command::new(self.lab.binaries().path("kubectl"));
        command.env("KUBECONFIG", self.lab.admin_kubeconfig()).args(["get", kinds, "-n", &self.namespace]);
        let state =
            command.output().map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
        eprintln!("state of namespace {}:\n{}", self.namespace, String::from_utf8_lossy(&state));
    }
}

fn about(key: &ObjectKey) -> ListParams {
    ListParams::default()
        .fields(&format!("involvedObject.kind={},involvedObject.name={}", key.kind, key.name))
}

fn as_value(object: &DynamicObject) -> Value {
    // An object that came as JSON serializes.
    serde_json::to_value(object).unwrap_or_default()
}

/// The value, or the end of the test.
#[track_caller]
fn succeeded<T, E: Into<anyhow::Error>>(attempt: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| fail(&format!("failed to {attempt}: {:#}", error.into())))
}

#[track_caller]
#[expect(clippy::panic, reason = "a failed expectation ends the test")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}
