//! Files on disk, confined to a root.

use std::io::Read as _;
use std::path::Path;

use super::{Entry, Error, FileSystem, Kind, Location, MAX_FILE_SIZE};
use crate::path;

/// The file system of the machine, of which only what lies in or below the root can be seen: every path is resolved,
/// symbolic links included, before anything is opened.
///
/// Behaviour follows Flux's secure file system; beyond it, files are bounded by [`MAX_FILE_SIZE`] and only regular
/// files are opened.
#[derive(Debug, Clone)]
pub struct DiskFileSystem {
    root: String,
}

impl DiskFileSystem {
    /// The files in and below an existing directory. With root `/` nothing is hidden.
    ///
    /// # Errors
    /// [`Error`] if the root does not resolve to a directory, or its path is not UTF-8.
    pub fn new(root: &Path) -> Result<Self, Error> {
        let text = root.to_string_lossy();
        let resolved = fs_err::canonicalize(root).map_err(|error| io("lstat", &text, &error))?;
        let Some(root) = resolved.to_str() else {
            let cause = "path is not valid UTF-8".to_owned();
            return Err(Error::Io { operation: "lstat", path: text.into_owned(), cause });
        };
        if !resolved.is_dir() {
            return Err(Error::NotDirectory { path: root.to_owned() });
        }
        Ok(Self { root: root.to_owned() })
    }

    /// The root, symbolic links resolved.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Resolves a path and checks that it stays in the root. `None` if nothing is there.
    fn confine(
        &self,
        operation: &'static str,
        path: &str,
    ) -> Result<Option<(String, std::fs::Metadata)>, Error> {
        let outside = || Error::Outside { operation, path: path.to_owned(), root: self.root.clone() };
        let resolved = match fs_err::canonicalize(path) {
            Ok(resolved) => resolved,
            // What does not exist is judged by its unresolved path, so that the error does not tell what is outside.
            Err(_) if !path::is_in_or_below(&path::clean(path), &self.root) => return Err(outside()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io("lstat", path, &error)),
        };
        let resolved = resolved.to_str().ok_or_else(outside)?;
        if !path::is_in_or_below(resolved, &self.root) {
            return Err(outside());
        }
        let metadata = fs_err::symlink_metadata(resolved).map_err(|error| io("lstat", path, &error))?;
        Ok(Some((resolved.to_owned(), metadata)))
    }
}

impl FileSystem for DiskFileSystem {
    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let not_found = || Error::NotFound { operation: "open", path: path.to_owned() };
        let (resolved, metadata) = self.confine("read", path)?.ok_or_else(not_found)?;
        if metadata.is_dir() {
            return Err(Error::IsDirectory { path: path.to_owned() });
        }
        // Opening a pipe would block.
        if !metadata.is_file() {
            return Err(Error::Special { path: path.to_owned() });
        }
        let too_large = || Error::TooLarge { path: path.to_owned(), limit: MAX_FILE_SIZE };
        if metadata.len() > MAX_FILE_SIZE {
            return Err(too_large());
        }
        let file = fs_err::File::open(&resolved).map_err(|error| io("open", path, &error))?;
        let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        // The file may have grown since.
        file.take(MAX_FILE_SIZE + 1).read_to_end(&mut content).map_err(|error| io("read", path, &error))?;
        if content.len() as u64 > MAX_FILE_SIZE { Err(too_large()) } else { Ok(content) }
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        let (_, metadata) = self.confine("abs", path).ok()??;
        kind_of(metadata.file_type())
    }

    fn resolve(&self, path: &str) -> Result<Location, Error> {
        // unlike reading, upstream resolves first: what does not exist is told apart even outside
        let missing = || Error::NotFound { operation: "lstat", path: first_missing(path).to_owned() };
        if fs_err::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Err(missing());
        }
        let (resolved, metadata) = self.confine("abs", path)?.ok_or_else(missing)?;
        if metadata.is_dir() {
            return Ok(Location { directory: resolved, file: None });
        }
        let file = Some(path::base_name(&resolved).to_owned());
        Ok(Location { directory: path::parent(&resolved).to_owned(), file })
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, Error> {
        let not_found = || Error::NotFound { operation: "lstat", path: path.to_owned() };
        let (resolved, metadata) = self.confine("walk", path)?.ok_or_else(not_found)?;
        if !metadata.is_dir() {
            return Err(Error::NotDirectory { path: path.to_owned() });
        }
        let mut entries = Vec::new();
        for entry in fs_err::read_dir(&resolved).map_err(|error| io("open", path, &error))? {
            let entry = entry.map_err(|error| io("readdirent", path, &error))?;
            let kind = entry.file_type().map_err(|error| io("lstat", path, &error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_symlink() {
                // a link out spoils the listing, as it stops a walk upstream
                self.confine("walk", &path::join(path, &name))?;
            }
            entries.push(Entry { name, kind: kind_of(kind) });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }
}

/// The shortest part of a path that does not exist.
fn first_missing(path: &str) -> &str {
    let ends = path.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0);
    let mut parts = ends.filter_map(|end| path.get(..end));
    parts.find(|part| fs_err::symlink_metadata(part).is_err()).unwrap_or(path)
}

fn kind_of(file_type: std::fs::FileType) -> Option<Kind> {
    if file_type.is_file() {
        Some(Kind::File)
    } else if file_type.is_dir() {
        Some(Kind::Directory)
    } else {
        None
    }
}

/// `ELOOP`, which the standard library does not name.
const TOO_MANY_LINKS: i32 = 40;

/// An operating system's error in Go's words.
#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds are open-ended; the others print as they are")]
fn io(operation: &'static str, path: &str, error: &std::io::Error) -> Error {
    let path = path.to_owned();
    let cause = match error.kind() {
        std::io::ErrorKind::NotFound => return Error::NotFound { operation, path },
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        std::io::ErrorKind::InvalidFilename => "file name too long".to_owned(),
        std::io::ErrorKind::InvalidInput => "invalid argument".to_owned(),
        _ if error.raw_os_error() == Some(TOO_MANY_LINKS) => "too many levels of symbolic links".to_owned(),
        other => other.to_string(),
    };
    Error::Io { operation, path, cause }
}
