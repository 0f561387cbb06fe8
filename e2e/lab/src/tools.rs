//! Where the programs of the control plane are: built once per user, with progress on standard error.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::supervisor::Command;

/// The programs of the control plane, in the user's cache.
#[derive(Debug, Clone)]
pub struct ControlPlaneBinaries {
    directory: PathBuf,
}

impl ControlPlaneBinaries {
    /// Finds the programs, and builds them first where the cache has none for this `go.sum` (about five minutes on two
    /// cores). Builds of several processes at a time wait for each other.
    ///
    /// # Errors
    /// If Go is missing or the build fails; the build's own output is on standard error.
    pub fn locate() -> Result<Self> {
        let script = repository_root().join("e2e/control-plane/build");
        let output = Command::new(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("failed to run {}", script.display()))?;
        ensure!(output.status.success(), "failed to build the control plane");
        let directory = String::from_utf8(output.stdout).context("failed to read the build's answer")?;
        Ok(Self { directory: PathBuf::from(directory.trim()) })
    }

    /// The path of one file of the build, such as `kube-apiserver` or `stages.yaml`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// The root of this repository's checkout.
pub fn repository_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().and_then(Path::parent).unwrap_or(manifest).to_path_buf()
}
