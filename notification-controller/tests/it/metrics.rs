//! Metrics by name, labels and buckets.

use flux_lab::{Env, is_ready};
use http::StatusCode;
use serde_json::json;

use crate::support::{accepted, controller, controller_with, event, hook, post, receiver, secret, settled};

#[tokio::test]
async fn requests_are_measured_by_route_method_and_status() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    let hook_receiver = receiver("hook", "generic", json!([]));
    env.apply(&hook_receiver).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    assert_eq!(post(&controller, &event(&env, "app", "1")).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let ready = env.eventually(&hook_receiver, is_ready()).await;
    assert_eq!(settled(&controller, &ready).await, StatusCode::OK);
    let client = reqwest::Client::new();
    client.get(format!("{}/elsewhere", controller.webhooks_url())).send().await.unwrap();
    let odd = http::Method::from_bytes(b"NOTIFY").unwrap();
    client.request(odd, hook(&controller, &ready)).send().await.unwrap();
    let metrics = controller.metrics().await.unwrap();
    let namespace = env.namespace();
    let reconciled = format!("{{kind=\"Receiver\",name=\"hook\",namespace=\"{namespace}\"}}");
    for line in [
        "gotk_event_http_request_duration_seconds_count{code=\"202\",handler=\"/\",method=\"POST\",service=\"\"} 1",
        "gotk_event_http_request_duration_seconds_count{code=\"429\",handler=\"/\",method=\"POST\",service=\"\"} 1",
        "gotk_event_http_response_size_bytes_sum{code=\"429\",handler=\"/\",method=\"POST\",service=\"\"} 18",
        "gotk_event_http_requests_inflight{handler=\"/\",service=\"\"} 0",
        "gotk_receiver_http_request_duration_seconds_count{code=\"200\",handler=\"/hook/\",method=\"POST\",service=\"\"} 1",
        "gotk_receiver_http_request_duration_seconds_count{code=\"404\",handler=\"/hook/\",method=\"GET\",service=\"\"} 1",
        "gotk_receiver_http_request_duration_seconds_count{code=\"200\",handler=\"/hook/\",method=\"other\",service=\"\"} 1",
        "gotk_receiver_http_requests_inflight{handler=\"/hook/\",service=\"\"} 0",
        "ferroflux_waiting_notifications 0",
        "ferroflux_dropped_notifications_total{reason=\"overflow\"} 0",
        "ferroflux_dropped_notifications_total{reason=\"unreadable\"} 0",
    ] {
        assert!(metrics.lines().any(|each| each == line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.contains(&format!("gotk_reconcile_duration_seconds_count{reconciled} ")), "{metrics}");
    for controller in ["alert", "provider", "receiver"] {
        assert!(
            metrics.contains(&format!(
                "controller_runtime_max_concurrent_reconciles{{controller=\"{controller}\"}} 4"
            )),
            "{metrics}"
        );
    }
    for (metric, buckets) in [
        (
            "gotk_event_http_request_duration_seconds",
            &["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"][..],
        ),
        (
            "gotk_receiver_http_response_size_bytes",
            &["100", "1000", "10000", "100000", "1000000", "10000000", "100000000", "1000000000", "+Inf"],
        ),
    ] {
        let mut seen: Vec<_> = metrics
            .lines()
            .filter_map(|line| {
                let labels = line.strip_prefix(metric)?.strip_prefix("_bucket")?;
                Some(labels.split("le=\"").nth(1)?.split('"').next()?.to_owned())
            })
            .collect();
        let mut known = std::collections::HashSet::new();
        seen.retain(|bucket| known.insert(bucket.clone()));
        assert_eq!(seen, buckets, "{metric}");
    }
}

#[tokio::test]
async fn the_full_path_is_a_label_on_request() {
    let env = Env::start().await;
    let controller = controller_with(&env, &["--export-http-path-metrics"]).await;
    let url = format!("{}hook/x", controller.events_url());
    reqwest::Client::new().post(url).body("{").send().await.unwrap();
    let metrics = controller.metrics().await.unwrap();
    let line = "gotk_event_http_request_duration_seconds_count{code=\"400\",handler=\"/hook/x\",method=\"POST\",service=\"\"} 1";
    assert!(metrics.lines().any(|each| each == line), "{metrics}");
}
