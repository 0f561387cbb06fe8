//! A restart of kustomize-controller with many Ready Kustomizations, and a push that comes right after it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use flux_e2e::Binaries;
use flux_lab::AuditEntry;

use crate::application::{application, git_repository, kustomization};
use crate::fleet::Fleet;
use crate::meter::Meter;
use crate::report::{Row, number};
use crate::stage::{Stage, commit};

const PATIENCE: Duration = Duration::from_mins(3);

/// Measures a restart with so many Kustomizations, and one more whose source moves on meanwhile.
pub(crate) async fn measure(binaries: &Binaries, size: usize) -> Result<Vec<Row>> {
    let mut fleet = Fleet::install(binaries, size).await?;
    let repository = fleet.stage.git.repository("urgent")?;
    let revision = commit(&repository, &application("1"))?;
    fleet.stage.create_namespaces(&["urgent".to_owned()]).await?;
    fleet.stage.create(&git_repository("urgent", repository.url())).await?;
    fleet.stage.create(&kustomization("urgent", "urgent")).await?;
    fleet.kustomizations.one("urgent", &revision, PATIENCE).await?;

    // as an update does: it is asked to stop, and another one takes over
    fleet.stage.kustomize.stop(Duration::from_mins(1)).await?;
    let meter = Meter::start(&fleet.stage)?;
    let lab = std::sync::Arc::clone(&fleet.stage.lab);
    fleet.stage.kustomize.restart(&lab).await?;
    let started = Instant::now();
    let first = wait_for_runs(&fleet.stage, 1).await?;
    let revision = commit(&repository, &application("2"))?;
    let pushed = Instant::now();
    fleet.stage.request("source.toolkit.fluxcd.io/v1", "GitRepository", "urgent").await?;
    let urgent = fleet.kustomizations.one("urgent", &revision, PATIENCE).await?;
    let before = fleet.kustomizations.written_since(started);
    // every object of the fleet once, and the urgent one at least once
    let last = wait_for_runs(&fleet.stage, size + 1).await?;
    let mut cost = meter.stop(&fleet.stage, last).await?;
    cost.requests.retain(is_of_a_restart);
    eprintln!("restart with {size}, requests each:\n{}", cost.requests_text(size));
    let overtakes = Row::at_most(
        &format!("restart with {size}, Kustomizations written before a push was Ready"),
        before as f64,
        size as f64 / 4.0,
        "",
    );
    Ok(vec![
        Row::at_most(&format!("restart with {size}, requests each"), cost.requests_each(size), 6.0, ""),
        overtakes,
        Row::plain("from the push to Ready", format!("{} s", number((urgent - pushed).as_secs_f64()))),
        Row::plain("from the first run to the last", format!("{} s", number((last - first).as_secs_f64()))),
        Row::plain("own CPU each", format!("{} ms", number(cost.own_each(size)))),
        Row::plain("CPU seconds", cost.cpu_text()),
    ])
}

/// Requests for the Kustomizations that were Ready before: not those for the push, nor lists and discovery at the start.
fn is_of_a_restart(entry: &AuditEntry) -> bool {
    let start = entry.verb == "list" || entry.resource.is_empty();
    let pushed = entry.namespace == "urgent" || entry.name == "urgent" || entry.name.starts_with("urgent.");
    entry.user.ends_with(":kustomize-controller") && !start && !pushed
}

/// Waits until the new process has ended so many runs.
async fn wait_for_runs(stage: &Stage, count: usize) -> Result<Instant> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = stage.kustomize.metrics().await?;
        let runs = metrics.lines().filter(|line| line.starts_with("controller_runtime_reconcile_total{"));
        let ended: f64 = runs.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum();
        if ended >= count as f64 {
            return Ok(Instant::now());
        }
        ensure!(Instant::now() < deadline, "{ended} of {count} runs ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
