//! The controller under test, and events as other controllers send them.

use flux_lab::{Controller, ControllerProcess, Env};
use http::StatusCode;
use reqwest::Response;
use serde_json::{Value, json};

/// The controller, as the account that the charts' RBAC is for; it leaves the namespaces of other tests alone.
pub(crate) async fn controller(env: &Env) -> ControllerProcess {
    let controller = Controller::notification(env!("CARGO_BIN_EXE_notification-controller"));
    env.controller(&controller.flag("--watch-all-namespaces=false")).await
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

/// Sends an event.
pub(crate) async fn post(controller: &ControllerProcess, event: &Value) -> Response {
    reqwest::Client::new().post(controller.events_url()).json(event).send().await.unwrap()
}

/// Sends an event, which is answered once the controller knows the objects that were applied before its start.
pub(crate) async fn accepted(controller: &ControllerProcess, event: &Value) {
    assert_eq!(post(controller, event).await.status(), StatusCode::ACCEPTED);
}

/// Objects of `notification.toolkit.fluxcd.io`.
pub(crate) fn object(kind: &str, name: &str, spec: Value) -> Value {
    let version = if kind == "Receiver" { "v1" } else { "v1beta3" };
    json!({"apiVersion": format!("notification.toolkit.fluxcd.io/{version}"), "kind": kind,
        "metadata": {"name": name}, "spec": spec})
}

/// An Alert on all Kustomizations.
pub(crate) fn alert(provider: &str, fields: Value) -> Value {
    let mut spec =
        json!({"providerRef": {"name": provider}, "eventSources": [{"kind": "Kustomization", "name": "*"}]});
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object("Alert", provider, spec)
}
