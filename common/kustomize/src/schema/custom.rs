//! A custom OpenAPI document: what the `openapi` field adds to the built-in types.

use std::collections::HashMap;

use flux_yaml::{Node, parse_document};

use crate::error::{Error, Result};
use crate::gvk::Gvk;

/// How many references are followed one after the other, and how deep a definition may nest; no real document comes near.
pub(super) const MAXIMUM_REFERENCES: usize = 64;

const DEFINITIONS: &str = "#/definitions/";
const GROUP_VERSION_KIND: &str = "x-kubernetes-group-version-kind";

/// The definitions of a document, the kinds they describe, and the scopes that its paths tell.
#[derive(Debug)]
pub(super) struct Document {
    definitions: HashMap<String, Definition>,
    kinds: HashMap<(String, String), String>,
    namespaced: HashMap<(String, String), bool>,
}

/// What a definition, or a schema within one, says of a type.
#[derive(Debug, Default)]
pub(super) struct Definition {
    reference: Option<String>,
    fields: HashMap<String, Self>,
    additional: Option<Box<Self>>,
    items: Option<Box<Self>>,
    merge_keys: Option<Vec<String>>,
}

impl Document {
    /// Reads a Swagger 2 document in JSON or YAML.
    ///
    /// # Errors
    /// It does not parse, or is no mapping.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let broken = |why: String| Error::Panic(format!("invalid schema file: {why}"));
        let mut root =
            parse_document(bytes).map_err(|error| broken(error.to_string()))?.unwrap_or_else(Node::mapping);
        root.expand(&flux_yaml::Limits::default()).map_err(|error| broken(error.to_string()))?;
        if !root.is_mapping() {
            return Err(broken("the document is not an object".to_owned()));
        }
        let mut document =
            Self { definitions: HashMap::new(), kinds: HashMap::new(), namespaced: HashMap::new() };
        for part in ["definitions", "paths"] {
            if root.get(part).is_some_and(|part| !part.is_mapping() && !part.is_null()) {
                return Err(broken(format!("'{part}' is not an object")));
            }
        }
        for entry in root.get("definitions").map(Node::entries).unwrap_or_default() {
            document.add_definition(entry.name().unwrap_or_default(), &entry.value);
        }
        for entry in root.get("paths").map(Node::entries).unwrap_or_default() {
            document.add_path(entry.name().unwrap_or_default(), &entry.value);
        }
        Ok(document)
    }

    fn add_definition(&mut self, name: &str, node: &Node) {
        for kind in node.get(GROUP_VERSION_KIND).map(Node::items).unwrap_or_default() {
            self.kinds.insert(kind_of(kind), name.to_owned());
        }
        self.definitions.insert(name.to_owned(), Definition::of(node, 0));
    }

    fn add_path(&mut self, path: &str, node: &Node) {
        let Some(kind) = node.path(&["get", GROUP_VERSION_KIND]) else { return };
        let kind = kind_of(kind);
        if path.contains("namespaces/{namespace}") {
            self.namespaced.insert(kind, true);
        } else {
            self.namespaced.entry(kind).or_insert(false);
        }
    }

    pub(super) fn resource(&self, api_version: &str, kind: &str) -> Option<&Definition> {
        self.definition(self.kinds.get(&(api_version.to_owned(), kind.to_owned()))?)
    }

    pub(super) fn definition(&self, name: &str) -> Option<&Definition> {
        self.definitions.get(name)
    }

    pub(super) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        self.namespaced.get(&(api_version.to_owned(), kind.to_owned())) == Some(&false)
    }

    /// What a JSON pointer into this document's definitions means.
    pub(super) fn referenced(&self, pointer: &str) -> Option<&Definition> {
        let mut parts = pointer.strip_prefix(DEFINITIONS)?.split('/').map(unescape);
        let mut found = self.definition(&parts.next()?)?;
        while let Some(part) = parts.next() {
            found = match part.as_str() {
                "properties" => found.fields.get(&parts.next()?)?,
                "items" => found.items.as_deref()?,
                "additionalProperties" => found.additional.as_deref()?,
                _ => return None,
            };
        }
        Some(found)
    }
}

impl Definition {
    fn of(node: &Node, depth: usize) -> Self {
        if depth > MAXIMUM_REFERENCES {
            return Self::default();
        }
        let within = |key: &str| node.get(key).filter(|node| node.is_mapping());
        let nested = |key: &str| within(key).map(|node| Box::new(Self::of(node, depth + 1)));
        let fields = within("properties").map(Node::entries).unwrap_or_default();
        Self {
            reference: node.get_str("$ref").map(str::to_owned),
            fields: fields
                .iter()
                .map(|entry| (entry.name().unwrap_or_default().to_owned(), Self::of(&entry.value, depth + 1)))
                .collect(),
            additional: nested("additionalProperties"),
            items: if is_array(node) { nested("items") } else { None },
            merge_keys: merge_keys(node),
        }
    }

    pub(super) fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.fields.get(name).or(self.additional.as_deref())
    }

    pub(super) fn items(&self) -> Option<&Self> {
        self.items.as_deref()
    }

    pub(super) fn merge_keys(&self) -> Option<&[String]> {
        self.merge_keys.as_deref()
    }
}

/// The name in a reference to a whole definition.
pub(super) fn definition_name(pointer: &str) -> Option<String> {
    let name = pointer.strip_prefix(DEFINITIONS)?;
    (!name.contains('/')).then(|| unescape(name))
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// The type may be a name, or a list of exactly one.
fn is_array(node: &Node) -> bool {
    match node.get("type") {
        Some(kind) if kind.is_sequence() => matches!(kind.items(), [only] if only.as_str() == Some("array")),
        Some(kind) => kind.as_str() == Some("array"),
        None => false,
    }
}

/// A list is merged only if its patch strategy says so; map keys alone do not suffice.
fn merge_keys(node: &Node) -> Option<Vec<String>> {
    let strategy = node.get_str("x-kubernetes-patch-strategy")?;
    if !strategy.split(',').any(|part| part == "merge") {
        return None;
    }
    let text = |node: &Node| node.as_str().unwrap_or_default().to_owned();
    if let Some(keys) = node.get("x-kubernetes-list-map-keys") {
        return Some(keys.items().iter().map(text).collect());
    }
    Some(node.get("x-kubernetes-patch-merge-key").map(text).into_iter().collect())
}

fn kind_of(node: &Node) -> (String, String) {
    let text = |key| node.get_str(key).unwrap_or_default();
    let gvk = Gvk::new(text("group"), text("version"), text("kind"));
    (gvk.api_version(), gvk.kind)
}
