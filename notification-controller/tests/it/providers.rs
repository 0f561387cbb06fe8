//! What Providers and their Secrets say, and what services answer.

use flux_lab::{Env, SinkAnswer, WebhookSink};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{PATIENCE, accepted, alert, controller, event, object, plain_secret};

/// A Provider, its Alert, and an event for it; gives the message of the Alert's warning.
async fn failure(env: &Env, name: &str, spec: Value) -> String {
    env.apply(&object("Provider", name, spec)).await;
    let alert = alert(name, json!({}));
    env.apply(&alert).await;
    let controller = controller(env).await;
    accepted(&controller, &event(env, "app", name)).await;
    env.event(&alert, "NotificationDispatchFailed").await.message.unwrap()
}

#[tokio::test]
async fn a_secret_goes_before_the_spec_and_the_secret_of_the_proxy_before_both() {
    let env = Env::start().await;
    let (first, second) = (WebhookSink::start().await.unwrap(), WebhookSink::start().await.unwrap());
    let secret = json!({"address": " http://hook.example/from-secret \n", "proxy": format!("{}\n", first.url()),
        "username": "from-secret", "password": "unused", "headers": "X-Number: 1\nX-Flag: true\n"});
    plain_secret(&env, "auth", secret).await;
    plain_secret(&env, "proxy", json!({"address": second.url(), "username": "me", "password": "s3cret"}))
        .await;
    let spec = |kind: &str| {
        json!({"type": kind, "address": "http://unused.example", "proxy": "http://127.0.0.1:1",
            "username": "from-spec", "channel": "general", "secretRef": {"name": "auth"}})
    };
    env.apply(&object("Provider", "chat", spec("slack"))).await;
    env.apply(&alert("chat", json!({}))).await;
    let mut proxied = spec("generic");
    proxied["proxySecretRef"] = json!({"name": "proxy"});
    env.apply(&object("Provider", "proxied", proxied)).await;
    env.apply(&alert("proxied", json!({}))).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    let request = first.requests().wait_for(PATIENCE, |_| true).await.unwrap();
    assert_eq!(
        (request.headers["host"].to_str().unwrap(), request.path.as_str()),
        ("hook.example", "/from-secret")
    );
    let body = request.json();
    assert_eq!((&body["username"], &body["channel"]), (&json!("from-secret"), &json!("general")));
    let request = second.requests().wait_for(PATIENCE, |_| true).await.unwrap();
    assert_eq!(request.headers["host"], "hook.example");
    assert_eq!(request.headers["proxy-authorization"], "Basic bWU6czNjcmV0");
    assert_eq!(
        (&request.headers["x-number"], &request.headers["x-flag"]),
        (&"1".parse().unwrap(), &"true".parse().unwrap())
    );
    assert_eq!(request.headers["user-agent"], "Go-http-client/1.1");
}

#[tokio::test]
async fn an_address_of_2048_bytes_is_the_longest() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    let padded = |length: usize| {
        let start = format!("{}/", sink.url());
        format!("{start}{}", "x".repeat(length - start.len()))
    };
    plain_secret(&env, "fits", json!({"address": padded(2048)})).await;
    plain_secret(&env, "long", json!({"address": padded(2049)})).await;
    env.apply(&object("Provider", "fits", json!({"type": "generic", "secretRef": {"name": "fits"}}))).await;
    env.apply(&alert("fits", json!({}))).await;
    env.apply(&object("Provider", "long", json!({"type": "generic", "secretRef": {"name": "long"}}))).await;
    let long = alert("long", json!({}));
    env.apply(&long).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    let request = sink.requests().wait_for(PATIENCE, |_| true).await.unwrap();
    assert_eq!(sink.url().len() + request.path.len(), 2048);
    let text = env.event(&long, "NotificationDispatchFailed").await.message.unwrap();
    assert!(
        text.ends_with("invalid address in secret: address exceeds maximum length of 2048 bytes"),
        "{text}"
    );
}

