//! Which values fit which parameters.

use crate::functions::Type;
use crate::value::{Arena, ListType, MapType, Text, Value};

use super::compile::ideal;
use super::parse::Number;

/// Whether nil may stand for a value of this type.
pub(super) const fn takes_nil(kind: Type) -> bool {
    match kind {
        Type::Any | Type::Reflected | Type::Bytes | Type::List(_) | Type::Map(_) => true,
        Type::Bool
        | Type::Int
        | Type::Int64
        | Type::Int32
        | Type::Uint32
        | Type::Float64
        | Type::String
        | Type::Time
        | Type::Struct(_) => false,
    }
}

/// How Go calls the constants that such a parameter takes.
pub(super) const fn expected(kind: Type) -> Option<&'static str> {
    match kind {
        Type::Bool => Some("bool"),
        Type::Int | Type::Int64 | Type::Int32 => Some("integer"),
        Type::Uint32 => Some("unsigned integer"),
        Type::Float64 => Some("float"),
        Type::String => Some("string"),
        Type::Any
        | Type::Reflected
        | Type::Bytes
        | Type::List(_)
        | Type::Map(_)
        | Type::Time
        | Type::Struct(_) => None,
    }
}

const fn is_any(kind: Type) -> bool {
    matches!(kind, Type::Any | Type::Reflected)
}

/// A boolean constant.
pub(super) fn boolean(value: bool, kind: Type) -> Option<Value> {
    (is_any(kind) || kind == Type::Bool).then_some(Value::Bool(value))
}

/// A text constant.
pub(super) fn text(text: &[u8], kind: Type) -> Option<Value> {
    (is_any(kind) || kind == Type::String).then(|| Value::String(Text::from(text)))
}

/// A number constant.
pub(super) fn number(number: &Number, text: &[u8], kind: Type) -> Result<Option<Value>, String> {
    Ok(match kind {
        Type::Any | Type::Reflected => return ideal(number, text),
        Type::Int => number.int.map(Value::Int),
        Type::Int64 => number.int.map(Value::Int64),
        Type::Int32 => number.int.and_then(|int| i32::try_from(int).ok()).map(Value::Int32),
        Type::Uint32 => number.uint.and_then(|uint| u32::try_from(uint).ok()).map(Value::Uint32),
        Type::Float64 => number.float.map(Value::Float64),
        Type::Bool
        | Type::String
        | Type::Bytes
        | Type::List(_)
        | Type::Map(_)
        | Type::Time
        | Type::Struct(_) => None,
    })
}

/// Whether Go would assign a value to a parameter of this type; nil is not asked about.
pub(super) fn fits(value: &Value, kind: Type, arena: &Arena) -> bool {
    match kind {
        Type::Any | Type::Reflected => true,
        Type::Bool => matches!(value, Value::Bool(_)),
        Type::Int => matches!(value, Value::Int(_)),
        Type::Int64 => matches!(value, Value::Int64(_)),
        Type::Int32 => matches!(value, Value::Int32(_)),
        Type::Uint32 => matches!(value, Value::Uint32(_)),
        Type::Float64 => matches!(value, Value::Float64(_)),
        Type::String => matches!(value, Value::String(_)),
        Type::Bytes => matches!(value, Value::Bytes(_)),
        Type::Time => matches!(value, Value::Time(_)),
        Type::List(wanted) => match value {
            Value::List(list) => {
                list.kind() == wanted || (wanted == ListType::String && list.kind() == ListType::VersionSet)
            }
            _ => false,
        },
        Type::Map(wanted) => match value {
            Value::Map(map) => map.kind() == wanted || (wanted.takes_any() && map.kind().takes_any()),
            _ => false,
        },
        Type::Struct(name) => value.type_name(arena) == name,
    }
}

/// Go's zero of what a map of this type holds.
pub(crate) fn zero_of(kind: MapType) -> Value {
    match kind {
        MapType::Any | MapType::Values => Value::Nil,
        MapType::String => Value::String(Text::default()),
        MapType::Files => Value::Bytes(Text::default()),
    }
}

/// Go's truth.
pub(super) fn truth(value: &Value, arena: &Arena) -> bool {
    match value {
        Value::Nil => false,
        Value::Bool(value) => *value,
        Value::Int(value) | Value::Int64(value) => *value != 0,
        Value::Int32(value) => *value != 0,
        Value::Uint8(value) => *value != 0,
        Value::Uint32(value) => *value != 0,
        Value::Uint64(value) => *value != 0,
        Value::Float64(value) => *value != 0.0,
        Value::String(text) | Value::Bytes(text) => !text.is_empty(),
        Value::List(list) => !list.is_empty(),
        Value::Map(map) => !arena.map(*map).is_empty(),
        Value::Time(_) | Value::Version(_) | Value::Struct(_) => true,
    }
}
