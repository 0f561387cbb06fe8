//! Configuration as `sigs.k8s.io/yaml` reads it: the first document, YAML 1.1 types, turned into JSON.

use flux_yaml::{
    DuplicateKey, Error, Kind, Limits, Node, Object, Resolved, Schema, Style, Tag, Text, Value,
    parse_document, resolve,
};

/// What happens to a key that occurs twice in a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// The last one wins.
    LastWins,
    /// They are an error.
    Reject,
}

/// The value of the first document; null if there is none.
///
/// # Errors
/// Those of parsing and expansion; keys that JSON cannot hold, NaN and infinity, and duplicate keys if they are rejected.
pub(crate) fn read(bytes: &[u8], duplicates: Duplicates) -> Result<Value, Error> {
    let Some(mut node) = parse_document(bytes)? else { return Ok(Value::Null) };
    node.expand(&Limits::default())?;
    value(&node, duplicates)
}

/// A parsed node by the types of YAML 1.1.
pub(crate) fn value(node: &Node, duplicates: Duplicates) -> Result<Value, Error> {
    match node.kind() {
        Kind::Scalar => scalar(node),
        Kind::Sequence => {
            let items = node.items().iter().map(|item| value(item, duplicates));
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        Kind::Mapping => {
            let mut members = Object::new();
            for entry in node.entries() {
                let key = key(&entry.key)?;
                let member = value(&entry.value, duplicates)?;
                if members.insert(key.clone(), member).is_some() && duplicates == Duplicates::Reject {
                    let line = entry.key.line();
                    let duplicate = DuplicateKey { key: key.to_string(), line, first: line };
                    return Err(Error::DuplicateKeys(vec![duplicate]));
                }
            }
            Ok(Value::Object(members))
        }
        Kind::Alias => Err(Error::UnknownAnchor(node.alias_of().unwrap_or_default().to_owned())),
    }
}

fn key(node: &Node) -> Result<Text, Error> {
    match scalar(node)? {
        Value::String(text) => Ok(text),
        Value::Bool(value) => Ok(Text::from(if value { "true" } else { "false" })),
        Value::Int(value) => Ok(Text::from(value.to_string())),
        Value::Uint(value) => Ok(Text::from(value.to_string())),
        Value::Null | Value::Float(_) | Value::List(_) | Value::Object(_) => Err(Error::KeyNotString),
    }
}

fn scalar(node: &Node) -> Result<Value, Error> {
    let text = node.as_str().unwrap_or_default();
    let is_typed = match (node.has_explicit_tag(), node.style()) {
        (true, _) => matches!(node.tag(), Tag::Null | Tag::Bool | Tag::Int | Tag::Float),
        (false, style) => style == Style::Plain,
    };
    if !is_typed {
        return Ok(Value::String(Text::from(text)));
    }
    Ok(match resolve(text, Schema::V2) {
        Resolved::Null => Value::Null,
        Resolved::Bool(value) => Value::Bool(value),
        Resolved::Int(value) => Value::Int(value),
        Resolved::Uint(value) => Value::Uint(value),
        Resolved::Float(value) if value.is_nan() => return Err(Error::UnsupportedValue("NaN")),
        Resolved::Float(value) if value.is_infinite() => {
            return Err(Error::UnsupportedValue(if value > 0.0 { "+Inf" } else { "-Inf" }));
        }
        Resolved::Float(value) => Value::Float(value),
        Resolved::Timestamp(_) | Resolved::Str => Value::String(Text::from(text)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        read(text.as_bytes(), Duplicates::LastWins).unwrap().to_json()
    }

    #[test]
    fn types_are_those_of_yaml_1_1() {
        assert_eq!(
            json("a: yes\nb: 0644\nc: 1:30\nd: 2001-01-01\ne: 'no'"),
            r#"{"a":true,"b":420,"c":"1:30","d":"2001-01-01","e":"no"}"#
        );
        assert_eq!(json("1: a\ntrue: b\na: 1\na: 2"), r#"{"1":"a","a":2,"true":"b"}"#);
        assert_eq!(
            json("x: &x {a: 1}\nz:\n  <<: *x\n  b: 2\n---\nignored"),
            r#"{"x":{"a":1},"z":{"a":1,"b":2}}"#
        );
        assert_eq!(json(""), "null");
    }

    #[test]
    fn duplicate_keys_can_be_rejected() {
        assert!(read(b"a: 1\na: 2", Duplicates::Reject).is_err());
    }
}
