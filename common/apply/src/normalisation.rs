//! Built-in kinds as a typed Go client would write them, so that Flux and we apply the same fields.
//!
//! Unknown fields vanish, quantities and times become canonical, and fields that Go always writes appear. A kind that
//! the table does not list, or an object whose values do not fit its type, stays as it is. Source:
//! kustomize-controller contract 14.2 (Flux 2.9); field types: client-go's scheme for Kubernetes 1.36, printed by
//! `normalisation-table`.

mod quantity;
mod table;

use crate::object::{split_api_version, text_at};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use table::{Field, Omit, Table};

/// A value that does not fit the type of its field.
struct Mismatch;

/// Normalises a desired object in place.
pub fn normalise(object: &mut Value) {
    let (group, _) = split_api_version(text_at(object, "/apiVersion"));
    let kind = text_at(object, "/kind");
    // aggregated roles: a typed round trip would write `rules: null` over what the aggregation fills in
    let is_role = group == "rbac.authorization.k8s.io" && matches!(kind, "Role" | "ClusterRole");
    let is_definition = group == "apiextensions.k8s.io" && kind == "CustomResourceDefinition";
    if !is_role && let Some(mut typed) = typed(object) {
        default_protocols(&mut typed);
        merge_string_data(&mut typed);
        *object = typed;
    }
    let Some(fields) = object.as_object_mut() else { return };
    if !is_definition {
        fields.remove("status");
    }
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("creationTimestamp".into(), Value::Null);
    }
}

/// The object after a round trip through its Go type; `None` where there is no type or a value does not fit it.
fn typed(object: &Value) -> Option<Value> {
    let table = Table::get();
    let kind = table.kind(text_at(object, "/apiVersion"), text_at(object, "/kind"))?;
    convert_struct(table, kind, object).ok()
}

fn convert(table: &Table, code: &'static str, value: &Value) -> Result<Value, Mismatch> {
    if value.is_null() {
        return Ok(zero(table, code));
    }
    let (prefix, rest) = code.split_at_checked(1).ok_or(Mismatch)?;
    match prefix {
        "*" => convert(table, rest, value),
        "[" => {
            let items = value.as_array().ok_or(Mismatch)?;
            items.iter().map(|item| convert(table, rest, item)).collect::<Result<_, _>>().map(Value::Array)
        }
        "{" => {
            let entries = value.as_object().ok_or(Mismatch)?;
            let convert_entry =
                |(key, value): (&String, &Value)| Ok((key.clone(), convert(table, rest, value)?));
            entries.iter().map(convert_entry).collect::<Result<_, _>>().map(Value::Object)
        }
        "T" => convert_struct(table, rest.parse().map_err(|_| Mismatch)?, value),
        "s" if value.is_string() => Ok(value.clone()),
        "b" if value.is_boolean() => Ok(value.clone()),
        "i" => whole_number(value),
        "f" if value.is_number() => Ok(value.clone()),
        "y" => bytes(value),
        "q" => quantity::canonical(value).map(Value::String).ok_or(Mismatch),
        "t" => time(value, "%Y-%m-%dT%H:%M:%SZ"),
        "m" => micro_time(value),
        "d" => duration(value),
        "x" if value.is_i64() || value.is_string() => Ok(value.clone()),
        "r" => Ok(value.clone()),
        _ => Err(Mismatch),
    }
}

fn convert_struct(table: &Table, number: usize, value: &Value) -> Result<Value, Mismatch> {
    let given = value.as_object().ok_or(Mismatch)?;
    let mut written = Map::new();
    for field in table.fields(number) {
        let converted = match given.get(field.name) {
            Some(value) => convert(table, field.code, value)?,
            None => zero(table, field.code),
        };
        if !is_omitted(table, field, &converted) {
            written.insert(field.name.to_owned(), converted);
        }
    }
    Ok(Value::Object(written))
}

/// What Go writes for a field that was never set.
fn zero(table: &Table, code: &str) -> Value {
    let (prefix, rest) = code.split_at_checked(1).unwrap_or_default();
    match prefix {
        "s" => Value::String(String::new()),
        "b" => Value::Bool(false),
        "i" | "f" | "x" => Value::from(0),
        "q" => Value::from("0"),
        "d" => Value::from("0s"),
        "T" => {
            let fields = rest.parse().map(|number| table.fields(number)).unwrap_or_default();
            let written = fields
                .iter()
                .map(|field| (field, zero(table, field.code)))
                .filter(|(field, value)| !is_omitted(table, field, value))
                .map(|(field, value)| (field.name.to_owned(), value));
            Value::Object(written.collect())
        }
        _ => Value::Null,
    }
}

