//! Services over TLS, with authorities and certificates of Secrets.

use flux_lab::{Authority, Controller, Env, SinkAnswer, TunnelProxy, WebhookSink};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{PATIENCE, accepted, alert, controller, event, object, plain_secret};

/// A Provider that posts to a path of its own, with these fields, and its Alert.
async fn provider(env: &Env, sink: &WebhookSink, name: &str, fields: Value) {
    let mut spec = json!({"type": "generic", "address": format!("{}/{name}", sink.url())});
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    env.apply(&object("Provider", name, spec)).await;
    env.apply(&alert(name, json!({}))).await;
}

async fn arrived(sink: &WebhookSink, path: &str) {
    sink.requests().wait_for(PATIENCE, |request| request.path == path).await.unwrap();
}

async fn warning(env: &Env, name: &str) -> String {
    env.event(&alert(name, json!({})), "NotificationDispatchFailed").await.message.unwrap()
}

#[tokio::test]
async fn authorities_and_certificates_come_from_a_secret() {
    let env = Env::start().await;
    let (authority, stranger) = (Authority::new("hooks").unwrap(), Authority::new("stranger").unwrap());
    let server = authority.server(&["127.0.0.1"]).unwrap();
    let open = WebhookSink::start_tls(&server, None).await.unwrap();
    let closed = WebhookSink::start_tls(&server, Some(&authority)).await.unwrap();
    let client = authority.client("controller", &[]).unwrap();
    for (name, data) in [
        ("ca", json!({"ca.crt": authority.pem()})),
        ("old", json!({"caFile": authority.pem(), "certFile": client.certificate, "keyFile": client.key})),
        ("both", json!({"ca.crt": authority.pem(), "tls.crt": client.certificate, "tls.key": client.key})),
        ("half", json!({"ca.crt": authority.pem(), "tls.crt": client.certificate})),
        ("other-half", json!({"tls.key": client.key})),
        ("pair", json!({"tls.crt": client.certificate, "tls.key": client.key})),
        ("broken", json!({"ca.crt": "hunter2"})),
        ("nothing", json!({"token": "t"})),
        ("stranger", json!({"ca.crt": stranger.pem()})),
    ] {
        plain_secret(&env, name, data).await;
    }
    let with = |secret: &str| json!({"certSecretRef": {"name": secret}});
    for secret in ["ca", "old", "both"] {
        provider(&env, &open, &format!("open-{secret}"), with(secret)).await;
        provider(&env, &closed, &format!("closed-{secret}"), with(secret)).await;
    }
    let unready =
        [("half", "half"), ("other-half", "other-half"), ("broken", "broken"), ("nothing", "nothing")];
    for (name, secret) in unready.into_iter().chain([("pair", "pair"), ("stranger", "stranger")]) {
        provider(&env, &open, name, with(secret)).await;
    }
    provider(&env, &open, "trusting", json!({"timeout": "5s"})).await;
    provider(&env, &open, "aside", json!({"type": "slack", "secretRef": {"name": "ca"}})).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    for path in ["/open-ca", "/open-old", "/open-both"] {
        arrived(&open, path).await;
    }
    for path in ["/closed-old", "/closed-both"] {
        arrived(&closed, path).await;
    }
    let namespace = env.namespace();
    for (name, want) in [
        (
            "half",
            format!(
                "failed to get TLS config: secret '{namespace}/half' contains 'tls.crt' but missing 'tls.key'"
            ),
        ),
        (
            "other-half",
            format!(
                "failed to get TLS config: secret '{namespace}/other-half' contains 'tls.key' but missing 'tls.crt'"
            ),
        ),
        ("broken", "failed to get TLS config: failed to parse CA certificate".to_owned()),
        (
            "nothing",
            format!(
                "failed to get TLS config: secret '{namespace}/nothing' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'"
            ),
        ),
    ] {
        let text = warning(&env, name).await;
        let provider = format!("failed to initialize notifier for provider '{name}': {want}");
        assert!(text.ends_with(&provider), "{text}");
    }
    // a certificate of one's own makes nobody trusted, and a chat does not look for an authority in its credentials
    for name in ["pair", "stranger", "trusting", "aside"] {
        let text = warning(&env, name).await;
        assert!(text.contains("failed to execute request") && text.contains("certificate"), "{text}");
        assert!(!open.requests().all().iter().any(|request| request.path == format!("/{name}")));
    }
    let text = warning(&env, "closed-ca").await;
    assert!(text.contains("postMessage failed: failed to execute request"), "{text}");
    assert!(!closed.requests().all().iter().any(|request| request.path == "/closed-ca"));
}

