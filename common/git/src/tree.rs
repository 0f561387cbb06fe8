//! Packing the tree of a commit into an archive, straight from its objects.
//!
//! No file of the repository ever touches a work tree, so there is nothing that a name could escape from. Names that
//! would be dangerous to consumers or that git itself refuses to check out are refused all the same.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use flux_artifact::ignore::{EntryKind, FILE_NAME, IgnoreRules, IgnoreRulesBuilder, TooManyPatterns};
use flux_artifact::{ArchiveWriter, Executable};
use git2::{ObjectType, Odb, Oid};

use crate::blob::{BlobReader, LARGE, Packs};
use crate::client::GitLimits;
use crate::store::ObjectStore;

mod name;

/// What compressing and writing an archive takes, in bytes.
const COMPRESSION_MEMORY: u64 = 1024 * 1024;
/// Largest ignore file that is read, in bytes.
const MAX_IGNORE_FILE: usize = 1024 * 1024;

/// The files of a commit.
#[derive(Clone, Debug)]
pub struct CommitTree {
    store: Arc<ObjectStore>,
    entries: Vec<Entry>,
    /// Bytes of the largest file that is held in memory.
    largest: u64,
    limits: GitLimits,
}

#[derive(Clone, Debug)]
struct Entry {
    /// From the root, slash-separated.
    path: String,
    kind: Kind,
    object: Oid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Directory,
    File(Executable),
    /// Left out of archives.
    Link,
    /// Another repository's commit: checked out as an empty directory.
    Submodule,
}

/// Why the tree of a commit cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A name that git does not check out: `..`, `.git` in any spelling, or not UTF-8.
    #[error("invalid path: '{0}'")]
    InvalidPath(String),
    /// More files than allowed.
    #[error("more than {0} files")]
    TooManyFiles(usize),
    /// A directory in a directory, too many times over.
    #[error("directories are nested more than {0} deep")]
    TooDeep(usize),
    /// An object is missing or broken.
    #[error("failed to read object")]
    Object(#[source] git2::Error),
    /// `spec.sparseCheckout` names what is not there.
    #[error("sparse checkout dir '{0}' does not exist in repository")]
    SparseDirectory(String),
}

