//! JSON patches (RFC 6902), with the habits of `evanphx/json-patch` v4.

use flux_yaml::{Node, Object, Resolved, Schema, Style, Tag, Text, Value, resolve};

use crate::error::{Context as _, Error, Result};
use crate::yaml_1_1::{Duplicates, read};

/// Operations in order.
#[derive(Debug, Clone)]
pub(crate) struct JsonPatch(Vec<Operation>);

#[derive(Debug, Clone)]
struct Operation {
    kind: String,
    path: Option<String>,
    from: Option<String>,
    value: Value,
}

/// Why a value cannot be had or put somewhere.
type Reason = String;

impl JsonPatch {
    /// Reads a patch: JSON if it starts with a bracket, else YAML 1.1, of which only the first document counts. A null
    /// document has no operations.
    ///
    /// # Errors
    /// It does not parse, or is no list of objects.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other type of value will do")]
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let value = if text.starts_with('[') {
            let value: serde_json::Value =
                serde_json::from_str(text).map_err(|error| Error::invalid(error.to_string()))?;
            from_json(value)
        } else {
            read(text.as_bytes(), Duplicates::LastWins)
                .map_err(|error| Error::invalid(error.to_string()).within("error converting YAML to JSON"))?
        };
        let wrong = |found: &Value, wanted: &str| {
            let found = match found {
                Value::Null => "null",
                Value::Bool(_) => "bool",
                Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
                Value::String(_) => "string",
                Value::List(_) => "array",
                Value::Object(_) => "object",
            };
            Error::invalid(format!("json: cannot unmarshal {found} into Go value of type {wanted}"))
        };
        match &value {
            Value::Null => Ok(Self(Vec::new())),
            Value::List(items) => {
                let operation = |item: &Value| match item {
                    Value::Object(members) => Ok(Operation::of(members)),
                    Value::Null => Ok(Operation::of(&Object::new())),
                    other => Err(wrong(other, "jsonpatch.Operation")),
                };
                Ok(Self(items.iter().map(operation).collect::<Result<_>>()?))
            }
            other => Err(wrong(other, "jsonpatch.Patch")),
        }
    }

    /// Whether there are no operations.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tree after all operations; numbers are 64-bit floats from then on, and styles are those of a new document.
    ///
    /// # Errors
    /// The tree has no JSON form, or an operation cannot be applied.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other type of value will do")]
    pub(crate) fn apply(&self, node: &Node) -> Result<Node> {
        let mut document = node.to_value().map_err(|error| Error::invalid(error.to_string()))?;
        self.0.iter().try_for_each(|operation| operation.apply(&mut document))?;
        match document {
            Value::Object(_) => Ok(to_node(&document)),
            _ => Err(Error::invalid(
                "json: cannot unmarshal array into Go value of type map[string]interface {}",
            )),
        }
    }
}

