//! CPU profiles of the control plane while something is measured.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use crate::stage::Stage;

/// Time of one profile; `go tool pprof` adds several up.
const PART: Duration = Duration::from_secs(5);

/// Profiles that are written one after the other; the one under way at the end is lost.
pub(crate) struct Profiling {
    // dropping it ends its task
    _task: JoinSet<()>,
}

impl Profiling {
    /// Starts writing `<process>-<number>.pprof` into the directory, which is made.
    pub(crate) fn start(stage: &Stage, directory: &Path) -> Result<Self> {
        fs_err::create_dir_all(directory)?;
        let (lab, directory) = (Arc::clone(&stage.lab), directory.to_path_buf());
        let mut task = JoinSet::new();
        task.spawn(async move {
            for number in 0.. {
                let written = lab.profiles(PART).await.and_then(|profiles| {
                    for (name, profile) in profiles {
                        fs_err::write(directory.join(format!("{name}-{number}.pprof")), profile)?;
                    }
                    Ok(())
                });
                if let Err(error) = written {
                    eprintln!("profiling ended: {error:#}");
                    return;
                }
            }
        });
        Ok(Self { _task: task })
    }
}
