//! Webhooks that ask objects to reconcile.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use flux_lab::{AuditEntry, Env, is_ready};
use http::{Method, StatusCode};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{
    PATIENCE, controller, controller_with, hook, receiver, request_of, requested, secret, settled, source,
};

fn sign(hash: hmac::Algorithm, name: &str, body: &[u8]) -> String {
    format!("{name}={}", hex::encode(hmac::sign(&hmac::Key::new(hash, b"s3cret"), body)))
}

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn paths_and_methods_are_those_of_flux() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    env.apply(&source("one")).await;
    let named = receiver("named", "generic", json!([{"kind": "GitRepository", "name": "one"}]));
    env.apply(&named).await;
    let controller = controller(&env).await;
    let ready = env.eventually(&named, is_ready()).await;
    assert_eq!(settled(&controller, &ready).await, StatusCode::OK);
    let (client, url) = (
        Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
        hook(&controller, &ready),
    );
    let base = controller.webhooks_url();
    assert_eq!(status(client.post(format!("{url}?x"))).await, StatusCode::NOT_FOUND);
    assert_eq!(status(client.post(format!("{base}/hook/unknown"))).await, StatusCode::NOT_FOUND);
    let elsewhere = client.post(format!("{base}/elsewhere")).send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
    assert_eq!(elsewhere.text().await.unwrap(), "404 page not found\n");
    let directory = client.post(format!("{base}/hook")).send().await.unwrap();
    assert_eq!(directory.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(directory.headers()["location"], "/hook/");
    for method in
        [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::from_bytes(b"NOTIFY").unwrap()]
    {
        assert_eq!(status(client.request(method.clone(), &url)).await, StatusCode::OK, "{method}");
    }
    // a Receiver that was Ready and is not any more keeps its path
    env.apply(&receiver("named", "gitlab", json!([]))).await;
    let unready = async { while status(client.post(&url)).await != StatusCode::SERVICE_UNAVAILABLE {} };
    tokio::time::timeout(PATIENCE, unready).await.unwrap();
}

#[tokio::test]
async fn each_object_is_patched_once_and_named_ones_are_not_looked_for() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    let names: Vec<_> = (0..40).map(|number| format!("app-{number}")).collect();
    for name in &names {
        env.apply(&source(name)).await;
    }
    let resources: Vec<_> = names.iter().map(|name| json!({"kind": "GitRepository", "name": name})).collect();
    let named = receiver("named", "generic", json!(resources));
    let labelled = receiver(
        "labelled",
        "generic",
        json!([{"kind": "GitRepository", "name": "*", "matchLabels": {"team": "red"}}]),
    );
    env.apply(&named).await;
    env.apply(&labelled).await;
    let controller = controller(&env).await;
    let ready = env.eventually(&named, is_ready()).await;
    let before = env.get(&flux_lab::ObjectKey::of(&source("app-0")).unwrap()).await.unwrap();
    let mark = env.lab().audit_mark().unwrap();
    assert_eq!(settled(&controller, &ready).await, StatusCode::OK);
    let mut values = BTreeSet::new();
    for name in &names {
        let object = env.eventually(&source(name), requested()).await;
        values.insert(request_of(&object).unwrap().to_owned());
        if name == "app-0" {
            assert_only_requested(&before, &object);
        }
    }
    assert_eq!(values.len(), 1, "one webhook, one value: {values:?}");
    let user = format!("system:serviceaccount:{}:notification-controller", env.namespace());
    let ours = |entry: &AuditEntry| entry.user == user && entry.resource == "gitrepositories";
    let requests: Vec<_> = env.lab().audit_since(mark).unwrap().into_iter().filter(ours).collect();
    assert!(requests.iter().all(|request| request.verb == "patch"), "{requests:?}");
    assert_eq!(requests.len(), names.len());

    let (mark, ready) = (env.lab().audit_mark().unwrap(), env.eventually(&labelled, is_ready()).await);
    assert_eq!(settled(&controller, &ready).await, StatusCode::OK);
    let requests: Vec<_> = env.lab().audit_since(mark).unwrap().into_iter().filter(ours).collect();
    let count = |verb: &str| requests.iter().filter(|request| request.verb == verb).count();
    assert_eq!((count("list"), count("patch"), count("get")), (1, names.len(), 0));
}

/// Nothing but the annotation, and what the API server writes about it, has changed.
fn assert_only_requested(before: &Value, after: &Value) {
    let strip = |object: &Value| {
        let mut object = object.clone();
        let metadata = object["metadata"].as_object_mut().unwrap();
        for field in ["annotations", "managedFields", "resourceVersion"] {
            metadata.remove(field);
        }
        object
    };
    assert_eq!(strip(before), strip(after));
    let annotations = after["metadata"]["annotations"].as_object().unwrap();
    assert_eq!(annotations.keys().collect::<Vec<_>>(), ["reconcile.fluxcd.io/requestedAt"]);
}

