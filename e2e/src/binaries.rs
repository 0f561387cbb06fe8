//! The controllers' programs, as built by cargo.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flux_lab::repository_root;
use tokio::process::Command;

const CONTROLLERS: [&str; 3] = ["source-controller", "kustomize-controller", "notification-controller"];

/// Where the controllers' programs are.
#[derive(Debug, Clone)]
pub struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    /// Builds the controllers in the profile that the calling program was built in, where they are not up to date.
    ///
    /// # Errors
    /// If the build fails; its output is on standard error.
    pub async fn build() -> Result<Self> {
        let executable = std::env::current_exe().context("failed to find the own program")?;
        let parent = executable.parent().context("the own program has no directory")?;
        // Tests lie one directory below programs.
        let directory = if parent.ends_with("deps") { parent.parent().unwrap_or(parent) } else { parent };
        let profile = match directory.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let mut command = Command::new("cargo");
        command.current_dir(repository_root()).args(["build", "--quiet", "--profile", profile]);
        if let Some(target) = directory.parent() {
            command.arg("--target-dir").arg(target);
        }
        // with this package, as `make` does: another choice has other features, and would build everything anew
        command.args(["--package", "flux-e2e", "--bins"]);
        for controller in CONTROLLERS {
            command.args(["--package", controller]);
        }
        let status = command.status().await.context("failed to start cargo")?;
        ensure!(status.success(), "failed to build the controllers");
        Ok(Self { directory: directory.to_path_buf() })
    }

    /// The path of a controller's program.
    pub fn path(&self, controller: &str) -> PathBuf {
        Path::new(&self.directory).join(controller)
    }
}
