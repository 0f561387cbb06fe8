//! Values from YAML and JSON, and the merging of files.

use flux_yaml::{Object, Value, read_configuration};

/// Why a text is not a file of values, in Helm's words.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Something other than a comment stands behind `---`.
    #[error("error reading yaml document: invalid Yaml document separator: {0}")]
    Separator(String),
    /// Not YAML, or YAML without a form in JSON.
    #[error("cannot unmarshal yaml document: error converting YAML to JSON")]
    Yaml(#[source] flux_yaml::Error),
    /// A document that is not a table.
    #[error(
        "cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {0} into \
         Go value of type map[string]interface {{}}"
    )]
    NotATable(&'static str),
}

/// Values of a file: its documents, each a table or null, merged from first to last. Nulls stay; numbers become floats.
///
/// # Errors
/// In Helm's words.
pub fn read(text: &[u8]) -> Result<Object, ReadError> {
    let mut values = Object::new();
    for document in documents(text)? {
        let found = match read_configuration(document).map_err(ReadError::Yaml)? {
            Value::Object(members) => members,
            Value::Null => continue,
            Value::Bool(_) => return Err(ReadError::NotATable("bool")),
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => return Err(ReadError::NotATable("number")),
            Value::String(_) => return Err(ReadError::NotATable("string")),
            Value::List(_) => return Err(ReadError::NotATable("array")),
        };
        let found = found.into_iter().map(|(key, value)| (key, with_floats(value))).collect();
        merge(&mut values, found);
    }
    Ok(values)
}

/// Documents of a stream: what lies between lines that start with `---`.
fn documents(text: &[u8]) -> Result<Vec<&[u8]>, ReadError> {
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if let Some(rest) = line.strip_prefix(b"---") {
            let rest = String::from_utf8_lossy(rest);
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                return Err(ReadError::Separator(rest.to_owned()));
            }
            documents.extend(text.get(start..at));
            start = at;
        }
        at += line.len();
    }
    documents.extend(text.get(start..));
    documents.retain(|document| !document.is_empty());
    Ok(documents)
}

/// A value as Go's JSON decoder gives it to an empty interface: every number is a float.
#[expect(clippy::cast_precision_loss, reason = "as Go converts")]
fn with_floats(value: Value) -> Value {
    match value {
        Value::Int(value) => Value::Float(value as f64),
        Value::Uint(value) => Value::Float(value as f64),
        Value::List(items) => Value::List(items.into_iter().map(with_floats).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(key, value)| (key, with_floats(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::String(_) => value,
    }
}

/// A value from JSON: every number is a float.
pub fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(value) => Value::Float(value.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::List(items.iter().map(from_json).collect()),
        serde_json::Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.into(), from_json(value))).collect())
        }
    }
}

/// Merges values over others: tables recursively, all else is replaced, nulls are values.
pub fn merge(into: &mut Object, over: Object) {
    for (key, value) in over {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (Some(below), value) => *below = value,
            (None, value) => {
                into.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        Value::Object(read(text.as_bytes()).unwrap()).to_json()
    }

    #[test]
    fn documents_merge_and_nulls_stay() {
        let text = "a: {b: 1, c: 2}\n--- # more\na: {b: null}\nd: [1]\n---\n---\nd: []\n";
        assert_eq!(json(text), r#"{"a":{"b":null,"c":2},"d":[]}"#);
        assert_eq!(json(""), "{}");
        assert_eq!(json("---\n"), "{}");
    }

    #[test]
    fn numbers_become_floats() {
        let values = read(b"a: 9007199254740993\nb: [0777]\n").unwrap();
        assert_eq!(values.get("a"), Some(&Value::Float(9_007_199_254_740_992.0)));
        assert_eq!(values.get("b"), Some(&Value::List(vec![Value::Float(511.0)])));
    }

    #[test]
    fn errors_are_those_of_helm() {
        let message = |text: &str| crate::message(&read(text.as_bytes()).unwrap_err());
        assert_eq!(
            message("a: 1\n----\n"),
            "error reading yaml document: invalid Yaml document separator: -"
        );
        assert_eq!(
            message("- 1\n"),
            "cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \
             array into Go value of type map[string]interface {}"
        );
        assert_eq!(
            message("a: b: c\n"),
            "cannot unmarshal yaml document: error converting YAML to JSON: yaml: mapping values are not allowed in \
             this context"
        );
    }
}
