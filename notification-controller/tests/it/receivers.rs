//! The state of Receivers.

use flux_lab::{Env, gone, has_condition, is_ready};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    controller, controller_with, hook, object, plain_secret, receiver, request_of, secret, settled,
};

fn path_of(receiver: &Value) -> &str {
    receiver["status"]["webhookPath"].as_str().unwrap_or_default()
}

/// A Receiver with this Secret, of which nobody asks anything.
fn with_secret(name: &str, secret: &str) -> Value {
    object("Receiver", name, json!({"type": "generic", "secretRef": {"name": secret}, "resources": []}))
}

/// The Receiver once its path is another one than `old`.
async fn moved(env: &Env, receiver: &Value, old: &str) -> Value {
    let old = old.to_owned();
    let other = flux_lab::Condition::new("at another path", move |object| path_of(object) != old);
    env.eventually(receiver, other).await
}

#[tokio::test]
async fn a_ready_receiver_has_a_path_and_answers_requests() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    let hook = receiver("hook", "generic", json!([]));
    let created = env.apply(&hook).await;
    assert_eq!(created["status"]["observedGeneration"], -1);
    let _controller = controller(&env).await;
    let ready = env.eventually(&hook, is_ready()).await;
    let status = &ready["status"];
    assert_eq!(status["observedGeneration"], ready["metadata"]["generation"]);
    let conditions = status["conditions"].as_array().unwrap();
    assert_eq!(conditions.len(), 1, "{conditions:?}");
    assert_eq!(conditions[0]["reason"], "Succeeded");
    assert_eq!(conditions[0]["message"], format!("Receiver initialized for path: {}", path_of(&ready)));
    assert_eq!(ready["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));
    let succeeded = env.event(&hook, "Succeeded").await;
    assert_eq!(succeeded.message.unwrap(), "Reconciliation finished, next run in 10m0s");

    let annotations = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}});
    env.merge(&hook, annotations).await;
    let handled = flux_lab::Condition::new("handled", |object| {
        object["status"]["lastHandledReconcileAt"].as_str() == request_of(object)
    });
    env.eventually(&hook, handled).await;
}

#[tokio::test]
async fn a_suspended_receiver_keeps_its_state_and_can_be_deleted() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    let hook = receiver("hook", "generic", json!([]));
    env.apply(&hook).await;
    let controller = controller(&env).await;
    let ready = env.eventually(&hook, is_ready()).await;
    assert_eq!(settled(&controller, &ready).await, StatusCode::OK);
    env.merge(&hook, json!({"spec": {"suspend": true}})).await;
    let client = reqwest::Client::new();
    let url = self::hook(&controller, &ready);
    let refused = async {
        while client.post(&url).send().await.unwrap().status() != StatusCode::SERVICE_UNAVAILABLE {}
    };
    tokio::time::timeout(crate::support::PATIENCE, refused).await.unwrap();
    let suspended = env.eventually(&hook, flux_lab::Condition::new("there", |_| true)).await;
    assert_eq!(path_of(&suspended), path_of(&ready));
    let active = receiver("active", "generic", json!([]));
    env.apply(&active).await;
    env.eventually(&active, is_ready()).await;
    env.delete(&hook).await;
    env.delete(&active).await;
    env.eventually(&active, gone()).await;
}

#[tokio::test]
async fn a_rotated_token_moves_the_path_without_a_restart() {
    let env = Env::start().await;
    secret(&env, "watched", "one").await;
    plain_secret(&env, "plain", json!({"token": "one"})).await;
    let (watched, plain) = (with_secret("watched", "watched"), with_secret("plain", "plain"));
    env.apply(&watched).await;
    env.apply(&plain).await;
    let controller = controller(&env).await;
    let first = env.eventually(&watched, is_ready()).await;
    let first_plain = env.eventually(&plain, is_ready()).await;
    assert_eq!(settled(&controller, &first).await, StatusCode::OK);

    plain_secret(&env, "plain", json!({"token": "two"})).await;
    secret(&env, "watched", "two").await;
    let second = moved(&env, &watched, path_of(&first)).await;
    assert_eq!(settled(&controller, &second).await, StatusCode::OK);
    let old = reqwest::Client::new().post(hook(&controller, &first)).send().await.unwrap();
    assert_eq!(old.status(), StatusCode::NOT_FOUND);
    let unmoved = env.eventually(&plain, is_ready()).await;
    assert_eq!(
        path_of(&unmoved),
        path_of(&first_plain),
        "Secrets without the label are read each interval only"
    );
    env.merge(&plain, json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}})).await;
    moved(&env, &plain, path_of(&first_plain)).await;
}

