//! What the controllers hold when nothing happens, and how large their programs are.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use flux_e2e::{Binaries, Installation, WorkTree};

use crate::report::{Row, mebibytes};

/// From Ready until memory is read.
const REST: Duration = Duration::from_mins(1);

/// Measures both.
pub(crate) async fn measure(binaries: &Binaries) -> Result<Vec<Row>> {
    let mut installation = Installation::start(|doing| eprintln!("  {doing} ...")).await?;
    let directory = installation.lab.directory().join("greeter");
    WorkTree::create(directory, installation.repository.url()).await?;
    installation.deliver().await?;
    tokio::time::sleep(REST).await;
    let mut rows = Vec::new();
    for (name, process) in [
        ("source-controller", &installation.source),
        ("kustomize-controller", &installation.kustomize),
        ("notification-controller", &installation.notification),
    ] {
        let resident = mebibytes(process.memory()?.resident);
        rows.push(Row::at_most(&format!("RSS of {name} 60 s after Ready"), resident, 12.0, "MiB"));
        let stripped = installation.lab.directory().join(name);
        let size = mebibytes(strip(&binaries.path(name), &stripped).await?);
        rows.push(Row::at_most(&format!("program of {name}, stripped"), size, 20.0, "MiB"));
    }
    Ok(rows)
}

/// Writes the program without symbols; gives its size in bytes.
async fn strip(program: &Path, to: &Path) -> Result<u64> {
    let mut command = tokio::process::Command::new("strip");
    let status = command.arg("-o").arg(to).arg(program).status().await.context("failed to start strip")?;
    ensure!(status.success(), "strip failed");
    Ok(fs_err::metadata(to)?.len())
}
