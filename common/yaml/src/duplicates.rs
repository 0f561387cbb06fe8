//! Keys that occur twice: found late by go-yaml v3, and reported with the lines of a document that nobody wrote.

use std::collections::HashMap;

use crate::compose::parse_document;
use crate::error::{DuplicateKey, Error};
use crate::node::Node;
use crate::styled::{Lists, to_styled_yaml};

/// Fills in the keys and lines of an [`Error::DuplicateKeys`] about this document.
pub(crate) fn complete(error: Error, root: &Node) -> Error {
    if !matches!(error, Error::DuplicateKeys(_)) {
        return error;
    }
    // kyaml writes the document and reads it again before it converts it
    let rewritten = to_styled_yaml(root, Lists::Compact);
    let read = parse_document(rewritten.as_bytes()).ok().flatten();
    let mut found = Vec::new();
    collect(read.as_ref().unwrap_or(root), &mut found);
    Error::DuplicateKeys(found)
}

/// Most pairs that are reported; upstream reports all of them, however many.
const MOST: usize = 1000;

/// go-yaml compares each key with all later ones, and does not look into a mapping that failed.
fn collect(node: &Node, found: &mut Vec<DuplicateKey>) {
    node.items().iter().for_each(|item| collect(item, found));
    let before = found.len();
    let mut places: HashMap<&str, Vec<u32>> = HashMap::new();
    for entry in node.entries() {
        if let Some(name) = entry.name() {
            places.entry(name).or_default().push(entry.key.line());
        }
    }
    for entry in node.entries() {
        let Some(name) = entry.name() else { continue };
        let Some(lines) = places.remove(name) else { continue };
        for (index, first) in lines.iter().enumerate() {
            let later = lines.iter().skip(index + 1).take(MOST.saturating_sub(found.len()));
            found.extend(later.map(|line| DuplicateKey { key: name.to_owned(), line: *line, first: *first }));
        }
    }
    if found.len() == before {
        node.entries().iter().for_each(|entry| collect(&entry.value, found));
    }
}
