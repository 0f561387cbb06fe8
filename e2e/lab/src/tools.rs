//! Where the programs of the control plane are: built once per user, with progress on standard error.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};

use crate::supervisor::Command;

/// The file that the build puts beside its programs at its end; its time is that of the last use.
const MARK: &str = "complete";
/// How long a build is kept that nobody uses.
const KEPT_UNUSED: Duration = Duration::from_hours(14 * 24);

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
        let directory = PathBuf::from(directory.trim());
        remove_unused(&directory, SystemTime::now())?;
        Ok(Self { directory })
    }

    /// The path of one file of the build, such as `kube-apiserver` or `stages.yaml`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Notes that this build is used, and removes its neighbours, builds for another `go.sum`, that no checkout has used for
/// a while. One that never ended goes when its directory is that old.
fn remove_unused(used: &Path, now: SystemTime) -> Result<()> {
    let mark = fs_err::File::create(used.join(MARK))?.into_parts().0;
    mark.set_modified(now).context("failed to note the use of the control plane")?;
    let Some(cache) = used.parent() else { return Ok(()) };
    for entry in fs_err::read_dir(cache)? {
        let path = entry?.path();
        let used_last = fs_err::metadata(path.join(MARK)).or_else(|_| fs_err::metadata(&path));
        let used_last = used_last.and_then(|metadata| metadata.modified());
        let is_old = used_last.is_ok_and(|time| now.duration_since(time).is_ok_and(|age| age > KEPT_UNUSED));
        if path.is_dir() && path != used && is_old {
            // Another process may be removing it as well.
            let _ = fs_err::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// The root of this repository's checkout.
pub fn repository_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().and_then(Path::parent).unwrap_or(manifest).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_that_nobody_uses_go() {
        let cache = tempfile::tempdir().unwrap();
        let build = |name: &str| {
            let path = cache.path().join(name);
            fs_err::create_dir_all(&path).unwrap();
            path
        };
        let (own, other, torn) = (build("own"), build("other"), build("torn"));
        let now = SystemTime::now();
        remove_unused(&other, now).unwrap();
        remove_unused(&own, now).unwrap();
        assert!(own.exists() && other.exists() && torn.exists(), "all are young");
        fs_err::write(cache.path().join("lock"), "").unwrap();
        let later = now + KEPT_UNUSED + Duration::from_mins(1);
        remove_unused(&own, later).unwrap();
        assert!(own.exists() && !other.exists() && !torn.exists());
        assert!(cache.path().join("lock").exists(), "files stay");
    }
}
