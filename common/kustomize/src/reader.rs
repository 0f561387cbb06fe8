//! Bytes to resources.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use flux_yaml::{Limits, Node, Value, parse_document};

use crate::error::{Error, Result};
use crate::loader::Loader;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::schema::Schema;

/// Loads a file of resources.
///
/// # Errors
/// The file cannot be loaded, is no YAML, or holds something that is no resource, or two with the same id.
pub(crate) fn load_resources(loader: &Loader<'_>, path: &str, schema: &Arc<Schema>) -> Result<ResourceMap> {
    let content = loader.load(path)?;
    let resources = read_resources(&content, schema).map_err(|error| in_file(error, path))?;
    unique(resources)
}

/// Names the file of a YAML error.
pub(crate) fn in_file(error: Error, path: &str) -> Error {
    if let Error::MalformedYaml(text) = error {
        return Error::MalformedYaml(format!("{text} in File: {path}"));
    }
    error
}

/// A map of resources.
///
/// # Errors
/// [`Error::Invalid`] if two of them have the same id.
pub(crate) fn unique(resources: Vec<Resource>) -> Result<ResourceMap> {
    let map: ResourceMap = resources.into_iter().collect();
    if map.len() > 1 {
        map.check_unique()?;
    }
    Ok(map)
}

/// The resources of a stream of YAML documents, in order; lists are expanded.
///
/// # Errors
/// [`Error::MalformedYaml`], or [`Error::Invalid`] for a document that is no resource.
pub(crate) fn read_resources(content: &[u8], schema: &Arc<Schema>) -> Result<Vec<Resource>> {
    let nodes = read_nodes(content)?;
    let nodes = expand_lists(nodes)?;
    nodes.into_iter().map(|node| Resource::new(node, schema)).collect()
}

fn read_nodes(content: &[u8]) -> Result<Vec<Node>> {
    let content = without_carriage_returns(content);
    let parts = split_documents(&content)?;
    let is_only = parts.len() == 1;
    let mut nodes = Vec::with_capacity(parts.len());
    for part in parts {
        let document = parse_document(part)
            .map_err(|error| Error::MalformedYaml(format!("MalformedYAMLError: {error}")))?;
        let Some(mut node) = document.filter(|node| !node.is_null()) else { continue };
        node.expand(&Limits::default()).map_err(|error| Error::invalid(error.to_string()))?;
        if is_only { unwrap_list(node, &mut nodes) } else { nodes.push(node) }
    }
    nodes.retain(|node| !says_nothing(node));
    nodes.iter().try_for_each(validate)?;
    Ok(nodes)
}

fn without_carriage_returns(content: &[u8]) -> Cow<'_, [u8]> {
    if !content.windows(2).any(|pair| pair == b"\r\n") {
        return Cow::Borrowed(content);
    }
    let mut kept = Vec::with_capacity(content.len());
    let mut rest = content.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&b'\n') {
            kept.push(byte);
        }
    }
    Cow::Owned(kept)
}

/// Splits at lines that start with `---`, the first line excepted. The line break before a separator belongs to the
/// document before it.
fn split_documents(mut content: &[u8]) -> Result<Vec<&[u8]>> {
    let mut parts = Vec::new();
    if content.is_empty() {
        return Ok(parts);
    }
    let mut from = 0;
    while let Some(found) = find(content.get(from..).unwrap_or_default(), b"\n---") {
        let start = from + found + 1;
        let (before, separator) = content.split_at_checked(start).unwrap_or((content, b""));
        let Some(end) = separator.iter().position(|byte| *byte == b'\n') else { break };
        let (line, after) = separator.split_at_checked(end + 1).unwrap_or((separator, b""));
        let rest = line.strip_prefix(b"---").unwrap_or_default().trim_ascii();
        if rest.first().is_some_and(|byte| *byte != b'#') {
            let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
            return Err(Error::invalid(format!("invalid document separator: {line}")));
        }
        parts.push(before);
        content = after;
        from = 0;
    }
    parts.push(content);
    Ok(parts)
}

