//! From the first byte of the webhook's POST to the changed object in the cluster, and to Ready with that revision.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use flux_e2e::{Binaries, NAMESPACE};
use flux_lab::Parts;
use futures::TryStreamExt as _;
use kube::api::{WatchEvent, WatchParams};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::application::{application, git_repository, kustomization};
use crate::report::{Row, milliseconds, percentile};
use crate::stage::{Stage, commit};

const PATIENCE: Duration = Duration::from_secs(30);

/// Measures so many pushes of one application.
pub(crate) async fn measure(binaries: &Binaries, pushes: usize) -> Result<Vec<Row>> {
    let stage = Stage::start(binaries, Parts::Controllers).await?;
    let repository = stage.git.repository("app")?;
    let revision = commit(&repository, &application("first"))?;
    stage.create_namespaces(&["app".to_owned()]).await?;
    let mut kustomizations = stage.watch_kustomizations().await?;
    stage.create(&git_repository("app", repository.url())).await?;
    stage.create(&kustomization("app", "app")).await?;
    kustomizations.one("app", &revision, PATIENCE).await?;
    let webhook = receiver(&stage).await?;
    let mut deployment = follow_deployment(&stage).await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let (mut changed, mut ready) = (Vec::new(), Vec::new());
    for number in 0..pushes {
        let version = format!("push-{number}");
        let revision = commit(&repository, &application(&version))?;
        let started = Instant::now();
        let answer = client.post(&webhook).body("{}").send().await?;
        ensure!(answer.status().is_success(), "the webhook was answered with {}", answer.status());
        let seen = deployment.wait_for(|(seen, _)| *seen == version);
        let seen = tokio::time::timeout(PATIENCE, seen).await.context("the Deployment did not change")??.1;
        changed.push(seen.duration_since(started));
        ready.push(kustomizations.one("app", &revision, PATIENCE).await?.duration_since(started));
    }
    changed.sort();
    ready.sort();
    let mut rows = Vec::new();
    for (what, times) in [("changed object", &changed), ("Ready", &ready)] {
        for (name, share, limit) in [("p50", 0.5, 150.0), ("p99", 0.99, 400.0)] {
            let figure = format!("webhook to {what}, {name} of {pushes}");
            rows.push(Row::at_most(&figure, milliseconds(percentile(times, share)), limit, "ms"));
        }
    }
    Ok(rows)
}

/// Makes a Receiver for the repository; gives the address of its webhook.
async fn receiver(stage: &Stage) -> Result<String> {
    let metadata = json!({"name": "app", "namespace": NAMESPACE});
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": "0123456789abcdef"},
    });
    stage.create(&secret).await?;
    let receiver = json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1",
        "kind": "Receiver",
        "metadata": metadata,
        "spec": {
            "type": "generic",
            "secretRef": {"name": "app"},
            "resources": [{"kind": "GitRepository", "name": "app"}],
        },
    });
    stage.create(&receiver).await?;
    let api = stage.api("notification.toolkit.fluxcd.io/v1", "Receiver", NAMESPACE);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let object = api.get("app").await?;
        if let Some(path) = object.data.pointer("/status/webhookPath").and_then(Value::as_str) {
            return Ok(format!("{}{path}", stage.notification.webhooks_url()));
        }
        ensure!(Instant::now() < deadline, "the Receiver got no path");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The version in the Deployment's template, and when it was seen.
async fn follow_deployment(stage: &Stage) -> Result<watch::Receiver<(String, Instant)>> {
    let api = stage.api("apps/v1", "Deployment", "app");
    let version = api.list_metadata(&kube::api::ListParams::default()).await?.metadata.resource_version;
    let mut version = version.unwrap_or_default();
    let (sender, receiver) = watch::channel((String::new(), Instant::now()));
    tokio::spawn(async move {
        while !sender.is_closed() {
            let mut events = std::pin::pin!(api.watch(&WatchParams::default().timeout(290), &version).await?);
            while let Some(event) = events.try_next().await? {
                let (WatchEvent::Added(object) | WatchEvent::Modified(object)) = event else { continue };
                version = object.metadata.resource_version.clone().unwrap_or(version);
                let place = "/spec/template/metadata/annotations/example.com~1version";
                let seen = object.data.pointer(place).and_then(Value::as_str).unwrap_or_default();
                sender.send_if_modified(|(known, at)| {
                    let new = known != seen;
                    if new {
                        (*known, *at) = (seen.to_owned(), Instant::now());
                    }
                    new
                });
            }
        }
        anyhow::Ok(())
    });
    Ok(receiver)
}