#[tokio::test]
async fn an_authority_of_a_secret_takes_the_place_of_the_systems() {
    let env = Env::start().await;
    let (system, other) = (Authority::new("system").unwrap(), Authority::new("other").unwrap());
    let sink = WebhookSink::start_tls(&system.server(&["127.0.0.1"]).unwrap(), None).await.unwrap();
    plain_secret(&env, "other", json!({"ca.crt": other.pem()})).await;
    provider(&env, &sink, "system", json!({})).await;
    provider(&env, &sink, "replaced", json!({"certSecretRef": {"name": "other"}})).await;
    let roots = env.lab().directory().join(format!("{}.pem", env.namespace()));
    fs_err::write(&roots, system.pem()).unwrap();
    let controller = Controller::notification(env!("CARGO_BIN_EXE_notification-controller"))
        .variable("SSL_CERT_FILE", roots.to_string_lossy());
    let controller = env.controller(&controller).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    arrived(&sink, "/system").await;
    assert!(warning(&env, "replaced").await.contains("certificate"));
    assert_eq!(sink.requests().len(), 1);
}

#[tokio::test]
async fn slacks_api_says_in_its_answer_whether_it_took_a_message() {
    let env = Env::start().await;
    let authority = Authority::new("slack").unwrap();
    let slack = WebhookSink::start_tls(&authority.server(&["slack.com"]).unwrap(), None).await.unwrap();
    let tunnel = TunnelProxy::start(&slack.address()).await.unwrap();
    plain_secret(&env, "ca", json!({"ca.crt": authority.pem()})).await;
    plain_secret(&env, "proxy", json!({"address": tunnel.url(), "username": "me", "password": "s3cret"}))
        .await;
    plain_secret(&env, "auth", json!({"token": "xoxb-s3cret"})).await;
    let spec = json!({"type": "slack", "address": "https://slack.com/api/chat.postMessage", "channel": "general",
        "secretRef": {"name": "auth"}, "certSecretRef": {"name": "ca"}, "proxySecretRef": {"name": "proxy"}});
    env.apply(&object("Provider", "chat", spec)).await;
    env.apply(&alert("chat", json!({}))).await;
    let controller = controller(&env).await;
    let answer = |status: StatusCode, body: &str| SinkAnswer {
        status,
        body: body.to_owned(),
        ..SinkAnswer::default()
    };
    // an answer of success is one under any status
    slack.answer_with(answer(StatusCode::FORBIDDEN, r#"{"ok":true}"#));
    accepted(&controller, &event(&env, "app", "1")).await;
    slack.requests().more_than(0).await;
    let connect = tunnel.requests().all().remove(0);
    assert!(connect.starts_with("CONNECT slack.com:443 HTTP/1.1\r\n"), "{connect}");
    assert!(connect.contains("Basic bWU6czNjcmV0"), "{connect}");
    let request = &slack.requests().all()[0];
    assert_eq!(request.headers["authorization"], "Bearer xoxb-s3cret");
    assert_eq!(request.json()["channel"], "general");
    slack.answer_with(answer(StatusCode::OK, r#"{"ok":false,"error":"channel_not_found"}"#));
    accepted(&controller, &event(&env, "app", "2")).await;
    let object = format!("Kustomization/{}/app", env.namespace());
    assert_eq!(
        warning(&env, "chat").await,
        format!(
            "failed to send notification for {object}: postMessage failed: request failed: Slack responded with error: \
             channel_not_found"
        ),
        "the first message is no failure"
    );
}
