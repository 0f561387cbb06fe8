//! Where artifacts lie: `<root>/<kind>/<namespace>/<name>/<file>`.
//!
//! A file is written under a hidden name, hashed on the way, and renamed into place. There is no fsync: the check at the
//! start of a run heals a torn file, and the volume does not outlive its node. There are no lock files either, since an
//! object is worked on once at a time. All calls block.

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::digest::{Algorithm, Digest, Hasher, HashingWriter, InvalidDigest};

mod collect;
mod location;

pub use location::{ArtifactHost, InvalidLocation, ObjectLocation};

/// What unfinished files are called at first; the file server does not serve hidden files.
const TEMPORARY_PREFIX: &str = ".tmp-";
/// How long a successful check of an unchanged file is believed.
const CHECK_LIFETIME: Duration = Duration::from_mins(10);
/// Checks that are remembered at most.
const MAX_CHECKS: usize = 20_000;

/// Which artifacts of an object stay besides the current one.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Age from which a superseded artifact is garbage (`--artifact-retention-ttl`, default 1m).
    pub time_to_live: Duration,
    /// Most files that an object keeps (`--artifact-retention-records`, default 2).
    pub records: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { time_to_live: Duration::from_mins(1), records: 2 }
    }
}

/// How a [`Storage`] is set up.
#[derive(Clone, Debug)]
pub struct StorageOptions {
    /// Directory that holds all artifacts (`--storage-path`); it must exist.
    pub root: PathBuf,
    /// Where consumers find the file server.
    pub host: ArtifactHost,
    /// Hash function of new artifacts (`--artifact-digest-algo`).
    pub algorithm: Algorithm,
    /// What garbage collection leaves.
    pub retention: Retention,
}

/// The artifacts on this process' volume.
#[derive(Debug)]
pub struct Storage {
    options: StorageOptions,
    /// Files that were found whole, by path.
    checks: Mutex<std::collections::HashMap<PathBuf, Check>>,
}

/// A file as it was when its digest was last computed.
#[derive(Debug, PartialEq, Eq)]
struct FileState {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

#[derive(Debug)]
struct Check {
    state: FileState,
    digest: Digest,
    at: SystemTime,
}

/// A file that has come to lie in the storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredArtifact {
    /// Path relative to the root of the storage.
    pub path: String,
    /// Where consumers get it.
    pub url: String,
    /// Digest of the file.
    pub digest: Digest,
    /// Size of the file in bytes.
    pub size: u64,
    /// When it was stored, in whole seconds.
    pub last_update_time: Timestamp,
}

