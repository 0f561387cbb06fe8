//! Services that hang or are in trouble, and processes that die before they have sent.

use std::collections::BTreeSet;
use std::time::Duration;

use flux_lab::{ControllerProcess, Env, SinkAnswer, WebhookSink};
use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{PATIENCE, accepted, alert, before, controller, event, object};

async fn provider(env: &Env, sink: &WebhookSink, name: &str, timeout: &str) {
    let address = format!("{}/{name}", sink.url());
    env.apply(&object("Provider", name, json!({"type": "generic", "address": address, "timeout": timeout})))
        .await;
    env.apply(&alert(name, json!({}))).await;
}

fn trouble(status: StatusCode) -> SinkAnswer {
    SinkAnswer { status, ..SinkAnswer::default() }
}

/// The value of a metric without labels, or with the labels as text.
async fn metric(controller: &ControllerProcess, name: &str) -> u64 {
    let metrics = controller.metrics().await.unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in {metrics}")).parse().unwrap()
}

#[tokio::test]
async fn providers_that_hang_or_are_in_trouble_delay_no_other() {
    let env = Env::start().await;
    let (slow, failing, fast) = (
        WebhookSink::start().await.unwrap(),
        WebhookSink::start().await.unwrap(),
        WebhookSink::start().await.unwrap(),
    );
    slow.answer_with(SinkAnswer { delay: Duration::from_mins(10), ..SinkAnswer::default() });
    failing.answer_with(trouble(StatusCode::INTERNAL_SERVER_ERROR));
    provider(&env, &slow, "slow", "1m").await;
    provider(&env, &failing, "failing", "1m").await;
    provider(&env, &fast, "fast", "1m").await;
    let controller = controller(&env).await;
    let began = Instant::now();
    for revision in 0..20 {
        accepted(&controller, &event(&env, "app", &revision.to_string())).await;
    }
    assert_eq!(before(&fast, "/fast", "19").await.len(), 19);
    assert!(began.elapsed() < Duration::from_mins(1), "nothing has waited for another's timeout");
    assert_eq!(slow.requests().len(), 1, "one at a time");
    assert_eq!(metric(&controller, "ferroflux_waiting_notifications").await, 38);
    assert_eq!(metric(&controller, "ferroflux_dropped_notifications_total{reason=\"overflow\"}").await, 0);
}

#[tokio::test]
async fn trouble_is_met_with_patience_that_grows_and_ends() {
    let env = Env::start().await;
    let (down, busy) = (WebhookSink::start().await.unwrap(), WebhookSink::start().await.unwrap());
    down.answer_with(trouble(StatusCode::SERVICE_UNAVAILABLE));
    let asked = vec![("retry-after", "1")];
    busy.answer_with(SinkAnswer { headers: asked, ..trouble(StatusCode::TOO_MANY_REQUESTS) });
    provider(&env, &down, "down", "8s").await;
    provider(&env, &busy, "busy", "1m").await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;

    let object = format!("Kustomization/{}/app", env.namespace());
    let told = env.event(&alert("busy", json!({})), "NotificationDispatchFailed").await.message.unwrap();
    assert_eq!(
        told,
        format!(
            "failed to send notification for {object}: postMessage failed: failed to execute request: POST {}/busy \
             giving up after 5 attempt(s)",
            busy.url()
        )
    );
    assert_eq!(gaps(&busy).into_iter().map(|gap| gap.as_secs().min(1)).collect::<Vec<_>>(), [1; 4]);

    let told = env.event(&alert("down", json!({})), "NotificationDispatchFailed").await.message.unwrap();
    assert_eq!(
        told,
        format!(
            "failed to send notification for {object}: postMessage failed: failed to execute request: POST {}/down: \
             context deadline exceeded",
            down.url()
        )
    );
    let gaps = gaps(&down);
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps[0] >= Duration::from_secs(2) && gaps[1] >= Duration::from_secs(4), "{gaps:?}");
    // who was in trouble gets the next event once it is not
    down.answer_with(SinkAnswer::default());
    accepted(&controller, &event(&env, "app", "2")).await;
    before(&down, "/down", "2").await;
}

/// Times between the requests that came.
fn gaps(sink: &WebhookSink) -> Vec<Duration> {
    let requests = sink.requests().all();
    requests.windows(2).map(|pair| pair[1].received - pair[0].received).collect()
}

#[tokio::test]
async fn what_was_acknowledged_is_sent_however_often_the_process_dies() {
    let env = Env::start().await;
    let (down, up) = (WebhookSink::start().await.unwrap(), WebhookSink::start().await.unwrap());
    down.answer_with(trouble(StatusCode::SERVICE_UNAVAILABLE));
    provider(&env, &down, "down", "1m").await;
    provider(&env, &up, "up", "1m").await;
    let mut controller = controller(&env).await;
    let mut acknowledged = BTreeSet::new();
    for life in 0_u32..4 {
        let sender = async {
            let client = reqwest::Client::new();
            for number in 0_u32.. {
                let revision = format!("{life}-{number}");
                let post = client.post(controller.events_url()).json(&event(&env, "app", &revision));
                // the process dies while it handles one of these
                let Ok(answer) = post.send().await else { break };
                assert_eq!(answer.status(), StatusCode::ACCEPTED);
                acknowledged.insert(revision);
            }
        };
        let killer = async {
            let before = up.requests().len();
            up.requests().more_than(before + usize::try_from(life).unwrap() * 3).await;
            controller.kill().await.unwrap();
        };
        tokio::join!(sender, killer);
        controller.restart(env.lab()).await.unwrap();
    }
    down.answer_with(SinkAnswer::default());
    // at the latest, a try in a minute from now finds it up
    controller.restart(env.lab()).await.unwrap();
    assert!(acknowledged.len() >= 4, "{acknowledged:?}");
    for (sink, path) in [(&up, "/up"), (&down, "/down")] {
        for revision in &acknowledged {
            before(sink, path, revision).await;
        }
    }
    let drained = async { while metric(&controller, "ferroflux_waiting_notifications").await > 0 {} };
    tokio::time::timeout(PATIENCE, drained).await.unwrap();
    let spool = controller.directory().join("tmp/notification-controller-events");
    let empty = async {
        while fs_err::read_dir(&spool).unwrap().next().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, empty).await.unwrap();
}

#[tokio::test]
async fn a_stop_leaves_what_was_not_sent_for_the_next_process() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    sink.answer_with(trouble(StatusCode::BAD_GATEWAY));
    provider(&env, &sink, "hook", "1m").await;
    let mut controller = controller(&env).await;
    for revision in ["1", "2", "3"] {
        accepted(&controller, &event(&env, "app", revision)).await;
    }
    sink.requests().more_than(0).await;
    controller.stop(Duration::from_secs(20)).await.unwrap();
    let tried = sink.requests().len();
    sink.answer_with(SinkAnswer::default());
    controller.restart(env.lab()).await.unwrap();
    sink.requests().more_than(tried + 2).await;
    let after: Vec<_> = sink.requests().after(tried);
    let revisions: Vec<_> =
        after.iter().map(|request| request.json()["metadata"]["revision"].clone()).collect();
    assert_eq!(revisions, ["1", "2", "3"], "in the order in which they came");
}
