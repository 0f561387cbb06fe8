//! A resource: its tree, and what the build remembers of it.

use std::cell::OnceCell;
use std::sync::Arc;

use flux_yaml::{Node, Text};

use crate::error::{Error, Result};
use crate::field::set_field;
use crate::gvk::{Gvk, ResourceId, split_api_version};
use crate::schema::Schema;

mod annotations;
mod inheritance;

pub(crate) use annotations::{ORIGIN, TRANSFORMATIONS, is_build_annotation};
pub(crate) use inheritance::text_map;

/// A Kubernetes object during a build.
///
/// kustomize keeps its bookkeeping (previous names, applied prefixes, and so on) in annotations of the object; here it
/// stands beside the tree, and `Resource::new` takes over what a manifest claims.
#[derive(Debug, Clone)]
pub struct Resource {
    node: Node,
    schema: Arc<Schema>,
    records: Records,
    /// Ids derived from the tree and the records; emptied by whoever may change either.
    ids: OnceCell<Ids>,
}

/// What the build remembers of a resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    /// Names, effective namespaces and kinds before each change, oldest first; of equal length.
    previous: Vec<Previous>,
    /// Name prefixes that were added, oldest first.
    pub(crate) prefixes: Vec<String>,
    /// Name suffixes that were added, oldest first.
    pub(crate) suffixes: Vec<String>,
    /// What a generated resource does to an existing one.
    pub(crate) behavior: Behavior,
    /// Whether the name gets the hash of the content.
    pub(crate) needs_hash: bool,
    /// As a patch: whether it may change the name of its target.
    pub(crate) allows_name_change: bool,
    /// As a patch: whether it may change the kind of its target.
    pub(crate) allows_kind_change: bool,
    /// Names of the vars that take their value from this resource.
    pub(crate) variables: Vec<String>,
}

/// The mutable parts of an id, as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Previous {
    name: String,
    namespace: String,
    kind: String,
}

/// What a generated resource does to an existing one with its id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Not said; works as `create`.
    #[default]
    Unspecified,
    /// There must be none.
    Create,
    /// Takes its place.
    Replace,
    /// Lays its data over the existing data.
    Merge,
}

#[derive(Debug, Clone)]
struct Ids {
    current: ResourceId,
    previous: Vec<ResourceId>,
}

impl Resource {
    /// A resource of a tree, whose build annotations become records.
    ///
    /// # Errors
    /// [`Error::Panic`] if the tree has lists of previous names, namespaces and kinds of different lengths.
    pub(crate) fn new(node: Node, schema: &Arc<Schema>) -> Result<Self> {
        let mut resource =
            Self { node, schema: Arc::clone(schema), records: Records::default(), ids: OnceCell::new() };
        resource.absorb_records()?;
        Ok(resource)
    }

    /// The tree.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The tree, to change it.
    pub(crate) fn node_mut(&mut self) -> &mut Node {
        self.ids.take();
        &mut self.node
    }

    /// The tree, for good.
    pub fn into_node(self) -> Node {
        self.node
    }

    /// The schema that decides on the scope of the resource.
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Puts another schema in force.
    pub(crate) fn set_schema(&mut self, schema: &Arc<Schema>) {
        self.ids.take();
        self.schema = Arc::clone(schema);
    }

    /// What the build remembers of the resource.
    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// What the build remembers of the resource, to change it.
    pub(crate) fn records_mut(&mut self) -> &mut Records {
        &mut self.records
    }

    /// Whether nothing is left of the resource: a patch deleted it. It is dropped by
    /// [`ResourceMap::drop_empty`](crate::ResourceMap::drop_empty).
    pub(crate) fn is_empty(&self) -> bool {
        self.node.is_null() || (self.node.is_mapping() && self.node.is_empty())
    }

    /// The id as it is now.
    pub fn id(&self) -> &ResourceId {
        &self.ids().current
    }

    /// The ids that the resource had, oldest first.
    pub fn previous_ids(&self) -> &[ResourceId] {
        &self.ids().previous
    }

    /// The first id that the resource had.
    pub fn original_id(&self) -> &ResourceId {
        let ids = self.ids();
        ids.previous.first().unwrap_or(&ids.current)
    }

    /// All ids: the previous ones, oldest first, then the current one.
    pub(crate) fn all_ids(&self) -> impl Iterator<Item = &ResourceId> {
        let ids = self.ids();
        ids.previous.iter().chain(std::iter::once(&ids.current))
    }

    fn ids(&self) -> &Ids {
        self.ids.get_or_init(|| {
            let (group, version) = split_api_version(self.api_version());
            let id = |kind: &str, name: &str, namespace: &str| ResourceId {
                gvk: Gvk::new(group, version, kind),
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                cluster_scoped: self.schema.is_cluster_scoped(self.api_version(), kind),
            };
            let current = id(self.kind(), self.name(), self.namespace());
            let previous = self.records.previous.iter();
            Ids { current, previous: previous.map(|p| id(&p.kind, &p.name, &p.namespace)).collect() }
        })
    }

    /// Remembers the current id before it changes.
    ///
    /// # Errors
    /// [`Error::Panic`] as kustomize panics if name, namespace or kind contain commas: it keeps them in lists that commas
    /// separate.
    pub(crate) fn store_previous_id(&mut self) -> Result<()> {
        let id = self.id();
        let previous = Previous {
            name: id.name.clone(),
            namespace: id.effective_namespace().to_owned(),
            kind: id.gvk.kind.clone(),
        };
        self.ids.take();
        self.records.push_previous(previous)
    }

