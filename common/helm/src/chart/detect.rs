//! Charts by path, as Helm's command line loads them: it looks at the API version first.

use std::path::Path;

use super::archive::{Budget, Limits, read};
use super::error::Error;
use super::{Chart, File};
use crate::decode::{Decoder, Structure};

const BASE: Structure<String> = Structure {
    name: "chartBase",
    kind: "loader.chartBase",
    fields: &[("apiVersion", |decoder, value, version| decoder.string(value, version))],
};

impl Chart {
    /// A chart from a directory or an archive.
    ///
    /// # Errors
    /// As [`Self::from_directory`] and [`Self::from_archive`]; for an archive without saying what is wrong with it, unless
    /// it is no archive at all.
    pub fn from_path(path: &Path, limits: &Limits) -> Result<Self, Error> {
        if path.is_dir() {
            let file = path.join("Chart.yaml");
            let text = fs_err::read(&file).map_err(|source| Error::Undetected {
                path: file.display().to_string(),
                reason: reason(&file, &source),
            })?;
            check_version(&text)?;
            return Self::from_directory(path, limits);
        }
        let bytes = fs_err::read(path)?;
        let name = path.display().to_string();
        if !bytes.starts_with(&[0x1f, 0x8b, 8]) {
            let is_yaml = [".yml", ".yaml"].iter().any(|suffix| name.ends_with(suffix));
            return Err(if is_yaml { Error::YamlFile(name) } else { Error::NotAnArchive(name) });
        }
        let files = read(&bytes, &mut Budget::new(*limits)).map_err(|_| Error::Unloadable)?;
        let metadata = files.iter().find(|file: &&File| file.name == "Chart.yaml");
        check_version(&metadata.ok_or(Error::NoVersion)?.data)?;
        Self::from_archive(&bytes, limits)
    }
}

/// What Go says of a file that cannot be opened.
fn reason(file: &Path, error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::NotFound {
        return format!("open {}: no such file or directory", file.display());
    }
    error.to_string()
}

fn check_version(metadata: &[u8]) -> Result<(), Error> {
    let decode = |source| Error::Decode { file: "Chart.yaml", source };
    let value = crate::decode::read(metadata).map_err(decode)?;
    let (mut version, mut decoder) = (String::new(), Decoder::default());
    decoder.structure(&value, &mut version, &BASE);
    decoder.finish().map_err(decode)?;
    if matches!(version.as_str(), "" | "v1" | "v2") { Ok(()) } else { Err(Error::UnsupportedVersion) }
}
