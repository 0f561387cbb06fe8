//! Files in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;

use super::{Entry, Error, FileSystem, Kind, Location, MAX_FILE_SIZE};
use crate::path;

/// Files in memory; directories exist as far as files lie in them.
///
/// ```
/// use flux_kustomize::file_system::{FileSystem, Kind, MemoryFileSystem};
/// let files = MemoryFileSystem::from_iter([("/app/service.yaml", "kind: Service")]);
/// assert_eq!(files.kind("/app"), Some(Kind::Directory));
/// assert_eq!(files.read("/app/service.yaml").unwrap(), b"kind: Service");
/// ```
#[derive(Debug, Clone)]
pub struct MemoryFileSystem {
    root: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl Default for MemoryFileSystem {
    fn default() -> Self {
        Self::below_root("/")
    }
}

impl MemoryFileSystem {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// No files, and an error for every path that is not in or below this directory.
    pub fn below_root(root: &str) -> Self {
        Self { root: path::absolute("/", root), files: BTreeMap::new() }
    }

    /// Adds or replaces a file; the path is made absolute against `/` and cleaned.
    pub fn insert(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(path::absolute("/", path), content.into());
    }

    fn confine(&self, operation: &'static str, path: &str) -> Result<(), Error> {
        if path::is_in_or_below(path, &self.root) {
            return Ok(());
        }
        Err(Error::Outside { operation, path: path.to_owned(), root: self.root.clone() })
    }

    /// The paths below a directory that start with its path and a slash.
    fn below(&self, directory: &str) -> impl Iterator<Item = (&str, &String)> {
        let prefix = if directory == "/" { "/".to_owned() } else { format!("{directory}/") };
        let range: Range<'_, String, Vec<u8>> = self.files.range(prefix.clone()..);
        range.map_while(move |(name, _)| Some((name.strip_prefix(&prefix)?, name)))
    }
}

impl<P: AsRef<str>, C: Into<Vec<u8>>> FromIterator<(P, C)> for MemoryFileSystem {
    fn from_iter<I: IntoIterator<Item = (P, C)>>(files: I) -> Self {
        let mut file_system = Self::new();
        for (path, content) in files {
            file_system.insert(path.as_ref(), content);
        }
        file_system
    }
}

impl FileSystem for MemoryFileSystem {
    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.confine("read", path)?;
        match (self.files.get(path), self.kind(path)) {
            (Some(content), _) if content.len() as u64 > MAX_FILE_SIZE => {
                Err(Error::TooLarge { path: path.to_owned(), limit: MAX_FILE_SIZE })
            }
            (Some(content), _) => Ok(content.clone()),
            (None, Some(_)) => Err(Error::IsDirectory { path: path.to_owned() }),
            (None, None) => Err(Error::NotFound { operation: "open", path: path.to_owned() }),
        }
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        self.confine("abs", path).ok()?;
        if self.files.contains_key(path) {
            return Some(Kind::File);
        }
        (path == self.root || self.below(path).next().is_some()).then_some(Kind::Directory)
    }

    fn resolve(&self, path: &str) -> Result<Location, Error> {
        self.confine("abs", path)?;
        match self.kind(path) {
            Some(Kind::Directory) => Ok(Location { directory: path.to_owned(), file: None }),
            Some(Kind::File) => Ok(Location {
                directory: path::parent(path).to_owned(),
                file: Some(path::base_name(path).to_owned()),
            }),
            None => Err(Error::NotFound { operation: "lstat", path: path.to_owned() }),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, Error> {
        self.confine("walk", path)?;
        match self.kind(path) {
            Some(Kind::Directory) => {}
            Some(Kind::File) => return Err(Error::NotDirectory { path: path.to_owned() }),
            None => return Err(Error::NotFound { operation: "lstat", path: path.to_owned() }),
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (relative, _) in self.below(path) {
            let (name, kind) = match relative.split_once('/') {
                Some((name, _)) => (name, Kind::Directory),
                None => (relative, Kind::File),
            };
            if entries.last().is_none_or(|entry| entry.name != name) {
                entries.push(Entry { name: name.to_owned(), kind: Some(kind) });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries.dedup();
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_seen_outside_of_the_root() {
        let mut files = MemoryFileSystem::below_root("/tree");
        for path in ["/tree/a", "/trees", "/b"] {
            files.insert(path, "1");
        }
        assert_eq!((files.kind("/tree"), files.kind("/tree/a")), (Some(Kind::Directory), Some(Kind::File)));
        let refused = |operation: &str, path: &str| {
            format!("fs-security-constraint {operation} {path}: path '{path}' is not in or below '/tree'")
        };
        for outside in ["/b", "/trees", "/", "/none"] {
            assert_eq!(files.read(outside).unwrap_err().to_string(), refused("read", outside));
            assert_eq!(files.resolve(outside).unwrap_err().to_string(), refused("abs", outside));
            assert_eq!(files.list(outside).unwrap_err().to_string(), refused("walk", outside));
            assert_eq!(files.kind(outside), None);
        }
    }

    #[test]
    fn directories_follow_from_files() {
        let files =
            MemoryFileSystem::from_iter([("/a/b/c", "1"), ("/a/b.d", "2"), ("/a/b/d", "3"), ("/ab", "4")]);
        let names: Vec<_> =
            files.list("/a").unwrap().into_iter().map(|entry| (entry.name, entry.kind)).collect();
        assert_eq!(names, [("b".to_owned(), Some(Kind::Directory)), ("b.d".to_owned(), Some(Kind::File))]);
        assert_eq!(files.kind("/a/x"), None);
        assert_eq!(files.read("/a/b").unwrap_err().to_string(), "read /a/b: is a directory");
        assert_eq!(files.read("/x").unwrap_err().to_string(), "open /x: no such file or directory");
    }
}
