//! Events to Providers.

use std::time::Duration;

use aws_lc_rs::hmac;
use flux_lab::{Env, SinkAnswer, WebhookSink};
use http::StatusCode;
use serde_json::json;

use crate::support::{accepted, alert, controller, event, object, post};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_event_reaches_the_webhook_of_its_provider() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    env.apply(&object("Provider", "hook", json!({"type": "generic", "address": sink.url()}))).await;
    env.apply(&alert("hook", json!({"eventMetadata": {"cluster": "blue"}}))).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "main@sha1:1")).await;
    let request = sink.requests().wait_for(PATIENCE, |_| true).await.unwrap();
    assert_eq!(request.headers["gotk-component"], "kustomize-controller");
    assert_eq!(request.headers["content-type"], "application/json");
    let body = request.json();
    assert_eq!(body["involvedObject"]["name"], "app");
    assert_eq!(body["metadata"], json!({"revision": "main@sha1:1", "team": "red", "cluster": "blue"}));
    assert_eq!(body["timestamp"], "2026-01-02T03:04:05Z");
}

#[tokio::test]
async fn duplicates_are_answered_with_429_and_malformed_bodies_with_400() {
    let env = Env::start().await;
    let controller = controller(&env).await;
    let event = event(&env, "app", "main@sha1:1");
    let first = post(&controller, &event).await;
    assert_eq!(
        (first.status(), first.headers()["x-ratelimit-limit"].to_str().unwrap()),
        (StatusCode::ACCEPTED, "1")
    );
    let second = post(&controller, &event).await;
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(second.headers()["retry-after"], second.headers()["x-ratelimit-reset"]);
    assert_eq!(second.text().await.unwrap(), "Too Many Requests\n");
    assert_eq!(post(&controller, &json!([1])).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_signed_webhook_carries_the_hmac_and_the_headers_of_its_secret() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    env.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "auth"},
        "stringData": {"token": "key", "address": sink.url(), "headers": "X-Team: red\n"}}))
        .await;
    env.apply(&object("Provider", "signed", json!({"type": "generic-hmac", "secretRef": {"name": "auth"}})))
        .await;
    env.apply(&alert("signed", json!({}))).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    let request = sink.requests().wait_for(PATIENCE, |_| true).await.unwrap();
    assert_eq!(request.headers["x-team"], "red");
    let signature = request.headers["x-signature"].to_str().unwrap().strip_prefix("sha256=").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
    hmac::verify(&key, &request.body, &hex::decode(signature).unwrap()).unwrap();
}

#[tokio::test]
async fn a_provider_that_hangs_delays_no_other() {
    let env = Env::start().await;
    let (slow, fast) = (WebhookSink::start().await.unwrap(), WebhookSink::start().await.unwrap());
    slow.answer_with(SinkAnswer { delay: Duration::from_mins(10), ..SinkAnswer::default() });
    for (name, sink) in [("slow", &slow), ("fast", &fast)] {
        env.apply(&object(
            "Provider",
            name,
            json!({"type": "generic", "address": sink.url(), "timeout": "20s"}),
        ))
        .await;
        env.apply(&alert(name, json!({}))).await;
    }
    let controller = controller(&env).await;
    for revision in ["1", "2", "3"] {
        accepted(&controller, &event(&env, "app", revision)).await;
    }
    for revision in ["1", "2", "3"] {
        let arrival =
            fast.requests().wait_for(PATIENCE, |request| request.json()["metadata"]["revision"] == revision);
        arrival.await.unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_sent_after_a_kill() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    sink.answer_with(SinkAnswer { status: StatusCode::SERVICE_UNAVAILABLE, ..SinkAnswer::default() });
    env.apply(&object(
        "Provider",
        "hook",
        json!({"type": "generic", "address": sink.url(), "timeout": "1m"}),
    ))
    .await;
    env.apply(&alert("hook", json!({}))).await;
    let mut controller = controller(&env).await;
    accepted(&controller, &event(&env, "first", "1")).await;
    accepted(&controller, &event(&env, "second", "1")).await;
    sink.answer_with(SinkAnswer::default());
    controller.restart(env.lab()).await.unwrap();
    for name in ["first", "second"] {
        let arrival =
            sink.requests().wait_for(PATIENCE, |request| request.json()["involvedObject"]["name"] == name);
        arrival.await.unwrap();
    }
}

#[tokio::test]
async fn failures_are_warnings_on_the_alert_without_the_token() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    sink.answer_with(SinkAnswer {
        status: StatusCode::FORBIDDEN,
        body: "no s3cret".to_owned(),
        ..SinkAnswer::default()
    });
    env.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "auth"},
        "stringData": {"token": "s3cret"}}))
        .await;
    env.apply(&object(
        "Provider",
        "refusing",
        json!({"type": "slack", "address": sink.url(), "secretRef": {"name": "auth"}}),
    ))
    .await;
    env.apply(&object("Provider", "later", json!({"type": "discord", "address": sink.url()}))).await;
    let (refusing, later) = (alert("refusing", json!({})), alert("later", json!({})));
    env.apply(&refusing).await;
    env.apply(&later).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    let object = format!("Kustomization/{}/app", env.namespace());
    let failed = env.event(&refusing, "NotificationDispatchFailed").await;
    assert_eq!(
        failed.message.unwrap(),
        format!(
            "failed to send notification for {object}: postMessage failed: request failed: request failed with \
             status code 403: no *****"
        )
    );
    assert_eq!(sink.requests().all()[0].headers["authorization"], "Bearer s3cret");
    let failed = env.event(&later, "NotificationDispatchFailed").await;
    assert_eq!(
        failed.message.unwrap(),
        format!(
            "failed to dispatch notification for {object}: failed to initialize notifier for provider 'later': failed \
             to initialize notifier: provider discord not supported"
        )
    );
}