fn find(content: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = content.get(from..)?.iter().position(|byte| *byte == first) {
        if content.get(from + at..)?.starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// Replaces a list by its items; the caller knows that it is the only document.
fn unwrap_list(mut node: Node, nodes: &mut Vec<Node>) {
    let is_list = matches!(node.get_str("kind"), Some("List" | "ResourceList"));
    let has_content = node.get("items").is_some() || node.get("functionConfig").is_some();
    if !(is_list && has_content) {
        nodes.push(node);
        return;
    }
    if let Some(items) = node.get_mut("items").and_then(Node::items_mut) {
        nodes.extend(std::mem::take(items));
    }
}

/// Replaces lists of whatever kind by their items, which go to the end.
fn expand_lists(nodes: Vec<Node>) -> Result<Vec<Node>> {
    if !nodes.iter().any(is_list) {
        return Ok(nodes);
    }
    let mut queue: VecDeque<Node> = nodes.into();
    let mut expanded = Vec::with_capacity(queue.len());
    while let Some(node) = queue.pop_front() {
        if !is_list(&node) {
            expanded.push(node);
            continue;
        }
        let kind = node.get_str("kind").unwrap_or_default();
        let value = node.to_value().map_err(|error| {
            Error::invalid(error.to_string()).within(format!("trouble expanding list of {kind}"))
        })?;
        let found = match value.get("items") {
            None => {
                expanded.push(node);
                continue;
            }
            Some(Value::Null) => continue,
            Some(Value::List(items)) => {
                for item in items {
                    let mut found = Vec::new();
                    unwrap_list(item.to_node(), &mut found);
                    found.retain(|node| !says_nothing(node));
                    found.iter().try_for_each(validate)?;
                    queue.extend(found);
                }
                continue;
            }
            Some(Value::Bool(_)) => "bool",
            Some(Value::Int(_)) => "int",
            Some(Value::Uint(_)) => "uint64",
            Some(Value::Float(_)) => "float64",
            Some(Value::String(_)) => "string",
            Some(Value::Object(_)) => "map[string]interface {}",
        };
        return Err(Error::invalid(format!("expected array in {kind}/items, but found {found}")));
    }
    Ok(expanded)
}

fn is_list(node: &Node) -> bool {
    node.get_str("kind").is_some_and(|kind| kind.ends_with("List"))
}

/// Whether a node is null, an empty collection or the empty text.
fn says_nothing(node: &Node) -> bool {
    node.is_null() || if node.is_scalar() { node.as_str() == Some("") } else { node.is_empty() }
}

/// Checks that a node is a resource.
///
/// # Errors
/// [`Error::Invalid`] if it has no kind, or no name and is no list.
pub(crate) fn validate(node: &Node) -> Result<()> {
    let field = |node: &Node, key: &str| {
        let found = node.get(key).filter(|node| !says_nothing(node));
        found.map(|node| node.as_str().unwrap_or_default().to_owned())
    };
    let metadata = node.get("metadata").filter(|node| !says_nothing(node));
    let (api_version, kind) = (field(node, "apiVersion"), field(node, "kind"));
    let (name, namespace) = match metadata {
        Some(metadata) => (field(metadata, "name"), field(metadata, "namespace")),
        None => (None, None),
    };
    let map = |key: &str| metadata.and_then(|metadata| metadata.get(key)).filter(|node| !says_nothing(node));
    let (labels, annotations) = (map("labels"), map("annotations"));
    let parts = [&api_version, &kind, &name, &namespace];
    if parts.iter().all(|part| part.is_none()) && labels.is_none() && annotations.is_none() {
        return Err(Error::invalid("missing Resource metadata"));
    }
    let [api_version, kind, name, namespace] = parts.map(|part| part.as_deref().unwrap_or_default());
    let missing = match (kind, name) {
        ("", _) => "kind",
        (kind, "") if !kind.ends_with("List") => "metadata.name",
        _ => return Ok(()),
    };
    Err(Error::invalid(format!(
        "missing {missing} in object {{{{{api_version} {kind}}} {{{{{name} {namespace}}} map[{}] map[{}]}}}}",
        go_map(labels),
        go_map(annotations)
    )))
}

/// The entries of a map of texts as Go prints them.
fn go_map(map: Option<&Node>) -> String {
    let entries = map.map(Node::entries).unwrap_or_default();
    let texts: BTreeMap<&str, &str> = entries
        .iter()
        .map(|entry| (entry.name().unwrap_or_default(), entry.value.as_str().unwrap_or_default()))
        .collect();
    texts.into_iter().map(|(key, text)| format!("{key}:{text}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
