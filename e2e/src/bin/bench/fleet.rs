//! Many Kustomizations of one `GitRepository`, each into a namespace of its own: installed, then upgraded by one push.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use flux_e2e::Binaries;
use flux_lab::Parts;

use crate::application::{application, git_repository, kustomization};
use crate::meter::{Cost, Meter};
use crate::profiling::Profiling;
use crate::report::{Row, mebibytes, number};
use crate::stage::{Stage, commit};
use crate::watching::Watching;

const PATIENCE: Duration = Duration::from_mins(5);
/// Flux's own kustomize-controller takes that much longer.
const PATIENCE_WITH_UPSTREAM: Duration = Duration::from_mins(15);
/// Seconds that a thousand may take.
const THOUSAND: f64 = 28.0;

/// How many Kustomizations, and where profiles go.
pub(crate) type Sizing<'a> = (usize, Option<&'a Path>);

/// A fleet that is installed.
pub(crate) struct Fleet {
    pub(crate) stage: Stage,
    pub(crate) kustomizations: Watching,
    pub(crate) installed: Cost,
    repository: flux_lab::GitRepository,
    patience: Duration,
}

impl Fleet {
    /// Installs so many Kustomizations and waits until all are Ready.
    pub(crate) async fn install(binaries: &Binaries, size: usize) -> Result<Self> {
        Self::install_profiled(binaries, (size, None)).await
    }

    /// The same; profiles are written into the directory, if one is given.
    async fn install_profiled(binaries: &Binaries, (size, profiles): Sizing<'_>) -> Result<Self> {
        let patience = if binaries.are_upstream() { PATIENCE_WITH_UPSTREAM } else { PATIENCE };
        let stage = Stage::start(binaries, Parts::Controllers).await?;
        let repository = stage.git.repository("fleet")?;
        let revision = commit(&repository, &application("1"))?;
        stage.create(&git_repository("fleet", repository.url())).await?;
        stage.watch_sources().await?.one("fleet", &revision, PATIENCE).await?;
        let names: Vec<_> = (0..size).map(|number| format!("fleet-{number:04}")).collect();
        stage.create_namespaces(&names).await?;
        let mut kustomizations = stage.watch_kustomizations().await?;
        let profiling = profiles.map(|directory| Profiling::start(&stage, directory)).transpose()?;
        let meter = Meter::start(&stage)?;
        stage.create_all(names.iter().map(|name| kustomization(name, "fleet")).collect()).await?;
        let ended = kustomizations.ready(size, &revision, patience).await?;
        let installed = meter.stop(&stage, ended).await?;
        drop(profiling);
        Ok(Self { stage, kustomizations, installed, repository, patience })
    }

    /// Pushes a change of the Deployment and waits until all are Ready with it.
    async fn upgrade(&mut self, size: usize) -> Result<Cost> {
        let revision = commit(&self.repository, &application("2"))?;
        let meter = Meter::start(&self.stage)?;
        self.stage.request("source.toolkit.fluxcd.io/v1", "GitRepository", "fleet").await?;
        let ended = self.kustomizations.ready(size, &revision, self.patience).await?;
        meter.stop(&self.stage, ended).await
    }
}

/// Install and upgrade of fleets of different sizes.
#[derive(Default)]
pub(crate) struct Comparison {
    fleets: Vec<(usize, [Duration; 2])>,
}

impl Comparison {
    /// How the time per object grows from the smallest to the largest fleet.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let (Some(small), Some(large)) = (
            self.fleets.iter().min_by_key(|(size, _)| size),
            self.fleets.iter().max_by_key(|(size, _)| size),
        ) else {
            return Vec::new();
        };
        if small.0 == large.0 {
            return Vec::new();
        }
        let growth = |of: fn(&[Duration; 2]) -> Duration| {
            let each = |(size, times): &(usize, [Duration; 2])| of(times).as_secs_f64() / *size as f64;
            each(large) / each(small)
        };
        let figure = |work: &str| format!("{work}, time per object at {} against {}", large.0, small.0);
        vec![
            Row::at_most(&figure("install"), growth(|[install, _]| *install), 1.2, "times"),
            Row::at_most(&figure("upgrade"), growth(|[_, upgrade]| *upgrade), 1.2, "times"),
        ]
    }
}