/// Why nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The object's directory could not be made.
    #[error("failed to create artifact directory")]
    CreateDirectory(#[source] io::Error),
    /// The content could not be written, or its source failed.
    #[error("unable to archive artifact to storage")]
    Write(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a stored artifact does not count.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// No such file, or no regular one.
    #[error("artifact file not found")]
    Missing,
    /// The artifact was recorded without digest.
    #[error("artifact has no digest")]
    NoDigest,
    /// The recorded digest is none.
    #[error("failed to parse artifact digest '{digest}'")]
    InvalidDigest {
        /// As recorded.
        digest: String,
        /// What is wrong with it.
        source: InvalidDigest,
    },
    /// The file is not what it was.
    #[error("computed digest doesn't match '{0}'")]
    Mismatch(Digest),
    /// The file could not be read.
    #[error("failed to read artifact")]
    Read(#[source] io::Error),
}

/// `--storage-path` is no directory.
#[derive(Debug, thiserror::Error)]
#[error("invalid dir path: {}", .0.display())]
pub struct InvalidRoot(PathBuf);

impl Storage {
    /// Opens the storage.
    ///
    /// # Errors
    /// [`InvalidRoot`] if the root is missing or no directory.
    pub fn open(options: StorageOptions) -> Result<Self, InvalidRoot> {
        if !options.root.is_dir() {
            return Err(InvalidRoot(options.root));
        }
        Ok(Self { options, checks: Mutex::default() })
    }

    /// The directory that holds all artifacts.
    pub fn root(&self) -> &Path {
        &self.options.root
    }

    /// The URL of the file at `path` (relative to the root), under the present host.
    pub fn url(&self, path: &str) -> String {
        self.options.host.url(path)
    }

    /// Writes an artifact of `object` named `file_name`: `write` gets a buffered sink.
    ///
    /// # Errors
    /// [`StoreError`]; what was written by then is gone.
    pub fn store(
        &self,
        object: &ObjectLocation,
        file_name: &str,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<StoredArtifact, StoreError> {
        let path =
            object.file(file_name).map_err(|error| StoreError::CreateDirectory(io::Error::other(error)))?;
        let directory = self.options.root.join(object.directory());
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(StoreError::CreateDirectory)?;
        let write_error = |error: io::Error| StoreError::Write(error.into());
        let temporary = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .permissions(std::fs::Permissions::from_mode(0o600))
            .tempfile_in(&directory)
            .map_err(write_error)?;
        let mut sink =
            HashingWriter::new(BufWriter::with_capacity(64 * 1024, temporary), self.options.algorithm);
        write(&mut sink).map_err(StoreError::Write)?;
        let (buffer, digest, size) = sink.finish();
        let temporary = buffer.into_inner().map_err(|error| write_error(error.into_error()))?;
        let target = self.options.root.join(&path);
        let file = temporary.persist(&target).map_err(|error| write_error(error.error))?;
        let metadata = file.metadata().map_err(write_error)?;
        self.remember(target, FileState::of(&metadata), &digest);
        let last_update_time = Timestamp::now();
        let last_update_time =
            Timestamp::from_second(last_update_time.as_second()).unwrap_or(last_update_time);
        Ok(StoredArtifact { url: self.url(&path), path, digest, size, last_update_time })
    }

    /// Checks that the file at `path` (relative to the root) has `digest`. A file that was checked in the last 10 minutes
    /// and has not been touched since is not read again.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify(&self, path: &str, digest: &str) -> Result<(), VerifyError> {
        let target = location::resolve(&self.options.root, path).ok_or(VerifyError::Missing)?;
        let metadata = fs_err::symlink_metadata(&target).map_err(|error| {
            let is_missing = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
            if is_missing { VerifyError::Missing } else { VerifyError::Read(error) }
        })?;
        if !metadata.is_file() {
            return Err(VerifyError::Missing);
        }
        if digest.is_empty() {
            return Err(VerifyError::NoDigest);
        }
        let expected: Digest = digest
            .parse()
            .map_err(|source| VerifyError::InvalidDigest { digest: digest.to_owned(), source })?;
        let state = FileState::of(&metadata);
        if self.is_remembered(&target, &state, &expected) {
            return Ok(());
        }
        let file = fs_err::File::open(&target).map_err(VerifyError::Read)?;
        let mut hasher = Hasher::new(expected.algorithm());
        hasher.update_reader(file).map_err(VerifyError::Read)?;
        if hasher.finish() != expected {
            return Err(VerifyError::Mismatch(expected));
        }
        self.remember(target, state, &expected);
        Ok(())
    }

    /// Removes the file at `path` (relative to the root) if it is there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn remove(&self, path: &str) -> io::Result<()> {
        let Some(target) = location::resolve(&self.options.root, path) else { return Ok(()) };
        self.checks.lock().remove(&target);
        ignore_missing(fs_err::remove_file(target))
    }

    /// Removes all artifacts of an object. Returns whether there were any.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn remove_all(&self, object: &ObjectLocation) -> io::Result<bool> {
        let directory = self.options.root.join(object.directory());
        self.checks.lock().retain(|path, _| !path.starts_with(&directory));
        let found = directory.is_dir();
        ignore_missing(fs_err::remove_dir_all(directory))?;
        Ok(found)
    }

    fn is_remembered(&self, path: &Path, state: &FileState, digest: &Digest) -> bool {
        let checks = self.checks.lock();
        checks.get(path).is_some_and(|check| {
            let is_fresh = check.at.elapsed().is_ok_and(|age| age < CHECK_LIFETIME);
            is_fresh && check.state == *state && check.digest == *digest
        })
    }

    fn remember(&self, path: PathBuf, state: FileState, digest: &Digest) {
        let mut checks = self.checks.lock();
        if checks.len() >= MAX_CHECKS {
            checks.clear();
        }
        checks.insert(path, Check { state, digest: digest.clone(), at: SystemTime::now() });
    }
}

impl FileState {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
