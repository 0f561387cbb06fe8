//! Values as Go's `fmt` prints them.

use flux_yaml::Value;

/// A value as `%v` prints it.
pub(crate) fn display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::String(text) => text.to_string(),
        Value::List(items) => format!("[{}]", joined(items.iter().map(display))),
        Value::Object(members) => {
            format!("map[{}]", joined(members.iter().map(|(k, v)| pair(k, &display(v)))))
        }
    }
}

/// A value as `%t`, which is for booleans, prints it.
pub(super) fn as_boolean(value: &Value) -> String {
    let wrong = |kind: &str, text: String| format!("%!t({kind}={text})");
    match value {
        Value::Null => "%!t(<nil>)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => wrong("int64", value.to_string()),
        Value::Uint(value) => wrong("uint64", value.to_string()),
        Value::Float(value) => wrong("float64", float(*value)),
        Value::String(text) => wrong("string", text.to_string()),
        Value::List(items) => format!("[{}]", joined(items.iter().map(as_boolean))),
        Value::Object(members) => {
            format!(
                "map[{}]",
                joined(members.iter().map(|(k, v)| pair(&as_boolean(&k.as_str().into()), &as_boolean(v))))
            )
        }
    }
}

/// Go's name of a value's type.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" ")
}

fn pair(key: &(impl AsRef<str> + ?Sized), value: &str) -> String {
    format!("{}:{value}", key.as_ref())
}

/// A float as `%v` prints it: shortest digits, with an exponent from six digits before the point on.
fn float(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&power) {
        return value.to_string();
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.unsigned_abs())
}