/// Measures a fleet of this size.
pub(crate) async fn measure(
    binaries: &Binaries,
    sizing: Sizing<'_>,
    all: &mut Comparison,
) -> Result<Vec<Row>> {
    let size = sizing.0;
    let (fleet, upgraded) = both(binaries, sizing).await?;
    all.fleets.push((size, [fleet.installed.wall, upgraded.wall]));
    let mut rows = Vec::new();
    for (work, cost, requests) in [("install", &fleet.installed, 16.0), ("upgrade", &upgraded, 12.0)] {
        let limit = THOUSAND * size as f64 / 1000.0;
        rows.extend([
            Row::at_most(work, cost.wall.as_secs_f64(), limit, "s"),
            Row::at_most(&format!("{work}, requests each"), cost.requests_each(size), requests, ""),
            Row::at_most(&format!("{work}, own CPU each"), cost.own_each(size), 8.0, "ms"),
        ]);
        rows.extend(cpu_rows(work, cost));
    }
    for (name, process) in fleet.stage.controllers() {
        let peak = mebibytes(process.memory()?.peak);
        let figure = format!("peak RSS of {name}");
        rows.push(match name {
            "kustomize-controller" => Row::at_most(&figure, peak, 46.0, "MiB"),
            "source-controller" => Row::at_most(&figure, peak, 26.0, "MiB"),
            _ => Row::at_most(&figure, peak, 24.0, "MiB"),
        });
    }
    Ok(rows)
}

/// Measures a fleet of this size with Flux's own kustomize-controller: what it costs, and how many times as long it takes.
pub(crate) async fn measure_upstream(
    binaries: &Binaries,
    sizing: Sizing<'_>,
    ours: &Comparison,
) -> Result<Vec<Row>> {
    let size = sizing.0;
    let (fleet, upgraded) = both(&binaries.with_upstream().await?, sizing).await?;
    let ours = ours.fleets.iter().find(|(fleet, _)| *fleet == size).map(|(_, times)| times);
    let [installing, upgrading] = ours.context("there is nothing of ours to compare with")?;
    let mut rows = Vec::new();
    for (work, cost, time) in [("install", &fleet.installed, installing), ("upgrade", &upgraded, upgrading)] {
        rows.extend([
            Row::plain(work, format!("{} s", number(cost.wall.as_secs_f64()))),
            Row::at_least(&format!("{work}, time by that of ours"), cost.times(*time), 5.0, "times"),
            Row::plain(&format!("{work}, requests each"), number(cost.requests_each(size))),
            Row::plain(&format!("{work}, its CPU each"), format!("{} ms", number(cost.own_each(size)))),
        ]);
        rows.extend(cpu_rows(work, cost));
    }
    for (name, process) in fleet.stage.controllers() {
        let peak = number(mebibytes(process.memory()?.peak));
        rows.push(Row::plain(&format!("peak RSS of {name}"), format!("{peak} MiB")));
    }
    Ok(rows)
}

/// Installs and upgrades; tells on standard error what was asked of the API server.
async fn both(binaries: &Binaries, sizing: Sizing<'_>) -> Result<(Fleet, Cost)> {
    let mut fleet = Fleet::install_profiled(binaries, sizing).await?;
    let size = sizing.0;
    let upgraded = fleet.upgrade(size).await?;
    for (work, cost) in [("install", &fleet.installed), ("upgrade", &upgraded)] {
        eprintln!("{work} of {size}, requests each:\n{}", cost.requests_text(size));
    }
    Ok((fleet, upgraded))
}

fn cpu_rows(work: &str, cost: &Cost) -> [Row; 2] {
    let floor = format!("{} % of the time that others left", number(cost.floor_share() * 100.0));
    [
        Row::plain(&format!("{work}, CPU seconds"), cost.cpu_text()),
        Row::plain(&format!("{work}, API server, etcd and controller-manager"), floor),
    ]
}
