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
    List(Vec<Self>),
    /// An object.
    Object(Object),
}

/// What surrounds a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// The document itself.
    Root,
    /// A block collection.
    Block,
    /// Brackets or braces, at whatever distance.
    Flow,
}

impl Context {
    /// What surrounds the children of this node.
    pub(crate) fn within(self, node: &Node) -> Self {
        if self == Self::Flow || node.style() == Style::Flow { Self::Flow } else { Self::Block }
    }
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
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Float(_)
            | Self::String(_)
            | Self::List(_) => None,
        }
    }

    /// Text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Float(_)
            | Self::List(_)
            | Self::Object(_) => None,
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
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Float(_)
            | Self::String(_)
            | Self::List(_) => None,
        }
    }

    /// Members of an object, to change them.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// Items of a list, to change them.
    pub fn as_list_mut(&mut self) -> Option<&mut Vec<Self>> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// Items of a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Float(_)
            | Self::String(_)
            | Self::Object(_) => None,
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
    /// [`Error::DuplicateKeys`], [`Error::KeyNotString`], [`Error::WrongTag`], [`Error::UnsupportedValue`],
    /// [`Error::InvalidBinary`]; [`Error::UnknownAnchor`] if aliases were not expanded.
    pub fn to_value(&self) -> Result<Value, Error> {
        value_in(self, Context::Root).map_err(|error| crate::duplicates::complete(error, self))
    }
}

fn value_in(node: &Node, around: Context) -> Result<Value, Error> {
    let within = around.within(node);
    match node.kind() {
        Kind::Scalar => Ok(scalar_value(node, around)?.into()),
        Kind::Alias => Err(Error::UnknownAnchor(node.alias_of().unwrap_or_default().to_owned())),
        Kind::Sequence => {
            let items = node.items().iter().map(|item| value_in(item, within));
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        Kind::Mapping => {
            let mut members = Object::new();
            for entry in node.entries() {
                let key = key_text(entry, around)?;
                if members.insert(Text::from(key), value_in(&entry.value, within)?).is_some() {
                    return Err(Error::DuplicateKeys(Vec::new()));
                }
            }
            Ok(Value::Object(members))
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

/// Text of a key in a mapping that stands in `around`; it must be a string, but in the outermost mapping Go takes the text
/// of any scalar.
pub(crate) fn key_text(entry: &Entry, around: Context) -> Result<&str, Error> {
    let key = &entry.key;
    match (key.kind(), around) {
        (Kind::Scalar, Context::Root) => Ok(key.as_str().unwrap_or_default()),
        (Kind::Scalar, Context::Block | Context::Flow) => match scalar_value(key, around)? {
            Scalar::Str(text) => Ok(text),
            Scalar::Null
            | Scalar::Bool(_)
            | Scalar::Int(_)
            | Scalar::Uint(_)
            | Scalar::Float(_)
            | Scalar::Owned(_) => Err(Error::KeyNotString),
        },
        (Kind::Sequence, Context::Root) => Err(Error::KeyNotText { line: key.line(), tag: "!!seq" }),
        (Kind::Mapping, Context::Root) => Err(Error::KeyNotText { line: key.line(), tag: "!!map" }),
        (Kind::Sequence | Kind::Mapping | Kind::Alias, _) => Err(Error::KeyNotString),
    }
}

/// Type and value of a scalar that stands in `around`, at output.
///
/// # Errors
/// As [`Node::to_value`].
pub(crate) fn scalar_value(node: &Node, around: Context) -> Result<Scalar<'_>, Error> {
    let text = node.as_str().unwrap_or_default();
    let plain = node.style() == Style::Plain;
    match node.tag() {
        Tag::Str | Tag::None if node.style() == Style::Folded && around != Context::Flow => refolded(text),
        Tag::Str | Tag::Merge | Tag::Other | Tag::Map | Tag::Seq => Ok(Scalar::Str(text)),
        Tag::None if !plain => Ok(Scalar::Str(text)),
        Tag::Binary => binary(text),
        // the writer quotes an empty text inside brackets
        Tag::None | Tag::Null if around == Context::Flow && plain && text.is_empty() => Ok(Scalar::Str("")),
        Tag::None => typed(resolve(text, Schema::V3), text),
        tag @ (Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp) => {
            let resolved = resolve(text, Schema::V3);
            if resolved.tag() == tag {
                // the writer drops a tag that is not written in the document, and quotes win
                let typed_text = plain || node.has_explicit_tag();
                return if typed_text { typed(resolved, text) } else { Ok(Scalar::Str(text)) };
            }
            claimed(resolved, text, tag)
        }
    }
}

/// What is left of a text that is written in folded style and read again: libyaml's writer adds line breaks to some.
fn refolded(text: &str) -> Result<Scalar<'_>, Error> {
    let harmless = !text.starts_with([' ', '\t', '\n'])
        && !text.contains("\n ")
        && !text.contains("\n\t")
        && !text.ends_with("\n\n");
    if harmless {
        return Ok(Scalar::Str(text));
    }
    let mut page = String::from("k: ");
    crate::emitter::write_value(&mut page, text, Style::Folded);
    let read = crate::compose::parse_document(page.as_bytes())?.unwrap_or_default();
    Ok(Scalar::Owned(Text::from(read.get_str("k").unwrap_or_default())))
}

pub(crate) fn typed(resolved: Resolved, text: &str) -> Result<Scalar<'_>, Error> {
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
pub(crate) fn claimed(resolved: Resolved, text: &str, tag: Tag) -> Result<Scalar<'_>, Error> {
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

pub(crate) fn binary(text: &str) -> Result<Scalar<'_>, Error> {
    // Go's decoder skips line breaks
    let packed: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| Error::InvalidBinary)?;
    Ok(Scalar::Owned(Text::from(String::from_utf8_lossy(&bytes).as_ref())))
}
