//! Where a layer's files come from: its root, what it may load, and how it leads to other roots.

mod repository;

use crate::error::{Context as _, Error, Result};
use crate::file_system::{self, FileSystem, Location};
use crate::path;

pub use repository::{RepositorySpec, Submodules};

/// How deep bases may be nested.
const MAX_DEPTH: usize = 100;

/// Files that a kustomization may load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadRestrictions {
    /// Only files in or below the directory of the kustomization that names them.
    RootOnly,
    /// Any file of the file system: what Flux configures.
    #[default]
    None,
}

/// Access to files and repositories elsewhere. The engine itself never touches the network.
pub trait Remote {
    /// The content at an `http` or `https` URL.
    ///
    /// # Errors
    /// [`Error::Http`] for a status other than success; any other error otherwise.
    fn fetch(&self, url: &str) -> Result<Vec<u8>>;

    /// Clones a repository.
    ///
    /// # Errors
    /// An error in the words of kustomize: `failed to run 'git fetch --depth=1 <url> <ref>': <output>: exit status <n>`.
    fn clone_repository(&self, spec: &RepositorySpec) -> Result<ClonedRepository>;
}

/// A cloned repository; what it needs is removed when its file system is dropped.
pub struct ClonedRepository {
    /// The files of the clone, and nothing else.
    pub file_system: Box<dyn FileSystem>,
    /// Absolute path of the work tree in this file system.
    pub directory: String,
}

/// The root of one layer on the stack of layers that are being built.
pub(crate) struct Loader<'a> {
    source: Source<'a>,
    root: String,
    depth: usize,
}

enum Source<'a> {
    /// The target of the build.
    Target { file_system: &'a dyn FileSystem, restrictions: LoadRestrictions, remote: Option<&'a dyn Remote> },
    /// A directory in a clone.
    Clone { clone: ClonedRepository, spec: RepositorySpec, referrer: &'a Loader<'a> },
    /// A directory in the file system of the referrer.
    Directory { referrer: &'a Loader<'a> },
}

impl<'a> Loader<'a> {
    /// A loader at the target of a build.
    ///
    /// # Errors
    /// [`Error`] if the target is no directory.
    pub(crate) fn at_target(
        file_system: &'a dyn FileSystem,
        target: &str,
        restrictions: LoadRestrictions,
        remote: Option<&'a dyn Remote>,
    ) -> Result<Self> {
        let root = confirm_directory(file_system, &path::absolute("/", target))?;
        Ok(Self { source: Source::Target { file_system, restrictions, remote }, root, depth: 0 })
    }

    /// The directory that relative paths start from, absolute and resolved.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// The repository that this loader is the first one in.
    pub(crate) fn repository(&self) -> Option<&RepositorySpec> {
        match &self.source {
            Source::Clone { spec, .. } => Some(spec),
            Source::Target { .. } | Source::Directory { .. } => None,
        }
    }

    fn referrer(&self) -> Option<&Self> {
        match &self.source {
            Source::Target { .. } => None,
            Source::Clone { referrer, .. } | Source::Directory { referrer } => Some(referrer),
        }
    }

    fn file_system(&self) -> &dyn FileSystem {
        match &self.source {
            Source::Target { file_system, .. } => *file_system,
            Source::Clone { clone, .. } => clone.file_system.as_ref(),
            Source::Directory { referrer } => referrer.file_system(),
        }
    }

    fn restrictions(&self) -> LoadRestrictions {
        match &self.source {
            Source::Target { restrictions, .. } => *restrictions,
            // clones are never allowed to escape
            Source::Clone { .. } => LoadRestrictions::RootOnly,
            Source::Directory { referrer } => referrer.restrictions(),
        }
    }

    fn remote(&self) -> Option<&dyn Remote> {
        match &self.source {
            Source::Target { remote, .. } => *remote,
            Source::Clone { referrer, .. } | Source::Directory { referrer } => referrer.remote(),
        }
    }

    fn containing_clone(&self) -> Option<&ClonedRepository> {
        match &self.source {
            Source::Target { .. } => None,
            Source::Clone { clone, .. } => Some(clone),
            Source::Directory { referrer } => referrer.containing_clone(),
        }
    }

