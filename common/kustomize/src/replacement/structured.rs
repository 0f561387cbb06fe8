//! Values inside of texts that are JSON or YAML themselves.

use flux_yaml::{Kind, Limits, Lists, Node, Value, push_json_string, to_styled_yaml};

use super::path::{Lookup, each, lookup, lookup_or_create, parse_text};
use crate::transform::Shares;

/// Sets a value inside the text that a proper part of the path leads to, if there is such a text and the rest of the path
/// leads to something in it.
///
/// Whatever does not fit is no error: the path means something else then.
pub(super) fn set(
    resource: &mut Node,
    path: &[String],
    value: &Node,
    create: Option<Kind>,
    shares: &mut Shares,
) -> bool {
    let Some((prefix, rest, mut inner)) = find(resource, path) else { return false };
    let Some(original) = lookup(resource, prefix).ok().flatten().and_then(Node::text).cloned() else {
        return false;
    };
    let found = each(&mut inner, rest, create, &mut |node| {
        if node.is_scalar() {
            node.set_text(value.as_str().unwrap_or_default());
        } else {
            *node = value.clone();
        }
    });
    if !matches!(found, Ok(count) if count > 0) {
        return false;
    }
    let Some(text) = serialise(&inner, &original) else { return false };
    let Ok(Some(field)) = lookup_or_create(resource, prefix, Lookup::Existing) else { return false };
    field.set_text(text);
    shares.note(field);
    true
}

/// The shortest part of the path that leads to a text that parses, the rest of the path, and the tree in the text.
fn find<'p>(resource: &Node, path: &'p [String]) -> Option<(&'p [String], &'p [String], Node)> {
    (1..path.len()).find_map(|length| {
        let (prefix, rest) = path.split_at_checked(length)?;
        let text = lookup(resource, prefix).ok()??.as_str()?;
        Some((prefix, rest, parse_text(text).ok()??))
    })
}

/// JSON stays JSON, of one line or several; all else is written as YAML.
fn serialise(tree: &Node, original: &str) -> Option<String> {
    if !original.trim_start().starts_with(['{', '[']) {
        return Some(to_styled_yaml(tree, Lists::Compact).trim().to_owned());
    }
    let mut tree = tree.clone();
    tree.expand(&Limits::default()).ok()?;
    let value = tree.to_value().ok()?;
    if original.contains('\n') && original.contains("  ") {
        let mut out = String::new();
        push_indented(&mut out, &value, 0);
        return Some(out);
    }
    Some(value.to_json())
}

/// JSON on several lines, as Go's `MarshalIndent` with two spaces writes it.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others take one line")]
fn push_indented(out: &mut String, value: &Value, depth: usize) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                line(out, depth + 1);
                push_indented(out, item, depth + 1);
            }
            line(out, depth);
            out.push(']');
        }
        Value::Object(members) if !members.is_empty() => {
            for (index, (key, member)) in members.iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                line(out, depth + 1);
                push_json_string(out, key);
                out.push_str(": ");
                push_indented(out, member, depth + 1);
            }
            line(out, depth);
            out.push('}');
        }
        other => other.push_json(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_as_go_does() {
        let value = Value::Object(
            [
                ("a".into(), Value::List(vec![Value::Int(1), Value::List(vec![])])),
                ("b".into(), Value::from("<")),
            ]
            .into(),
        );
        let mut out = String::new();
        push_indented(&mut out, &value, 0);
        assert_eq!(out, "{\n  \"a\": [\n    1,\n    []\n  ],\n  \"b\": \"\\u003c\"\n}");
    }
}