#[tokio::test]
async fn secrets_that_cannot_be_used_are_named_and_not_shown() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    plain_secret(&env, "proxy", json!({"proxy": "http://user:hunter2@[bad"})).await;
    plain_secret(&env, "headers", json!({"headers": "- hunter2"})).await;
    plain_secret(&env, "empty", json!({"token": ""})).await;
    plain_secret(&env, "newline", json!({"token": "hunter2\n"})).await;
    plain_secret(&env, "nowhere", json!({"username": "me"})).await;
    let namespace = env.namespace().to_owned();
    let with = |kind: &str, secret: &str| json!({"type": kind, "address": sink.url(), "secretRef": {"name": secret}});
    let cases = [
        ("a", with("generic", "proxy"), format!("invalid 'proxy' in secret '{namespace}/proxy'")),
        (
            "b",
            with("generic", "headers"),
            "failed to read headers from secret: expected a map of strings".to_owned(),
        ),
        ("c", with("generic-hmac", "empty"), "HMAC key is empty".to_owned()),
        ("d", with("slack", "newline"), "invalid header value: failed to parse header value".to_owned()),
        (
            "e",
            json!({"type": "generic", "address": sink.url(), "proxySecretRef": {"name": "nowhere"}}),
            format!("failed to get proxy URL: secret '{namespace}/nowhere': key 'address' not found"),
        ),
        (
            "f",
            json!({"type": "generic", "address": "not a url"}),
            "invalid hook URL not a url: relative URL without a base".to_owned(),
        ),
        (
            "g",
            json!({"type": "slack", "address": "not a url"}),
            "invalid Slack hook URL not a url: relative URL without a base".to_owned(),
        ),
        (
            "h",
            with("generic", "missing"),
            format!("failed to get secret '{namespace}/missing': secrets \"missing\" not found"),
        ),
    ];
    for (name, spec, _) in &cases {
        env.apply(&object("Provider", name, spec.clone())).await;
        env.apply(&alert(name, json!({}))).await;
    }
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    for (name, _, want) in cases {
        let told = env.event(&alert(name, json!({})), "NotificationDispatchFailed").await.message.unwrap();
        assert!(told.contains(&format!("failed to initialize notifier for provider '{name}': ")), "{told}");
        assert!(told.ends_with(&want), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert!(sink.requests().is_empty());
    assert!(!controller.log().unwrap().contains("hunter2"));
}

#[tokio::test]
async fn a_lone_user_name_voids_the_token() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    plain_secret(&env, "auth", json!({"token": "s3cret", "username": "me"})).await;
    let spec = json!({"type": "slack", "address": sink.url(), "secretRef": {"name": "auth"}});
    env.apply(&object("Provider", "chat", spec)).await;
    env.apply(&alert("chat", json!({}))).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    let request = sink.requests().wait_for(PATIENCE, |_| true).await.unwrap();
    assert_eq!(request.headers.get("authorization"), None);
    assert_eq!(request.json()["username"], "kustomize-controller");
}

#[tokio::test]
async fn a_rotated_secret_is_used_for_the_next_event() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    let rotate = async |token: &str| plain_secret(&env, "auth", json!({"token": token})).await;
    rotate("first").await;
    let spec = json!({"type": "slack", "address": sink.url(), "secretRef": {"name": "auth"}});
    env.apply(&object("Provider", "chat", spec)).await;
    env.apply(&alert("chat", json!({}))).await;
    let controller = controller(&env).await;
    for (count, token) in ["first", "second"].into_iter().enumerate() {
        rotate(token).await;
        accepted(&controller, &event(&env, "app", token)).await;
        sink.requests().more_than(count).await;
        let request = &sink.requests().after(count)[0];
        assert_eq!(request.headers["authorization"], format!("Bearer {token}"));
    }
}

#[tokio::test]
async fn a_refusal_is_final_and_told_with_its_words() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    sink.answer_with(SinkAnswer {
        status: StatusCode::BAD_REQUEST,
        body: "what is this".to_owned(),
        ..SinkAnswer::default()
    });
    let text = failure(&env, "hook", json!({"type": "generic", "address": sink.url()})).await;
    let object = format!("Kustomization/{}/app", env.namespace());
    assert_eq!(
        text,
        format!(
            "failed to send notification for {object}: postMessage failed: request failed: request failed with status \
             code 400: what is this"
        )
    );
    assert_eq!(sink.requests().len(), 1, "not tried again");
}

#[tokio::test]
async fn any_success_will_do() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    sink.answer_with(SinkAnswer { status: StatusCode::NO_CONTENT, ..SinkAnswer::default() });
    env.apply(&object("Provider", "hook", json!({"type": "generic", "address": sink.url()}))).await;
    env.apply(&alert("hook", json!({}))).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    accepted(&controller, &event(&env, "app", "2")).await;
    assert_eq!(crate::support::before(&sink, "/", "2").await, ["1"]);
    assert!(env.events(&alert("hook", json!({}))).await.is_empty());
}
