//! Getting artifacts of others: over HTTP, checked against their digest, kept while they are of use.
//!
//! Downloads of one artifact at one time are one download. What is kept is found by URL and digest together: by the
//! digest alone a tenant could name another's artifact and get it. The files, though, are shared by digest. A kept file
//! stays as long as somebody holds its [`FetchedArtifact`]; beyond that the least recently used ones go when the bound
//! is passed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use parking_lot::Mutex;
use reqwest::StatusCode;
use tokio::sync::OnceCell;

use crate::digest::{Digest, Hasher, InvalidDigest};
use crate::unpack::{
    MemoryTree, SymbolicLinks, UnpackError, UnpackLimits, unpack_to_directory, unpack_to_memory,
};

mod cache;

use cache::{Cache, CachedFile};

/// How an [`ArtifactReader`] works.
#[derive(Clone, Debug)]
pub struct ReaderOptions {
    /// Directory for downloads. Its content is removed at start.
    pub directory: PathBuf,
    /// Bytes that are kept at most, on top of what is in use; never more than a quarter of the volume.
    pub keep: u64,
    /// Largest download, in bytes (`--artifact-max-size` of consumers).
    pub max_size: u64,
    /// Attempts after the first (`--http-retry`, default 9).
    pub retries: u32,
    /// Wait before the first retry; it doubles with each, up to `max_delay`. Default 5 s.
    pub min_delay: Duration,
    /// Longest wait between attempts. Default 30 s.
    pub max_delay: Duration,
    /// Replaces host and port of every URL (`SOURCE_CONTROLLER_LOCALHOST`), for controllers outside of the cluster.
    pub host_override: Option<String>,
    /// The same for artifacts of source-watcher (`SOURCE_WATCHER_LOCALHOST`).
    pub watcher_override: Option<String>,
}

impl ReaderOptions {
    /// The defaults of the Flux controllers, with downloads in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            keep: 256 * 1024 * 1024,
            max_size: 4 * 1024 * 1024 * 1024,
            retries: 9,
            min_delay: Duration::from_secs(5),
            max_delay: Duration::from_secs(30),
            host_override: None,
            watcher_override: None,
        }
    }
}

/// Downloads artifacts, each once.
#[derive(Debug)]
pub struct ArtifactReader {
    client: reqwest::Client,
    options: ReaderOptions,
    cache: Mutex<Cache>,
}

/// Why an artifact could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The artifact is not there (any more): a newer one will be announced.
    #[error("file not found")]
    NotFound,
    /// The source published no digest.
    #[error("empty digest")]
    EmptyDigest,
    /// The published digest is none.
    #[error("failed to verify archive")]
    InvalidDigest(#[source] InvalidDigest),
    /// The URL is none, or not HTTP.
    #[error("invalid artifact URL {0:?}")]
    InvalidUrl(String),
    /// The server answered with an error.
    #[error("failed to download archive from {url} (status: {status})")]
    Status {
        /// Where from.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// The server did not answer, or stopped in the middle.
    #[error("failed to download archive from {url}")]
    Download {
        /// Where from.
        url: String,
        /// What the client said.
        source: reqwest::Error,
    },
    /// More bytes than allowed.
    #[error("artifact is greater than the max download size of {0} bytes")]
    TooLarge(u64),
    /// The content is not what the source published.
    #[error(
        "computed digest doesn't match provided '{0}' (check whether file size exceeds max download size)"
    )]
    Mismatch(Digest),
    /// The download could not be kept.
    #[error("failed to store artifact")]
    Store(#[source] io::Error),
}

/// An artifact on this process' volume, pinned until dropped.
#[derive(Clone, Debug)]
pub struct FetchedArtifact {
    file: Arc<CachedFile>,
}

impl FetchedArtifact {
    /// The file. It stays as long as `self`.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.file.size()
    }

    /// Unpacks into memory, links left out. Blocks: to be called on a blocking thread.
    ///
    /// # Errors
    /// [`UnpackError`].
    pub fn to_memory(&self, limits: UnpackLimits) -> Result<MemoryTree, UnpackError> {
        unpack_to_memory(self.open()?, limits, SymbolicLinks::Skip)
    }

    /// Unpacks below an existing, empty directory, links left out. Blocks: to be called on a blocking thread.
    ///
    /// # Errors
    /// [`UnpackError`].
    pub fn to_directory(&self, limits: UnpackLimits, directory: &Path) -> Result<(), UnpackError> {
        unpack_to_directory(self.open()?, limits, SymbolicLinks::Skip, directory)
    }

    fn open(&self) -> Result<io::BufReader<fs_err::File>, UnpackError> {
        fs_err::File::open(self.path()).map(io::BufReader::new).map_err(UnpackError::Read)
    }
}

