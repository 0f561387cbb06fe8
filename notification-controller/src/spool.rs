//! Events that were acknowledged and not yet sent, on disk, so that a restart loses none.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flux_api::Event;
use serde::{Deserialize, Serialize};
use tracing::warn;

/// Bytes that may lie on disk. Queues hold less, so that there is room for what is being sent.
const LIMIT: u64 = 16 * 1024 * 1024;

/// An event on its way to the Provider of an Alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Namespace of the Alert and its Provider.
    pub namespace: String,
    /// Name of the Alert.
    pub alert: String,
    /// The event, without what is dropped on arrival.
    pub event: Event,
    /// Trace of the controller that sent the event (W3C).
    pub traceparent: Option<String>,
}

/// A directory of jobs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    next: AtomicU64,
    bytes: AtomicU64,
}

/// The file of a job; it is deleted when this is dropped, which is when the job is done.
#[derive(Debug)]
pub struct Spooled {
    spool: Spool,
    path: PathBuf,
    bytes: u64,
}

/// A job cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The directory cannot be read or written.
    #[error("failed to use the spool directory")]
    Directory(#[source] std::io::Error),
    /// There is too much in it already.
    #[error("the spool is full")]
    Full,
    /// The job has no JSON form.
    #[error("failed to encode an event")]
    Encode(#[source] serde_json::Error),
}

impl Spool {
    /// Opens a directory, making it if need be, and finds what an earlier process left, oldest first.
    ///
    /// # Errors
    /// [`SpoolError::Directory`] if the directory cannot be read or made.
    pub fn open(directory: &Path) -> Result<(Self, Vec<Spooled>), SpoolError> {
        fs_err::create_dir_all(directory).map_err(SpoolError::Directory)?;
        let mut paths = Vec::new();
        for entry in fs_err::read_dir(directory).map_err(SpoolError::Directory)? {
            paths.push(entry.map_err(SpoolError::Directory)?.path());
        }
        paths.sort();
        let inner =
            Inner { directory: directory.to_owned(), next: AtomicU64::new(0), bytes: AtomicU64::new(0) };
        let spool = Self { inner: Arc::new(inner) };
        let mut left = Vec::new();
        for path in paths {
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            if let Some(number) = number {
                spool.inner.next.fetch_max(number.saturating_add(1), Ordering::Relaxed);
            }
            let bytes = fs_err::metadata(&path).map_or(0, |metadata| metadata.len());
            spool.inner.bytes.fetch_add(bytes, Ordering::Relaxed);
            left.push(Spooled { spool: spool.clone(), path, bytes });
        }
        Ok((spool, left))
    }

    /// Stores a job: it is there in full, or not at all.
    ///
    /// # Errors
    /// [`SpoolError`]; then nothing is left behind.
    pub fn store(&self, job: &Job) -> Result<Spooled, SpoolError> {
        let text = serde_json::to_vec(job).map_err(SpoolError::Encode)?;
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let number = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let path = self.inner.directory.join(format!("{number:020}.json"));
        let before = self.inner.bytes.fetch_add(bytes, Ordering::Relaxed);
        // gives the bytes back if it is dropped on an error
        let spooled = Spooled { spool: self.clone(), path, bytes };
        if before.saturating_add(bytes) > LIMIT {
            return Err(SpoolError::Full);
        }
        let temporary = spooled.path.with_extension("tmp");
        fs_err::write(&temporary, text).map_err(SpoolError::Directory)?;
        fs_err::rename(&temporary, &spooled.path).map_err(SpoolError::Directory)?;
        Ok(spooled)
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        self.spool.inner.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        // what stays is sent once more after a restart, and then deleted
        let _ = fs_err::remove_file(&self.path);
    }
}

impl Spooled {
    /// Length of the job, in bytes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads the job; `None`, with a log line, for a file that is torn or gone.
    pub fn load(&self) -> Option<Job> {
        let job = fs_err::read(&self.path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if job.is_none() {
            warn!(path = %self.path.display(), "dropped an event that cannot be read");
        }
        job
    }

    /// Leaves the file where it is, for the next process.
    pub fn keep(mut self) {
        // an empty path deletes nothing
        self.path = PathBuf::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::event;

    fn job(alert: &str) -> Job {
        Job { namespace: "apps".to_owned(), alert: alert.to_owned(), event: event(&[]), traceparent: None }
    }

    #[test]
    fn what_was_not_sent_is_there_after_a_restart_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let (spool, left) = Spool::open(directory.path()).unwrap();
        assert!(left.is_empty());
        let sent = spool.store(&job("sent")).unwrap();
        spool.store(&job("first")).unwrap().keep();
        spool.store(&job("second")).unwrap().keep();
        drop(sent);
        fs_err::write(directory.path().join("torn.tmp"), "{").unwrap();
        let (spool, left) = Spool::open(directory.path()).unwrap();
        let names: Vec<_> = left.iter().map(|spooled| spooled.load().map(|job| job.alert)).collect();
        assert_eq!(names, [Some("first".to_owned()), Some("second".to_owned()), None]);
        let third = spool.store(&job("third")).unwrap();
        assert!(third.path > left[1].path, "numbers go on");
        drop((left, third));
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0);
        assert_eq!(spool.inner.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn disk_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(directory.path()).unwrap();
        let mut large = job("large");
        large.event.message = "x".repeat(3 * 1024 * 1024);
        let stored: Vec<_> = (0..5).map(|_| spool.store(&large).unwrap()).collect();
        assert!(matches!(spool.store(&large), Err(SpoolError::Full)));
        drop(stored);
        assert!(spool.store(&large).is_ok());
    }
}