impl Operation {
    fn of(members: &Object) -> Self {
        let text = |key: &str| members.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            kind: text("op").unwrap_or_else(|| "unknown".to_owned()),
            path: text("path"),
            from: text("from"),
            value: members.get("value").cloned().unwrap_or_default(),
        }
    }

    fn apply(&self, document: &mut Value) -> Result<()> {
        match self.kind.as_str() {
            "add" => self.add(document),
            "remove" => self.remove(document),
            "replace" => self.replace(document),
            "move" => self.relocate(document),
            "copy" => self.copy(document),
            "test" => self.test(document),
            other => Err(Error::invalid(format!("Unexpected kind: {other}"))),
        }
    }

    fn path(&self, why: &str) -> Result<&str> {
        let missing =
            || Error::invalid(format!("{} operation failed to decode path: {why}missing value", self.kind));
        self.path.as_deref().ok_or_else(missing)
    }

    fn from(&self) -> Result<&str> {
        let missing = || {
            let kind = &self.kind;
            Error::invalid(format!(
                "{kind} operation failed to decode from: operation, missing from field: missing value"
            ))
        };
        self.from.as_deref().ok_or_else(missing)
    }

    fn missing(&self, what: &str, path: &str) -> Error {
        Error::invalid(format!("{} operation does not apply: {what}: {path}: missing value", self.kind))
    }

    fn add(&self, document: &mut Value) -> Result<()> {
        let path = self.path("")?;
        let (parent, key) = find(document, path)
            .ok_or_else(|| self.missing("doc is missing path", &format!("\"{path}\"")))?;
        insert(parent, &key, self.value.clone()).map_err(|why| failed("add for path", path, &why))
    }

    fn remove(&self, document: &mut Value) -> Result<()> {
        let path = self.path("")?;
        let (parent, key) = find(document, path)
            .ok_or_else(|| self.missing("doc is missing path", &format!("\"{path}\"")))?;
        take(parent, &key).map(drop).map_err(|why| failed("remove for path", path, &why))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no other type of value will do")]
    fn replace(&self, document: &mut Value) -> Result<()> {
        let path = self.path("operation missing path field: ")?;
        if path.is_empty() {
            if !matches!(self.value, Value::List(_) | Value::Object(_)) {
                return Err(Error::invalid("replace operation value must be object or array: %!w(<nil>)"));
            }
            document.clone_from(&self.value);
            return Ok(());
        }
        let (parent, key) = find(document, path).ok_or_else(|| self.missing("doc is missing path", path))?;
        match parent {
            Value::Object(members) => drop(members.insert(key.into(), self.value.clone())),
            Value::List(items) => {
                match index(&key, items.len()).ok().and_then(|index| items.get_mut(index)) {
                    Some(slot) => slot.clone_from(&self.value),
                    None => return Err(self.missing("doc is missing key", path)),
                }
            }
            _ => return Err(self.missing("doc is missing path", path)),
        }
        Ok(())
    }

    fn relocate(&self, document: &mut Value) -> Result<()> {
        let from = self.from()?;
        let (parent, key) =
            find(document, from).ok_or_else(|| self.missing("doc is missing from path", from))?;
        let value = take(parent, &key).map_err(|why| failed("move for path", &key, &why))?;
        let path = self.path("operation missing path field: ")?;
        let (parent, key) =
            find(document, path).ok_or_else(|| self.missing("doc is missing destination path", path))?;
        insert(parent, &key, value).map_err(|why| failed("move for path", path, &why))
    }

    fn copy(&self, document: &mut Value) -> Result<()> {
        let from = self.from()?;
        let (parent, key) =
            find(document, from).ok_or_else(|| self.missing("doc is missing from path", from))?;
        let value = read_key(parent, &key).map_err(|why| failed("copy for from", from, &why))?;
        let path = self.path("")?;
        let (parent, key) =
            find(document, path).ok_or_else(|| self.missing("doc is missing destination path", path))?;
        insert(parent, &key, value)
            .map_err(|why| Error::invalid(why).within("error while adding value during copy"))
    }

    fn test(&self, document: &mut Value) -> Result<()> {
        let path = self.path("operation missing path field: ")?;
        let found = if path.is_empty() {
            document.clone()
        } else {
            let missing = || {
                Error::invalid(format!(
                    "test operation does not apply: is missing path: {path}: missing value"
                ))
            };
            let (parent, key) = find(document, path).ok_or_else(missing)?;
            read_key(parent, &key).map_err(|why| failed("test for path", path, &why))?
        };
        if is_equal(&found, &self.value) {
            return Ok(());
        }
        Err(Error::invalid("test failed")).context(|| format!("testing value {path} failed"))
    }
}

fn failed(attempt: &str, path: &str, why: &str) -> Error {
    Error::invalid(why).within(format!("error in {attempt}: '{path}'"))
}