    /// This loader and those that led to it.
    fn stack(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |loader| loader.referrer())
    }

    /// The content of a file, or of an `http(s)` URL.
    ///
    /// # Errors
    /// [`Error`] if it cannot be read, or may not be.
    pub(crate) fn load(&self, name: &str) -> Result<Vec<u8>> {
        if is_http_url(name) {
            return self.fetch(name);
        }
        let path = path::absolute(&self.root, name);
        match self.restrictions() {
            LoadRestrictions::None => Ok(self.file_system().read(&path)?),
            LoadRestrictions::RootOnly => {
                let location = self.file_system().resolve(&path)?;
                let Location { directory, file: Some(file) } = location else {
                    return Err(Error::invalid(format!("'{path}' must resolve to a file")));
                };
                if !path::is_in_or_below(&directory, &self.root) {
                    let root = &self.root;
                    return Err(Error::invalid(format!(
                        "security; file '{path}' is not in or below '{root}'"
                    )));
                }
                Ok(self.file_system().read(&path::join(&directory, &file))?)
            }
        }
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>> {
        let Some(remote) = self.remote() else {
            return Err(Error::invalid(format!("remote files are not allowed: {url}")));
        };
        match remote.fetch(url) {
            Err(Error::Http { .. }) if RepositorySpec::parse(url).is_ok() => {
                Err(Error::invalid("URL is a git repository"))
            }
            result => result,
        }
    }

    /// A loader at another root: a directory relative to this one, or a directory in a Git repository.
    ///
    /// # Errors
    /// [`Error`] if it cannot be reached, is no directory, or leads back to a root on the stack.
    pub(crate) fn open<'b>(&'b self, name: &str) -> Result<Loader<'b>>
    where
        'a: 'b,
    {
        if name.is_empty() {
            return Err(Error::invalid("new root cannot be empty"));
        }
        if self.depth >= MAX_DEPTH {
            return Err(Error::invalid(format!(
                "bases are nested deeper than {MAX_DEPTH} levels at '{name}'"
            )));
        }
        if let Ok(spec) = RepositorySpec::parse(name) {
            return self.open_repository(spec);
        }
        if path::is_absolute(name) {
            return Err(Error::invalid(format!("new root '{name}' cannot be absolute")));
        }
        let root = confirm_directory(self.file_system(), &path::join(&self.root, name))
            .context(|| "must build at directory")?;
        if let Some(clone) = self.containing_clone()
            && !path::is_in_or_below(&root, &clone.directory)
        {
            return Err(Error::invalid(format!(
                "security; bases in kustomizations found in cloned git repos must be within the repo, but base \
                 '{root}' is outside '{}'",
                clone.directory
            )));
        }
        if let Some(visited) = self.stack().find(|visited| path::is_in_or_below(&visited.root, &root)) {
            return Err(Error::invalid(format!(
                "cycle detected: candidate root '{root}' contains visited root '{}'",
                visited.root
            )));
        }
        Ok(Loader { source: Source::Directory { referrer: self }, root, depth: self.depth + 1 })
    }

    fn open_repository<'b>(&'b self, spec: RepositorySpec) -> Result<Loader<'b>>
    where
        'a: 'b,
    {
        let earlier =
            self.stack().filter_map(Loader::repository).find(|earlier| earlier.url().starts_with(spec.url()));
        if let Some(earlier) = earlier {
            let (new, old) = (spec.url(), earlier.url());
            return Err(Error::invalid(format!(
                "cycle detected: URI '{new}' referenced by previous URI '{old}'"
            )));
        }
        let Some(remote) = self.remote() else {
            let url = spec.clone_url();
            let root = self.stack().last().map_or(self.root.as_str(), Loader::root);
            return Err(Error::invalid(format!(
                "fs-security-constraint abs {url}: path '{url}' is not in or below '{root}'"
            )));
        };
        let clone = remote.clone_repository(&spec)?;
        let wanted = path::join(&clone.directory, spec.directory());
        let Location { directory: root, file } = clone.file_system.resolve(&wanted)?;
        if let Some(file) = file {
            return Err(Error::invalid(format!("'{wanted}' refers to file '{file}'; expecting directory")));
        }
        if !path::is_in_or_below(&root, &clone.directory) {
            let clone = &clone.directory;
            return Err(Error::invalid(format!("{wanted:?} refers to directory outside of repo {clone:?}")));
        }
        let source = Source::Clone { clone, spec, referrer: self };
        Ok(Loader { source, root, depth: self.depth + 1 })
    }
}

/// The resolved path of a directory.
fn confirm_directory(file_system: &dyn FileSystem, path: &str) -> Result<String> {
    match file_system.resolve(path) {
        Ok(Location { directory, file: None }) => Ok(directory),
        Ok(Location { .. }) => Err(Error::invalid(format!("'{path}': file is not directory"))),
        Err(error @ file_system::Error::Outside { .. }) => {
            Err(Error::from(error).within("not a valid directory"))
        }
        Err(error) => {
            let attempt = format!("not a valid directory: evalsymlink failure on '{path}' ");
            Err(Error::from(error).within(attempt))
        }
    }
}

fn is_http_url(name: &str) -> bool {
    let Some((scheme, rest)) = name.split_once("://") else { return false };
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")) && !rest.is_empty()
}

#[cfg(test)]
mod tests;