    /// `apiVersion`; empty if there is none.
    pub fn api_version(&self) -> &str {
        self.node.get_str("apiVersion").unwrap_or_default()
    }

    /// `kind`; empty if there is none.
    pub fn kind(&self) -> &str {
        self.node.get_str("kind").unwrap_or_default()
    }

    /// `metadata.name`; empty if there is none.
    pub fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// `metadata.namespace`; empty if there is none.
    pub fn namespace(&self) -> &str {
        self.metadata_text("namespace")
    }

    fn metadata_text(&self, key: &str) -> &str {
        self.node.get("metadata").and_then(|metadata| metadata.get_str(key)).unwrap_or_default()
    }

    /// Sets `apiVersion`.
    pub(crate) fn set_api_version(&mut self, api_version: &str) {
        set_field(self.node_mut(), "apiVersion", Node::scalar(api_version));
    }

    /// Sets `kind`.
    pub(crate) fn set_kind(&mut self, kind: &str) {
        set_field(self.node_mut(), "kind", Node::scalar(kind));
    }

    /// Sets `metadata.name`.
    pub(crate) fn set_name(&mut self, name: &str) {
        if let Some(metadata) = self.metadata_mut() {
            set_field(metadata, "name", Node::scalar(name));
        }
    }

    /// Sets `metadata.namespace`; the empty text removes it.
    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            if let Some(metadata) = self.node_mut().get_mut("metadata") {
                metadata.remove("namespace");
            }
        } else if let Some(metadata) = self.metadata_mut() {
            set_field(metadata, "namespace", Node::scalar(namespace));
        }
    }

    /// `metadata`, created if missing; `None` if it is not a mapping.
    fn metadata_mut(&mut self) -> Option<&mut Node> {
        let metadata = self.node_mut().get_or_insert("metadata", Node::mapping)?;
        if metadata.is_null() {
            *metadata = Node::mapping();
        }
        metadata.is_mapping().then_some(metadata)
    }

    /// `metadata.labels` as texts, whatever their types; texts of collections are empty.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata_map("labels")
    }

    /// `metadata.annotations` as texts, whatever their types; texts of collections are empty. Build annotations are not
    /// among them: they became records.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata_map("annotations")
    }

    fn metadata_map(&self, field: &str) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.node.path(&["metadata", field]).map(Node::entries).unwrap_or_default();
        entries.iter().filter_map(|entry| Some((entry.name()?, entry.value.as_str().unwrap_or_default())))
    }

    /// The text of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        let node = self.node.path(&["metadata", "annotations"])?.get(key)?;
        Some(node.as_str().unwrap_or_default())
    }

    /// Replaces `metadata.labels` by strings, in the order of their keys; none removes the field.
    pub(crate) fn set_labels(&mut self, labels: Vec<(Text, Text)>) {
        self.set_metadata_map("labels", labels);
    }

    /// Replaces `metadata.annotations` by strings, in the order of their keys; none removes the field.
    pub(crate) fn set_annotations(&mut self, annotations: Vec<(Text, Text)>) {
        self.set_metadata_map("annotations", annotations);
    }

    fn set_metadata_map(&mut self, field: &str, mut texts: Vec<(Text, Text)>) {
        let Some(metadata) = self.metadata_mut() else { return };
        metadata.remove(field);
        if texts.is_empty() {
            return;
        }
        texts.sort_by(|a, b| a.0.cmp(&b.0));
        let mut map = Node::mapping();
        for (key, text) in texts {
            set_field(&mut map, &key, Node::string(text));
        }
        metadata.insert(field, map);
    }

    /// The texts of labels, to change them and [set](Self::set_labels) them again.
    pub(crate) fn label_texts(&self) -> Vec<(Text, Text)> {
        self.labels().map(|(key, text)| (Text::from(key), Text::from(text))).collect()
    }

    /// The texts of annotations, to change them and [set](Self::set_annotations) them again.
    pub(crate) fn annotation_texts(&self) -> Vec<(Text, Text)> {
        self.annotations().map(|(key, text)| (Text::from(key), Text::from(text))).collect()
    }

    /// Sets or removes one annotation, rewriting all annotations as strings, as kustomize does.
    pub(crate) fn set_annotation(&mut self, key: &str, text: Option<&str>) {
        let mut texts = self.annotation_texts();
        texts.retain(|(known, _)| known != key);
        texts.extend(text.map(|text| (Text::from(key), Text::from(text))));
        self.set_annotations(texts);
    }
}

impl Records {
    fn push_previous(&mut self, previous: Previous) -> Result<()> {
        let commas = |text: &str| text.matches(',').count();
        let count = commas(&previous.name);
        if count != commas(&previous.namespace) || count != commas(&previous.kind) {
            return Err(annotations::unequal_lists());
        }
        let parts = previous.name.split(',').zip(previous.namespace.split(',')).zip(previous.kind.split(','));
        self.previous.extend(parts.map(|((name, namespace), kind)| Previous {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            kind: kind.to_owned(),
        }));
        Ok(())
    }
}

impl Behavior {
    /// The behavior of this name; any other text is no behavior.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    /// The name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

#[cfg(test)]
mod tests;
