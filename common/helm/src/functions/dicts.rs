//! Maps.

mod merge;

use std::collections::BTreeMap;

use super::arguments::Arguments;
use super::format::to_text;
use super::{Error, Function, Render, Type};
use crate::value::{ListType, Map, MapId, MapType, Text, Value};

use Type::{Any, String};

/// `map[string]interface {}`
const MAP: Type = Type::Map(MapType::Any);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("dict", &[], Any, |render, arguments| dict(render, arguments.all())),
    Function::new("get", &[MAP, String], |render, arguments| {
        let found = arguments.map(0).and_then(|id| render.arena.map(id).get(arguments.text(1)));
        Ok(found.cloned().unwrap_or_else(|| "".into()))
    }),
    Function::new("set", &[MAP, String, Any], |render, arguments| {
        let key = arguments.shared_text(1);
        render.budget.text(key.len())?;
        let map = arguments.map(0).filter(|id| render.arena.insert(*id, key, arguments.any(2).clone()));
        map.map(Value::Map).ok_or_else(|| Error::new("assignment to entry in nil map"))
    }),
    Function::new("unset", &[MAP, String], |render, arguments| {
        let Some(id) = arguments.map(0) else { return Ok(render.arena.add_nil_map(MapType::Any).into()) };
        render.arena.remove(id, arguments.text(1));
        Ok(id.into())
    }),
    Function::new("hasKey", &[MAP, String], |render, arguments| {
        let found = arguments.map(0).and_then(|id| render.arena.map(id).get(arguments.text(1)));
        Ok(found.is_some().into())
    }),
    Function::variadic("pluck", &[String], MAP, |render, arguments| {
        let maps = arguments.from(1).iter().filter_map(map_of);
        let found = maps.filter_map(|id| render.arena.map(id).get(arguments.text(0)).cloned()).collect();
        Ok(render.arena.add_list(ListType::Any, found).into())
    }),
    Function::variadic("keys", &[], MAP, |render, arguments| {
        let mut keys = Vec::new();
        for id in arguments.all().iter().filter_map(map_of) {
            keys.extend(render.arena.map(id).entries().map(|(key, _)| Value::String(key.clone())));
        }
        render.budget.items(keys.len())?;
        Ok(render.arena.add_list(ListType::String, keys).into())
    }),
    Function::new("values", &[MAP], |render, arguments| {
        let map = arguments.map(0).map(|id| render.arena.map(id));
        let values: Vec<_> = map.into_iter().flat_map(Map::entries).map(|(_, value)| value.clone()).collect();
        render.budget.items(values.len())?;
        Ok(render.arena.add_list(ListType::Any, values).into())
    }),
    Function::variadic("pick", &[MAP], String, |render, arguments| {
        let wanted = arguments.from(1);
        filtered(render, arguments.map(0), |key| wanted.iter().any(|name| is_text(name, key)))
    }),
    Function::variadic("omit", &[MAP], String, |render, arguments| {
        let omitted = arguments.from(1);
        filtered(render, arguments.map(0), |key| !omitted.iter().any(|name| is_text(name, key)))
    }),
    Function::variadic("dig", &[], Any, |render, arguments| dig(render, arguments.all())),
    Function::variadic("merge", &[MAP], MAP, |render, arguments| {
        merge::all(render, arguments.map(0), arguments.from(1), merge::Mode::Fill)
    }),
    Function::variadic("mustMerge", &[MAP], MAP, |render, arguments| {
        merge::all(render, arguments.map(0), arguments.from(1), merge::Mode::Fill)
    }),
    Function::variadic("mergeOverwrite", &[MAP], MAP, |render, arguments| {
        merge::all(render, arguments.map(0), arguments.from(1), merge::Mode::Overwrite)
    }),
    Function::variadic("mustMergeOverwrite", &[MAP], MAP, |render, arguments| {
        merge::all(render, arguments.map(0), arguments.from(1), merge::Mode::Overwrite)
    }),
];

fn map_of(value: &Value) -> Option<MapId> {
    match value {
        Value::Map(id) => Some(*id),
        _ => None,
    }
}

fn is_text(value: &Value, text: &Text) -> bool {
    matches!(value, Value::String(value) if value == text)
}

fn dict(render: &mut Render, pairs: &[Value]) -> Result<Value, Error> {
    let mut entries = BTreeMap::new();
    for pair in pairs.chunks(2) {
        let Some(key) = pair.first() else { continue };
        let key = match key {
            Value::String(text) => text.clone(),
            key => Text::from(to_text(render, key)?.into_owned()),
        };
        render.budget.text(key.len())?;
        let value = pair.get(1).cloned().unwrap_or_else(|| "".into());
        entries.insert(key, value);
    }
    Ok(render.arena.add_map(MapType::Any, entries).into())
}

fn filtered(render: &mut Render, map: Option<MapId>, keep: impl Fn(&Text) -> bool) -> Result<Value, Error> {
    let map = map.map(|id| render.arena.map(id));
    let entries = map.into_iter().flat_map(Map::entries).filter(|(key, _)| keep(key));
    let entries: BTreeMap<_, _> = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
    render.budget.steps(entries.len())?;
    render.budget.items(entries.len().saturating_mul(2))?;
    Ok(render.arena.add_map(MapType::Any, entries).into())
}

/// Down a path of keys; the value before the map stands in for what is not there.
fn dig(render: &mut Render, arguments: &[Value]) -> Result<Value, Error> {
    let [keys @ .., default, map] = arguments else {
        return Err(Error::new("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(Error::new("dig needs at least three arguments"));
    }
    let arena = &render.arena;
    let as_map = |value: &Value| match value {
        Value::Map(id) if id.kind() == MapType::Any => Ok(*id),
        value => Err(Error::conversion(value, MapType::Any.name(), arena)),
    };
    let mut current = as_map(map)?;
    let mut path = Vec::new();
    for key in keys {
        match key {
            Value::String(text) => path.push(text),
            other => return Err(Error::conversion(other, "string", arena)),
        }
    }
    for (index, key) in path.iter().enumerate() {
        let Some(value) = arena.map(current).get(key) else { return Ok(default.clone()) };
        if index + 1 == path.len() {
            return Ok(value.clone());
        }
        current = as_map(value)?;
    }
    Ok(default.clone())
}