#[tokio::test]
async fn without_watchers_a_rotated_token_waits_for_the_interval() {
    let env = Env::start().await;
    secret(&env, "watched", "one").await;
    let watched = with_secret("watched", "watched");
    env.apply(&watched).await;
    let _controller = controller_with(&env, &["--feature-gates=DisableConfigWatchers=true"]).await;
    let first = env.eventually(&watched, is_ready()).await;
    secret(&env, "watched", "two").await;
    let later = with_secret("later", "watched");
    env.apply(&later).await;
    env.eventually(&later, is_ready()).await;
    let unmoved = env.eventually(&watched, is_ready()).await;
    assert_eq!(path_of(&unmoved), path_of(&first));
    env.merge(&watched, json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}}))
        .await;
    moved(&env, &watched, path_of(&first)).await;
}

#[tokio::test]
async fn a_secret_that_goes_takes_the_path_along_until_it_comes_again() {
    let env = Env::start().await;
    plain_secret(&env, "token", json!({"token": "s3cret"})).await;
    let hook = receiver("hook", "generic", json!([]));
    env.apply(&hook).await;
    let _controller = controller(&env).await;
    let ready = env.eventually(&hook, is_ready()).await;
    let token = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}});
    env.merge(&token, json!({"data": {"token": null}})).await;
    env.merge(&hook, json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}})).await;
    let failed = env.eventually(&hook, has_condition("Ready", "False", "TokenNotFound")).await;
    assert_eq!(path_of(&failed), "");
    let conditions = failed["status"]["conditions"].as_array().unwrap();
    let of = |kind: &str| conditions.iter().find(|condition| condition["type"] == kind);
    assert_eq!(of("Reconciling").unwrap()["reason"], "ProgressingWithRetry");
    let text = format!("invalid '{}/token' secret data: required fields 'token'", env.namespace());
    assert_eq!(of("Ready").unwrap()["message"], text);
    assert_eq!(env.event(&hook, "Failed").await.message.unwrap(), text);
    // nothing but a retry tells of it
    plain_secret(&env, "token", json!({"token": "s3cret"})).await;
    let recovered = env.eventually(&hook, is_ready()).await;
    assert_eq!(path_of(&recovered), path_of(&ready));
}

#[tokio::test]
async fn what_is_not_there_yet_stalls_until_it_is_edited() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    let filtered = |name: &str, change: Value| {
        let mut object = receiver(name, "generic", json!([{"kind": "GitRepository", "name": "app"}]));
        let fields = change.as_object().unwrap().clone();
        object["spec"].as_object_mut().unwrap().extend(fields);
        object
    };
    let resource = json!([{"kind": "GitRepository", "name": "app", "filter": "true"}]);
    let _controller = controller(&env).await;
    for (name, change, field) in [
        ("gitlab", json!({"type": "gitlab"}), "spec.type 'gitlab'"),
        ("top", json!({"resourceFilter": "res.metadata.name == 'a'"}), "spec.resourceFilter"),
        ("each", json!({"resources": resource}), "spec.resources[0].filter"),
    ] {
        let refused = filtered(name, change);
        env.apply(&refused).await;
        let state = env.eventually(&refused, has_condition("Stalled", "True", "UnsupportedFeature")).await;
        let conditions = state["status"]["conditions"].as_array().unwrap();
        let types: Vec<_> = conditions.iter().map(|condition| condition["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["Stalled", "Ready"]);
        assert_eq!(conditions[1]["status"], "False");
        assert_eq!(conditions[0]["message"], format!("{field} is not supported yet"));
        assert_eq!(state["status"]["observedGeneration"], state["metadata"]["generation"]);
        env.event(&refused, "UnsupportedFeature").await;
        env.apply(&receiver(name, "generic", json!([]))).await;
        env.eventually(&refused, is_ready()).await;
    }
}
