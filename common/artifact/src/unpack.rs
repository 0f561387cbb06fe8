//! Reading archives of unknown origin: a gzip tar into memory or into a directory.
//!
//! Nothing is trusted: names stay inside, links are never made, and bytes and entries are bounded before they are read.
//! Source: Flux 2.9, extraction rules of the controllers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tar::EntryType;

/// What an archive may cost at most.
#[derive(Clone, Copy, Debug)]
pub struct UnpackLimits {
    /// Sum of the sizes of all files, in bytes.
    pub bytes: u64,
    /// Files and directories.
    pub entries: u64,
}

impl Default for UnpackLimits {
    /// 100 MiB, the default of the Flux controllers, and 200,000 entries.
    fn default() -> Self {
        Self { bytes: 100 * 1024 * 1024, entries: 200_000 }
    }
}

/// What is done about symbolic links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolicLinks {
    /// They are left out.
    Skip,
    /// They are an error.
    Refuse,
}

/// An archive in memory: paths are relative, slash-separated and sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryTree {
    /// Content of each file.
    pub files: BTreeMap<String, Vec<u8>>,
    /// All directories, those without an entry of their own included; the root is not among them.
    pub directories: BTreeSet<String>,
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Not gzip.
    #[error("requires gzip-compressed body")]
    NotGzip(#[source] io::Error),
    /// Not a tar, or cut off.
    #[error("failed to read tar")]
    Read(#[source] io::Error),
    /// Files of more bytes than allowed.
    #[error("tar is bigger than max archive size of {0} bytes")]
    TooLarge(u64),
    /// More entries than allowed.
    #[error("tar has more than {0} entries")]
    TooManyEntries(u64),
    /// A name that is empty, absolute, not UTF-8, or leads outside.
    #[error("tar contained invalid name error {0:?}")]
    InvalidName(String),
    /// A symbolic link where none may be.
    #[error("tar file entry {0} is a symlink, which is not allowed in this context")]
    SymbolicLink(String),
    /// Hard links, devices, pipes.
    #[error("tar file entry {name} contained unsupported file type {kind:?}")]
    UnsupportedType {
        /// Name of the entry.
        name: String,
        /// What it is.
        kind: EntryType,
    },
    /// Two entries that cannot both be: a file where a directory is.
    #[error("tar file entry {0} is both a file and a directory")]
    Conflict(String),
    /// The file system refused.
    #[error("failed to write {name}")]
    Write {
        /// Name of the entry.
        name: String,
        /// What it said.
        source: io::Error,
    },
}

/// Unpacks into memory; file modes are not kept.
///
/// # Errors
/// [`UnpackError`].
pub fn unpack_to_memory(
    archive: impl Read,
    limits: UnpackLimits,
    links: SymbolicLinks,
) -> Result<MemoryTree, UnpackError> {
    let mut tree = MemoryTree::default();
    unpack(archive, limits, links, &mut tree)?;
    Ok(tree)
}

/// Unpacks below `directory`, which must exist and should be empty. Files written before an error stay: the caller owns
/// the directory.
///
/// # Errors
/// [`UnpackError`].
pub fn unpack_to_directory(
    archive: impl Read,
    limits: UnpackLimits,
    links: SymbolicLinks,
    directory: &Path,
) -> Result<(), UnpackError> {
    unpack(archive, limits, links, &mut DirectorySink { directory })
}

/// Where entries go; names are already checked.
trait Sink {
    fn directory(&mut self, name: &str) -> Result<(), UnpackError>;
    fn file(&mut self, name: &str, size: u64, mode: u32, content: &mut dyn Read) -> Result<(), UnpackError>;
}

fn unpack(
    archive: impl Read,
    limits: UnpackLimits,
    links: SymbolicLinks,
    sink: &mut dyn Sink,
) -> Result<(), UnpackError> {
    let mut gzip = MultiGzDecoder::new(archive);
    // the header is read with the first byte
    let mut first = [0; 1];
    let count = gzip.read(&mut first).map_err(UnpackError::NotGzip)?;
    let first = first.get(..count).unwrap_or_default();
    // headers and padding come on top of the files
    let ceiling = limits.bytes.saturating_add(limits.entries.saturating_mul(4096));
    let mut tar = tar::Archive::new(first.chain(gzip).take(ceiling));
    let (mut bytes, mut entries) = (0_u64, 0_u64);
    for entry in tar.entries().map_err(UnpackError::Read)? {
        let mut entry = entry.map_err(UnpackError::Read)?;
        entries += 1;
        bytes = bytes.saturating_add(entry.size());
        if entries > limits.entries {
            return Err(UnpackError::TooManyEntries(limits.entries));
        }
        if bytes > limits.bytes {
            return Err(UnpackError::TooLarge(limits.bytes));
        }
        let raw = entry.path_bytes();
        let name = checked_name(&raw)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            sink.directory(&name)?;
        } else if kind.is_file() || kind.is_contiguous() {
            let (size, mode) = (entry.size(), entry.header().mode().unwrap_or(0o600));
            sink.file(&name, size, mode & 0o777, &mut entry)?;
        } else if !kind.is_symlink() {
            return Err(UnpackError::UnsupportedType { name, kind });
        } else if links == SymbolicLinks::Refuse {
            return Err(UnpackError::SymbolicLink(name));
        }
    }
    Ok(())
}

