//! What a generated resource takes over from the one whose place it takes.

use flux_yaml::{Node, Style, Text};

use super::{Records, Resource};
use crate::field::set_field;

impl Resource {
    /// Takes over name, namespace and records of `old`, and its labels and annotations as far as this has none of the
    /// same key. A hash is only added if both ask for it.
    pub(crate) fn inherit_metadata(&mut self, old: &Self) {
        let labels = overlaid(old.label_texts(), self.label_texts());
        self.set_labels(labels);
        let annotations = overlaid(old.annotation_texts(), self.annotation_texts());
        self.set_annotations(annotations);
        self.set_name(old.name());
        self.set_namespace(old.namespace());
        let needs_hash = self.records.needs_hash && old.records.needs_hash;
        self.records = Records { needs_hash, ..old.records.clone() };
        self.ids.take();
    }

    /// Takes over the entries of a map of texts that this has none of the same key for.
    pub(crate) fn inherit_data(&mut self, old: &Self, field: &str) {
        let texts = overlaid(texts(&old.node, field), texts(&self.node, field));
        let node = self.node_mut();
        node.remove(field);
        if !texts.is_empty() {
            node.insert(field, text_map(texts));
        }
    }
}

/// A mapping of strings; those of several lines are written literally.
pub(crate) fn text_map(mut texts: Vec<(Text, Text)>) -> Node {
    texts.sort_by(|a, b| a.0.cmp(&b.0));
    let mut map = Node::mapping();
    for (key, text) in texts {
        let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
        set_field(&mut map, &key, Node::string(text).styled(style));
    }
    map
}

fn texts(node: &Node, field: &str) -> Vec<(Text, Text)> {
    let entries = node.get(field).map(Node::entries).unwrap_or_default();
    let text = |node: &Node| node.text().cloned().unwrap_or_default();
    entries.iter().map(|entry| (text(&entry.key), text(&entry.value))).collect()
}

/// Both lists; where keys are equal, the new text.
fn overlaid(mut old: Vec<(Text, Text)>, new: Vec<(Text, Text)>) -> Vec<(Text, Text)> {
    old.retain(|(key, _)| new.iter().all(|(other, _)| other != key));
    old.extend(new);
    old
}
