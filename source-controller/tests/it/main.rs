//! Tests on a real control plane, against `git http-backend`, with the controller as a process of its own.
#![cfg(test)]

mod artifact;
mod failure;
mod hostile;
mod life;
mod reference;
mod secret;
mod sharing;
mod start;
mod visible;
mod volume;

use std::time::Duration;

use flux_artifact::{Algorithm, Digest, MemoryTree, SymbolicLinks, UnpackLimits, unpack_to_memory};
use flux_lab::{
    Condition, Controller, ControllerProcess, Env, GitRepository, GitServer, WebhookSink, is_ready,
};
use serde_json::{Value, json};

/// A namespace with the controller at work in it, a Git server, and a receiver of events.
struct World {
    env: Env,
    controller: ControllerProcess,
    git: GitServer,
    events: WebhookSink,
}

impl World {
    async fn new() -> Self {
        Self::with(|controller| controller).await
    }

    async fn with(configure: impl FnOnce(Controller) -> Controller) -> Self {
        let env = Env::start().await;
        let events = WebhookSink::start().await.expect("a sink");
        let binary = env!("CARGO_BIN_EXE_source-controller");
        let controller = Controller::source(binary)
            .flag(format!("--events-addr={}", events.url()))
            .flag("--min-retry-delay=50ms")
            .flag("--max-retry-delay=500ms");
        let controller = env.controller(&configure(controller)).await;
        let git = GitServer::start().await.expect("a server");
        Self { env, controller, git, events }
    }

    /// A repository with one commit, the GitRepository for it, and that once its artifact is stored.
    async fn stored(&self) -> (GitRepository, Value, Value) {
        let repository = self.git.repository("app").expect("a repository");
        repository.commit("main", &[("a.txt", "1")]).expect("a commit");
        let object = git_repository("app", repository.url(), json!({}));
        self.env.apply(&object).await;
        let ready = self.env.eventually(&object, is_ready()).await;
        (repository, object, ready)
    }

    /// Downloads an artifact, and checks size and digest.
    async fn artifact(&self, object: &Value) -> MemoryTree {
        let artifact = &object["status"]["artifact"];
        let bytes = download(text(artifact, "url")).await;
        assert_eq!(artifact["size"], json!(bytes.len()));
        let digest: Digest = text(artifact, "digest").parse().expect("a digest");
        assert_eq!(Digest::of(digest.algorithm(), &bytes), digest);
        unpack_to_memory(bytes.as_slice(), UnpackLimits::default(), SymbolicLinks::Refuse)
            .expect("an archive")
    }

    /// Has the object looked at now, and waits until it was.
    async fn reconcile(&self, object: &Value, token: &str) -> Value {
        self.ask(object, token).await;
        self.env.eventually(object, handled(token)).await
    }

    async fn ask(&self, object: &Value, token: &str) {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        self.env.merge(object, json!({"metadata": {"annotations": annotations}})).await;
    }

    /// The next event with this reason that notification-controller would get.
    async fn event(&self, reason: &str) -> Value {
        let wanted = reason.to_owned();
        let received = self.events.requests();
        let found = received
            .wait_for(Duration::from_secs(30), move |request| request.json()["reason"] == wanted.as_str());
        found.await.unwrap_or_else(|error| panic!("no event {reason}: {error:#}")).json()
    }
}

/// A GitRepository that is looked at once an hour.
fn git_repository(name: &str, url: &str, spec: Value) -> Value {
    let mut object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name},
        "spec": {"url": url, "interval": "1h", "ref": {"branch": "main"}},
    });
    if let (Some(fields), Some(more)) = (object["spec"].as_object_mut(), spec.as_object()) {
        fields.extend(more.clone());
    }
    object
}

fn secret(name: &str, data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<String, Value> =
        data.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
}

/// Text that hardly compresses, so that a second copy of it would show.
fn incompressible(words: u64) -> String {
    let word = |number: u64| format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (0..words).map(word).collect()
}

/// Ready says that this URL did not answer in time.
fn timed_out(url: &str) -> Condition {
    let message = format!(
        "False GitOperationFailed: failed to checkout and determine revision: unable to clone '{url}': context \
         deadline exceeded"
    );
    says("Ready", &message)
}

/// The run that was asked for with this token has ended.
fn handled(token: &str) -> Condition {
    let token = token.to_owned();
    Condition::new(format!("handled {token}"), move |object| {
        object["status"]["lastHandledReconcileAt"] == token.as_str()
    })
}

async fn download(url: &str) -> Vec<u8> {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let response = client.get(url).send().await.expect("an answer").error_for_status().expect("a file");
    response.bytes().await.expect("a body").to_vec()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

fn condition<'a>(object: &'a Value, condition_type: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == condition_type)
}

/// Status, reason and message of a condition.
fn shown(object: &Value, condition_type: &str) -> String {
    let found = condition(object, condition_type);
    let found = found.unwrap_or_else(|| panic!("no {condition_type} in {object:#}"));
    format!("{} {}: {}", text(found, "status"), text(found, "reason"), text(found, "message"))
}

fn types(object: &Value) -> Vec<&str> {
    object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|condition| text(condition, "type"))
        .collect()
}

/// A condition says this; waits for the message as well as the reason.
fn says(condition_type: &str, want: &str) -> Condition {
    let (condition_type, want) = (condition_type.to_owned(), want.to_owned());
    Condition::new(format!("{condition_type} = {want}"), move |object| {
        condition(object, &condition_type).is_some() && shown(object, &condition_type) == want
    })
}

/// The digest of the tar that the golden vector of the archive format gives.
fn tar_digest(archive: &[u8]) -> String {
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(archive), &mut tar).expect("gzip");
    Digest::of(Algorithm::Sha256, &tar).hex().to_owned()
}
