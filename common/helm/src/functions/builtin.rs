//! The functions that Go's template package itself has; its printing ones stand in [`super::format`].

use std::cmp::Ordering;

use flux_gotext::{is_print, rune_pieces};

use super::format::flatten;
use super::{Function, Type};
use crate::engine::{FunctionError, Render};
use crate::value::{Arena, Text, Value};

use Type::{Any, Reflected};

/// What is here. The evaluator runs `and` and `or` itself, since they look at no more arguments than they need.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("and", &[Reflected], Reflected, |_, _| Ok(Value::Nil)),
    Function::variadic("or", &[Reflected], Reflected, |_, _| Ok(Value::Nil)),
    Function::new("not", &[Reflected], |render, arguments| {
        Ok((!arguments.first().is_some_and(|value| render.is_true(value))).into())
    }),
    Function::variadic("eq", &[Reflected], Reflected, equal),
    Function::new("ne", &[Reflected, Reflected], |render, arguments| negated(equal(render, arguments))),
    Function::new("lt", &[Reflected, Reflected], less),
    Function::new("le", &[Reflected, Reflected], less_or_equal),
    Function::new("gt", &[Reflected, Reflected], |render, arguments| {
        negated(less_or_equal(render, arguments))
    }),
    Function::new("ge", &[Reflected, Reflected], |render, arguments| negated(less(render, arguments))),
    Function::new("len", &[Reflected], length),
    Function::variadic("index", &[Reflected], Reflected, index),
    Function::variadic("call", &[Reflected], Reflected, call),
    Function::variadic("html", &[], Any, |render, arguments| {
        let text = escapable(render, arguments)?;
        Ok(html(&text).into())
    }),
    Function::variadic("js", &[], Any, |render, arguments| {
        let text = escapable(render, arguments)?;
        Ok(javascript(&text).into())
    }),
    Function::variadic("urlquery", &[], Any, |render, arguments| {
        let text = escapable(render, arguments)?;
        Ok(query(&text).into())
    }),
];

fn negated(result: Result<Value, FunctionError>) -> Result<Value, FunctionError> {
    Ok((!matches!(result?, Value::Bool(true))).into())
}

/// What can be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(&'a [u8]),
}

impl<'a> Basic<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) | Value::Int64(value) => Self::Int(*value),
            Value::Int32(value) => Self::Int(i64::from(*value)),
            Value::Uint8(value) => Self::Uint(u64::from(*value)),
            Value::Uint32(value) => Self::Uint(u64::from(*value)),
            Value::Uint64(value) => Self::Uint(*value),
            Value::Float64(value) => Self::Float(*value),
            Value::String(text) => Self::Text(text),
            Value::Nil
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Time(_)
            | Value::Version(_)
            | Value::Struct(_) => return None,
        })
    }

    /// How two of one kind compare, or two integers; `Err` for others.
    fn compare(self, other: Self) -> Result<Option<Ordering>, ()> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Ok(Some(a.cmp(&b))),
            (Self::Int(a), Self::Int(b)) => Ok(Some(a.cmp(&b))),
            (Self::Uint(a), Self::Uint(b)) => Ok(Some(a.cmp(&b))),
            (Self::Float(a), Self::Float(b)) => Ok(a.partial_cmp(&b)),
            (Self::Text(a), Self::Text(b)) => Ok(Some(a.cmp(b))),
            (Self::Int(a), Self::Uint(b)) => Ok(Some(i128::from(a).cmp(&i128::from(b)))),
            (Self::Uint(a), Self::Int(b)) => Ok(Some(i128::from(a).cmp(&i128::from(b)))),
            _ => Err(()),
        }
    }
}

fn incompatible(a: &Value, b: &Value, arena: &Arena) -> FunctionError {
    let (a, b) = (a.type_name(arena), b.type_name(arena));
    format!("incompatible types for comparison: {a} and {b}").into()
}

/// Whether a value is nil or a nil of its type.
fn is_nil(value: &Value, arena: &Arena) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => arena.map(*map).is_nil(),
        _ => false,
    }
}

