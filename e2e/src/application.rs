//! The application that the quickstart delivers, and a clone that changes are pushed from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// The files of the application's repository.
pub const APPLICATION: [(&str, &str); 6] = [
    ("base/namespace.yaml", include_str!("../quickstart/base/namespace.yaml")),
    ("base/deployment.yaml", include_str!("../quickstart/base/deployment.yaml")),
    ("base/service.yaml", include_str!("../quickstart/base/service.yaml")),
    ("base/kustomization.yaml", include_str!("../quickstart/base/kustomization.yaml")),
    ("production/kustomization.yaml", include_str!("../quickstart/production/kustomization.yaml")),
    ("production/settings.env", include_str!("../quickstart/production/settings.env")),
];

/// A clone of the application's repository.
#[derive(Debug)]
pub struct WorkTree {
    path: PathBuf,
}

impl WorkTree {
    /// Makes a repository of the application's files at `path`, and pushes it to the branch `main` of an empty remote.
    ///
    /// # Errors
    /// If git fails: what it printed is the message.
    pub async fn create(path: PathBuf, url: &str) -> Result<Self> {
        fs_err::create_dir_all(&path)?;
        let tree = Self { path };
        tree.git(&["init", "--quiet", "--initial-branch=main"]).await?;
        tree.git(&["remote", "add", "origin", url]).await?;
        for (name, text) in APPLICATION {
            tree.write(name, text)?;
        }
        tree.push("Add the application").await?;
        tree.git(&["branch", "--quiet", "--set-upstream-to=origin/main"]).await?;
        Ok(tree)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path.join(name);
        fs_err::create_dir_all(path.parent().context("the file has no directory")?)?;
        Ok(fs_err::write(path, text)?)
    }

    /// Commits everything and pushes it to `main`; gives the commit's id.
    ///
    /// # Errors
    /// If git fails.
    pub async fn push(&self, message: &str) -> Result<String> {
        self.git(&["add", "--all"]).await?;
        self.git(&["commit", "--quiet", "--message", message]).await?;
        self.git(&["push", "--quiet", "origin", "main"]).await?;
        Ok(self.git(&["rev-parse", "HEAD"]).await?.trim().to_owned())
    }

    async fn git(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        command
            .current_dir(&self.path)
            .args([
                "-c",
                "user.name=Quickstart",
                "-c",
                "user.email=quickstart@example.com",
                "-c",
                "commit.gpgSign=false",
            ])
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0");
        let output = command.output().await.context("failed to start git")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "git {} failed: {}", arguments.join(" "), errors.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
