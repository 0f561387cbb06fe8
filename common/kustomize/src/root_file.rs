//! The root kustomization file that Flux builds: the one in the directory or a generated one, with the Flux object's
//! settings laid over it.

mod overlay;
mod shape;

use flux_yaml::{Object, Text, Value};

use crate::decode::{Mode, decode};
use crate::error::{Context as _, Error, Result};
use crate::file_system::{FileSystem, Kind};
use crate::kustomization::{FILE_NAMES, Kustomization};
use crate::path;
use crate::reader::read_resources;
use crate::schema::Schema;
use crate::yaml_1_1::{Duplicates, read};

pub use overlay::Overlay;

/// How deep directories are searched for manifests.
const MAX_DEPTH: usize = 100;
/// Most entries that a generated file lists.
const MAX_ENTRIES: usize = 100_000;

/// A root kustomization file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootFile {
    /// Name in the directory: that of the file found there, or `kustomization.yaml`.
    pub name: String,
    /// Content, to be laid over the directory with [`OverlayFileSystem`](crate::file_system::OverlayFileSystem).
    pub content: Vec<u8>,
    /// Whether the directory has such a file.
    pub action: Action,
}

/// How a root file came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The directory had none: it lists the manifests found there.
    Created,
    /// It is the directory's own.
    Unchanged,
}

/// Finds or generates the root kustomization file of a directory, an absolute and resolved path, and lays the settings
/// of the Flux object over it. Nothing is written.
///
/// # Errors
/// [`Error::Invalid`] if there is no file and a manifest in the directory is no resource; if the file is no
/// kustomization, though unknown fields pass; if the object's settings are malformed or name components elsewhere.
pub fn generate(file_system: &dyn FileSystem, directory: &str, overlay: &Overlay) -> Result<RootFile> {
    let found =
        FILE_NAMES.iter().find(|name| file_system.kind(&path::join(directory, name)) == Some(Kind::File));
    let (name, action, mut fields) = match found {
        Some(name) => {
            let content = file_system.read(&path::join(directory, name))?;
            (*name, Action::Unchanged, parse(&content)?)
        }
        None => ("kustomization.yaml", Action::Created, generated(file_system, directory)?),
    };
    let has_resources = fields.get("resources").and_then(Value::as_list).is_some_and(|list| !list.is_empty());
    if action == Action::Unchanged && !has_resources {
        // so that the file says something
        fields.insert(Text::from("buildMetadata"), texts(&["originAnnotations"]));
    }
    overlay.apply(&mut fields, file_system, directory)?;
    let content = Value::Object(fields).to_yaml().map_err(|error| Error::invalid(error.to_string()))?;
    Ok(RootFile { name: name.to_owned(), content: content.into_bytes(), action })
}

/// The fields of an existing file, by the lenient decoder, as the encoder writes them.
fn parse(content: &[u8]) -> Result<Object> {
    let value = read(content, Duplicates::LastWins)
        .map_err(|error| Error::invalid(error.to_string()).within("error converting YAML to JSON"))?;
    decode::<Kustomization>(&value, Mode::LENIENT, "Kustomization")
        .context(|| "error unmarshaling JSON: while decoding JSON")?;
    let mut fields = shape::normalised(&value);
    for (name, text) in [("apiVersion", "kustomize.config.k8s.io/v1beta1"), ("kind", "Kustomization")] {
        fields.entry(Text::from(name)).or_insert_with(|| Value::from(text));
    }
    Ok(fields)
}

/// The fields of a file that lists the manifests in a directory.
fn generated(file_system: &dyn FileSystem, directory: &str) -> Result<Object> {
    let mut entries = Vec::new();
    scan(file_system, directory, 0, &mut entries)?;
    let relative =
        |path: &String| format!("./{}", path.strip_prefix(directory).unwrap_or(path).trim_start_matches('/'));
    let entries: Vec<_> = entries.iter().map(relative).collect();
    let mut fields = Object::from([
        (Text::from("apiVersion"), Value::from("kustomize.config.k8s.io/v1beta1")),
        (Text::from("kind"), Value::from("Kustomization")),
    ]);
    if entries.is_empty() {
        // so that the file says something
        fields.insert(Text::from("namespace"), Value::from("_placeholder"));
    } else {
        fields.insert(Text::from("resources"), texts(&entries));
    }
    Ok(fields)
}

/// Collects manifests and sub-directories with a kustomization file, in the order of their paths.
fn scan(file_system: &dyn FileSystem, directory: &str, depth: usize, found: &mut Vec<String>) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::invalid(format!(
            "directories are nested deeper than {MAX_DEPTH} levels at '{directory}'"
        )));
    }
    for entry in file_system.list(directory)? {
        let path = path::join(directory, &entry.name);
        if found.len() >= MAX_ENTRIES {
            return Err(Error::invalid(format!("more than {MAX_ENTRIES} manifests below '{directory}'")));
        }
        if entry.kind == Some(Kind::Directory) {
            let is_root = |name: &&str| file_system.kind(&path::join(&path, name)) == Some(Kind::File);
            if FILE_NAMES.iter().any(is_root) {
                found.push(path);
            } else {
                scan(file_system, &path, depth + 1, found)?;
            }
        } else if is_manifest(&entry.name) {
            let content = file_system.read(&path)?;
            read_resources(&content, &std::sync::Arc::new(Schema::built_in()))
                .context(|| format!("failed to decode Kubernetes YAML from {path}"))?;
            found.push(path);
        }
    }
    Ok(())
}

fn is_manifest(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| matches!(extension, "yaml" | "yml"))
}

fn texts(texts: &[impl AsRef<str>]) -> Value {
    Value::List(texts.iter().map(|text| Value::from(text.as_ref())).collect())
}

#[cfg(test)]
mod tests;
