//! Reading TOML, by the `toml` crate.

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_gotext::{GoTime, Zone};
use toml::value::Datetime;

use crate::engine::{FunctionError as Error, Render};
use crate::value::{ListType, MapType, Text, Value};

/// Bytes that a value takes while a document is read.
const VALUE: u64 = 256;

/// A document as a map.
pub(super) fn decode(render: &mut Render, text: &[u8]) -> Result<Value, Error> {
    render.budget.document(text, VALUE)?;
    let text = std::str::from_utf8(text).map_err(|_| Error::new("toml: line 1: invalid UTF-8 byte"))?;
    let table: toml::Table = text.parse().map_err(|error| problem(text, &error))?;
    table_of(render, &table)
}

/// What is wrong, and on which line.
fn problem(text: &str, error: &toml::de::Error) -> Error {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.as_bytes().iter().take(start).filter(|byte| **byte == b'\n').count() + 1;
    Error::new(format!("toml: line {line}: {}", error.message()))
}

fn table_of(render: &mut Render, table: &toml::Table) -> Result<Value, Error> {
    render.budget.items(table.len().saturating_mul(2))?;
    let mut entries = BTreeMap::new();
    for (key, value) in table {
        entries.insert(Text::from(key.as_str()), convert(render, value)?);
    }
    Ok(render.arena.add_map(MapType::Any, entries).into())
}

fn convert(render: &mut Render, value: &toml::Value) -> Result<Value, Error> {
    render.budget.steps(1)?;
    Ok(match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::Int64(*number),
        toml::Value::Float(number) => Value::Float64(*number),
        toml::Value::Boolean(is) => Value::Bool(*is),
        toml::Value::Datetime(time) => Value::Time(Arc::new(time_of(time))),
        toml::Value::Array(items) => {
            render.budget.items(items.len())?;
            let is_tables = !items.is_empty() && items.iter().all(toml::Value::is_table);
            let kind = if is_tables { ListType::Maps } else { ListType::Any };
            let items: Result<_, _> = items.iter().map(|item| convert(render, item)).collect();
            render.arena.add_list(kind, items?).into()
        }
        toml::Value::Table(table) => table_of(render, table)?,
    })
}

/// A time; what lacks a part has a zone that says so, as in the library.
fn time_of(time: &Datetime) -> GoTime {
    let text = time.to_string();
    let (layout, local) = match (time.date, time.time, time.offset) {
        (Some(_), Some(_), Some(_)) => ("2006-01-02T15:04:05Z07:00", None),
        (Some(_), Some(_), None) => ("2006-01-02T15:04:05", Some("datetime-local")),
        (Some(_), None, _) => ("2006-01-02", Some("date-local")),
        (None, ..) => ("15:04:05", Some("time-local")),
    };
    let parsed = GoTime::parse(layout.as_bytes(), text.as_bytes()).unwrap_or_else(|_| GoTime::zero());
    match local {
        Some(name) => parsed.in_zone(Zone { abbreviation: name.to_owned(), offset: 0 }),
        None => parsed,
    }
}
