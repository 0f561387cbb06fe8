//! The controller under test, and events and webhooks as others send them.

use std::time::Duration;

use flux_lab::{Condition, Controller, ControllerProcess, Env, WebhookSink};
use http::StatusCode;
use reqwest::Response;
use serde_json::{Value, json};

/// Far longer than it ever takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The controller, as the account that the charts' RBAC is for; it leaves the namespaces of other tests alone.
pub(crate) async fn controller(env: &Env) -> ControllerProcess {
    controller_with(env, &[]).await
}

/// The controller with these flags.
pub(crate) async fn controller_with(env: &Env, flags: &[&str]) -> ControllerProcess {
    let controller = Controller::notification(env!("CARGO_BIN_EXE_notification-controller"));
    env.controller(&flags.iter().fold(controller, |controller, flag| controller.flag(*flag))).await
}

/// An event about a Kustomization of the test's namespace.
pub(crate) fn event(env: &Env, name: &str, revision: &str) -> Value {
    json!({
        "involvedObject": {
            "kind": "Kustomization", "namespace": env.namespace(), "name": name, "uid": "1",
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        },
        "severity": "info",
        "timestamp": "2026-01-02T03:04:05Z",
        "message": format!("Applied revision: {revision}"),
        "reason": "ReconciliationSucceeded",
        "metadata": {
            "kustomize.toolkit.fluxcd.io/revision": revision,
            "kustomize.toolkit.fluxcd.io/digest": "dropped",
            "event.toolkit.fluxcd.io/team": "red",
            "elsewhere/key": "dropped",
        },
        "reportingController": "kustomize-controller",
    })
}

/// The same with other fields, by JSON pointer.
pub(crate) fn changed(mut event: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[key.replace("~1", "/")] = value.clone();
    }
    event
}

/// Sends an event.
pub(crate) async fn post(controller: &ControllerProcess, event: &Value) -> Response {
    reqwest::Client::new().post(controller.events_url()).json(event).send().await.unwrap()
}

/// Sends an event, which is answered once the controller knows the objects that were applied before its start.
pub(crate) async fn accepted(controller: &ControllerProcess, event: &Value) {
    assert_eq!(post(controller, event).await.status(), StatusCode::ACCEPTED);
}

/// Waits until a sink has an event of this revision on a path, and gives the revisions that came there before it.
pub(crate) async fn before(sink: &WebhookSink, path: &str, revision: &str) -> Vec<String> {
    let of = |request: &flux_lab::ReceivedRequest| {
        let body = request.json();
        let fields = body.pointer("/attachments/0/fields").and_then(Value::as_array);
        let revision = fields.and_then(|fields| fields.iter().find(|field| field["title"] == "revision"));
        let revision = revision.map_or(&body["metadata"]["revision"], |field| &field["value"]);
        revision.as_str().unwrap_or_default().to_owned()
    };
    let arrival =
        sink.requests().wait_for(PATIENCE, |request| request.path == path && of(request) == revision);
    arrival.await.unwrap();
    let all = sink.requests().all();
    let there = all.iter().filter(|request| request.path == path).map(of);
    there.take_while(|seen| seen != revision).collect()
}

/// Objects of `notification.toolkit.fluxcd.io`.
pub(crate) fn object(kind: &str, name: &str, spec: Value) -> Value {
    let version = if kind == "Receiver" { "v1" } else { "v1beta3" };
    json!({"apiVersion": format!("notification.toolkit.fluxcd.io/{version}"), "kind": kind,
        "metadata": {"name": name}, "spec": spec})
}

/// An Alert on all Kustomizations, of the same name as its Provider.
pub(crate) fn alert(provider: &str, fields: Value) -> Value {
    let mut spec =
        json!({"providerRef": {"name": provider}, "eventSources": [{"kind": "Kustomization", "name": "*"}]});
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object("Alert", provider, spec)
}

/// A Secret that Receivers are woken by.
pub(crate) async fn secret(env: &Env, name: &str, token: &str) {
    env.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name,
        "labels": {"reconcile.fluxcd.io/watch": "Enabled"}}, "stringData": {"token": token}}))
        .await;
}

/// A Secret without labels.
pub(crate) async fn plain_secret(env: &Env, name: &str, data: Value) {
    env.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}))
        .await;
}

/// A Receiver whose token is in the Secret `token`.
pub(crate) fn receiver(name: &str, kind: &str, resources: Value) -> Value {
    object("Receiver", name, json!({"type": kind, "secretRef": {"name": "token"}, "resources": resources}))
}

/// A source that nobody reconciles.
pub(crate) fn source(name: &str) -> Value {
    json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": name, "labels": {"team": "red"}},
        "spec": {"url": "https://git.example/app", "interval": "1h"}})
}

/// Somebody asked the object to reconcile.
pub(crate) fn requested() -> Condition {
    Condition::new("requested", |object| request_of(object).is_some())
}

/// Value of `requestedAt`.
pub(crate) fn request_of(object: &Value) -> Option<&str> {
    object.pointer("/metadata/annotations/reconcile.fluxcd.io~1requestedAt").and_then(Value::as_str)
}

/// The address of a Receiver that has a path.
pub(crate) fn hook(controller: &ControllerProcess, receiver: &Value) -> String {
    format!("{}{}", controller.webhooks_url(), receiver["status"]["webhookPath"].as_str().unwrap())
}

/// The first answer to an empty webhook that is not 404: the API server may show a path before the controller has read
/// the answer to its own write.
pub(crate) async fn settled(controller: &ControllerProcess, receiver: &Value) -> StatusCode {
    let (client, url) = (reqwest::Client::new(), hook(controller, receiver));
    let answered = async {
        loop {
            let status = client.post(&url).send().await.unwrap().status();
            if status != StatusCode::NOT_FOUND {
                return status;
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap()
}