/// The name as a relative path without `.` components; empty for the root itself.
fn checked_name(raw: &[u8]) -> Result<String, UnpackError> {
    let invalid = || UnpackError::InvalidName(String::from_utf8_lossy(raw).into_owned());
    let name = std::str::from_utf8(raw).map_err(|_| invalid())?;
    if name.is_empty() || name.starts_with('/') || name.contains(['\\', '\0']) {
        return Err(invalid());
    }
    let components: Vec<&str> =
        name.split('/').filter(|component| !component.is_empty() && *component != ".").collect();
    if components.contains(&"..") {
        return Err(invalid());
    }
    Ok(components.join("/"))
}

/// The directories that `name` lies in, outermost first.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').filter_map(|(slash, _)| name.get(..slash))
}

impl Sink for MemoryTree {
    fn directory(&mut self, name: &str) -> Result<(), UnpackError> {
        for directory in parents(name).chain((!name.is_empty()).then_some(name)) {
            if self.files.contains_key(directory) {
                return Err(UnpackError::Conflict(directory.to_owned()));
            }
            if !self.directories.contains(directory) {
                self.directories.insert(directory.to_owned());
            }
        }
        Ok(())
    }

    fn file(&mut self, name: &str, size: u64, _mode: u32, content: &mut dyn Read) -> Result<(), UnpackError> {
        if let Some(slash) = name.rfind('/') {
            self.directory(name.get(..slash).unwrap_or_default())?;
        }
        if name.is_empty() || self.directories.contains(name) {
            return Err(UnpackError::Conflict(name.to_owned()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(1024 * 1024)).unwrap_or_default());
        let read = content.read_to_end(&mut bytes).map_err(UnpackError::Read)?;
        if (read as u64) < size {
            return Err(UnpackError::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        self.files.insert(name.to_owned(), bytes);
        Ok(())
    }
}

struct DirectorySink<'a> {
    directory: &'a Path,
}

impl Sink for DirectorySink<'_> {
    fn directory(&mut self, name: &str) -> Result<(), UnpackError> {
        let write = |source| UnpackError::Write { name: name.to_owned(), source };
        fs_err::create_dir_all(self.directory.join(name)).map_err(write)
    }

    fn file(&mut self, name: &str, size: u64, mode: u32, content: &mut dyn Read) -> Result<(), UnpackError> {
        let write = |source| UnpackError::Write { name: name.to_owned(), source };
        let path = self.directory.join(name);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent).map_err(write)?;
        }
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(mode | 0o200)
            .open(&path)
            .map_err(write)?;
        let copied = io::copy(content, &mut file).map_err(write)?;
        if copied < size {
            return Err(UnpackError::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{ArchiveWriter, Executable};

    fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = ArchiveWriter::new(Vec::new()).expect("an archive");
        for (name, text) in entries {
            let size = text.len() as u64;
            archive.file(name.as_bytes(), Executable::No, size, text.as_bytes()).expect(name);
        }
        archive.finish().expect("the end")
    }

    fn foreign(kind: EntryType, name: &str) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o644);
        header.set_cksum();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gzip, header.as_bytes()).expect("written");
        io::Write::write_all(&mut gzip, &[0; 1024]).expect("written");
        gzip.finish().expect("the end")
    }

    fn memory(bytes: &[u8], limits: UnpackLimits) -> Result<MemoryTree, UnpackError> {
        unpack_to_memory(bytes, limits, SymbolicLinks::Refuse)
    }

    #[test]
    fn a_packed_tree_comes_back_in_memory_and_on_disk() {
        let bytes = archive(&[("a.yaml", "a"), ("apps/web/b.yaml", "bb"), ("é.yaml", "c")]);
        let tree = memory(&bytes, UnpackLimits::default()).expect("a tree");
        assert_eq!(tree.files.keys().collect::<Vec<_>>(), ["a.yaml", "apps/web/b.yaml", "é.yaml"]);
        assert_eq!(tree.directories.iter().collect::<Vec<_>>(), ["apps", "apps/web"]);
        let directory = tempfile::tempdir().expect("a directory");
        unpack_to_directory(
            bytes.as_slice(),
            UnpackLimits::default(),
            SymbolicLinks::Refuse,
            directory.path(),
        )
        .expect("unpacked");
        let text = fs_err::read_to_string(directory.path().join("apps/web/b.yaml")).expect("a file");
        assert_eq!(text, "bb");
    }

    #[test]
    fn bounds_are_kept() {
        let bytes = archive(&[("a", "12345"), ("b", "12345")]);
        let limits = |bytes, entries| UnpackLimits { bytes, entries };
        assert!(matches!(memory(&bytes, limits(9, 10)), Err(UnpackError::TooLarge(9))));
        assert!(matches!(memory(&bytes, limits(10, 2)), Err(UnpackError::TooManyEntries(2))));
        assert!(memory(&bytes, limits(10, 3)).is_ok());
    }

    #[test]
    fn names_that_lead_outside_are_refused() {
        for name in ["../x", "a/../../x", "/etc/passwd", "a\\b", ".."] {
            let got = memory(&foreign(EntryType::Regular, name), UnpackLimits::default());
            assert!(matches!(got, Err(UnpackError::InvalidName(_))), "{name}");
        }
    }

    #[test]
    fn links_and_devices_are_never_made() {
        let link = foreign(EntryType::Symlink, "l");
        assert!(matches!(memory(&link, UnpackLimits::default()), Err(UnpackError::SymbolicLink(_))));
        let skipped = unpack_to_memory(link.as_slice(), UnpackLimits::default(), SymbolicLinks::Skip);
        assert_eq!(skipped.expect("skipped"), MemoryTree::default());
        for kind in [EntryType::Link, EntryType::Char, EntryType::Fifo] {
            let got = memory(&foreign(kind, "x"), UnpackLimits::default());
            assert!(matches!(got, Err(UnpackError::UnsupportedType { .. })));
        }
    }

    #[test]
    fn other_bytes_and_halves_are_errors() {
        assert!(matches!(memory(b"plain text", UnpackLimits::default()), Err(UnpackError::NotGzip(_))));
        let bytes = archive(&[("a", &"x".repeat(100_000))]);
        assert!(matches!(
            memory(&bytes[..bytes.len() / 2], UnpackLimits::default()),
            Err(UnpackError::Read(_))
        ));
    }

    #[test]
    fn a_file_cannot_be_a_directory_as_well() {
        let bytes = archive(&[("a", "x"), ("a/b", "y")]);
        assert!(matches!(memory(&bytes, UnpackLimits::default()), Err(UnpackError::Conflict(_))));
    }
}
