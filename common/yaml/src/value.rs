//! The JSON-like view of a tree.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::node::{Entry, Kind, Node, Style, Tag, Text};
use crate::resolve::{Resolved, Schema, resolve};

/// Members of an object; sorted bytewise, as Go's JSON encoder sorts them.
pub type Object = BTreeMap<Text, Value>;

/// A JSON value; integers stay exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits an `i64`.
    Int(i64),
    /// An integer that only fits a `u64`.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A string.
    String(Text),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Object),
}

/// Value of a scalar on its way out.
#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(&'a str),
    Owned(Text),
}

impl Value {
    /// The value of this key of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// Text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Members of an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Items of a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// A tree of this value as kyaml makes one from JSON: strings are double-quoted, keys too, all in block style.
    pub fn to_node(&self) -> Node {
        match self {
            Self::Null => Node::null(),
            Self::Bool(value) => Node::tagged(if *value { "true" } else { "false" }, Tag::Bool),
            Self::Int(value) => Node::tagged(value.to_string(), Tag::Int),
            Self::Uint(value) => Node::tagged(value.to_string(), Tag::Int),
            Self::Float(value) => float_node(*value),
            Self::String(text) => Node::string(text.clone()).styled(Style::DoubleQuoted),
            Self::List(items) => Node::sequence_of(items.iter().map(Self::to_node)),
            Self::Object(members) => Node::mapping_of(members.iter().map(|(key, value)| {
                (Node::string(key.clone()).styled(Style::DoubleQuoted), value.to_node())
            })),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(Text::from(text))
    }
}

/// A float as Go's JSON encoder writes it, typed as go-yaml reads that text back.
fn float_node(value: f64) -> Node {
    let mut text = String::new();
    crate::json::push_float(&mut text, value);
    let tag = resolve(&text, Schema::V3).tag();
    Node::tagged(text, tag)
}

impl Node {
    /// The value as kustomize's output has it: go-yaml v3's reading of what its writer would write of this node. Tags and
    /// styles both count: a quoted text is a string, a plain one has the type of its tag, or of its text if it has none.
    /// Timestamps become RFC 3339 strings.
    ///
    /// # Errors
    /// [`Error::DuplicateKey`], [`Error::KeyNotString`], [`Error::WrongTag`], [`Error::UnsupportedValue`],
    /// [`Error::InvalidBinary`]; [`Error::UnknownAnchor`] if aliases were not expanded.
    pub fn to_value(&self) -> Result<Value, Error> {
        self.value_in(false)
    }

    fn value_in(&self, in_flow: bool) -> Result<Value, Error> {
        let in_flow = in_flow || self.style() == Style::Flow;
        match self.kind() {
            Kind::Scalar => Ok(scalar_value(self, in_flow)?.into()),
            Kind::Alias => Err(Error::UnknownAnchor(self.alias_of().unwrap_or_default().to_owned())),
            Kind::Sequence => {
                let items = self.items().iter().map(|item| item.value_in(in_flow));
                Ok(Value::List(items.collect::<Result<_, _>>()?))
            }
            Kind::Mapping => {
                let mut members = Object::new();
                for entry in self.entries() {
                    let key = key_text(entry, in_flow)?;
                    if members.insert(Text::from(key), entry.value.value_in(in_flow)?).is_some() {
                        return Err(duplicate_key(self.entries(), key));
                    }
                }
                Ok(Value::Object(members))
            }
        }
    }
}

impl From<Scalar<'_>> for Value {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => Self::Bool(value),
            Scalar::Int(value) => Self::Int(value),
            Scalar::Uint(value) => Self::Uint(value),
            Scalar::Float(value) => Self::Float(value),
            Scalar::Str(text) => Self::String(Text::from(text)),
            Scalar::Owned(text) => Self::String(text),
        }
    }
}

/// Text of a key, which must be a string.
pub(crate) fn key_text(entry: &Entry, in_flow: bool) -> Result<&str, Error> {
    if !entry.key.is_scalar() {
        return Err(Error::KeyNotString);
    }
    match scalar_value(&entry.key, in_flow)? {
        Scalar::Str(text) => Ok(text),
        // a date as a key is a string for Go as well, but a text of its own
        Scalar::Null
        | Scalar::Bool(_)
        | Scalar::Int(_)
        | Scalar::Uint(_)
        | Scalar::Float(_)
        | Scalar::Owned(_) => Err(Error::KeyNotString),
    }
}

/// The error for a key that occurs twice among these entries.
pub(crate) fn duplicate_key(entries: &[Entry], key: &str) -> Error {
    let mut lines = entries.iter().filter(|entry| entry.is(key)).map(|entry| u64::from(entry.key.line()));
    let first = lines.next().unwrap_or_default();
    Error::DuplicateKey { key: key.to_owned(), line: lines.next().unwrap_or(first), first }
}

/// Type and value of a scalar at output.
///
/// # Errors
/// As [`Node::to_value`].
pub(crate) fn scalar_value(node: &Node, in_flow: bool) -> Result<Scalar<'_>, Error> {
    let text = node.as_str().unwrap_or_default();
    let plain = node.style() == Style::Plain;
    match node.tag() {
        Tag::Str | Tag::Merge | Tag::Other | Tag::Map | Tag::Seq => Ok(Scalar::Str(text)),
        Tag::None if !plain => Ok(Scalar::Str(text)),
        Tag::Binary => binary(text),
        // the writer quotes an empty text inside brackets
        Tag::None | Tag::Null if in_flow && plain && text.is_empty() => Ok(Scalar::Str("")),
        Tag::None => typed(resolve(text, Schema::V3), text),
        tag @ (Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp) => {
            let resolved = resolve(text, Schema::V3);
            if resolved.tag() == tag {
                // the writer drops the tag then, and quotes win
                return if plain { typed(resolved, text) } else { Ok(Scalar::Str(text)) };
            }
            claimed(resolved, text, tag)
        }
    }
}

fn typed(resolved: Resolved, text: &str) -> Result<Scalar<'_>, Error> {
    Ok(match resolved {
        Resolved::Null => Scalar::Null,
        Resolved::Bool(value) => Scalar::Bool(value),
        Resolved::Int(value) => Scalar::Int(value),
        Resolved::Uint(value) => Scalar::Uint(value),
        Resolved::Float(value) if value.is_nan() => return Err(Error::UnsupportedValue("NaN")),
        Resolved::Float(f64::INFINITY) => return Err(Error::UnsupportedValue("+Inf")),
        Resolved::Float(f64::NEG_INFINITY) => return Err(Error::UnsupportedValue("-Inf")),
        Resolved::Float(value) => Scalar::Float(value),
        Resolved::Timestamp(value) => Scalar::Owned(Text::from(value.to_string())),
        Resolved::Str => Scalar::Str(text),
    })
}

/// A scalar whose text says something else than its tag: only an integer may stand for a float.
fn claimed(resolved: Resolved, text: &str, tag: Tag) -> Result<Scalar<'_>, Error> {
    match (tag, resolved) {
        #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
        (Tag::Float, Resolved::Int(value)) => Ok(Scalar::Float(value as f64)),
        _ => Err(Error::WrongTag {
            actual: resolved.tag().as_str(),
            text: text.to_owned(),
            wanted: tag.as_str().to_owned(),
        }),
    }
}

fn binary(text: &str) -> Result<Scalar<'_>, Error> {
    // Go's decoder skips line breaks
    let packed: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| Error::InvalidBinary)?;
    Ok(Scalar::Owned(Text::from(String::from_utf8_lossy(&bytes).as_ref())))
}
