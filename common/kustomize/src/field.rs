//! Setting fields the way kyaml does, on which the type of a value at output depends.

use flux_yaml::{Entry, Node, Resolved, Schema, Style, Tag, resolve};

/// Sets a field of a mapping: an existing field gets value and tag but keeps its own style; a new one gets the node as it
/// is, quoted if its text would read as something other than a string in YAML 1.1. A null value removes the field.
///
/// The share mark of an existing value stays; who may change a shared value spreads it afterwards
/// ([`Node::spread_share`]).
pub(crate) fn set_field(mapping: &mut Node, key: &str, mut value: Node) {
    if value.is_null() && value.tag() == Tag::Null {
        mapping.remove(key);
        return;
    }
    if let Some(field) = mapping.get_mut(key) {
        value.set_style(field.style());
        value.set_share(field.share());
        *field = value;
        return;
    }
    quote_if_ambiguous(&mut value);
    if let Some(entries) = mapping.entries_mut() {
        entries.push(Entry { key: Node::scalar(key), value });
    }
}

/// Double quotes for a plain string that YAML 1.1 reads as something else, such as `no` and `12`.
pub(crate) fn quote_if_ambiguous(value: &mut Node) {
    let is_string =
        value.is_scalar() && matches!(value.tag(), Tag::None | Tag::Str) && value.style() == Style::Plain;
    let ambiguous = value.as_str().is_some_and(|text| {
        !text.is_empty() && !text.contains('\n') && !matches!(resolve(text, Schema::V2), Resolved::Str)
    });
    if is_string && ambiguous {
        value.set_style(Style::DoubleQuoted);
    }
}
