//! Events to Providers.

use aws_lc_rs::hmac;
use flux_lab::{Env, SinkAnswer, WebhookSink};
use http::StatusCode;
use serde_json::json;
use tokio::time::{Duration, Instant};

use crate::support::{
    PATIENCE, accepted, alert, before, changed, controller, controller_with, event, object, post,
};

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
    for malformed in [json!([1]), json!("text"), json!({"message": 1}), json!({"metadata": {"a": 1}})] {
        assert_eq!(post(&controller, &malformed).await.status(), StatusCode::BAD_REQUEST, "{malformed}");
    }
    let unfinished = reqwest::Client::new().post(controller.events_url()).body("{} {}").send().await.unwrap();
    assert_eq!(unfinished.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_duplicate_is_not_sent_until_the_window_ends() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    env.apply(&object("Provider", "hook", json!({"type": "generic", "address": sink.url()}))).await;
    env.apply(&alert("hook", json!({}))).await;
    let window = Duration::from_secs(3);
    let controller = controller_with(&env, &["--rate-limit-interval=3s"]).await;
    let began = Instant::now();
    accepted(&controller, &event(&env, "app", "1")).await;
    let graver =
        changed(event(&env, "app", "1"), &[("/severity", json!("error")), ("/reason", json!("Other"))]);
    let digested = [("/metadata/kustomize.toolkit.fluxcd.io~1digest", json!("other"))];
    for equal in [graver, changed(event(&env, "app", "1"), &digested)] {
        assert_eq!(post(&controller, &equal).await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    for key in ["originRevision", "token"] {
        let pointer = format!("/metadata/kustomize.toolkit.fluxcd.io~1{key}");
        accepted(&controller, &changed(event(&env, "app", "1"), &[(&pointer, json!("x"))])).await;
    }
    let passes =
        async { while post(&controller, &event(&env, "app", "1")).await.status() != StatusCode::ACCEPTED {} };
    tokio::time::timeout(PATIENCE, passes).await.unwrap();
    assert!(began.elapsed() >= window, "{:?}", began.elapsed());
    accepted(&controller, &event(&env, "app", "2")).await;
    assert_eq!(before(&sink, "/", "2").await, ["1"; 4], "two that differ, and two of the same");
    let bodies: Vec<_> = sink.requests().all().iter().map(flux_lab::ReceivedRequest::json).collect();
    assert!(bodies.iter().all(|body| body["metadata"].get("token").is_none()), "a token is not for people");
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
