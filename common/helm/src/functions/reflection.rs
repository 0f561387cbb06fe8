//! Types, equality and copies.

use std::collections::HashSet;
use std::sync::Arc;

use super::arguments::Arguments;
use super::{Error, Function, Render, Type};
use crate::value::{Arena, List, MapId, Value};

use Type::{Any, String};

/// How deep values are compared and copied; one that holds itself has no end.
const MAX_DEPTH: usize = 1000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("typeOf", &[Any], |render, arguments| Ok(arguments.any(0).type_name(&render.arena).into())),
    Function::new("typeIs", &[String, Any], |render, arguments| {
        Ok((arguments.text(0) == arguments.any(1).type_name(&render.arena).as_bytes()).into())
    }),
    Function::new("typeIsLike", &[String, Any], |render, arguments| {
        let name = arguments.any(1).type_name(&render.arena);
        let target = arguments.text(0);
        let is_pointer_to = name.strip_prefix('*').is_some_and(|name| name.as_bytes() == target);
        Ok((target == name.as_bytes() || is_pointer_to).into())
    }),
    Function::new("kindOf", &[Any], |render, arguments| {
        Ok(arguments.any(0).kind(&render.arena).to_string().into())
    }),
    Function::new("kindIs", &[String, Any], |render, arguments| {
        let kind: &str = arguments.any(1).kind(&render.arena).into();
        Ok((arguments.text(0) == kind.as_bytes()).into())
    }),
    Function::new("deepEqual", &[Any, Any], |render, arguments| {
        Ok(deep_equal(render, arguments.any(0), arguments.any(1))?.into())
    }),
    Function::new("deepCopy", &[Any], |render, arguments| copy(render, arguments.any(0))),
    Function::new("mustDeepCopy", &[Any], |render, arguments| copy(render, arguments.any(0))),
];

/// `reflect.DeepEqual`: the same type and the same contents.
pub(super) fn deep_equal(render: &mut Render, one: &Value, other: &Value) -> Result<bool, Error> {
    let mut comparison = Comparison { arena: &render.arena, steps: 0, seen: HashSet::new() };
    let equal = comparison.equal(one, other);
    let steps = comparison.steps;
    render.budget.steps(steps)?;
    Ok(equal)
}

struct Comparison<'a> {
    arena: &'a Arena,
    steps: usize,
    /// Pairs of maps that are being compared: they are equal if all else is.
    seen: HashSet<(MapId, MapId)>,
}

impl Comparison<'_> {
    fn equal(&mut self, one: &Value, other: &Value) -> bool {
        self.steps += 1;
        match (one, other) {
            (Value::Nil, Value::Nil) => true,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::Int(one), Value::Int(other)) | (Value::Int64(one), Value::Int64(other)) => one == other,
            (Value::Int32(one), Value::Int32(other)) => one == other,
            (Value::Uint8(one), Value::Uint8(other)) => one == other,
            (Value::Uint32(one), Value::Uint32(other)) => one == other,
            (Value::Uint64(one), Value::Uint64(other)) => one == other,
            #[expect(clippy::float_cmp, reason = "as Go compares")]
            (Value::Float64(one), Value::Float64(other)) => one == other,
            (Value::String(one), Value::String(other)) | (Value::Bytes(one), Value::Bytes(other)) => {
                one == other
            }
            (Value::List(one), Value::List(other)) => self.lists_equal(*one, *other),
            (Value::Map(one), Value::Map(other)) => self.maps_equal(*one, *other),
            (Value::Time(one), Value::Time(other)) => one == other,
            (Value::Version(one), Value::Version(other)) => {
                one.original() == other.original() && one.to_string() == other.to_string()
            }
            (Value::Struct(_), Value::Struct(_)) => {
                let (one_fields, other_fields) = (one.fields(self.arena), other.fields(self.arena));
                one.type_name(self.arena) == other.type_name(self.arena)
                    && one_fields.len() == other_fields.len()
                    && one_fields
                        .iter()
                        .zip(&other_fields)
                        .all(|((_, one), (_, other))| self.equal(one, other))
            }
            _ => false,
        }
    }

    fn lists_equal(&mut self, one: List, other: List) -> bool {
        if one == other {
            return true;
        }
        let arena = self.arena;
        one.kind() == other.kind()
            && one.is_nil() == other.is_nil()
            && one.len() == other.len()
            && arena.items(one).iter().zip(arena.items(other)).all(|(one, other)| self.equal(one, other))
    }

    fn maps_equal(&mut self, one: MapId, other: MapId) -> bool {
        if one == other || !self.seen.insert((one, other)) {
            return true;
        }
        if one.kind() != other.kind() {
            return false;
        }
        let (one, other) = (self.arena.map(one), self.arena.map(other));
        one.is_nil() == other.is_nil()
            && one.len() == other.len()
            && one
                .entries()
                .zip(other.entries())
                .all(|((key, value), (other_key, other))| key == other_key && self.equal(value, other))
    }
}

fn copy(render: &mut Render, value: &Value) -> Result<Value, Error> {
    if value.is_nil() {
        return Err(Error::new("reflect: call of reflect.Value.Type on zero Value"));
    }
    deep_copy(render, value, 0)
}

/// A copy that shares no map and no list.
fn deep_copy(render: &mut Render, value: &Value, depth: usize) -> Result<Value, Error> {
    render.budget.steps(1)?;
    render.budget.text(size_of::<Value>())?;
    if depth > MAX_DEPTH {
        return Err(Error::new("value is nested too deeply to be copied"));
    }
    match value {
        Value::List(list) if !list.is_nil() => {
            let items = render.arena.items(*list).to_vec();
            let items: Result<_, _> = items.iter().map(|item| deep_copy(render, item, depth + 1)).collect();
            Ok(render.arena.add_list(list.kind(), items?).into())
        }
        Value::Map(id) if !render.arena.map(*id).is_nil() => {
            let entries: Vec<_> =
                render.arena.map(*id).entries().map(|(key, value)| (key.clone(), value.clone())).collect();
            let entries: Result<_, Error> = entries
                .into_iter()
                .map(|(key, value)| Ok((key, deep_copy(render, &value, depth + 1)?)))
                .collect();
            Ok(render.arena.add_map(id.kind(), entries?).into())
        }
        // Go's copy leaves out what is not exported, which is all of a version
        Value::Version(_) => Ok("0.0.0".parse().map_or(Value::Nil, |zero| Value::Version(Arc::new(zero)))),
        value => Ok(value.clone()),
    }
}