/// The collection that a pointer leads into, and the last part of the pointer. What stands before the first slash does
/// not count.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other type of value will do")]
fn find<'v>(document: &'v mut Value, path: &str) -> Option<(&'v mut Value, String)> {
    let (_, path) = path.split_once('/')?;
    let (parents, key) = path.rsplit_once('/').map_or((None, path), |(parents, key)| (Some(parents), key));
    let mut found = document;
    for part in parents.into_iter().flat_map(|parents| parents.split('/')) {
        let part = unescape(part);
        found = match found {
            Value::Object(members) => members.get_mut(part.as_str())?,
            Value::List(items) => {
                let index = index(&part, items.len()).ok()?;
                items.get_mut(index)?
            }
            _ => return None,
        };
    }
    matches!(found, Value::Object(_) | Value::List(_)).then(|| (found, unescape(key)))
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// The place that an index means in a list of this length, counted from the end if it is negative.
fn index(key: &str, length: usize) -> Result<usize, Reason> {
    let number = integer(key)?;
    let place = if number < 0 { i64::try_from(length).unwrap_or(i64::MAX) + number } else { number };
    usize::try_from(place)
        .ok()
        .filter(|place| *place < length)
        .ok_or_else(|| format!("Unable to access invalid index: {number}: invalid index referenced"))
}

fn integer(key: &str) -> Result<i64, Reason> {
    key.parse().map_err(|_| format!("strconv.Atoi: parsing {key:?}: invalid syntax"))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other type of value will do")]
fn insert(parent: &mut Value, key: &str, value: Value) -> Result<(), Reason> {
    match parent {
        Value::List(items) if key == "-" => items.push(value),
        Value::List(items) => {
            let number =
                integer(key).map_err(|why| format!("value was not a proper array index: '{key}': {why}"))?;
            let place = index(&number.to_string(), items.len() + 1)?;
            items.insert(place, value);
        }
        Value::Object(members) => drop(members.insert(key.into(), value)),
        _ => {}
    }
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other type of value will do")]
fn take(parent: &mut Value, key: &str) -> Result<Value, Reason> {
    match parent {
        Value::List(items) => {
            let place = index(key, items.len())?;
            Ok(items.remove(place))
        }
        Value::Object(members) => members
            .remove(key)
            .ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value")),
        _ => Ok(Value::Null),
    }
}

/// The value of a key; null if an object does not have it.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other type of value will do")]
fn read_key(parent: &Value, key: &str) -> Result<Value, Reason> {
    match parent {
        Value::List(items) => Ok(items.get(index(key, items.len())?).cloned().unwrap_or_default()),
        other => Ok(other.get(key).cloned().unwrap_or_default()),
    }
}

/// Equality of JSON texts, for numbers in their shortest form.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|((key, one), (other_key, other))| key == other_key && is_equal(one, other))
        }
        (Value::Float(_), _) | (_, Value::Float(_)) => number(one).is_some() && number(one) == number(other),
        _ => one == other,
    }
}

#[expect(clippy::cast_precision_loss, reason = "JSON numbers are 64-bit floats in the end")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Uint(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::List(_) | Value::Object(_) => None,
    }
}

fn from_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Value::Int(value),
            (None, Some(value)) => Value::Uint(value),
            (None, None) => Value::Float(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Value::String(text.into()),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(members) => {
            Value::Object(members.into_iter().map(|(key, value)| (key.into(), from_json(value))).collect())
        }
    }
}

/// A tree as go-yaml v3 writes a value and reads it again: keys sorted, block style, quotes only where needed.
fn to_node(value: &Value) -> Node {
    match value {
        Value::Null => Node::null(),
        Value::Bool(value) => Node::tagged(if *value { "true" } else { "false" }, Tag::Bool),
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => number_node(number(value).unwrap_or_default()),
        Value::String(text) => text_node(text.clone()),
        Value::List(items) => Node::sequence_of(items.iter().map(to_node)),
        Value::Object(members) => {
            Node::mapping_of(members.iter().map(|(key, value)| (text_node(key.clone()), to_node(value))))
        }
    }
}

fn text_node(text: Text) -> Node {
    let style = if text.contains('\n') {
        Style::Literal
    } else if resolve(&text, Schema::V2) == Resolved::Str && resolve(&text, Schema::V3) == Resolved::Str {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    Node::string(text).styled(style)
}

/// A number as Go's `FormatFloat` with `g` and the fewest digits writes it.
fn number_node(value: f64) -> Node {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let text = if value != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    } else {
        format!("{value}")
    };
    let tag = resolve(&text, Schema::V3).tag();
    Node::tagged(text, tag)
}

#[cfg(test)]
mod tests;
