//! Structural schemas of the kinds, from their Rust types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

/// Durations of intervals, as the API server admits them.
pub(crate) const INTERVAL: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$";
/// Durations of timeouts, which have no hours.
pub(crate) const TIMEOUT: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$";

/// Any JSON value, kept as it is.
pub(crate) fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}

/// The schema of a type as a CRD may hold it: nothing by reference, nothing nullable.
///
/// `Option` means that a field may be absent. Null is not a value in these kinds: a field declared as nullable would
/// be stored as null where Flux's schemas prune it.
pub(crate) fn structural<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    normalize(&mut schema);
    schema
}

/// Descends by the depth of our own types, which is fixed.
fn normalize(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    for key in ["$schema", "title"] {
        object.remove(key);
    }
    merge_optional(object);
    object.retain(|_, value| !value.is_null());
    if object.get("format").is_some_and(|format| format != "int64" && format != "date-time") {
        object.remove("format");
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            normalize(inner);
        }
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(normalize);
    }
}

/// Takes the alternative `null` away: from a list of types, from an enum, or from `anyOf`.
fn merge_optional(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get("type") {
        let first = types.iter().find(|name| *name != "null").cloned();
        object.insert("type".to_owned(), first.unwrap_or(Value::Null));
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(alternatives)) = object.remove("anyOf") else { return };
    let kept = alternatives
        .into_iter()
        .find(|alternative| alternative.get("type").is_none_or(|name| name != "null"));
    let Some(Value::Object(kept)) = kept else { return };
    for (key, value) in kept {
        object.entry(key).or_insert(value);
    }
}
