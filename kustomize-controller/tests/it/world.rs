//! What the tests stand on: the controller in a namespace, artifacts, a receiver of events, and shorthands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use flux_artifact::{Algorithm, ArchiveWriter, Digest, Executable};
use flux_lab::{Condition, Controller, ControllerProcess, Env, ObjectKey, WebhookSink};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

/// A namespace with the controller at work in it, a server of artifacts, and a receiver of events.
pub(crate) struct World {
    pub(crate) env: Env,
    pub(crate) controller: ControllerProcess,
    pub(crate) events: WebhookSink,
    pub(crate) artifacts: Artifacts,
}

/// A file server as source-controller runs it.
pub(crate) struct Artifacts {
    directory: tempfile::TempDir,
    address: String,
    count: AtomicU32,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|controller| controller).await
    }

    pub(crate) async fn with(configure: impl FnOnce(Controller) -> Controller) -> Self {
        let env = Env::start().await;
        Self::within(env, configure).await
    }

    /// The controller in a namespace that is there already.
    pub(crate) async fn within(env: Env, configure: impl FnOnce(Controller) -> Controller) -> Self {
        let start = async |env: &Env, controller: Controller| env.controller(&configure(controller)).await;
        Self::started(env, start).await
    }

    /// The controller started by other means.
    pub(crate) async fn started(
        env: Env,
        start: impl AsyncFnOnce(&Env, Controller) -> ControllerProcess,
    ) -> Self {
        let events = WebhookSink::start().await.unwrap();
        let controller = Controller::kustomize(env!("CARGO_BIN_EXE_kustomize-controller"))
            .flag(format!("--events-addr={}", events.url()))
            .flag("--min-retry-delay=50ms")
            .flag("--max-retry-delay=500ms");
        let controller = start(&env, controller).await;
        Self { env, controller, events, artifacts: Artifacts::start().await }
    }

    pub(crate) fn namespace(&self) -> &str {
        self.env.namespace()
    }

    /// The next revision of a GitRepository, which need not exist yet.
    pub(crate) async fn publish(&self, name: &str, files: &[(&str, String)]) -> String {
        self.publish_archive(name, &archive(files), json!({})).await
    }

    /// As [`Self::publish`], with the archive as given and fields that replace those of `status.artifact`.
    pub(crate) async fn publish_archive(&self, name: &str, archive: &[u8], fields: Value) -> String {
        let mut artifact = self.artifacts.store(archive);
        artifact.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let object = self.env.apply(&git_repository(name)).await;
        set_status(&self.env, &object, json!({"artifact": artifact, "observedGeneration": 1})).await;
        text(&artifact, "revision").to_owned()
    }

    /// A Kustomization of the GitRepository `app` in the test's namespace, applied; `spec` adds to its spec.
    pub(crate) async fn kustomization(&self, name: &str, spec: Value) -> Value {
        let object = kustomization(name, spec);
        self.env.apply(&object).await;
        object
    }

    pub(crate) async fn ask(&self, object: &Value, token: &str) {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        self.env.merge(object, json!({"metadata": {"annotations": annotations}})).await;
    }

    /// Has the object looked at now, and waits until it was.
    pub(crate) async fn reconcile(&self, object: &Value, token: &str) -> Value {
        self.ask(object, token).await;
        self.env.eventually(object, handled(token)).await
    }

    /// An object of the test's namespace.
    pub(crate) async fn get(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        self.env.get(&ObjectKey::new(api_version, kind, name)).await
    }

    /// A ConfigMap of the test's namespace, in full.
    pub(crate) async fn live_config_map(&self, name: &str) -> Option<Value> {
        self.get("v1", "ConfigMap", name).await
    }

    /// The manifest of a ConfigMap with one value.
    pub(crate) fn config_map(&self, name: &str, value: &str) -> String {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {}\ndata:\n  key: {value}\n",
            self.namespace()
        )
    }

    /// Events so far about an object, as notification-controller would get them, oldest first.
    pub(crate) fn events_about(&self, name: &str) -> Vec<Value> {
        let events = self.events.requests().all().into_iter().map(|request| request.json());
        events.filter(|event| event["involvedObject"]["name"] == name).collect()
    }

    /// The first event about an object whose message starts so.
    pub(crate) async fn event(&self, name: &str, message: &str) -> Value {
        let (wanted, prefix) = (name.to_owned(), message.to_owned());
        let received = self.events.requests();
        let found = received.wait_for(Duration::from_secs(30), move |request| {
            let event = request.json();
            event["involvedObject"]["name"] == wanted.as_str() && text(&event, "message").starts_with(&prefix)
        });
        found
            .await
            .unwrap_or_else(|error| {
                let told: Vec<_> =
                    self.events.requests().all().iter().map(flux_lab::ReceivedRequest::json).collect();
                panic!("no event '{message}' about {name}: {error:#}: {told:#?}")
            })
            .json()
    }
}

