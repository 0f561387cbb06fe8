//! What a build looked at.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::{Entry, Error, FileSystem, Kind, Location};

/// What was looked at; a build gives the same result as long as all of this stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accesses {
    /// Files whose content was read, by the path asked for.
    pub files: BTreeSet<String>,
    /// Paths at which nothing was found, or nothing that may be seen.
    pub misses: BTreeSet<String>,
    /// Paths of which only the existence and the kind mattered.
    pub probes: BTreeSet<String>,
    /// Directories whose entries were listed.
    pub listings: BTreeSet<String>,
}

/// Passes all calls on, and notes what they asked for.
pub struct RecordingFileSystem<'a> {
    inner: &'a dyn FileSystem,
    accesses: RefCell<Accesses>,
}

impl<'a> RecordingFileSystem<'a> {
    /// Records accesses to `inner`.
    pub fn new(inner: &'a dyn FileSystem) -> Self {
        Self { inner, accesses: RefCell::default() }
    }

    /// What was looked at.
    pub fn into_accesses(self) -> Accesses {
        self.accesses.into_inner()
    }

    fn note_probe(&self, path: &str) {
        self.accesses.borrow_mut().probes.insert(path.to_owned());
    }

    fn note_miss(&self, path: &str) {
        self.accesses.borrow_mut().misses.insert(path.to_owned());
    }
}

impl FileSystem for RecordingFileSystem<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let result = self.inner.read(path);
        match &result {
            Ok(_) => {
                self.accesses.borrow_mut().files.insert(path.to_owned());
            }
            Err(Error::NotFound { .. } | Error::Outside { .. }) => self.note_miss(path),
            Err(_) => self.note_probe(path),
        }
        result
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        let kind = self.inner.kind(path);
        match kind {
            Some(_) => self.note_probe(path),
            None => self.note_miss(path),
        }
        kind
    }

    fn resolve(&self, path: &str) -> Result<Location, Error> {
        let result = self.inner.resolve(path);
        match result {
            Ok(_) => self.note_probe(path),
            Err(_) => self.note_miss(path),
        }
        result
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, Error> {
        let result = self.inner.list(path);
        if result.is_ok() {
            self.accesses.borrow_mut().listings.insert(path.to_owned());
        } else {
            self.note_miss(path);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_system::MemoryFileSystem;

    #[test]
    fn files_misses_and_listings_are_told() {
        let files = MemoryFileSystem::from_iter([("/a/b", "1")]);
        let recording = RecordingFileSystem::new(&files);
        assert!(recording.read("/a/b").is_ok());
        assert!(recording.read("/a/c").is_err());
        assert!(recording.read("/a").is_err());
        assert!(recording.list("/a").is_ok());
        assert_eq!(recording.kind("/d"), None);
        let set = |paths: &[&str]| paths.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let expected = Accesses {
            files: set(&["/a/b"]),
            misses: set(&["/a/c", "/d"]),
            probes: set(&["/a"]),
            listings: set(&["/a"]),
        };
        assert_eq!(recording.into_accesses(), expected);
    }
}