/// One download's result, filled in by the first who asks.
type Slot = Arc<OnceCell<Arc<CachedFile>>>;

impl ArtifactReader {
    /// A reader that downloads with `client`, whose idle connections it uses again.
    ///
    /// # Errors
    /// Those of making and emptying the directory.
    pub fn new(client: reqwest::Client, options: ReaderOptions) -> io::Result<Self> {
        match fs_err::remove_dir_all(&options.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs_err::create_dir_all(&options.directory)?;
        let volume = rustix::fs::statvfs(&options.directory)?;
        let quarter = volume.f_blocks.saturating_mul(volume.f_frsize) / 4;
        let cache = Mutex::new(Cache::new(options.keep.min(quarter)));
        Ok(Self { client, options, cache })
    }

    /// The artifact at `url` with `digest`, from the volume or by download. Waits between attempts; a dropped call stops
    /// its download unless others wait for it too.
    ///
    /// # Errors
    /// [`FetchError`] of the last attempt.
    pub async fn fetch(&self, url: &str, digest: &str) -> Result<FetchedArtifact, FetchError> {
        if digest.is_empty() {
            return Err(FetchError::EmptyDigest);
        }
        let digest: Digest = digest.parse().map_err(FetchError::InvalidDigest)?;
        let slot = self.cache.lock().slot(url, &digest);
        let file = slot.get_or_try_init(|| self.download_with_retries(url, &digest)).await?;
        self.cache.lock().used(file);
        Ok(FetchedArtifact { file: Arc::clone(file) })
    }

    async fn download_with_retries(&self, url: &str, digest: &Digest) -> Result<Arc<CachedFile>, FetchError> {
        let target = self.target(url)?;
        let mut delay = self.options.min_delay;
        let mut attempts_left = self.options.retries;
        loop {
            match self.download(target.clone(), url, digest).await {
                Err(error) if error.is_passing() && attempts_left > 0 => {
                    tracing::debug!(error = %error, "artifact download failed, retrying");
                }
                other => return other,
            }
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(self.options.max_delay);
            attempts_left -= 1;
        }
    }

    /// The URL to download from.
    fn target(&self, url: &str) -> Result<url::Url, FetchError> {
        let invalid = || FetchError::InvalidUrl(url.chars().take(256).collect());
        let mut target = url::Url::parse(url).map_err(|_| invalid())?;
        if !matches!(target.scheme(), "http" | "https") {
            return Err(invalid());
        }
        let options = &self.options;
        let watcher = url.contains("//source-watcher");
        if let Some(host) = if watcher { &options.watcher_override } else { &options.host_override } {
            let (host, port) = host.rsplit_once(':').unwrap_or((host, ""));
            target.set_host(Some(host)).map_err(|_| invalid())?;
            target.set_port(port.parse().ok()).map_err(|()| invalid())?;
        }
        Ok(target)
    }

    async fn download(
        &self,
        target: url::Url,
        url: &str,
        digest: &Digest,
    ) -> Result<Arc<CachedFile>, FetchError> {
        let failed = |source| FetchError::Download { url: url.to_owned(), source };
        let response = self.client.get(target).send().await.map_err(failed)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(FetchError::NotFound),
            status => return Err(FetchError::Status { url: url.to_owned(), status }),
        }
        let mut temporary = tempfile::Builder::new()
            .prefix("download-")
            .tempfile_in(&self.options.directory)
            .map_err(FetchError::Store)?;
        let mut hasher = Hasher::new(digest.algorithm());
        let mut size = 0_u64;
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(failed)?;
            size += chunk.len() as u64;
            if size > self.options.max_size {
                return Err(FetchError::TooLarge(self.options.max_size));
            }
            hasher.update(&chunk);
            // a chunk is at most some 100 KiB and goes to the page cache
            temporary.write_all(&chunk).map_err(FetchError::Store)?;
        }
        if hasher.finish() != *digest {
            return Err(FetchError::Mismatch(digest.clone()));
        }
        Ok(self.cache.lock().keep(digest, size, temporary.into_temp_path()))
    }
}

impl FetchError {
    /// Whether another attempt may bring it.
    fn is_passing(&self) -> bool {
        match self {
            Self::Download { .. } => true,
            Self::Status { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::NotFound
            | Self::EmptyDigest
            | Self::InvalidDigest(_)
            | Self::InvalidUrl(_)
            | Self::TooLarge(_)
            | Self::Mismatch(_)
            | Self::Store(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
