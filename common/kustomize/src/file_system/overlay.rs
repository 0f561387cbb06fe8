//! One file laid over another file system.

use super::{Entry, Error, FileSystem, Kind, Location};
use crate::path;

/// A file system with one file added or replaced: a generated root kustomization, which nobody has to write to disk.
pub struct OverlayFileSystem<'a> {
    inner: &'a dyn FileSystem,
    path: String,
    content: Vec<u8>,
}

impl<'a> OverlayFileSystem<'a> {
    /// Lays `content` over `inner` at the absolute `path`, whose directory exists in `inner` and is resolved.
    pub fn new(inner: &'a dyn FileSystem, path: String, content: Vec<u8>) -> Self {
        Self { inner, path, content }
    }
}

impl FileSystem for OverlayFileSystem<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        if path == self.path { Ok(self.content.clone()) } else { self.inner.read(path) }
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        if path == self.path { Some(Kind::File) } else { self.inner.kind(path) }
    }

    fn resolve(&self, path: &str) -> Result<Location, Error> {
        if path != self.path {
            return self.inner.resolve(path);
        }
        let file = Some(path::base_name(path).to_owned());
        Ok(Location { directory: path::parent(path).to_owned(), file })
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, Error> {
        let mut entries = self.inner.list(path)?;
        let name = path::base_name(&self.path);
        if path == path::parent(&self.path) && entries.iter().all(|entry| entry.name != name) {
            entries.push(Entry { name: name.to_owned(), kind: Some(Kind::File) });
            entries.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(entries)
    }
}
