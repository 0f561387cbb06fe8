//! Configuration as `sigs.k8s.io/yaml` reads it: one document by the rules of go-yaml v2, turned into JSON.

use crate::compose::{Limits, parse_document};
use crate::error::Error;
use crate::json::push_float_g32;
use crate::node::{Entry, Kind, Node, Style, Tag, Text};
use crate::resolve::{Resolved, Schema, resolve};
use crate::value::{Object, Scalar, Value, binary, claimed, typed};

/// The first document as `sigs.k8s.io/yaml` converts it to JSON; null if there is none.
///
/// Plain scalars have the types of YAML 1.1; timestamps stay as they are written; of equal keys the last one counts; keys
/// that are numbers or booleans become strings. Helm values, Kustomization files and all that Kubernetes' own tools take
/// from users are read like this.
///
/// # Errors
/// Those of [`parse_document`] and [`Node::expand`]; [`Error::NullKey`], [`Error::KeyNotScalar`], [`Error::WrongTag`],
/// [`Error::InvalidBinary`], [`Error::UnsupportedValue`].
pub fn read_configuration(bytes: &[u8]) -> Result<Value, Error> {
    let Some(mut root) = parse_document(bytes).map_err(Error::in_v2)? else { return Ok(Value::Null) };
    root.expand_aliases(&Limits::default())?;
    value(&root)
}

fn value(node: &Node) -> Result<Value, Error> {
    match node.kind() {
        Kind::Scalar => Ok(scalar(node)?.into()),
        Kind::Alias => Err(Error::UnknownAnchor(node.alias_of().unwrap_or_default().to_owned())),
        Kind::Sequence => Ok(Value::List(node.items().iter().map(value).collect::<Result<_, _>>()?)),
        Kind::Mapping => {
            let mut members = Object::new();
            for entry in node.entries() {
                let is_merge = entry.key.tag() == Tag::Merge;
                if !is_merge {
                    members.insert(key(entry)?, value(&entry.value)?);
                }
            }
            for entry in node.entries().iter().filter(|entry| entry.key.tag() == Tag::Merge) {
                merge(&mut members, &entry.value)?;
            }
            Ok(Value::Object(members))
        }
    }
}

/// Members that a `<<` key adds; what is there stays.
fn merge(members: &mut Object, source: &Node) -> Result<(), Error> {
    let problem = Error::Merge("yaml: map merge requires map or sequence of maps as the value");
    let sources = if source.is_mapping() { std::slice::from_ref(source) } else { source.items() };
    if !source.is_mapping() && !source.is_sequence() {
        return Err(problem);
    }
    for source in sources {
        let Value::Object(more) = value(source)? else { return Err(problem) };
        for (key, value) in more {
            members.entry(key).or_insert(value);
        }
    }
    Ok(())
}

fn key(entry: &Entry) -> Result<Text, Error> {
    if !entry.key.is_scalar() {
        return Err(Error::KeyNotScalar(go_syntax(&value(&entry.key)?)));
    }
    Ok(match scalar(&entry.key)? {
        Scalar::Str(text) => Text::from(text),
        Scalar::Owned(text) => text,
        Scalar::Bool(value) => Text::from(if value { "true" } else { "false" }),
        Scalar::Int(value) => Text::from(value.to_string()),
        Scalar::Uint(value) => Text::from(value.to_string()),
        Scalar::Float(value) => {
            let mut text = String::new();
            push_float_g32(&mut text, value);
            Text::from(text)
        }
        Scalar::Null => {
            let value = value(&entry.value)?;
            return Err(Error::NullKey(go_syntax(&value)));
        }
    })
}

fn scalar(node: &Node) -> Result<Scalar<'_>, Error> {
    let text = node.as_str().unwrap_or_default();
    let resolved = || match resolve(text, Schema::V2) {
        Resolved::Timestamp(_) => Resolved::Str,
        resolved @ (Resolved::Null
        | Resolved::Bool(_)
        | Resolved::Int(_)
        | Resolved::Uint(_)
        | Resolved::Float(_)
        | Resolved::Str) => resolved,
    };
    match (node.tag(), node.has_explicit_tag()) {
        (Tag::Binary, _) => binary(text),
        (Tag::Str | Tag::Merge | Tag::Seq | Tag::Map | Tag::Other | Tag::Timestamp, true) => {
            Ok(Scalar::Str(text))
        }
        (tag, true) => {
            let resolved = resolved();
            if resolved.tag() == tag { typed(resolved, text) } else { claimed(resolved, text, tag) }
        }
        (_, false) if node.style() != Style::Plain => Ok(Scalar::Str(text)),
        (_, false) => typed(resolved(), text),
    }
}

/// A value as Go prints it with `%#v`.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Uint(value) => format!("{value:#x}"),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => value.to_json(),
        Value::List(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let members =
                members.iter().map(|(key, value)| format!("{:?}:{}", key.as_str(), go_syntax(value)));
            format!("map[interface {{}}]interface {{}}{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}