fn equal(render: &mut Render, arguments: &[Value]) -> Result<Value, FunctionError> {
    let Some((first, others)) = arguments.split_first() else {
        return Err("missing argument for comparison".into());
    };
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal_pair(render, first, other)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

fn equal_pair(render: &mut Render, first: &Value, other: &Value) -> Result<bool, FunctionError> {
    match (Basic::of(first), Basic::of(other)) {
        (Some(a), Some(b)) => {
            let ordering = a.compare(b).map_err(|()| incompatible(first, other, &render.arena))?;
            Ok(ordering == Some(Ordering::Equal))
        }
        (Some(_), None) | (None, Some(_)) => {
            if first.is_nil() || other.is_nil() {
                return Ok(false);
            }
            Err(incompatible(first, other, &render.arena))
        }
        (None, None) => {
            let arena = &render.arena;
            let (a, b) = (first.kind(arena), other.kind(arena));
            if a != b && !first.is_nil() && !other.is_nil() {
                let (first_type, other_type) = (first.type_name(arena), other.type_name(arena));
                let first = shown(render, first, "%s")?;
                let other = shown(render, other, "%v")?;
                return Err(
                    format!("non-comparable types {first}: {first_type}, {other_type}: {other}").into()
                );
            }
            if is_nil(first, arena) || is_nil(other, arena) {
                return Ok(is_nil(first, arena) == is_nil(other, arena));
            }
            match (first, other) {
                (Value::Time(a), Value::Time(b)) => Ok(a == b),
                (Value::Version(a), Value::Version(b)) => Ok(std::sync::Arc::ptr_eq(a, b)),
                (Value::Struct(a), Value::Struct(b)) => Ok(a == b),
                (_, other) => {
                    let kind = other.type_name(&render.arena);
                    let other = shown(render, other, "%s")?;
                    Err(format!("non-comparable type {other}: {kind}").into())
                }
            }
        }
    }
}

fn shown(render: &mut Render, value: &Value, verb: &str) -> Result<String, FunctionError> {
    let text = super::sprintf(render, verb.as_bytes(), std::slice::from_ref(value))?;
    Ok(text.to_string_lossy().into_owned())
}

fn compared(render: &Render, arguments: &[Value]) -> Result<Option<Ordering>, FunctionError> {
    const INVALID: &str = "invalid type for comparison";
    let [first, second] = arguments else { return Err(INVALID.into()) };
    let (Some(a), Some(b)) = (Basic::of(first), Basic::of(second)) else { return Err(INVALID.into()) };
    match (a, b) {
        (Basic::Bool(_), Basic::Bool(_)) => Err(INVALID.into()),
        _ => a.compare(b).map_err(|()| incompatible(first, second, &render.arena)),
    }
}

fn less(render: &mut Render, arguments: &[Value]) -> Result<Value, FunctionError> {
    Ok((compared(render, arguments)? == Some(Ordering::Less)).into())
}

fn less_or_equal(render: &mut Render, arguments: &[Value]) -> Result<Value, FunctionError> {
    Ok(matches!(compared(render, arguments)?, Some(Ordering::Less | Ordering::Equal)).into())
}

fn size(bytes: usize) -> Value {
    Value::Int(i64::try_from(bytes).unwrap_or(i64::MAX))
}

fn length(render: &mut Render, arguments: &[Value]) -> Result<Value, FunctionError> {
    match arguments.first() {
        None | Some(Value::Nil) => Err("len of nil pointer".into()),
        Some(Value::String(text) | Value::Bytes(text)) => Ok(size(text.len())),
        Some(Value::List(list)) => Ok(size(list.len())),
        Some(Value::Map(map)) => Ok(size(render.arena.map(*map).len())),
        Some(other) => Err(format!("len of type {}", other.type_name(&render.arena)).into()),
    }
}

fn position(index: &Value, length: usize, arena: &Arena) -> Result<usize, FunctionError> {
    let number = match index {
        Value::Int(value) | Value::Int64(value) => *value,
        Value::Int32(value) => i64::from(*value),
        Value::Uint8(value) => i64::from(*value),
        Value::Uint32(value) => i64::from(*value),
        Value::Uint64(value) => value.cast_signed(),
        Value::Nil => return Err("cannot index slice/array with nil".into()),
        other => return Err(format!("cannot index slice/array with type {}", other.type_name(arena)).into()),
    };
    usize::try_from(number)
        .ok()
        .filter(|position| *position <= length)
        .ok_or_else(|| format!("index out of range: {number}").into())
}

fn index(render: &mut Render, arguments: &[Value]) -> Result<Value, FunctionError> {
    let Some((item, indexes)) = arguments.split_first() else { return Ok(Value::Nil) };
    let arena = &render.arena;
    let mut item = item.clone();
    if item.is_nil() {
        return Err("index of untyped nil".into());
    }
    for index in indexes {
        item = match &item {
            Value::Nil => return Err("index of nil pointer".into()),
            Value::List(list) => {
                let position = position(index, list.len(), arena)?;
                let found = arena.items(*list).get(position);
                found.cloned().ok_or("reflect: slice index out of range")?
            }
            Value::Bytes(text) => {
                let position = position(index, text.len(), arena)?;
                Value::Uint8(*text.get(position).ok_or("reflect: slice index out of range")?)
            }
            Value::String(text) => {
                let position = position(index, text.len(), arena)?;
                Value::Uint8(*text.get(position).ok_or("reflect: string index out of range")?)
            }
            Value::Map(map) => {
                let key = match index {
                    Value::String(key) => key,
                    Value::Nil => return Err("value is nil; should be of type string".into()),
                    other => {
                        let kind = other.type_name(arena);
                        return Err(format!("value has type {kind}; should be string").into());
                    }
                };
                let found = arena.map(*map).get(key).cloned();
                found.unwrap_or_else(|| crate::engine::zero_of(map.kind()))
            }
            other => return Err(format!("can't index item of type {}", other.type_name(arena)).into()),
        };
    }
    Ok(item)
}

fn call(render: &mut Render, arguments: &[Value]) -> Result<Value, FunctionError> {
    match arguments.first() {
        None | Some(Value::Nil) => Err("call of nil".into()),
        Some(value) => {
            let node = render.callee();
            Err(format!("non-function {node} of type {}", value.type_name(&render.arena)).into())
        }
    }
}

fn escapable(render: &mut Render, arguments: &[Value]) -> Result<Text, FunctionError> {
    // nil reads as an action prints it
    let arguments: Vec<_> = arguments
        .iter()
        .map(|value| if value.is_nil() { Value::from("<no value>") } else { value.clone() })
        .collect();
    let text = flatten(render, &arguments)?;
    render.budget.text(text.len().saturating_mul(6))?;
    Ok(text)
}

fn html(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text {
        let with: &[u8] = match byte {
            0 => "\u{fffd}".as_bytes(),
            b'"' => b"&#34;",
            b'\'' => b"&#39;",
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            byte => std::slice::from_ref(byte),
        };
        escaped.extend_from_slice(with);
    }
    escaped
}

fn javascript(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for (character, bytes) in rune_pieces(text) {
        match character {
            Some('\\') => escaped.extend(br"\\"),
            Some('\'') => escaped.extend(br"\'"),
            Some('"') => escaped.extend(br#"\""#),
            Some(c @ ('<' | '>' | '&' | '=' | '\0'..='\u{1f}')) => {
                escaped.extend(format!("\\u{:04X}", u32::from(c)).bytes());
            }
            Some(c) if c.is_ascii() || is_print(c) => escaped.extend(bytes),
            Some(c) => escaped.extend(format!("\\u{:04X}", u32::from(c)).bytes()),
            // U+FFFD is printable: the byte stays
            None => escaped.extend(bytes),
        }
    }
    escaped
}

fn query(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b' ' => escaped.push(b'+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(*byte),
            byte => escaped.extend(format!("%{byte:02X}").bytes()),
        }
    }
    escaped
}
