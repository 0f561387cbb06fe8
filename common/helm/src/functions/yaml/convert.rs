//! Values of templates to those of JSON, and back.

use data_encoding::BASE64;
use flux_yaml::Value as Json;

use crate::engine::{FunctionError as Error, Render};
use crate::value::{Arena, ListType, MapType, Text, Value};

/// How deep values are converted; one that holds itself has no end.
const MAX_DEPTH: usize = 400;

/// A value as `json.Marshal` sees it.
pub(super) fn to_json_value(render: &mut Render, value: &Value) -> Result<Json, Error> {
    let mut converter = Converter { arena: &render.arena, steps: 0, bytes: 0 };
    let converted = converter.convert(value, 0);
    let (steps, bytes) = (converter.steps, converter.bytes);
    render.budget.steps(steps)?;
    render.budget.text(bytes)?;
    converted
}

struct Converter<'a> {
    arena: &'a Arena,
    steps: usize,
    bytes: usize,
}

impl Converter<'_> {
    fn text(&mut self, text: &[u8]) -> flux_yaml::Text {
        self.bytes += text.len();
        flux_yaml::Text::from(String::from_utf8_lossy(text).as_ref())
    }

    fn convert(&mut self, value: &Value, depth: usize) -> Result<Json, Error> {
        self.steps += 1;
        if depth > MAX_DEPTH {
            let name = value.type_name(self.arena);
            return Err(Error::new(format!("json: unsupported value: encountered a cycle via {name}")));
        }
        Ok(match value {
            Value::Nil => Json::Null,
            Value::Bool(is) => Json::Bool(*is),
            Value::Int(number) | Value::Int64(number) => Json::Int(*number),
            Value::Int32(number) => Json::Int(i64::from(*number)),
            Value::Uint8(number) => Json::Int(i64::from(*number)),
            Value::Uint32(number) => Json::Int(i64::from(*number)),
            Value::Uint64(number) => i64::try_from(*number).map_or(Json::Uint(*number), Json::Int),
            Value::Float64(number) if number.is_finite() => Json::Float(*number),
            Value::Float64(number) => {
                let name = match *number {
                    f64::INFINITY => "+Inf",
                    f64::NEG_INFINITY => "-Inf",
                    _ => "NaN",
                };
                return Err(Error::new(format!("json: unsupported value: {name}")));
            }
            Value::String(text) => Json::String(self.text(text)),
            Value::Bytes(bytes) => Json::String(self.text(BASE64.encode(bytes).as_bytes())),
            Value::List(list) if list.is_nil() => Json::Null,
            Value::List(list) => {
                let items = self.arena.items(*list).iter().map(|item| self.convert(item, depth + 1));
                Json::List(items.collect::<Result<_, _>>()?)
            }
            Value::Map(id) if self.arena.map(*id).is_nil() => Json::Null,
            Value::Map(id) => {
                let entries = self.arena.map(*id).entries();
                let members =
                    entries.map(|(key, value)| Ok((self.text(key), self.convert(value, depth + 1)?)));
                Json::Object(members.collect::<Result<_, Error>>()?)
            }
            Value::Time(time) => {
                Json::String(self.text(&time.format(b"2006-01-02T15:04:05.999999999Z07:00")))
            }
            Value::Version(version) => Json::String(self.text(version.to_string().as_bytes())),
            Value::Struct(_) => {
                let fields = value.fields(self.arena);
                let exported =
                    fields.into_iter().filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()));
                let members =
                    exported.map(|(name, field)| Ok((name.into(), self.convert(&field, depth + 1)?)));
                Json::Object(members.collect::<Result<_, Error>>()?)
            }
        })
    }
}

/// What `json.Unmarshal` makes of a value: all numbers are floats.
#[expect(clippy::cast_precision_loss, reason = "as Go converts")]
pub(super) fn from_json_value(render: &mut Render, value: &Json) -> Result<Value, Error> {
    render.budget.steps(1)?;
    Ok(match value {
        Json::Null => Value::Nil,
        Json::Bool(is) => Value::Bool(*is),
        Json::Int(number) => Value::Float64(*number as f64),
        Json::Uint(number) => Value::Float64(*number as f64),
        Json::Float(number) => Value::Float64(*number),
        Json::String(text) => Value::String(Text::from(text.as_str())),
        Json::List(items) => {
            render.budget.items(items.len())?;
            let items: Result<_, _> = items.iter().map(|item| from_json_value(render, item)).collect();
            render.arena.add_list(ListType::Any, items?).into()
        }
        Json::Object(members) => {
            render.budget.items(members.len().saturating_mul(2))?;
            let members: Result<_, Error> = members
                .iter()
                .map(|(key, value)| Ok((Text::from(key.as_str()), from_json_value(render, value)?)))
                .collect();
            render.arena.add_map(MapType::Any, members?).into()
        }
    })
}