/// Why no archive came of a tree.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// An object is missing or broken.
    #[error("failed to read object")]
    Object(#[source] git2::Error),
    /// A file larger than allowed.
    #[error("file '{path}' is larger than {limit} bytes")]
    FileTooLarge {
        /// Path from the root.
        path: String,
        /// Bytes.
        limit: usize,
    },
    /// The archive could not be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

/// Why ignore rules could not be read.
#[derive(Debug, thiserror::Error)]
pub enum IgnoreError {
    /// Too many of them.
    #[error(transparent)]
    TooMany(#[from] TooManyPatterns),
    /// A file too large to be one.
    #[error("'{0}' is too large")]
    TooLarge(String),
    /// An object is missing or broken.
    #[error("failed to read object")]
    Object(#[source] git2::Error),
}

impl CommitTree {
    /// Lists the tree of `commit`; with `sparse` only the files whose path begins with one of its entries.
    pub(crate) fn read(
        store: Arc<ObjectStore>,
        commit: Oid,
        sparse: &[String],
        limits: GitLimits,
    ) -> Result<Self, TreeError> {
        let repository = store.repository().map_err(TreeError::Object)?;
        let tree = repository.find_commit(commit).map_err(TreeError::Object)?.tree_id();
        let odb = repository.odb().map_err(TreeError::Object)?;
        let entries = list(&odb, &repository, tree, limits)?;
        let entries = if sparse.is_empty() { entries } else { select_sparse(entries, sparse)? };
        let largest = largest_held(&store, &odb, &entries)?;
        drop(odb);
        drop(repository);
        Ok(Self { store, entries, largest, limits })
    }

    /// How many files there are, links not counted.
    pub fn file_count(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.kind, Kind::File(_))).count()
    }

    /// Bytes of memory that [`Self::write_archive`] needs, the tree itself included.
    pub fn memory(&self) -> u64 {
        let entry = size_of::<Entry>() as u64 + 64;
        // a file from a difference needs what it differs from as well
        COMPRESSION_MEMORY + self.entries.len() as u64 * entry + self.largest.saturating_mul(2)
    }

    /// Writes the archive without what `rules` leave out. Blocks.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn write_archive(&self, rules: &IgnoreRules, output: &mut dyn Write) -> Result<(), ArchiveError> {
        let repository = self.store.repository().map_err(ArchiveError::Object)?;
        let odb = repository.odb().map_err(ArchiveError::Object)?;
        let packs = self.store.packs()?;
        let mut archive = ArchiveWriter::new(output)?;
        for entry in &self.entries {
            match entry.kind {
                Kind::Link => {}
                Kind::Directory | Kind::Submodule => {
                    if !rules.ignores(&entry.path, EntryKind::Directory) {
                        archive.directory(entry.path.as_bytes())?;
                    }
                }
                Kind::File(executable) => {
                    if rules.ignores(&entry.path, EntryKind::File) {
                        continue;
                    }
                    let path = entry.path.as_bytes();
                    match self.read_file(&odb, &packs, entry)? {
                        Content::Held(blob) => {
                            archive.file(path, executable, blob.len() as u64, blob.data())?;
                        }
                        Content::Passing(size, reader) => archive.file(path, executable, size, *reader)?,
                    }
                }
            }
        }
        archive.finish()?;
        Ok(())
    }

    fn read_file<'a>(
        &self,
        odb: &'a Odb<'_>,
        packs: &Packs,
        entry: &Entry,
    ) -> Result<Content<'a>, ArchiveError> {
        let limit = self.limits.file_bytes;
        let (size, kind) = odb.read_header(entry.object).map_err(ArchiveError::Object)?;
        if kind != ObjectType::Blob {
            return Err(ArchiveError::Object(git2::Error::from_str("not a blob")));
        }
        if size as u64 >= LARGE
            && let Some(reader) = packs.blob(entry.object, size as u64)?
        {
            return Ok(Content::Passing(size as u64, Box::new(reader)));
        }
        if size > limit {
            return Err(ArchiveError::FileTooLarge { path: entry.path.clone(), limit });
        }
        odb.read(entry.object).map(Content::Held).map_err(ArchiveError::Object)
    }

    /// The rules of all `.sourceignore` files, the root's first, then those of `spec.ignore`. Blocks.
    ///
    /// # Errors
    /// [`IgnoreError`].
    pub fn ignore_rules(&self, ignore: Option<&str>) -> Result<IgnoreRules, IgnoreError> {
        let repository = self.store.repository().map_err(IgnoreError::Object)?;
        let odb = repository.odb().map_err(IgnoreError::Object)?;
        let mut builder = IgnoreRulesBuilder::new();
        let is_ignore_file = |entry: &&Entry| {
            matches!(entry.kind, Kind::File(_)) && entry.path.rsplit('/').next() == Some(FILE_NAME)
        };
        let mut files: Vec<&Entry> = self.entries.iter().filter(is_ignore_file).collect();
        // a later pattern wins: those of a directory come after those of its parents
        files.sort_by(|left, right| {
            directory_of(&left.path).split('/').cmp(directory_of(&right.path).split('/'))
        });
        for entry in files {
            let (size, _) = odb.read_header(entry.object).map_err(IgnoreError::Object)?;
            if size > MAX_IGNORE_FILE {
                return Err(IgnoreError::TooLarge(entry.path.clone()));
            }
            let blob = odb.read(entry.object).map_err(IgnoreError::Object)?;
            builder.add(directory_of(&entry.path), &String::from_utf8_lossy(blob.data()))?;
        }
        if let Some(ignore) = ignore {
            builder.add("", ignore)?;
        }
        Ok(builder.build_with_defaults())
    }
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// What a file holds.
enum Content<'a> {
    /// In memory.
    Held(git2::OdbObject<'a>),
    /// So many bytes, piece by piece.
    Passing(u64, Box<BlobReader>),
}

/// Bytes of the largest file that has to be held in memory; all of them are looked up, and must be there.
fn largest_held(store: &ObjectStore, odb: &Odb<'_>, entries: &[Entry]) -> Result<u64, TreeError> {
    let unreadable = |error: std::io::Error| TreeError::Object(git2::Error::from_str(&error.to_string()));
    let packs = store.packs().map_err(unreadable)?;
    let mut largest = 0;
    for entry in entries.iter().filter(|entry| matches!(entry.kind, Kind::File(_))) {
        let (size, _) = odb.read_header(entry.object).map_err(TreeError::Object)?;
        let size = size as u64;
        let passes = size >= LARGE && packs.blob(entry.object, size).map_err(unreadable)?.is_some();
        if !passes {
            largest = largest.max(size);
        }
    }
    Ok(largest)
}

