//! `$(NAME)` in texts.

use std::collections::HashMap;

use flux_yaml::{Node, Tag};

/// The value of a var.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A list or a mapping, which cannot be put into a text.
    Collection,
}

/// What a text becomes.
#[derive(Debug, PartialEq)]
pub(super) enum Expanded {
    /// A text.
    Text(String),
    /// The value of the var that the whole text refers to, with its type.
    Typed(String, Tag),
}

impl Value {
    /// The value of a node; nothing if the text is not of the type that the tag says.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let Some(text) = node.as_str() else { return Some(Self::Collection) };
        match node.tag() {
            Tag::Int => text.parse().ok().map(Self::Int),
            Tag::Float => text.parse().ok().map(Self::Float),
            Tag::Bool => match text {
                "true" | "True" | "TRUE" => Some(Self::Bool(true)),
                "false" | "False" | "FALSE" => Some(Self::Bool(false)),
                _ => None,
            },
            Tag::None
            | Tag::Null
            | Tag::Str
            | Tag::Timestamp
            | Tag::Binary
            | Tag::Merge
            | Tag::Seq
            | Tag::Map
            | Tag::Other => Some(Self::Text(text.to_owned())),
        }
    }

    /// The value within a text; nothing if it cannot stand there.
    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Int(value) => Some(value.to_string()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Float(value) => Some(general_float(*value)),
            Self::Collection => None,
        }
    }

    fn typed(&self) -> Option<Expanded> {
        match self {
            Self::Text(text) => Some(Expanded::Text(text.clone())),
            Self::Int(value) => Some(Expanded::Typed(value.to_string(), Tag::Int)),
            Self::Bool(value) => Some(Expanded::Typed(value.to_string(), Tag::Bool)),
            Self::Float(value) => Some(Expanded::Typed(value.to_string(), Tag::Float)),
            Self::Collection => None,
        }
    }
}

/// Go's `%v` of a float.
fn general_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if value == 0.0 || (-4..21).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// Replaces references to known vars. `$$` is a dollar sign; everything else that is no reference stays.
pub(super) fn expand(text: &str, values: &HashMap<&str, Value>) -> Expanded {
    if let Some(name) = text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'))
        && !name.contains(')')
    {
        return match values.get(name).and_then(Value::typed) {
            Some(value) => value,
            None => Expanded::Text(text.to_owned()),
        };
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let after = from.get(1..).unwrap_or_default();
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inner) = after.strip_prefix('(') {
            match inner.split_once(')') {
                Some((name, after)) => {
                    match values.get(name).and_then(Value::text) {
                        Some(value) => out.push_str(&value),
                        None => {
                            out.push_str("$(");
                            out.push_str(name);
                            out.push(')');
                        }
                    }
                    rest = after;
                }
                None => {
                    out.push_str("$(");
                    rest = inner;
                }
            }
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    Expanded::Text(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_expanded_as_upstream_does() {
        let values = HashMap::from([
            ("A", Value::Text("a".to_owned())),
            ("REF", Value::Text("$(A)".to_owned())),
            ("EMPTY", Value::Text(String::new())),
            ("N", Value::Int(5)),
            ("F", Value::Float(1e21)),
            ("MAP", Value::Collection),
        ]);
        let text = |text: &str| Expanded::Text(text.to_owned());
        for (input, expected) in [
            ("$(A)", text("a")),
            ("x$(A)y$(A)", text("xaya")),
            ("$(N)", Expanded::Typed("5".to_owned(), Tag::Int)),
            ("$(N)s", text("5s")),
            ("=$(F)", text("=1e+21")),
            ("$(REF)", text("$(A)")),
            ("a$(EMPTY)b", text("ab")),
            ("$(MISSING)", text("$(MISSING)")),
            ("$(MAP)", text("$(MAP)")),
            ("-$(MAP)", text("-$(MAP)")),
            ("$$(A)", text("$(A)")),
            ("$$$(A)", text("$a")),
            ("$$$$$$$(MISSING)", text("$$$$(MISSING)")),
            ("$A)", text("$A)")),
            ("${A}", text("${A}")),
            ("$(A", text("$(A")),
            ("$(A)_$(", text("a_$(")),
            ("$(A)b$", text("ab$")),
            ("$?_$!", text("$?_$!")),
            ("--$($($(--", text("--$($($(--")),
            ("$(A$(N)", text("$(A$(N)")),
            ("$(foo$$var)", text("$(foo$$var)")),
        ] {
            assert_eq!(expand(input, &values), expected, "{input}");
        }
    }
}
