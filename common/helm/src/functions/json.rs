//! JSON.

mod read;
mod write;

use super::arguments::Arguments;
use super::{Error, Function, Render, Type};
use crate::value::{List, ListType, MapType, Value};

use Type::{Any, String};

use write::{Html, marshal};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("toJson", &[Any], |render, arguments| {
        or_empty(marshal(render, arguments.any(0), Html::Escaped))
    }),
    Function::new("mustToJson", &[Any], |render, arguments| {
        Ok(marshal(render, arguments.any(0), Html::Escaped)?.into())
    }),
    Function::new("toRawJson", &[Any], |render, arguments| {
        Ok(marshal(render, arguments.any(0), Html::AsIs)?.into())
    }),
    Function::new("mustToRawJson", &[Any], |render, arguments| {
        Ok(marshal(render, arguments.any(0), Html::AsIs)?.into())
    }),
    Function::new("toPrettyJson", &[Any], |render, arguments| {
        let text = marshal(render, arguments.any(0), Html::Escaped);
        or_empty(text.and_then(|text| write::indented(render, &text)))
    }),
    Function::new("mustToPrettyJson", &[Any], |render, arguments| {
        let text = marshal(render, arguments.any(0), Html::Escaped)?;
        Ok(write::indented(render, &text)?.into())
    }),
    Function::new("fromJson", &[String], |render, arguments| from_json(render, arguments.text(0))),
    Function::new("fromJsonArray", &[String], |render, arguments| from_json_array(render, arguments.text(0))),
    Function::new("mustFromJson", &[String], |render, arguments| {
        let read = read::unmarshal(render, arguments.text(0))?;
        match read.problem {
            Some(problem) => Err(problem.into()),
            None => Ok(read.value),
        }
    }),
];

/// The text; nothing where Go's function swallows its error. A bound that is met is none of those.
pub(super) fn or_empty(text: Result<std::string::String, Error>) -> Result<Value, Error> {
    match text {
        Ok(text) => Ok(text.into()),
        Err(Error::Message(_)) => Ok("".into()),
        Err(error) => Err(error),
    }
}

/// What Go's JSON calls a value.
pub(super) fn json_name(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// What is read into a map: nil for null, and an error under its own key.
fn from_json(render: &mut Render, text: &[u8]) -> Result<Value, Error> {
    let read = match read::unmarshal(render, text) {
        Ok(read) => read,
        Err(Error::Message(problem)) => return Ok(error_map(render, None, &problem)),
        Err(error) => return Err(error),
    };
    match (read.value, read.problem) {
        (Value::Nil, None) => Ok(render.arena.add_nil_map(MapType::Any).into()),
        (Value::Map(id), None) => Ok(id.into()),
        (Value::Map(id), Some(problem)) => Ok(error_map(render, Some(id), &problem)),
        (other, _) => {
            let found = json_name(&other);
            let problem =
                format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}");
            Ok(error_map(render, None, &problem))
        }
    }
}

/// A map with a text under `Error`.
pub(super) fn error_map(render: &mut Render, map: Option<crate::value::MapId>, problem: &str) -> Value {
    let id = map.unwrap_or_else(|| render.arena.add_map(MapType::Any, std::collections::BTreeMap::new()));
    render.arena.insert(id, "Error".into(), problem.into());
    id.into()
}

/// A list of one text.
pub(super) fn error_list(render: &mut Render, problem: &str) -> Value {
    render.arena.add_list(ListType::Any, vec![problem.into()]).into()
}

fn from_json_array(render: &mut Render, text: &[u8]) -> Result<Value, Error> {
    let read = match read::unmarshal(render, text) {
        Ok(read) => read,
        Err(Error::Message(problem)) => return Ok(error_list(render, &problem)),
        Err(error) => return Err(error),
    };
    // of a number that is too large nothing is left
    let is_number = matches!((&read.value, &read.problem), (Value::Nil, Some(_)));
    Ok(match (read.value, read.problem) {
        (Value::List(_) | Value::Nil, Some(problem)) if !is_number => error_list(render, &problem),
        (Value::Nil, None) => List::nil(ListType::Any).into(),
        (Value::List(list), _) => list.into(),
        (other, _) => {
            let found = json_name(&other);
            error_list(
                render,
                &format!("json: cannot unmarshal {found} into Go value of type []interface {{}}"),
            )
        }
    })
}