fn is_omitted(table: &Table, field: &Field, value: &Value) -> bool {
    let empty = || match field.code.as_bytes().first() {
        // a struct is never empty to `omitempty`, however it is written
        Some(b'T' | b'q' | b't' | b'm' | b'd' | b'x' | b'r') | None => false,
        Some(b'*') => value.is_null(),
        Some(_) => match value {
            Value::Null | Value::Bool(false) => true,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty(),
            Value::Bool(true) => false,
        },
    };
    let is_zero = || *value == zero(table, field.code);
    match field.omit {
        Omit::Never => false,
        Omit::Empty => empty(),
        Omit::Zero => is_zero(),
        Omit::EmptyOrZero => empty() || is_zero(),
    }
}

fn whole_number(value: &Value) -> Result<Value, Mismatch> {
    if value.is_i64() || value.is_u64() {
        return Ok(value.clone());
    }
    // text such as `80.0` is a float to JSON, and a whole number to Go's converter
    let float = value.as_f64().filter(|float| float.fract() == 0.0).ok_or(Mismatch)?;
    format!("{float:.0}").parse::<i64>().map(Value::from).map_err(|_| Mismatch)
}

fn bytes(value: &Value) -> Result<Value, Mismatch> {
    let text: String =
        value.as_str().ok_or(Mismatch)?.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    STANDARD.decode(&text).map(|_| Value::String(text)).map_err(|_| Mismatch)
}

/// A time in RFC 3339 form, as `format` writes it.
fn time(value: &Value, format: &str) -> Result<Value, Mismatch> {
    let text = value.as_str().filter(|text| text.as_bytes().get(10) == Some(&b'T')).ok_or(Mismatch)?;
    let time: jiff::Timestamp = text.parse().map_err(|_| Mismatch)?;
    Ok(Value::String(time.strftime(format).to_string()))
}

/// A time with a fraction of exactly six digits: Go reads no other.
fn micro_time(value: &Value) -> Result<Value, Mismatch> {
    let (_, fraction) = value.as_str().and_then(|text| text.split_once('.')).ok_or(Mismatch)?;
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 6 { time(value, "%Y-%m-%dT%H:%M:%S%.6fZ") } else { Err(Mismatch) }
}

fn duration(value: &Value) -> Result<Value, Mismatch> {
    let duration: flux_gotext::GoDuration = value.as_str().ok_or(Mismatch)?.parse().map_err(|_| Mismatch)?;
    Ok(Value::String(duration.to_string()))
}

/// Ports without protocol get `TCP`, as the API server would default them, so that merge keys match.
fn default_protocols(object: &mut Value) {
    let containers = match text_at(object, "/kind") {
        "Pod" => "/spec/containers",
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => "/spec/template/spec/containers",
        "CronJob" => "/spec/jobTemplate/spec/template/spec/containers",
        "Service" => return default_protocol(object.get_mut("spec")),
        _ => return,
    };
    for container in object.pointer_mut(containers).and_then(Value::as_array_mut).into_iter().flatten() {
        default_protocol(Some(container));
    }
}

fn default_protocol(owner: Option<&mut Value>) {
    let ports = owner.and_then(|owner| owner.get_mut("ports")).and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        if port.get("protocol").and_then(Value::as_str).unwrap_or_default().is_empty() {
            port.insert("protocol".into(), "TCP".into());
        }
    }
}

/// Moves a Secret's `stringData` over its `data`, as the API server does on writes.
fn merge_string_data(object: &mut Value) {
    if text_at(object, "/kind") != "Secret" || text_at(object, "/apiVersion") != "v1" {
        return;
    }
    let Some(fields) = object.as_object_mut() else { return };
    let Some(Value::Object(plain)) = fields.remove("stringData") else { return };
    let data = fields.entry("data").or_insert_with(|| Value::Object(Map::new()));
    let Some(data) = data.as_object_mut() else { return };
    for (key, value) in plain {
        if let Value::String(text) = value {
            data.insert(key, Value::String(STANDARD.encode(text)));
        }
    }
}

#[cfg(test)]
mod tests;