impl Artifacts {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = flux_artifact::server::router(directory.path());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { directory, address, count: AtomicU32::new(1) }
    }

    /// Stores an archive; gives the `status.artifact` that publishes it.
    pub(crate) fn store(&self, archive: &[u8]) -> Value {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let name = format!("{number}.tar.gz");
        fs_err::write(self.directory.path().join(&name), archive).unwrap();
        json!({
            "metadata": null,
            "digest": Digest::of(Algorithm::Sha256, archive).to_string(),
            "lastUpdateTime": "2026-01-02T03:04:05Z",
            "path": name,
            "revision": format!("main@sha1:{number:040x}"),
            "size": archive.len(),
            "url": format!("http://{}/{name}", self.address),
        })
    }

    /// The address, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// An archive as source-controller packs it.
pub(crate) fn archive(files: &[(&str, String)]) -> Vec<u8> {
    let parents = |path: &str| {
        let ends: Vec<usize> = path.match_indices('/').map(|(end, _)| end).collect();
        ends.into_iter().map(|end| path[..end].to_owned()).collect::<Vec<_>>()
    };
    let directories: BTreeSet<String> = files.iter().flat_map(|(path, _)| parents(path)).collect();
    let files: BTreeMap<&str, &String> = files.iter().map(|(path, content)| (*path, content)).collect();
    let mut writer = ArchiveWriter::new(Vec::new()).unwrap();
    for directory in directories {
        writer.directory(directory.as_bytes()).unwrap();
    }
    for (path, content) in files {
        let size = u64::try_from(content.len()).unwrap();
        writer.file(path.as_bytes(), Executable::No, size, content.as_bytes()).unwrap();
    }
    writer.finish().unwrap()
}

fn git_repository(name: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name},
        "spec": {"url": "https://git.example/app", "interval": "1h", "ref": {"branch": "main"}},
    })
}

/// A Kustomization that is looked at once an hour, also after a failure.
pub(crate) fn kustomization(name: &str, spec: Value) -> Value {
    let mut object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name},
        "spec": {
            "interval": "1h", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"},
        },
    });
    object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    object
}

/// Replaces fields of an object's status, as its controller would.
pub(crate) async fn set_status(env: &Env, object: &Value, status: Value) {
    let key = ObjectKey::of(object).unwrap();
    let patch = Patch::Merge(json!({ "status": status }));
    env.api(&key).patch_status(&key.name, &PatchParams::default(), &patch).await.unwrap();
}

/// The text under a key, empty if there is none.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn condition<'a>(object: &'a Value, condition_type: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == condition_type)
}

/// Status, reason and message of a condition; empty without one.
pub(crate) fn shown(object: &Value, condition_type: &str) -> String {
    let show =
        |found| format!("{} {}: {}", text(found, "status"), text(found, "reason"), text(found, "message"));
    condition(object, condition_type).map(show).unwrap_or_default()
}

/// The types of an object's conditions, in order.
pub(crate) fn types(object: &Value) -> Vec<&str> {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().map(|condition| text(condition, "type")).collect()
}

/// A condition says exactly this.
pub(crate) fn says(condition_type: &str, want: impl Into<String>) -> Condition {
    let (condition_type, want) = (condition_type.to_owned(), want.into());
    Condition::new(format!("{condition_type} = {want}"), move |object| shown(object, &condition_type) == want)
}

/// What a condition says begins so.
pub(crate) fn begins(condition_type: &str, want: impl Into<String>) -> Condition {
    let (condition_type, want) = (condition_type.to_owned(), want.into());
    Condition::new(format!("{condition_type} = {want}..."), move |object| {
        shown(object, &condition_type).starts_with(&want)
    })
}

/// The request with this token was answered.
pub(crate) fn handled(token: &str) -> Condition {
    let token = token.to_owned();
    Condition::new(format!("handled {token}"), move |object| {
        object["status"]["lastHandledReconcileAt"] == token.as_str()
    })
}

/// What Ready says when a revision is applied.
pub(crate) fn applied(revision: &str) -> String {
    format!("True ReconciliationSucceeded: Applied revision: {revision}")
}
