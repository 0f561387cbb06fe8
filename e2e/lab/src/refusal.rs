//! Controllers that must not start.

use std::path::Path;

use anyhow::{Context as _, Result};

/// Nobody listens at this address.
const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
    clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n\
    users: [{name: a, user: {token: t}}]\n\
    contexts: [{name: a, context: {cluster: a, user: a}}]\n";

/// Starts a controller with flags that it must refuse; gives its exit status and what it printed. Nobody listens at the
/// address of its API server: settings are checked before that is asked.
///
/// # Errors
/// The program cannot be started.
#[expect(
    clippy::disallowed_types,
    reason = "supervised processes are those of a lab, and nothing but this one is waited for"
)]
pub fn refused_start(program: impl AsRef<Path>, flags: &[&str]) -> Result<(Option<i32>, String)> {
    let directory = tempfile::tempdir().context("failed to make a directory")?;
    let config = directory.path().join("config");
    fs_err::write(&config, KUBECONFIG)?;
    let output = std::process::Command::new(program.as_ref())
        .args(["--metrics-addr=0", "--health-addr=0"])
        .args(flags)
        .env("KUBECONFIG", config)
        .env("TMPDIR", directory.path())
        .output()
        .with_context(|| format!("failed to start {}", program.as_ref().display()))?;
    let printed = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&printed).into_owned()))
}
