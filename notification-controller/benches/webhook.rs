//! From the first byte of a webhook to the answer, which comes when all its objects carry the annotation: for 1, 10 and
//! 100 objects, named and by label, 50 times each. One row per case: median, 90th and 99th percentile, in milliseconds.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use flux_lab::{Controller, ControllerProcess, Env, is_ready};
use serde_json::{Value, json};

const TIMES: usize = 50;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let env = Env::start().await;
    env.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"},
        "stringData": {"token": "s3cret"}}))
        .await;
    let controller = Controller::notification(env!("CARGO_BIN_EXE_notification-controller"));
    let controller = env.controller(&controller).await;
    show(&format!("{:<20} {:>8} {:>8} {:>8}", "objects", "p50", "p90", "p99"));
    for count in [1, 10, 100] {
        let names: Vec<_> = (0..count).map(|number| format!("app-{count}-{number}")).collect();
        for name in &names {
            env.apply(&json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
                "metadata": {"name": name, "labels": {"of": count.to_string()}},
                "spec": {"url": "https://git.example/app", "interval": "1h"}}))
                .await;
        }
        let named: Vec<_> = names.iter().map(|name| json!({"kind": "GitRepository", "name": name})).collect();
        let labelled =
            json!([{"kind": "GitRepository", "name": "*", "matchLabels": {"of": count.to_string()}}]);
        report(&env, &controller, &format!("{count}-named"), json!(named)).await?;
        report(&env, &controller, &format!("{count}-labelled"), labelled).await?;
    }
    Ok(())
}

async fn report(
    env: &Env,
    controller: &ControllerProcess,
    case: &str,
    resources: Value,
) -> anyhow::Result<()> {
    let receiver = json!({"apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
        "metadata": {"name": case},
        "spec": {"type": "generic", "secretRef": {"name": "token"}, "resources": resources}});
    env.apply(&receiver).await;
    let ready = env.eventually(&receiver, is_ready()).await;
    let path = ready.pointer("/status/webhookPath").and_then(Value::as_str).context("no path")?;
    let (client, url) = (reqwest::Client::new(), format!("{}{path}", controller.webhooks_url()));
    // the path may be in the API before it is known to the controller
    while client.post(&url).send().await?.status() == http::StatusCode::NOT_FOUND {}
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let began = Instant::now();
        let status = client.post(&url).send().await?.status();
        ensure!(status.is_success(), "the webhook was answered by {status}");
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let at =
        |percent: usize| times.get(times.len() * percent / 100).map_or(0.0, Duration::as_secs_f64) * 1000.0;
    show(&format!("{case:<20} {:>8.1} {:>8.1} {:>8.1}", at(50), at(90), at(99)));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what a benchmark is for")]
fn show(row: &str) {
    println!("{row}");
}
