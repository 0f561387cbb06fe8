//! Webhooks that ask objects to reconcile.

use std::time::Duration;

use aws_lc_rs::hmac;
use flux_lab::{Condition, Env, has_condition, is_ready};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{controller, object};

/// Far longer than it ever takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn secret(env: &Env) {
    env.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token",
        "labels": {"reconcile.fluxcd.io/watch": "Enabled"}}, "stringData": {"token": "s3cret"}}))
        .await;
}

fn receiver(name: &str, kind: &str, resources: Value) -> Value {
    object("Receiver", name, json!({"type": kind, "secretRef": {"name": "token"}, "resources": resources}))
}

fn source(name: &str) -> Value {
    json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": name, "labels": {"team": "red"}},
        "spec": {"url": "https://git.example/app", "interval": "1h"}})
}

fn is_requested() -> Condition {
    Condition::new("requested", |object| {
        object.pointer("/metadata/annotations/reconcile.fluxcd.io~1requestedAt").is_some()
    })
}

fn path_of(receiver: &Value) -> String {
    receiver["status"]["webhookPath"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_webhook_asks_named_and_labelled_objects() {
    let env = Env::start().await;
    secret(&env).await;
    for name in ["one", "two", "three"] {
        env.apply(&source(name)).await;
    }
    let named = receiver("named", "generic", json!([{"kind": "GitRepository", "name": "one"}]));
    let labelled = receiver(
        "labelled",
        "generic",
        json!([{"kind": "GitRepository", "name": "*", "matchLabels": {"team": "red"}}]),
    );
    env.apply(&named).await;
    env.apply(&labelled).await;
    let controller = controller(&env).await;
    let client = reqwest::Client::new();
    let post = async |path: &str| {
        client.post(format!("{}{path}", controller.webhooks_url())).send().await.unwrap().status()
    };
    let path = path_of(&env.eventually(&named, is_ready()).await);
    // the API server may show the path before the controller has read the answer to its own write
    let known = async {
        while post(&path).await == StatusCode::NOT_FOUND {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.unwrap();
    assert_eq!(post(&path).await, StatusCode::OK);
    env.eventually(&source("one"), is_requested()).await;
    assert_eq!(post(&format!("{path}?x")).await, StatusCode::NOT_FOUND);
    assert_eq!(post("/hook/unknown").await, StatusCode::NOT_FOUND);
    assert_eq!(post("/elsewhere").await, StatusCode::NOT_FOUND);
    let path = path_of(&env.eventually(&labelled, is_ready()).await);
    let known = async {
        while post(&path).await == StatusCode::NOT_FOUND {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.unwrap();
    for name in ["two", "three"] {
        env.eventually(&source(name), is_requested()).await;
    }
}

#[tokio::test]
async fn github_has_to_sign_and_a_missing_object_is_an_error() {
    let env = Env::start().await;
    secret(&env).await;
    env.apply(&source("there")).await;
    let resources =
        json!([{"kind": "GitRepository", "name": "missing"}, {"kind": "GitRepository", "name": "there"}]);
    let github = receiver("github", "github", resources);
    env.apply(&github).await;
    let controller = controller(&env).await;
    let ready = env.eventually(&github, is_ready()).await;
    let url = format!("{}{}", controller.webhooks_url(), path_of(&ready));
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
    let signature = format!("sha256={}", hex::encode(hmac::sign(&key, b"{}")));
    let client = reqwest::Client::new();
    let request = || client.post(&url).header("content-type", "application/json").body("{}");
    let refused = async {
        loop {
            let status = request().send().await.unwrap().status();
            // the API server may show the path before the controller has read the answer to its own write
            if status != StatusCode::NOT_FOUND {
                return status;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, refused).await.unwrap(), StatusCode::BAD_REQUEST);
    let signed = request().header("x-hub-signature-256", signature).header("x-github-event", "push");
    assert_eq!(signed.send().await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    env.eventually(&source("there"), is_requested()).await;
}

#[tokio::test]
async fn a_receiver_tells_what_it_lacks_and_recovers_with_its_secret() {
    let env = Env::start().await;
    let waiting = receiver("waiting", "generic", json!([{"kind": "GitRepository", "name": "one"}]));
    env.apply(&waiting).await;
    let later = receiver("later", "gitlab", json!([]));
    env.apply(&later).await;
    let _controller = controller(&env).await;
    let state = env.eventually(&waiting, has_condition("Ready", "False", "TokenNotFound")).await;
    let message = state["status"]["conditions"][1]["message"].as_str().unwrap();
    assert!(
        message.starts_with(&format!("unable to read token from secret '{}/token' error: ", env.namespace())),
        "{message}"
    );
    env.event(&waiting, "Failed").await;
    secret(&env).await;
    env.eventually(&waiting, is_ready()).await;
    let state = env.eventually(&later, has_condition("Stalled", "True", "UnsupportedFeature")).await;
    assert_eq!(state["status"]["conditions"][0]["message"], "spec.type 'gitlab' is not supported yet");
}
