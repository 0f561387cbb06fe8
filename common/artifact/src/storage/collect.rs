//! Garbage: superseded artifacts of an object, and what a crash left behind.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{ObjectLocation, Retention, Storage, TEMPORARY_PREFIX, ignore_missing};

/// Files of one object that are looked at in one run.
const MAX_CANDIDATES: usize = 1000;
/// Directories below the root are kind, namespace, name; nothing of ours lies deeper.
const MAX_DEPTH: usize = 8;

#[derive(Clone, Debug)]
struct Candidate {
    path: PathBuf,
    modified: SystemTime,
}

impl Storage {
    /// Removes the superseded artifacts of `object` that retention does not keep; `current` is the path (relative to the
    /// root) of the one to keep. Returns the paths removed, relative to the root. Links are left alone, and lock files of
    /// earlier controllers go with their artifacts.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn collect_garbage(&self, object: &ObjectLocation, current: &str) -> io::Result<Vec<String>> {
        let root = self.root();
        let directory = root.join(object.directory());
        let mut candidates = Vec::new();
        visit_files(&directory, &mut |path, metadata| {
            let is_lock = path.extension().is_some_and(|extension| extension == "lock");
            if !is_lock && let Ok(modified) = metadata.modified() {
                candidates.push(Candidate { path, modified });
            }
            candidates.len() < MAX_CANDIDATES
        })?;
        let current = root.join(current);
        let garbage = select_garbage(candidates, &current, self.options.retention, SystemTime::now());
        let mut removed = Vec::with_capacity(garbage.len());
        for path in garbage {
            self.checks.lock().remove(&path);
            ignore_missing(fs_err::remove_file(&path))?;
            let mut lock = path.clone().into_os_string();
            lock.push(".lock");
            ignore_missing(fs_err::remove_file(lock))?;
            let relative = path.strip_prefix(root).unwrap_or(&path);
            removed.push(relative.to_string_lossy().into_owned());
        }
        Ok(removed)
    }

    /// Removes unfinished files, which only a crash leaves behind, and lock files of earlier controllers. To be called
    /// once, before the first run.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn clear_leftovers(&self) -> io::Result<usize> {
        let mut leftovers = Vec::new();
        visit_files(self.root(), &mut |path, _| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(TEMPORARY_PREFIX) || name.ends_with(".lock") {
                leftovers.push(path);
            }
            true
        })?;
        let count = leftovers.len();
        for path in leftovers {
            ignore_missing(fs_err::remove_file(path))?;
        }
        Ok(count)
    }
}

/// Which candidates go. Source: Flux 2.9, source-controller's retention rules, with their quirk that a removal counts
/// twice where some artifact was past its time to live.
fn select_garbage(
    mut candidates: Vec<Candidate>,
    current: &Path,
    retention: Retention,
    now: SystemTime,
) -> Vec<PathBuf> {
    let total = candidates.len();
    let age = |candidate: &Candidate| now.duration_since(candidate.modified).unwrap_or(Duration::ZERO);
    candidates.retain(|candidate| candidate.path != current);
    candidates.sort_by_key(|candidate| candidate.modified);
    let (expired, fresh): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| age(candidate) > retention.time_to_live);
    let mut garbage: Vec<PathBuf> = expired.into_iter().map(|candidate| candidate.path).collect();
    let step = if garbage.is_empty() { 1 } else { 2 };
    let mut gone = garbage.len();
    for candidate in fresh {
        if total.saturating_sub(gone) <= retention.records {
            break;
        }
        garbage.push(candidate.path);
        gone += step;
    }
    garbage
}

/// Calls `visit` for each regular file below `directory`, links not followed, until it answers `false`.
fn visit_files(
    directory: &Path,
    visit: &mut dyn FnMut(PathBuf, &std::fs::Metadata) -> bool,
) -> io::Result<()> {
    let mut queue = VecDeque::from([(directory.to_owned(), 0)]);
    while let Some((directory, depth)) = queue.pop_front() {
        let entries = match fs_err::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() && depth < MAX_DEPTH {
                queue.push_back((entry.path(), depth + 1));
            } else if metadata.is_file() && !visit(entry.path(), &metadata) {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of files so many seconds old go; the first is the current one.
    fn garbage(ages: &[u64], seconds_to_live: u64, records: usize) -> Vec<String> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let candidates = ages
            .iter()
            .map(|age| Candidate {
                path: format!("/{age}").into(),
                modified: now - Duration::from_secs(*age),
            })
            .collect();
        let retention = Retention { time_to_live: Duration::from_secs(seconds_to_live), records };
        let current = PathBuf::from(format!("/{}", ages[0]));
        let garbage = select_garbage(candidates, &current, retention, now);
        garbage.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn age_and_count_decide_and_the_current_one_stays() {
        assert_eq!(garbage(&[500], 60, 2), [""; 0]);
        assert_eq!(garbage(&[500, 400], 60, 2), ["/400"]);
        assert_eq!(garbage(&[0, 10, 20], 60, 2), ["/20"]);
        assert_eq!(garbage(&[0, 10, 20, 30], 60, 2), ["/30", "/20"]);
        assert_eq!(garbage(&[30, 10, 20], 60, 1), ["/20", "/10"]);
        assert_eq!(garbage(&[0, 10], 60, 2), [""; 0]);
    }

    #[test]
    fn a_removal_counts_twice_once_something_was_too_old() {
        // 6 files, 1 too old: 5 left, then 3, then 1, so two fresh ones go where three would have to
        assert_eq!(garbage(&[0, 10, 20, 30, 40, 100], 60, 2), ["/100", "/40", "/30"]);
    }
}
