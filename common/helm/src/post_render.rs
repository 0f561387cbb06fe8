//! Post-rendering: what was rendered passes through a stage that may change it, and comes back file by file.
//!
//! An annotation carries each document's file through the stage.

mod kustomize;

use std::collections::BTreeMap;
use std::error::Error as StdError;

use flux_yaml::{Limits, Lists, Node, Style, parse_commented, write_styled};

use crate::chart::base;
use crate::manifest::{ManifestError, Order, Sorted, sort, split};

pub use kustomize::{Kustomization, Metadata, kustomize};

const ANNOTATION: &str = "postrenderer.helm.sh/postrender-filename";

/// What passes through the stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Strategy {
    /// Hooks and manifests in one stream.
    #[default]
    Combined,
    /// Hooks in one stream, manifests in another.
    Separate,
    /// Manifests only.
    NoHooks,
}

/// Why what was rendered did not come through, in Helm's words.
#[derive(Debug, thiserror::Error)]
pub enum PostRenderError {
    /// A document cannot be told a hook or a manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A document cannot be read before the stage.
    #[error("error merging {group}: parsing {path}")]
    Merge {
        /// `manifests` or `hooks`.
        group: &'static str,
        /// Path of the template.
        path: String,
        /// What is wrong.
        #[source]
        source: flux_yaml::Error,
    },
    /// The stage failed.
    #[error("error while running post render on {group}")]
    Stage {
        /// `files`, `manifests` or `hooks`.
        group: &'static str,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// What came out of the stage cannot be read.
    #[error("error while parsing post rendered output{group}: error parsing YAML")]
    Output {
        /// Empty, ` for manifests` or ` for hooks`.
        group: &'static str,
        /// What is wrong.
        #[source]
        source: flux_yaml::Error,
    },
}

/// A stage: a stream of documents in, a stream out.
pub type Stage<'a> = &'a dyn Fn(&str) -> Result<String, Box<dyn StdError + Send + Sync>>;

/// How errors name what passes through the stage.
struct Group {
    name: &'static str,
    on: &'static str,
    of: &'static str,
    /// In names of documents that the stage has added.
    added: &'static str,
}

const ALL: Group = Group { name: "manifests", on: "files", of: "", added: "" };
const HOOKS: Group = Group { name: "hooks", on: "hooks", of: " for hooks", added: "hooks-" };
const MANIFESTS: Group =
    Group { name: "manifests", on: "manifests", of: " for manifests", added: "manifests-" };

/// Passes rendered files, without notes, through a stage.
///
/// # Errors
/// [`PostRenderError`].
pub fn post_render(
    files: &BTreeMap<String, String>,
    strategy: Strategy,
    stage: Stage<'_>,
) -> Result<BTreeMap<String, String>, PostRenderError> {
    if strategy == Strategy::Combined {
        return pass(files, &ALL, stage);
    }
    let Sorted { hooks, manifests } = sort(files, Order::Install)?;
    let hooks = joined(hooks.into_iter().map(|hook| (hook.path, hook.manifest)));
    let manifests = joined(manifests.into_iter().map(|manifest| (manifest.path, manifest.content)));
    let hooks = match strategy {
        Strategy::Separate if !hooks.is_empty() => pass(&hooks, &HOOKS, stage)?,
        Strategy::Separate | Strategy::NoHooks | Strategy::Combined => hooks,
    };
    let manifests = if manifests.is_empty() { manifests } else { pass(&manifests, &MANIFESTS, stage)? };
    Ok(joined(hooks.into_iter().chain(manifests)))
}

/// Documents by file; those of one file have a separator between them.
fn joined(documents: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (path, document) in documents {
        let file = files.entry(path).or_default();
        if !file.is_empty() {
            file.push_str("\n---\n");
        }
        file.push_str(&document);
    }
    files
}

fn pass(
    files: &BTreeMap<String, String>,
    group: &Group,
    stage: Stage<'_>,
) -> Result<BTreeMap<String, String>, PostRenderError> {
    let merged = merge(files, group)?;
    let output = stage(&merged).map_err(|source| PostRenderError::Stage { group: group.on, source })?;
    divide(&output, group)
}

/// One stream of all documents, each with the path of its file.
fn merge(files: &BTreeMap<String, String>, group: &Group) -> Result<String, PostRenderError> {
    let mut nodes = Vec::new();
    for (path, content) in files.iter().filter(|(path, _)| !base(path).starts_with('_')) {
        for document in split(content) {
            let parsed = parse_commented(document.as_bytes(), &Limits::default());
            let parsed = parsed.map_err(|source| PostRenderError::Merge {
                group: group.name,
                path: path.clone(),
                source,
            })?;
            for mut node in parsed.into_iter().filter(|node| !node.is_null()) {
                annotate(&mut node, path);
                nodes.push(node);
            }
        }
    }
    Ok(stream(&nodes))
}

fn annotate(node: &mut Node, path: &str) {
    let annotations = node
        .get_or_insert("metadata", Node::mapping)
        .and_then(|metadata| metadata.get_or_insert("annotations", Node::mapping));
    if let Some(annotations) = annotations {
        annotations.insert(ANNOTATION, Node::string(path).styled(Style::SingleQuoted));
    }
}

/// Documents with separators between them.
fn stream(nodes: &[Node]) -> String {
    let mut text = String::new();
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        write_styled(node, Lists::Compact, &mut text);
    }
    text
}

/// Files from what came out of the stage.
fn divide(output: &str, group: &Group) -> Result<BTreeMap<String, String>, PostRenderError> {
    let parsed = parse_commented(output.as_bytes(), &Limits::default());
    let parsed = parsed.map_err(|source| PostRenderError::Output { group: group.of, source })?;
    let mut files: BTreeMap<String, Vec<Node>> = BTreeMap::new();
    for (index, mut node) in parsed.into_iter().filter(|node| !node.is_null()).enumerate() {
        let path = take_path(&mut node).filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| format!("generated-by-postrender-{}{index}.yaml", group.added));
        files.entry(path).or_default().push(node);
    }
    Ok(files.into_iter().map(|(path, nodes)| (path, stream(&nodes))).collect())
}

/// Takes the annotation out, and the annotations with it if there are no others.
fn take_path(node: &mut Node) -> Option<String> {
    let metadata = node.get_mut("metadata")?;
    let annotations = metadata.get_mut("annotations")?;
    let path = annotations.remove(ANNOTATION)?;
    if annotations.entries().is_empty() {
        metadata.remove("annotations");
    }
    path.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
