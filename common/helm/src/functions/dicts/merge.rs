//! Merging, as `mergo` 1.0.1 does it.

use super::{MapId, MapType, Text, Value, map_of};
use crate::engine::{FunctionError as Error, Render};
use crate::functions::defaults::is_empty;

/// How deep maps are merged; one that holds itself has no end.
const MAX_DEPTH: usize = 1000;

/// What becomes of values that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Only nil, noughts and what is empty is filled.
    Fill,
    /// They are replaced; maps are merged.
    Overwrite,
}

/// Merges the sources into a map, one after the other. A nil map is replaced by a new one.
pub(super) fn all(
    render: &mut Render,
    into: Option<MapId>,
    sources: &[Value],
    mode: Mode,
) -> Result<Value, Error> {
    let mut into = into.unwrap_or_else(|| render.arena.add_nil_map(MapType::Any));
    for source in sources.iter().filter_map(map_of) {
        if render.arena.map(source).is_nil() {
            continue;
        }
        if render.arena.map(into).is_nil() {
            into = render.arena.add_map(MapType::Any, std::collections::BTreeMap::new());
        }
        merge(render, into, source, Place { mode, depth: 0 })?;
    }
    Ok(into.into())
}

#[derive(Clone, Copy)]
struct Place {
    mode: Mode,
    depth: usize,
}

fn merge(render: &mut Render, into: MapId, source: MapId, at: Place) -> Result<(), Error> {
    if at.depth > MAX_DEPTH {
        return Err(Error::new("maps are nested too deeply to be merged"));
    }
    if into == source {
        return Ok(());
    }
    let entries = render.arena.map(source).entries();
    let entries: Vec<_> = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
    render.budget.steps(entries.len())?;
    render.budget.items(entries.len().saturating_mul(2))?;
    for (key, value) in entries {
        entry(render, into, (key, value), at)?;
    }
    Ok(())
}

fn entry(render: &mut Render, into: MapId, entry: (Text, Value), at: Place) -> Result<(), Error> {
    let (key, value) = entry;
    let present = render.arena.map(into).get(&key).cloned();
    if value.is_nil() {
        if at.mode == Mode::Overwrite {
            render.arena.insert(into, key, value);
        }
        return Ok(());
    }
    let maps = present.as_ref().and_then(map_of).zip(map_of(&value));
    if let Some((below, above)) = maps
        && !render.arena.map(below).is_nil()
    {
        merge(render, below, above, Place { depth: at.depth + 1, ..at })?;
    }
    let is_filled = present.as_ref().is_some_and(|present| !is_empty(present, &render.arena));
    let is_slice = matches!(value, Value::List(_) | Value::Bytes(_));
    if is_filled && maps.is_some() {
        return Ok(());
    }
    if is_slice && at.mode == Mode::Fill && is_filled {
        return Ok(());
    }
    if at.mode == Mode::Overwrite || !is_filled {
        check_type(into, &value)?;
        render.arena.insert(into, key, value);
    }
    Ok(())
}

/// Maps of one type of values take no other.
fn check_type(into: MapId, value: &Value) -> Result<(), Error> {
    let element = match (into.kind(), value) {
        (MapType::Any | MapType::Values, _)
        | (MapType::String, Value::String(_))
        | (MapType::Files, Value::Bytes(_)) => return Ok(()),
        (MapType::String, _) => "string",
        (MapType::Files, _) => "[]uint8",
    };
    Err(Error::new(format!(
        "reflect.Value.SetMapIndex: value of type interface {{}} is not assignable to type {element}"
    )))
}
