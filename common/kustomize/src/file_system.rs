//! The only way out of a build: reading files.

mod disk;
mod memory;
mod overlay;
mod recording;

pub use disk::DiskFileSystem;
pub use memory::MemoryFileSystem;
pub use overlay::OverlayFileSystem;
pub use recording::{Accesses, RecordingFileSystem};

/// The largest file that a build reads, in bytes.
pub const MAX_FILE_SIZE: u64 = 32 * 1024 * 1024;

/// Files and directories as a build sees them. Paths are absolute and slash-separated; implementations resolve
/// symbolic links, and decide what may be seen.
pub trait FileSystem {
    /// The content of a regular file.
    ///
    /// # Errors
    /// [`Error`] if there is no such file, it is a directory, it lies outside of what may be read, or it is larger than
    /// [`MAX_FILE_SIZE`].
    fn read(&self, path: &str) -> Result<Vec<u8>, Error>;

    /// What a path leads to, symbolic links followed; `None` if nothing is there, or nothing that may be seen.
    fn kind(&self, path: &str) -> Option<Kind>;

    /// The place a path leads to, symbolic links resolved.
    ///
    /// # Errors
    /// [`Error`] if nothing is there, or nothing that may be seen.
    fn resolve(&self, path: &str) -> Result<Location, Error>;

    /// The entries of a directory in the byte order of their names; symbolic links are not followed.
    ///
    /// # Errors
    /// [`Error`] if it is no directory, or none that may be read.
    fn list(&self, path: &str) -> Result<Vec<Entry>, Error>;
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// A place in a file system, symbolic links resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Absolute path of the directory: the place itself, or the one that holds the file.
    pub directory: String,
    /// Name of the file in the directory; `None` if the place is a directory.
    pub file: Option<String>,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name within the directory.
    pub name: String,
    /// What it is; `None` for a symbolic link and for special files.
    pub kind: Option<Kind>,
}

/// Why a file system operation failed. Texts are those of Go's `os` package and of Flux's secure file system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing is there.
    #[error("{operation} {path}: no such file or directory")]
    NotFound {
        /// The failed call: `open` or `lstat`.
        operation: &'static str,
        /// Absolute path.
        path: String,
    },
    /// A directory where a file is needed.
    #[error("read {path}: is a directory")]
    IsDirectory {
        /// Absolute path.
        path: String,
    },
    /// A file where a directory is needed.
    #[error("readdirent {path}: not a directory")]
    NotDirectory {
        /// Absolute path.
        path: String,
    },
    /// Neither a regular file nor a directory: a pipe, a socket, a device.
    #[error("read {path}: not a regular file")]
    Special {
        /// Absolute path.
        path: String,
    },
    /// The path leaves the root.
    #[error("fs-security-constraint {operation} {path}: path '{path}' is not in or below '{root}'")]
    Outside {
        /// What was to be done: `read`, `abs` or `walk`.
        operation: &'static str,
        /// Absolute path.
        path: String,
        /// The root it has to stay in.
        root: String,
    },
    /// The file is larger than [`MAX_FILE_SIZE`].
    #[error("read {path}: file is larger than {limit} bytes")]
    TooLarge {
        /// Absolute path.
        path: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The operating system refused.
    #[error("{operation} {path}: {cause}")]
    Io {
        /// The failed call.
        operation: &'static str,
        /// Absolute path.
        path: String,
        /// The operating system's text.
        cause: String,
    },
}
