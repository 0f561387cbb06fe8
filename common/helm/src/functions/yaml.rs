//! YAML.

mod convert;
mod pretty;

use std::collections::BTreeMap;

use super::arguments::Arguments;
use super::json::{error_list, error_map, json_name, or_empty};
use super::{Error, Function, Render, Type};
use crate::value::{ListType, MapType, Value};

use Type::{Any, String};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("toYaml", &[Any], |render, arguments| or_empty(to_yaml(render, arguments.any(0)))),
    Function::new("mustToYaml", &[Any], |render, arguments| Ok(to_yaml(render, arguments.any(0))?.into())),
    Function::new("toYamlPretty", &[Any], |render, arguments| {
        or_empty(pretty::write(render, arguments.any(0)))
    }),
    Function::new("fromYaml", &[String], |render, arguments| from_yaml(render, arguments.text(0))),
    Function::new("fromYamlArray", &[String], |render, arguments| from_yaml_array(render, arguments.text(0))),
];

fn without_line_break(mut text: std::string::String) -> std::string::String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

/// `yaml.Marshal` of `sigs.k8s.io/yaml`, which goes by way of JSON.
fn to_yaml(render: &mut Render, value: &Value) -> Result<std::string::String, Error> {
    let converted =
        convert::to_json_value(render, value).map_err(|error| error.within("error marshaling into JSON"))?;
    let text = converted.to_yaml().map_err(Error::new)?;
    render.budget.text(text.len())?;
    Ok(without_line_break(text))
}

impl Error {
    /// The error with what was attempted before it.
    pub(super) fn within(self, attempted: &str) -> Self {
        match self {
            Self::Message(message) => Self::Message(format!("{attempted}: {message}")),
            other => other,
        }
    }
}

/// Bytes that a value takes while a document is read.
const VALUE: u64 = 128;

/// The first document as `yaml.Unmarshal` reads it.
fn read(render: &mut Render, text: &[u8]) -> Result<Result<Value, std::string::String>, Error> {
    render.budget.document(text, VALUE)?;
    match flux_yaml::read_configuration(text) {
        Ok(value) => Ok(Ok(convert::from_json_value(render, &value)?)),
        Err(error) => {
            let problem = crate::message(&error);
            Ok(Err(format!("error converting YAML to JSON: {problem}")))
        }
    }
}

fn mismatch(found: &Value, wanted: &str) -> std::string::String {
    let found = json_name(found);
    format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type {wanted}"
    )
}

fn from_yaml(render: &mut Render, text: &[u8]) -> Result<Value, Error> {
    Ok(match read(render, text)? {
        Err(problem) => error_map(render, None, &problem),
        // null leaves the empty map that is there
        Ok(Value::Nil) => render.arena.add_map(MapType::Any, BTreeMap::new()).into(),
        Ok(Value::Map(id)) => id.into(),
        Ok(other) => error_map(render, None, &mismatch(&other, MapType::Any.name())),
    })
}

fn from_yaml_array(render: &mut Render, text: &[u8]) -> Result<Value, Error> {
    Ok(match read(render, text)? {
        Err(problem) => error_list(render, &problem),
        Ok(Value::Nil) => render.arena.add_list(ListType::Any, Vec::new()).into(),
        Ok(Value::List(list)) => list.into(),
        Ok(other) => error_list(render, &mismatch(&other, ListType::Any.name())),
    })
}
