//! Bare repositories that tests write commits into.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use git2::build::TreeUpdateBuilder;
use git2::{FileMode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature};

/// A bare repository on a server's disk.
#[derive(Debug, Clone)]
pub struct GitRepository {
    path: PathBuf,
    url: String,
}

/// What a commit does to one path.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// A plain file with this content.
    Write(&'a [u8]),
    /// An executable file with this content.
    Executable(&'a [u8]),
    /// A symbolic link to this target.
    Link(&'a str),
    /// No longer there.
    Remove,
}

impl GitRepository {
    pub(crate) fn create(path: &Path, url: String) -> Result<Self> {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).initial_head("main");
        Repository::init_opts(path, &options).context("failed to create a repository")?;
        Ok(Self { path: path.to_path_buf(), url })
    }

    /// Where clients find it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it lies on disk.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Commits these files with these texts onto a branch, which is created if it is missing; gives the commit's id.
    ///
    /// # Errors
    /// If a path is invalid or the repository cannot be written.
    pub fn commit(&self, branch: &str, files: &[(&str, &str)]) -> Result<String> {
        let changes: Vec<_> =
            files.iter().map(|(path, text)| (*path, Change::Write(text.as_bytes()))).collect();
        self.commit_changes(branch, &changes)
    }

    /// As [`GitRepository::commit`], for links, removals and executables too.
    ///
    /// # Errors
    /// If a path is invalid, a removed one is missing, or the repository cannot be written.
    pub fn commit_changes(&self, branch: &str, changes: &[(&str, Change<'_>)]) -> Result<String> {
        let repository = self.open()?;
        let reference = format!("refs/heads/{branch}");
        let parent =
            repository.find_reference(&reference).ok().map(|tip| tip.peel_to_commit()).transpose()?;
        let baseline = match &parent {
            Some(parent) => parent.tree()?,
            None => repository.find_tree(repository.treebuilder(None)?.write()?)?,
        };
        let mut update = TreeUpdateBuilder::new();
        for (path, change) in changes {
            let (content, mode) = match change {
                Change::Write(content) => (*content, FileMode::Blob),
                Change::Executable(content) => (*content, FileMode::BlobExecutable),
                Change::Link(target) => (target.as_bytes(), FileMode::Link),
                Change::Remove => {
                    update.remove(*path);
                    continue;
                }
            };
            update.upsert(*path, repository.blob(content)?, mode);
        }
        let tree = repository.find_tree(update.create_updated(&repository, &baseline)?)?;
        let author = Self::signature()?;
        let parents: Vec<_> = parent.iter().collect();
        let message = format!("Change {} files", changes.len());
        let commit = repository.commit(Some(&reference), &author, &author, &message, &tree, &parents);
        Ok(commit.context("failed to commit")?.to_string())
    }

    /// Points a branch at a commit, whether or not it is a descendant of the old one.
    ///
    /// # Errors
    /// If the commit is unknown.
    pub fn set_branch(&self, branch: &str, commit: &str) -> Result<()> {
        self.set_reference(&format!("refs/heads/{branch}"), commit)
    }

    /// Points any reference, such as `refs/pull/1/head`, at a commit.
    ///
    /// # Errors
    /// If the commit is unknown.
    pub fn set_reference(&self, name: &str, commit: &str) -> Result<()> {
        self.open()?.reference(name, Oid::from_str(commit)?, true, "set by the lab")?;
        Ok(())
    }

    /// Removes a reference, given by its full name.
    ///
    /// # Errors
    /// If there is none.
    pub fn remove_reference(&self, name: &str) -> Result<()> {
        self.open()?.find_reference(name)?.delete()?;
        Ok(())
    }

    /// Makes a lightweight tag.
    ///
    /// # Errors
    /// If the commit is unknown.
    pub fn tag(&self, name: &str, commit: &str) -> Result<()> {
        self.set_reference(&format!("refs/tags/{name}"), commit)
    }

    /// Makes an annotated tag; gives the tag object's id.
    ///
    /// # Errors
    /// If the commit is unknown or the tag exists.
    pub fn annotated_tag(&self, name: &str, commit: &str, message: &str) -> Result<String> {
        let repository = self.open()?;
        let target = repository.find_object(Oid::from_str(commit)?, Some(ObjectType::Commit))?;
        Ok(repository.tag(name, &target, &Self::signature()?, message, false)?.to_string())
    }

    /// The commit that a branch points at.
    ///
    /// # Errors
    /// If there is no such branch.
    pub fn head(&self, branch: &str) -> Result<String> {
        let repository = self.open()?;
        let tip = repository.find_reference(&format!("refs/heads/{branch}"))?;
        Ok(tip.peel_to_commit()?.id().to_string())
    }

    fn open(&self) -> Result<Repository> {
        Repository::open_bare(&self.path).context("failed to open the repository")
    }

    fn signature() -> Result<Signature<'static>> {
        Ok(Signature::now("Lab", "lab@example.com")?)
    }
}
