//! Why a chart cannot be loaded or prepared, in Helm's words.

use super::ignore::InvalidRule;
use super::metadata::Validation;
use crate::decode::DecodeError;
use crate::values;

/// Why a chart cannot be loaded or prepared. The chain of sources, joined by `: `, is Helm's text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not a gzip stream.
    #[error("gzip: invalid header")]
    NotGzip,
    /// There are no bytes at all.
    #[error("EOF")]
    Empty,
    /// The archive ends early.
    #[error("unexpected EOF")]
    Truncated,
    /// The compressed data or the tar headers are damaged.
    #[error("archive/tar: invalid tar header")]
    Damaged,
    /// A path starts with a slash, once its first element is gone.
    #[error("chart illegally contains absolute paths")]
    AbsolutePath,
    /// A path names the chart's own directory.
    #[error("chart illegally contains content outside the base directory: {}", flux_gotext::quote(.0))]
    OutsideBase(String),
    /// A path leads out of the chart.
    #[error("chart illegally references parent directory")]
    ParentDirectory,
    /// A path starts with a drive letter.
    #[error("chart contains illegally named files")]
    DriveLetter,
    /// Chart.yaml stands beside the chart's directory, not in it.
    #[error("chart yaml not in base directory")]
    MetadataOutsideBase,
    /// The files are too large together.
    #[error("decompressed chart is larger than the maximum size {0}")]
    ChartTooLarge(u64),
    /// A file of an archive is too large.
    #[error("decompressed chart file {} is larger than the maximum file size {limit}", flux_gotext::quote(.name))]
    ArchivedFileTooLarge {
        /// Its path as the archive has it.
        name: String,
        /// Largest size, in bytes.
        limit: u64,
    },
    /// A file of a directory is too large.
    #[error("chart file {} is larger than the maximum file size {limit}", flux_gotext::quote(.name))]
    FileTooLarge {
        /// Its base name.
        name: String,
        /// Largest size, in bytes.
        limit: u64,
    },
    /// The chart has more files than the limit.
    #[error("chart has more than {0} files")]
    TooManyFiles(usize),
    /// Subcharts are nested deeper than the limit.
    #[error("subcharts are nested more than {0} levels deep")]
    TooDeep(usize),
    /// An archive without files.
    #[error("no files in chart archive")]
    NoFiles,
    /// A device, a socket or the like.
    #[error("cannot load irregular file {0} as it has file mode type bits set")]
    Irregular(String),
    /// A file or directory cannot be read.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// A file of a chart cannot be read.
    #[error("error reading {name}")]
    ReadFile {
        /// Path in the chart.
        name: String,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// A rule of .helmignore is not valid.
    #[error(transparent)]
    IgnoreRule(#[from] InvalidRule),
    /// A file of the chart is not what it should be.
    #[error("cannot load {file}")]
    Decode {
        /// `Chart.yaml`, `Chart.lock`, `requirements.yaml` or `requirements.lock`.
        file: &'static str,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// values.yaml is not valid.
    #[error("cannot load values.yaml")]
    Values(#[source] values::ReadError),
    /// There is no Chart.yaml.
    #[error("Chart.yaml file is missing")]
    NoMetadata,
    /// Chart.yaml is not valid.
    #[error(transparent)]
    Invalid(#[from] Validation),
    /// A packed subchart is not what its name says.
    #[error("error unpacking subchart tar in {parent}: expected {expected}, got {got}")]
    SubchartName {
        /// Name of the chart around it.
        parent: String,
        /// Name of the archive.
        expected: String,
        /// Path that was found.
        got: String,
    },
    /// A subchart cannot be loaded.
    #[error("error unpacking subchart {name} in {parent}")]
    Subchart {
        /// Its name below `charts/`.
        name: String,
        /// Name of the chart around it.
        parent: String,
        /// Why not.
        #[source]
        source: Box<Self>,
    },
    /// A directory without a readable Chart.yaml.
    #[error("unable to detect chart at {path}: {reason}")]
    Undetected {
        /// Path of Chart.yaml.
        path: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// An archive without Chart.yaml.
    #[error("unable to detect chart version, no Chart.yaml found")]
    NoVersion,
    /// An API version that is neither `v1` nor `v2`.
    #[error("unsupported chart version")]
    UnsupportedVersion,
    /// An archive that cannot be read.
    #[error("unable to load chart archive")]
    Unloadable,
    /// A YAML file in place of an archive.
    #[error("file '{0}' seems to be a YAML file, but expected a gzipped archive")]
    YamlFile(String),
    /// A file that is no archive.
    #[error("file '{0}' does not appear to be a gzipped archive")]
    NotAnArchive(String),
    /// The values and the chart's own do not go together.
    #[error(transparent)]
    Coalesce(#[from] values::CoalesceError),
}
