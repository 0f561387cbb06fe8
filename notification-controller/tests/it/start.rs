//! Settings that end the start, and replicas that do not lead.

use flux_lab::{Controller, Env, WebhookSink, is_ready};
use http::StatusCode;
use serde_json::json;

use crate::support::{
    PATIENCE, accepted, alert, event, object, receiver, requested, secret, settled, source,
};

/// Starts the controller with flags that it must refuse; gives its status and what it printed.
#[expect(
    clippy::disallowed_types,
    reason = "the lab waits until a controller is ready, which these never are"
)]
fn refused(flags: &[&str]) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_notification-controller"))
        .args(["--metrics-addr=0", "--health-addr=0"])
        .args(flags)
        .env("KUBECONFIG", kubeconfig())
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&printed).into_owned())
}

/// An address where nobody listens: settings are checked before the API server is asked.
fn kubeconfig() -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("notification-controller-test-{}", std::process::id()));
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
        clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n\
        users: [{name: a, user: {token: t}}]\n\
        contexts: [{name: a, context: {cluster: a, user: a}}]\n";
    fs_err::write(&path, text).unwrap();
    path
}

#[test]
fn wrong_settings_end_the_start() {
    let (status, printed) = refused(&["--feature-gates=Nonsense=true"]);
    assert_eq!(status, Some(1));
    assert!(printed.contains("feature-gate 'Nonsense' not supported"), "{printed}");
    let (status, printed) = refused(&["--default-service-account=x"]);
    assert_eq!(status, Some(1));
    assert!(
        printed.contains(
            "cannot set default service accounts when the feature gate ObjectLevelWorkloadIdentity is not enabled"
        ),
        "{printed}"
    );
    for flag in ["--watch-label-selector=a=b", "--interval-jitter-percentage=1", "--requeue-dependency=1s"] {
        let (status, printed) = refused(&[flag]);
        assert_eq!(status, Some(2), "{flag}: {printed}");
    }
}

#[tokio::test]
async fn a_replica_that_does_not_lead_serves_events_and_webhooks() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    secret(&env, "token", "s3cret").await;
    env.apply(&source("app")).await;
    env.apply(&object("Provider", "hook", json!({"type": "generic", "address": sink.url()}))).await;
    env.apply(&alert("hook", json!({}))).await;
    let hook = receiver("hook", "generic", json!([{"kind": "GitRepository", "name": "app"}]));
    env.apply(&hook).await;
    let replica = || {
        Controller::notification(env!("CARGO_BIN_EXE_notification-controller"))
            .flag("--enable-leader-election")
    };
    let _leader = env.controller(&replica()).await;
    let ready = env.eventually(&hook, is_ready()).await;
    let follower = env.controller(&replica()).await;
    accepted(&follower, &event(&env, "app", "1")).await;
    sink.requests().wait_for(PATIENCE, |_| true).await.unwrap();
    assert_eq!(settled(&follower, &ready).await, StatusCode::OK);
    env.eventually(&source("app"), requested()).await;
    let metrics = follower.metrics().await.unwrap();
    assert!(
        metrics.contains("leader_election_master_status{name=\"notification-controller-leader-election\"} 0")
    );
}
