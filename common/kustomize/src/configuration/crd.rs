//! Field specs from OpenAPI definitions of custom resources (`crds`).

use flux_yaml::{Object, Value};

use super::Tables;
use crate::error::{Error, Result};
use crate::gvk::Gvk;
use crate::name_reference::NameReference;
use crate::transform::FieldSpec;
use crate::yaml_1_1::{Duplicates, read};

/// The specs of the definitions in a file: a map from type names to their schemas.
///
/// # Errors
/// [`Error::Panic`] for an empty file, as upstream; [`Error::Invalid`] if it is no map of definitions.
pub(super) fn tables(content: &[u8], path: &str) -> Result<Tables> {
    if content.is_empty() {
        return Err(Error::Panic("runtime error: index out of range [0] with length 0".to_owned()));
    }
    let failed = |problem: String| {
        Error::invalid(problem).within(format!("unable to parse open API definition from '{path}'"))
    };
    let value = read(content, Duplicates::LastWins)
        .map_err(|error| failed(format!("error converting YAML to JSON: {error}")))?;
    if value.is_null() {
        return Ok(Tables::default());
    }
    let is_definition = |api: &Value| api.is_null() || api.as_object().is_some();
    let Some(types) = value.as_object().filter(|types| types.values().all(is_definition)) else {
        return Err(failed("error unmarshaling JSON: definitions are expected to be a map".to_owned()));
    };
    let mut tables = Tables::default();
    for (name, api) in types {
        let has_all = |properties: &Object| {
            ["kind", "apiVersion", "metadata"].iter().all(|name| properties.contains_key(*name))
        };
        if properties(api).is_some_and(has_all) {
            let kind = name.rsplit('.').next().unwrap_or(name);
            let mut walk = Walk { types, kind, tables: Tables::default(), visited: Vec::new() };
            walk.add_type(name, "");
            tables.merge(&walk.tables)?;
        }
    }
    Ok(tables)
}

/// The properties of a definition's schema.
fn properties(api: &Value) -> Option<&Object> {
    let schema = api.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case("schema"))?;
    schema.1.get("properties")?.as_object()
}

/// A walk through the properties of one kind.
struct Walk<'a> {
    types: &'a Object,
    kind: &'a str,
    tables: Tables,
    /// Types that lead here: one that contains itself is not walked again.
    visited: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn add_type(&mut self, name: &'a str, path: &str) {
        let types = self.types;
        let Some(properties) = types.get(name).and_then(properties) else { return };
        if self.visited.contains(&name) {
            return;
        }
        self.visited.push(name);
        for (name, property) in properties {
            let path = if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
            self.add_property(property, &path);
            if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
                self.add_type(reference, &path);
            }
        }
        self.visited.pop();
    }

    fn add_property(&mut self, property: &Value, path: &str) {
        let says = |name: &str| property.get(name).and_then(Value::as_str);
        let spec = |path: &str| FieldSpec::new(Gvk::new("", "", self.kind), path, false);
        if says("x-kubernetes-annotation").is_some() {
            self.tables.common_annotations.push(spec(path));
        }
        if says("x-kubernetes-label-selector").is_some() {
            self.tables.common_labels.push(spec(path));
        }
        if says("x-kubernetes-identity").is_some() {
            self.tables.name_prefix.push(spec(path));
        }
        let version = says("x-kubernetes-object-ref-api-version");
        if let Some((version, kind)) = version.zip(says("x-kubernetes-object-ref-kind")) {
            let key = says("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let referrers = vec![spec(&format!("{path}/{key}"))];
            self.tables.name_reference.push(NameReference { target: Gvk::new("", version, kind), referrers });
        }
    }
}
