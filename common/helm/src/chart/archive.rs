//! Chart archives: gzip streams of a tar.
//!
//! What comes in is hostile. Nothing is written, links are never followed, and size, count and depth are bounded; nested
//! archives draw on the budget of the outermost one (Helm gives each its own).

use std::io::{ErrorKind, Read};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use tar::{Archive, Entry, EntryType};

use super::error::Error;
use super::path::clean;
use super::{Chart, File};
use crate::value::Text;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bounds on what is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest size of all files together, in bytes; 100 MiB by default, as in Helm.
    pub chart: u64,
    /// Largest size of one file, in bytes; 5 MiB by default, as in Helm.
    pub file: u64,
    /// Most files; 20 000 by default, unlimited in Helm.
    pub files: usize,
    /// Deepest nesting of subcharts; 64 by default, unlimited in Helm.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { chart: 100 << 20, file: 5 << 20, files: 20_000, depth: 64 }
    }
}

/// What is left of the limits.
pub(super) struct Budget {
    pub(super) limits: Limits,
    bytes: u64,
    files: usize,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, bytes: limits.chart, files: limits.files }
    }

    /// Takes a file into account before it is read.
    pub(super) fn take(&mut self, size: u64) -> Result<(), Error> {
        self.files = self.files.checked_sub(1).ok_or(Error::TooManyFiles(self.limits.files))?;
        // as Helm, a chart that fills the budget to the last byte is too large
        let left = self.bytes.checked_sub(size).filter(|left| *left > 0);
        self.bytes = left.ok_or(Error::ChartTooLarge(self.limits.chart))?;
        Ok(())
    }

    /// Most bytes of a tar stream: the files, and at most three blocks of headers and padding for each.
    fn stream(&self) -> u64 {
        let headers = u64::try_from(self.files).unwrap_or(u64::MAX).saturating_mul(1536);
        self.bytes.saturating_add(headers).saturating_add(1 << 20)
    }
}

impl Chart {
    /// A chart from an archive: a gzip stream of a tar, with the chart in a directory of any name.
    ///
    /// # Errors
    /// As Helm's loader reports them; [`Error::TooManyFiles`] and [`Error::TooDeep`] are ours.
    pub fn from_archive(archive: &[u8], limits: &Limits) -> Result<Self, Error> {
        let mut budget = Budget::new(*limits);
        let files = read(archive, &mut budget)?;
        super::load::load(files, &mut budget, 0)
    }
}

/// The files of an archive, without the directory around them.
pub(super) fn read(archive: &[u8], budget: &mut Budget) -> Result<Vec<File>, Error> {
    match archive {
        [] => return Err(Error::Empty),
        [0x1f, 0x8b, 8, ..] => {}
        short if short.len() < 10 => return Err(Error::Truncated),
        _ => return Err(Error::NotGzip),
    }
    let limit = budget.stream();
    let mut tar = Archive::new(MultiGzDecoder::new(archive).take(limit));
    let mut files = Vec::new();
    let entries = tar.entries().map_err(damaged)?;
    for entry in entries {
        let mut entry = entry.map_err(damaged)?;
        files.extend(read_entry(&mut entry, budget)?);
    }
    if tar.into_inner().limit() == 0 {
        return Err(Error::ChartTooLarge(budget.limits.chart));
    }
    if files.is_empty() { Err(Error::NoFiles) } else { Ok(files) }
}

fn read_entry(entry: &mut Entry<'_, impl Read>, budget: &mut Budget) -> Result<Option<File>, Error> {
    let kind = entry.header().entry_type();
    let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let mode = entry.header().mode().unwrap_or_default();
    let is_directory = kind.is_dir() || mode & 0o40_000 != 0 || (kind.is_file() && path.ends_with('/'));
    if is_directory || matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
        return Ok(None);
    }
    let name = name_in_chart(&path)?;
    let size = entry.size();
    if size > budget.limits.file && size <= budget.bytes {
        return Err(Error::ArchivedFileTooLarge { name: path, limit: budget.limits.file });
    }
    budget.take(size)?;
    let mut data = Vec::new();
    if !is_header_only(kind) {
        data.reserve(usize::try_from(size).unwrap_or_default());
        entry.read_to_end(&mut data).map_err(damaged)?;
    }
    if data.len() as u64 != size {
        return Err(Error::ChartTooLarge(budget.limits.chart));
    }
    let modified = entry.header().mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
    let modified = modified.and_then(|seconds| Timestamp::from_second(seconds).ok());
    Ok(Some(File { name, data: without_mark(&data), modified }))
}

/// Whether an entry of this type has no content, whatever its size says.
fn is_header_only(kind: EntryType) -> bool {
    kind.is_hard_link()
        || kind.is_symlink()
        || kind.is_character_special()
        || kind.is_block_special()
        || kind.is_fifo()
}

pub(super) fn without_mark(data: &[u8]) -> Text {
    data.strip_prefix(BYTE_ORDER_MARK).unwrap_or(data).into()
}

/// Path below the chart's directory, checked.
fn name_in_chart(path: &str) -> Result<String, Error> {
    // archives made on Windows have backslashes
    let delimiter = if path.contains('\\') { '\\' } else { '/' };
    let (first, rest) = path.split_once(delimiter).unwrap_or((path, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return Err(Error::AbsolutePath);
    }
    let name = clean(&rest);
    if name == "." {
        return Err(Error::OutsideBase(path.to_owned()));
    }
    if name.starts_with("..") {
        return Err(Error::ParentDirectory);
    }
    if let [drive, b':', b'/', ..] = name.as_bytes()
        && drive.is_ascii_alphabetic()
    {
        return Err(Error::DriveLetter);
    }
    if first == "Chart.yaml" {
        return Err(Error::MetadataOutsideBase);
    }
    Ok(name)
}

fn damaged(error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::UnexpectedEof { Error::Truncated } else { Error::Damaged }
}

#[cfg(test)]
mod tests;
