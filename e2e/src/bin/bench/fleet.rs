//! Many Kustomizations of one `GitRepository`, each into a namespace of its own: installed, then upgraded by one push.

use std::time::Duration;

use anyhow::Result;
use flux_e2e::Binaries;
use flux_lab::Parts;

use crate::application::{application, git_repository, kustomization};
use crate::meter::{Cost, Meter};
use crate::report::{Row, mebibytes, number};
use crate::stage::{Stage, commit};
use crate::watching::Watching;

const PATIENCE: Duration = Duration::from_mins(5);
/// Seconds that a thousand may take.
const THOUSAND: f64 = 28.0;

/// A fleet that is installed.
pub(crate) struct Fleet {
    pub(crate) stage: Stage,
    pub(crate) kustomizations: Watching,
    pub(crate) installed: Cost,
    repository: flux_lab::GitRepository,
}

impl Fleet {
    /// Installs so many Kustomizations and waits until all are Ready.
    pub(crate) async fn install(binaries: &Binaries, size: usize) -> Result<Self> {
        let stage = Stage::start(binaries, Parts::Controllers).await?;
        let repository = stage.git.repository("fleet")?;
        let revision = commit(&repository, &application("1"))?;
        stage.create(&git_repository("fleet", repository.url())).await?;
        stage.watch_sources().await?.one("fleet", &revision, PATIENCE).await?;
        let names: Vec<_> = (0..size).map(|number| format!("fleet-{number:04}")).collect();
        stage.create_namespaces(&names).await?;
        let mut kustomizations = stage.watch_kustomizations().await?;
        let meter = Meter::start(&stage)?;
        stage.create_all(names.iter().map(|name| kustomization(name, "fleet")).collect()).await?;
        let ended = kustomizations.ready(size, &revision, PATIENCE).await?;
        let installed = meter.stop(&stage, ended).await?;
        Ok(Self { stage, kustomizations, installed, repository })
    }

    /// Pushes a change of the Deployment and waits until all are Ready with it.
    async fn upgrade(&mut self, size: usize) -> Result<Cost> {
        let revision = commit(&self.repository, &application("2"))?;
        let meter = Meter::start(&self.stage)?;
        self.stage.request("source.toolkit.fluxcd.io/v1", "GitRepository", "fleet").await?;
        let ended = self.kustomizations.ready(size, &revision, PATIENCE).await?;
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
pub(crate) async fn measure(binaries: &Binaries, size: usize, all: &mut Comparison) -> Result<Vec<Row>> {
    let mut fleet = Fleet::install(binaries, size).await?;
    let upgraded = fleet.upgrade(size).await?;
    all.fleets.push((size, [fleet.installed.wall, upgraded.wall]));
    let mut rows = Vec::new();
    for (work, cost, requests) in [("install", &fleet.installed, 16.0), ("upgrade", &upgraded, 12.0)] {
        eprintln!("{work} of {size}, requests each:\n{}", cost.requests_text(size));
        let limit = THOUSAND * size as f64 / 1000.0;
        rows.extend([
            Row::at_most(work, cost.wall.as_secs_f64(), limit, "s"),
            Row::at_most(&format!("{work}, requests each"), cost.requests_each(size), requests, ""),
            Row::at_most(&format!("{work}, own CPU each"), cost.own_each(size), 8.0, "ms"),
            Row::plain(&format!("{work}, CPU seconds"), cost.cpu_text()),
            Row::plain(
                &format!("{work}, API server, etcd and controller-manager"),
                format!("{} % of the time that others left", number(cost.floor_share() * 100.0)),
            ),
        ]);
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
