//! From rendered files to manifests and hooks, in the order in which they are applied.

mod order;
mod split;

use std::collections::BTreeMap;

use flux_yaml::Value;

use crate::chart::base;
use crate::decode::{DecodeError, Decoder, Structure, read};
use crate::release::{Hook, HookEvent};

pub use order::Order;
pub use split::split;

const HOOK: &str = "helm.sh/hook";
const HOOK_WEIGHT: &str = "helm.sh/hook-weight";
const HOOK_DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
const HOOK_OUTPUT_LOG_POLICY: &str = "helm.sh/hook-output-log-policy";

/// An object that belongs to a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Path of the template that it comes from.
    pub path: String,
    /// Its text.
    pub content: String,
    /// What it says of itself.
    pub head: Head,
}

/// What a document says of itself; empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// `apiVersion`
    pub api_version: String,
    /// `kind`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.annotations`
    pub annotations: BTreeMap<String, String>,
}

/// A document that is not YAML, or whose head has fields of other types than text.
#[derive(Debug, thiserror::Error)]
#[error("YAML parse error on {path}")]
pub struct ManifestError {
    /// Path of the template.
    pub path: String,
    /// What is wrong.
    #[source]
    pub source: DecodeError,
}

/// Hooks and manifests, each sorted by kind and, among equals, by path and place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted {
    /// Documents that run at certain events.
    pub hooks: Vec<Hook>,
    /// All other documents.
    pub manifests: Vec<Manifest>,
}

const HEAD: Structure<Head> = Structure {
    name: "SimpleHead",
    kind: "util.SimpleHead",
    fields: &[
        ("apiVersion", |decoder, value, head| decoder.string(value, &mut head.api_version)),
        ("kind", |decoder, value, head| decoder.string(value, &mut head.kind)),
        ("metadata", |decoder, value, head| decoder.structure(value, head, &METADATA)),
    ],
};

const METADATA: Structure<Head> = Structure {
    name: "",
    kind: r#"struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }"#,
    fields: &[
        ("name", |decoder, value, head| decoder.string(value, &mut head.name)),
        ("annotations", |decoder, value, head| {
            for (key, value) in decoder.object(value, "map[string]string").into_iter().flatten() {
                decoder.string(value, head.annotations.entry(key.to_string()).or_default());
            }
        }),
    ],
};

impl Head {
    /// Head of a document.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn parse(document: &str) -> Result<Self, DecodeError> {
        Self::of(&read(document.as_bytes())?)
    }

    fn of(value: &Value) -> Result<Self, DecodeError> {
        let mut head = Self::default();
        let mut decoder = Decoder::default();
        decoder.structure(value, &mut head, &HEAD);
        decoder.finish()?;
        Ok(head)
    }

    /// Parts of an annotation with commas between them, in lower case.
    fn list(&self, annotation: &str) -> Option<impl Iterator<Item = String>> {
        let text = self.annotations.get(annotation)?;
        Some(text.split(',').map(|part| part.trim().to_lowercase()))
    }
}

/// Tells hooks from manifests, in files by path, and sorts both. A document that names an unknown hook is dropped.
///
/// # Errors
/// [`ManifestError`], at the first document that cannot be read.
pub fn sort(files: &BTreeMap<String, String>, order: Order) -> Result<Sorted, ManifestError> {
    let mut sorted = Sorted::default();
    for (path, content) in files.iter().filter(|(path, _)| !base(path).starts_with('_')) {
        for document in split(content) {
            let head = Head::parse(document);
            let head = head.map_err(|source| ManifestError { path: path.clone(), source })?;
            sorted.add(path, document, head);
        }
    }
    sorted.hooks.sort_by(|a, b| order.compare(&a.kind, &b.kind));
    sorted.manifests.sort_by(|a, b| order.compare(&a.head.kind, &b.head.kind));
    Ok(sorted)
}

impl Sorted {
    fn add(&mut self, path: &str, document: &str, head: Head) {
        let (path, content) = (path.to_owned(), document.to_owned());
        let Some(events) = head.list(HOOK) else {
            self.manifests.push(Manifest { path, content, head });
            return;
        };
        let events = events.map(|event| HookEvent::parse(&event)).collect::<Option<Vec<_>>>();
        let Some(events) = events else { return };
        let list = |annotation| head.list(annotation).into_iter().flatten().collect();
        let weight = head.annotations.get(HOOK_WEIGHT).and_then(|weight| weight.parse().ok());
        self.hooks.push(Hook {
            events,
            weight: weight.unwrap_or_default(),
            delete_policies: list(HOOK_DELETE_POLICY),
            output_log_policies: list(HOOK_OUTPUT_LOG_POLICY),
            name: head.name,
            kind: head.kind,
            path,
            manifest: content,
            ..Hook::default()
        });
    }

    /// The text that a release record keeps: all manifests, each below the path that it comes from.
    pub fn release_manifest(&self) -> String {
        let mut text = String::new();
        for Manifest { path, content, .. } in &self.manifests {
            for part in ["---\n# Source: ", path, "\n", content, "\n"] {
                text.push_str(part);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