#[tokio::test]
async fn github_has_to_sign_what_it_sends() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    env.apply(&source("app")).await;
    let mut github = receiver("github", "github", json!([{"kind": "GitRepository", "name": "app"}]));
    github["spec"]["events"] = json!(["Push"]);
    env.apply(&github).await;
    let controller = controller(&env).await;
    let ready = env.eventually(&github, is_ready()).await;
    assert_eq!(settled(&controller, &ready).await, StatusCode::BAD_REQUEST);
    let (client, url) = (Client::new(), hook(&controller, &ready));
    let request = |media_type: &str, body: &'static str| {
        client.post(&url).header("content-type", media_type).header("x-github-event", "push").body(body)
    };
    let strong = |body: &str| sign(hmac::HMAC_SHA256, "sha256", body.as_bytes());
    let legacy = |body: &str| sign(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, "sha1", body.as_bytes());
    let json = "application/json";
    let form = "payload=%7B%7D";
    for (request, want) in [
        (request(json, "{}"), 400),
        (request(json, "{}").header("x-hub-signature-256", strong("{ }")), 400),
        (request(json, "{}").header("x-hub-signature-256", "sha256=zz"), 400),
        (request("text/plain", "{}").header("x-hub-signature-256", strong("{}")), 400),
        (request(json, "{}").header("x-hub-signature-256", strong("{}")), 200),
        (request(json, "{}").header("x-hub-signature", legacy("{}")), 200),
        // the stronger one decides
        (
            request(json, "{}")
                .header("x-hub-signature", legacy("{}"))
                .header("x-hub-signature-256", "sha256=00"),
            400,
        ),
        (request("application/x-www-form-urlencoded", form).header("x-hub-signature-256", strong(form)), 200),
        (
            client
                .post(&url)
                .header("content-type", json)
                .header("x-github-event", "ping")
                .header("x-hub-signature-256", strong("{}"))
                .body("{}"),
            400,
        ),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), want);
        assert_eq!(answer.text().await.unwrap(), "", "the log tells more, the sender is not told");
    }
    env.eventually(&source("app"), requested()).await;
}

#[tokio::test]
async fn a_rotated_key_takes_effect_at_once() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    env.apply(&source("app")).await;
    let signed = receiver("signed", "generic-hmac", json!([{"kind": "GitRepository", "name": "app"}]));
    env.apply(&signed).await;
    let controller = controller(&env).await;
    let ready = env.eventually(&signed, is_ready()).await;
    assert_eq!(settled(&controller, &ready).await, StatusCode::BAD_REQUEST);
    let send = async |receiver: &Value, key: &[u8]| {
        let signature = hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, key), b"body"));
        let request = Client::new().post(hook(&controller, receiver)).body("body");
        status(request.header("x-signature", format!("sha512={signature}"))).await
    };
    assert_eq!(send(&ready, b"s3cret").await, StatusCode::OK);
    secret(&env, "token", "rotated").await;
    let old = ready["status"]["webhookPath"].clone();
    let moved = flux_lab::Condition::new("moved", move |object| object["status"]["webhookPath"] != old);
    let ready = env.eventually(&signed, moved).await;
    assert_eq!(settled(&controller, &ready).await, StatusCode::BAD_REQUEST);
    assert_eq!(send(&ready, b"rotated").await, StatusCode::OK);
    assert_eq!(send(&ready, b"s3cret").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn one_resource_that_fails_does_not_keep_the_others() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    let controller = controller(&env).await;
    let there = |number: usize| json!({"kind": "GitRepository", "name": format!("there-{number}")});
    let cases = [
        (json!({"kind": "GitRepository", "name": "missing"}), StatusCode::INTERNAL_SERVER_ERROR),
        (json!({"kind": "Kustomization", "name": "app"}), StatusCode::INTERNAL_SERVER_ERROR),
        (json!({"kind": "GitRepository", "name": "*"}), StatusCode::INTERNAL_SERVER_ERROR),
        (
            json!({"kind": "GitRepository", "apiVersion": "other.example/v1", "name": "app"}),
            StatusCode::INTERNAL_SERVER_ERROR,
        ),
        (json!({"kind": "Bucket", "name": "*", "matchLabels": {"team": "nobody"}}), StatusCode::OK),
        (json!({"kind": "Bucket", "name": "*", "matchLabels": {}}), StatusCode::OK),
        // labels are for the wildcard
        (
            json!({"kind": "GitRepository", "name": "labelled", "matchLabels": {"team": "blue"}}),
            StatusCode::OK,
        ),
    ];
    env.apply(&source("labelled")).await;
    for (number, (resource, want)) in cases.into_iter().enumerate() {
        env.apply(&source(&format!("there-{number}"))).await;
        let case = receiver(&format!("case-{number}"), "generic", json!([resource, there(number)]));
        env.apply(&case).await;
        let ready = env.eventually(&case, is_ready()).await;
        assert_eq!(settled(&controller, &ready).await, want, "{resource}");
        env.eventually(&source(&format!("there-{number}")), requested()).await;
    }
    env.eventually(&source("labelled"), requested()).await;
}

#[tokio::test]
async fn other_namespaces_can_be_closed() {
    let env = Env::start().await;
    let other = Env::start().await;
    secret(&env, "token", "s3cret").await;
    env.apply(&source("here")).await;
    other.apply(&source("there")).await;
    let both = receiver(
        "both",
        "generic",
        json!([
            {"kind": "GitRepository", "name": "there", "namespace": other.namespace()},
            {"kind": "GitRepository", "name": "here", "namespace": env.namespace()},
        ]),
    );
    env.apply(&both).await;
    {
        let closed = controller_with(&env, &["--no-cross-namespace-refs=true"]).await;
        let ready = env.eventually(&both, is_ready()).await;
        assert_eq!(settled(&closed, &ready).await, StatusCode::INTERNAL_SERVER_ERROR);
        env.eventually(&source("here"), requested()).await;
    }
    let untouched = other.get(&flux_lab::ObjectKey::of(&source("there")).unwrap()).await.unwrap();
    assert_eq!(request_of(&untouched), None);
    let open = controller(&env).await;
    let ready = env.eventually(&both, is_ready()).await;
    assert_eq!(settled(&open, &ready).await, StatusCode::OK);
    other.eventually(&source("there"), requested()).await;
}
