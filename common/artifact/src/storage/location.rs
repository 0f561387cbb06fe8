//! Paths and URLs of stored files.

use std::path::{Component, Path, PathBuf};

/// Where the artifacts of one object lie, relative to the root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectLocation {
    directory: String,
}

/// A name that would not stay where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid name {0:?} in artifact path")]
pub struct InvalidLocation(String);

impl ObjectLocation {
    /// The directory of an object; `kind` is put into lower case.
    ///
    /// # Errors
    /// [`InvalidLocation`] if one of the three is no plain file name.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Result<Self, InvalidLocation> {
        for part in [kind, namespace, name] {
            check(part)?;
        }
        Ok(Self { directory: format!("{}/{namespace}/{name}", kind.to_lowercase()) })
    }

    /// `<kind>/<namespace>/<name>`.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// The path of a file of the object.
    ///
    /// # Errors
    /// [`InvalidLocation`] if `file_name` is no plain file name.
    pub fn file(&self, file_name: &str) -> Result<String, InvalidLocation> {
        check(file_name)?;
        Ok(format!("{}/{file_name}", self.directory))
    }
}

/// Accepts what is exactly one visible path component.
fn check(name: &str) -> Result<(), InvalidLocation> {
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    if is_plain { Ok(()) } else { Err(InvalidLocation(name.to_owned())) }
}

/// Joins a path from a status to the root; `None` where it would leave it. Links below the root are ours alone.
pub(super) fn resolve(root: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let is_inside = path.components().all(|component| matches!(component, Component::Normal(_)));
    (is_inside && path.components().next().is_some()).then(|| root.join(path))
}

/// The authority in the URLs of artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactHost(String);

impl ArtifactHost {
    /// The advertised host (`--storage-adv-addr`), taken verbatim: a host with or without port, or a URL prefix that
    /// begins with `http://` or `https://`.
    pub fn advertised(host: &str) -> Self {
        Self(host.to_owned())
    }

    /// The host of a listening address (`--storage-addr`) where none is advertised. An empty host becomes `localhost`,
    /// and `0.0.0.0` becomes `host_name`.
    pub fn listening(address: &str, host_name: &str) -> Self {
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let host = match host {
            "" => "localhost",
            "0.0.0.0" => host_name,
            other => other,
        };
        Self(if port.is_empty() { host.to_owned() } else { format!("{host}:{port}") })
    }

    /// The URL of a path relative to the root.
    pub(super) fn url(&self, path: &str) -> String {
        let Self(host) = self;
        let path = path.trim_start_matches('/');
        if host.starts_with("http://") || host.starts_with("https://") {
            return format!("{}/{path}", host.trim_end_matches('/'));
        }
        format!("http://{host}/{path}")
    }
}