/// A directory that is still to be listed.
struct Pending {
    path: String,
    tree: Oid,
    depth: usize,
}

/// Lists a tree in the order in which a walk meets its entries, and checks that links are there.
fn list(
    odb: &Odb<'_>,
    repository: &git2::Repository,
    root: Oid,
    limits: GitLimits,
) -> Result<Vec<Entry>, TreeError> {
    let mut entries = Vec::new();
    let mut stack = vec![Pending { path: String::new(), tree: root, depth: 0 }];
    while let Some(Pending { path, tree, depth }) = stack.pop() {
        if depth > limits.depth {
            return Err(TreeError::TooDeep(limits.depth));
        }
        for child in children_of(repository, tree, &path)? {
            if child.kind == Kind::Directory {
                stack.push(Pending { path: child.path.clone(), tree: child.object, depth: depth + 1 });
            }
            entries.push(child);
        }
        if entries.len() > limits.files {
            return Err(TreeError::TooManyFiles(limits.files));
        }
    }
    // the order of a walk: component by component, each bytewise, and so parents first
    entries.sort_by(|left, right| left.path.split('/').cmp(right.path.split('/')));
    for entry in &entries {
        if entry.kind == Kind::Link && !odb.exists(entry.object) {
            return Err(TreeError::Object(git2::Error::from_str("object not found")));
        }
    }
    Ok(entries)
}

/// The entries of one tree object, names checked.
fn children_of(repository: &git2::Repository, tree: Oid, path: &str) -> Result<Vec<Entry>, TreeError> {
    let tree = repository.find_tree(tree).map_err(TreeError::Object)?;
    let mut seen = HashSet::with_capacity(tree.len());
    let mut children = Vec::with_capacity(tree.len());
    for entry in &tree {
        let name =
            name::checked(entry.name_bytes()).map_err(|shown| TreeError::InvalidPath(join(path, &shown)))?;
        let path = join(path, name);
        if !seen.insert(name.to_owned()) {
            return Err(TreeError::InvalidPath(path));
        }
        let kind = match entry.filemode_raw() & 0o170_000 {
            0o040_000 => Kind::Directory,
            0o120_000 => Kind::Link,
            0o160_000 => Kind::Submodule,
            _ if entry.filemode_raw() & 0o111 != 0 => Kind::File(Executable::Yes),
            _ => Kind::File(Executable::No),
        };
        children.push(Entry { path, kind, object: entry.id() });
    }
    Ok(children)
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// Keeps the files whose path begins with one of `sparse` (as text: `src` selects `src2/x` as well, a quirk of
/// upstream's), and the directories on the way to them. Each entry of `sparse` must exist.
fn select_sparse(entries: Vec<Entry>, sparse: &[String]) -> Result<Vec<Entry>, TreeError> {
    let prefixes: Vec<&str> = sparse.iter().map(|entry| entry.strip_prefix("./").unwrap_or(entry)).collect();
    let mut directories: HashSet<String> = HashSet::new();
    let mut selected: Vec<Entry> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind != Kind::Directory) {
        if prefixes.iter().any(|prefix| entry.path.starts_with(prefix)) {
            let parents = entry.path.match_indices('/').filter_map(|(slash, _)| entry.path.get(..slash));
            directories.extend(parents.map(str::to_owned));
            selected.push(entry.clone());
        }
    }
    for prefix in prefixes {
        let wanted = prefix.trim_matches('/');
        let exists = wanted.is_empty()
            || wanted == "."
            || directories.contains(wanted)
            || selected.iter().any(|entry| entry.path == wanted);
        if !exists {
            return Err(TreeError::SparseDirectory(prefix.to_owned()));
        }
    }
    let is_parent = |entry: &Entry| entry.kind == Kind::Directory && directories.contains(&entry.path);
    selected.extend(entries.iter().filter(|entry| is_parent(entry)).cloned());
    selected.sort_by(|left, right| left.path.split('/').cmp(right.path.split('/')));
    Ok(selected)
}
