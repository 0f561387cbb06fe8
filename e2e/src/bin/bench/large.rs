//! One Kustomization of many objects, and a repository of many files.

use std::time::{Duration, Instant};

use anyhow::Result;
use flux_e2e::{Binaries, NAMESPACE};
use flux_lab::Parts;

use crate::application::{application, git_repository, kustomization};
use crate::meter::Meter;
use crate::report::{Row, mebibytes, number};
use crate::stage::{Stage, commit};

const PATIENCE: Duration = Duration::from_mins(3);
const OBJECTS: usize = 2_000;
const FILES: usize = 20_000;

/// Measures both, each in a lab of its own.
pub(crate) async fn measure(binaries: &Binaries) -> Result<Vec<Row>> {
    let mut rows = objects(binaries).await?;
    rows.extend(files(binaries).await?);
    Ok(rows)
}

async fn objects(binaries: &Binaries) -> Result<Vec<Row>> {
    let stage = Stage::start(binaries, Parts::Controllers).await?;
    let repository = stage.git.repository("large")?;
    let mut revision = commit(&repository, &config_maps("1"))?;
    let (mut sources, mut kustomizations) =
        (stage.watch_sources().await?, stage.watch_kustomizations().await?);
    stage.create_namespaces(&["large".to_owned()]).await?;
    stage.create(&git_repository("large", repository.url())).await?;
    sources.one("large", &revision, PATIENCE).await?;
    let mut rows = Vec::new();
    for work in ["install", "upgrade"] {
        let meter = Meter::start(&stage)?;
        if work == "install" {
            stage.create(&kustomization("large", "large")).await?;
        } else {
            revision = commit(&repository, &config_maps("2"))?;
            stage.request("source.toolkit.fluxcd.io/v1", "GitRepository", "large").await?;
        }
        let ready = kustomizations.one("large", &revision, PATIENCE).await?;
        let cost = meter.stop(&stage, ready).await?;
        eprintln!("{work} of {OBJECTS} objects, requests each:\n{}", cost.requests_text(OBJECTS));
        let figure = |what: &str| format!("{work} of one Kustomization of {OBJECTS} objects, {what}");
        rows.push(Row::plain(&figure("time"), format!("{} s", number(cost.wall.as_secs_f64()))));
        rows.push(Row::plain(&figure("CPU seconds"), cost.cpu_text()));
    }
    for (name, process) in stage.controllers() {
        let peak = number(mebibytes(process.memory()?.peak));
        rows.push(Row::plain(&format!("{OBJECTS} objects, peak RSS of {name}"), format!("{peak} MiB")));
    }
    let api = stage.api("kustomize.toolkit.fluxcd.io/v1", "Kustomization", NAMESPACE);
    let status = api.get("large").await?.data;
    let status = mebibytes(u64::try_from(status.get("status").map_or(0, |status| status.to_string().len()))?);
    rows.push(Row::at_most(&format!("{OBJECTS} objects, status"), status, 1.0, "MiB"));
    Ok(rows)
}

async fn files(binaries: &Binaries) -> Result<Vec<Row>> {
    let stage = Stage::start(binaries, Parts::Controllers).await?;
    let repository = stage.git.repository("files")?;
    let mut content = application("1");
    for number in content.len()..FILES {
        let path = format!("other/{}/{}/{number}.yaml", number % 20, number % 400);
        content.push((path, format!("# file {number}\nvalue: {}\n", number.wrapping_mul(2_654_435_761))));
    }
    let mut revision = commit(&repository, &content)?;
    let (mut sources, mut kustomizations) =
        (stage.watch_sources().await?, stage.watch_kustomizations().await?);
    stage.create_namespaces(&["files".to_owned()]).await?;
    let mut rows = Vec::new();
    for work in ["first", "next"] {
        let started = Instant::now();
        if work == "first" {
            stage.create(&git_repository("files", repository.url())).await?;
            stage.create(&kustomization("files", "files")).await?;
        } else {
            revision = commit(&repository, &application("2"))?;
            stage.request("source.toolkit.fluxcd.io/v1", "GitRepository", "files").await?;
        }
        let stored = sources.one("files", &revision, PATIENCE).await? - started;
        let ready = kustomizations.one("files", &revision, PATIENCE).await? - started;
        for (what, time) in [("artifact", stored), ("application", ready)] {
            let figure = format!("{work} revision of a repository of {FILES} files, {what} Ready");
            rows.push(Row::plain(&figure, format!("{} s", number(time.as_secs_f64()))));
        }
    }
    for (name, process) in stage.controllers() {
        let peak = number(mebibytes(process.memory()?.peak));
        rows.push(Row::plain(&format!("{FILES} files, peak RSS of {name}"), format!("{peak} MiB")));
    }
    Ok(rows)
}

/// Files of a hundred `ConfigMaps` each.
fn config_maps(version: &str) -> Vec<(String, String)> {
    let map = |number: usize| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map-{number}\ndata:\n  version: \"{version}\"\n"
        )
    };
    let file = |file: usize| {
        let maps: String = (file * 100..(file + 1) * 100).map(map).collect();
        (format!("app/maps-{file}.yaml"), maps)
    };
    (0..OBJECTS / 100).map(file).collect()
}
