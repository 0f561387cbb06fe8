//! Settings that end the start, and replicas that do not lead.

use flux_lab::{Controller, Env, WebhookSink, is_ready, refused_start};
use http::StatusCode;
use serde_json::json;

use crate::support::{
    PATIENCE, accepted, alert, event, object, receiver, requested, secret, settled, source,
};

/// Starts the controller with flags that it must refuse; gives its status and what it printed.
fn refused(flags: &[&str]) -> (Option<i32>, String) {
    refused_start(env!("CARGO_BIN_EXE_notification-controller"), flags).expect("an exit")
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

#[tokio::test]
async fn whoever_is_ready_can_be_reached() {
    let env = Env::start().await;
    let mut controller = crate::support::controller(&env).await;
    let ports = [controller.events_url(), controller.webhooks_url()];
    let addresses = ports.map(|url| url.trim_start_matches("http://").trim_end_matches('/').to_owned());
    let probe = format!("http://{}/readyz", controller.health_address());
    for _ in 0..5 {
        controller.kill().await.unwrap();
        let watching = async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            // the old process is gone: the first success is the new one's
            while !client.get(&probe).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                tokio::task::yield_now().await;
            }
            for address in &addresses {
                tokio::net::TcpStream::connect(address).await.unwrap();
            }
        };
        let (started, ()) = tokio::join!(controller.restart(env.lab()), watching);
        started.unwrap();
    }
}
