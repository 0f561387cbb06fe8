//! The controllers' programs, as built by cargo.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use flux_lab::repository_root;
use tokio::process::Command;

const CONTROLLERS: [&str; 3] = ["source-controller", "kustomize-controller", "notification-controller"];
/// The one that can be Flux's own.
const UPSTREAM: &str = "kustomize-controller";

/// Where the controllers' programs are.
#[derive(Debug, Clone)]
pub struct Binaries {
    directory: PathBuf,
    upstream: Option<PathBuf>,
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
        Ok(Self { directory: directory.to_path_buf(), upstream: None })
    }

    /// The same with Flux's own kustomize-controller in the place of ours; it is built first where the user's cache has none
    /// of this version.
    ///
    /// # Errors
    /// If Go is missing or the build fails; its output is on standard error.
    pub async fn with_upstream(&self) -> Result<Self> {
        let script = repository_root().join("e2e/upstream/build");
        let mut command = Command::new(&script);
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().await;
        let output = output.with_context(|| format!("failed to run {}", script.display()))?;
        ensure!(output.status.success(), "failed to build Flux's own kustomize-controller");
        let upstream = String::from_utf8(output.stdout).context("failed to read the build's answer")?;
        Ok(Self { directory: self.directory.clone(), upstream: Some(PathBuf::from(upstream.trim())) })
    }

    /// Whether Flux's own kustomize-controller takes the place of ours.
    pub const fn are_upstream(&self) -> bool {
        self.upstream.is_some()
    }

    /// The path of a controller's program.
    pub fn path(&self, controller: &str) -> PathBuf {
        match &self.upstream {
            Some(program) if controller == UPSTREAM => program.clone(),
            Some(_) | None => self.directory.join(controller),
        }
    }
}
