//! Charts in directories.

use std::path::{Path, PathBuf};

use super::archive::{Budget, Limits, without_mark};
use super::error::Error;
use super::ignore::{IgnoreRules, PathKind};
use super::{Chart, File};

/// Reads a directory into files.
struct Walk<'a> {
    top: &'a Path,
    rules: IgnoreRules,
    budget: &'a mut Budget,
    files: Vec<File>,
}

impl Chart {
    /// A chart from a directory, without the files that its .helmignore names. Symbolic links are followed, wherever they
    /// lead: the directory must be the caller's own.
    ///
    /// # Errors
    /// As Helm's loader reports them; [`Error::ChartTooLarge`], [`Error::TooManyFiles`] and [`Error::TooDeep`] are ours.
    pub fn from_directory(directory: &Path, limits: &Limits) -> Result<Self, Error> {
        let ignore = directory.join(".helmignore");
        let rules = if ignore.exists() { fs_err::read_to_string(ignore)? } else { String::new() };
        let mut budget = Budget::new(*limits);
        let rules = IgnoreRules::parse(&rules)?;
        let mut walk = Walk { top: directory, rules, budget: &mut budget, files: Vec::new() };
        walk.directory(directory.to_owned(), "", 0)?;
        let files = walk.files;
        super::load::load(files, &mut budget, 0)
    }
}

impl Walk<'_> {
    fn directory(&mut self, path: PathBuf, name: &str, depth: usize) -> Result<(), Error> {
        // a link to a directory above leads round in circles
        let deepest = self.budget.limits.depth.saturating_mul(4);
        if depth > deepest {
            return Err(Error::TooDeep(deepest));
        }
        let entries = fs_err::read_dir(path)?;
        let mut names = entries.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>()?;
        names.sort();
        for file_name in names {
            let text = file_name.to_string_lossy();
            let name = if name.is_empty() { text.into_owned() } else { format!("{name}/{text}") };
            let path = self.top.join(&name);
            let metadata = fs_err::metadata(&path)?;
            let kind = if metadata.is_dir() { PathKind::Directory } else { PathKind::File };
            if self.rules.ignores(&name, kind) {
                continue;
            }
            if metadata.is_dir() {
                self.directory(path, &name, depth + 1)?;
            } else {
                self.file(&path, name, &metadata)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String, metadata: &std::fs::Metadata) -> Result<(), Error> {
        if !metadata.is_file() {
            return Err(Error::Irregular(path.display().to_string()));
        }
        let limit = self.budget.limits.file;
        if metadata.len() > limit {
            let base = super::path::base(&name).to_owned();
            return Err(Error::FileTooLarge { name: base, limit });
        }
        self.budget.take(metadata.len())?;
        let data = fs_err::read(path).map_err(|source| Error::ReadFile { name: name.clone(), source })?;
        let modified = metadata.modified().ok().and_then(|time| time.try_into().ok());
        self.files.push(File { name, data: without_mark(&data), modified });
        Ok(())
    }
}
