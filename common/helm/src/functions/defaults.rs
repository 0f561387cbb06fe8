//! Defaults, emptiness and flow.

use super::arguments::Arguments;
use super::{Function, Type};
use crate::value::{Arena, Value};

use Type::{Any, Bool};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("default", &[Any], Any, |render, arguments| {
        let given = arguments.from(1).first().filter(|given| !is_empty(given, &render.arena));
        Ok(given.unwrap_or_else(|| arguments.any(0)).clone())
    }),
    Function::new("empty", &[Any], |render, arguments| Ok(is_empty(arguments.any(0), &render.arena).into())),
    Function::variadic("coalesce", &[], Any, |render, arguments| {
        let found = arguments.all().iter().find(|value| !is_empty(value, &render.arena));
        Ok(found.cloned().unwrap_or_default())
    }),
    Function::variadic("all", &[], Any, |render, arguments| {
        Ok(arguments.all().iter().all(|value| !is_empty(value, &render.arena)).into())
    }),
    Function::variadic("any", &[], Any, |render, arguments| {
        Ok(arguments.all().iter().any(|value| !is_empty(value, &render.arena)).into())
    }),
    Function::new("ternary", &[Any, Any, Bool], |_, arguments| {
        Ok(arguments.any(usize::from(!arguments.boolean(2))).clone())
    }),
    Function::new("hello", &[], |_, _| Ok("Hello!".into())),
];

/// Sprig's `empty`: nil and the zeros of types; structs never are.
pub(super) fn is_empty(value: &Value, arena: &Arena) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(is) => !is,
        Value::Int(number) | Value::Int64(number) => *number == 0,
        Value::Int32(number) => *number == 0,
        Value::Uint8(number) => *number == 0,
        Value::Uint32(number) => *number == 0,
        Value::Uint64(number) => *number == 0,
        Value::Float64(number) => *number == 0.0,
        Value::String(text) | Value::Bytes(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(id) => arena.map(*id).is_empty(),
        Value::Time(_) | Value::Version(_) | Value::Struct(_) => false,
    }
}
