//! values.schema.json: whether values have the shape that a chart asks for.
//!
//! The `jsonschema` crate decides; the texts are those of the Go library that Helm uses, which reports a tree of causes.

mod cause;
mod message;
mod references;

use std::error::Error as StdError;
use std::sync::Arc;

use flux_yaml::{Object, Value};
use jsonschema::{Draft, PatternOptions, Retrieve, Uri, ValidationError, Validator};

use cause::Rules;

use super::display::type_name;
use crate::chart::Chart;
use crate::stack::on_large_stack;

/// Where a schema without `$id` is taken to lie.
const BASE: &str = "file:///values.schema.json";

/// Gets schemas that others refer to. Nothing is fetched but by this: a chart may name any URL.
pub trait SchemaLoader: Send + Sync {
    /// The schema at an `http`, `https` or `file` URL.
    ///
    /// # Errors
    /// Why it cannot be had, or is not allowed to be.
    fn load(&self, url: &str) -> Result<serde_json::Value, Box<dyn StdError + Send + Sync>>;
}

/// Refuses every reference out of the chart's own schema.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSchemas;

/// A reference that is not followed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("schema {0} lies outside of the chart and is not loaded")]
struct NotLoaded(String);

impl SchemaLoader for NoSchemas {
    fn load(&self, url: &str) -> Result<serde_json::Value, Box<dyn StdError + Send + Sync>> {
        Err(Box::new(NotLoaded(url.to_owned())))
    }
}

/// Values that do not fit a schema, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
pub struct SchemaError(String);

/// Hands references on to a loader. `urn`s that nobody resolves allow everything, as in Helm.
struct References(Arc<dyn SchemaLoader>);

impl Retrieve for References {
    fn retrieve(&self, uri: &Uri<String>) -> Result<serde_json::Value, Box<dyn StdError + Send + Sync>> {
        if uri.scheme().as_str() == "urn" {
            return Ok(serde_json::Value::Bool(true));
        }
        self.0.load(uri.as_str())
    }
}

/// Checks coalesced values against the schema of a chart, and the parts of its subcharts against theirs.
///
/// # Errors
/// [`SchemaError`], with all that is wrong in any of the charts.
pub fn validate(chart: &Chart, values: &Object, loader: &Arc<dyn SchemaLoader>) -> Result<(), SchemaError> {
    let mut problems = String::new();
    check(chart, values, loader, &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(SchemaError(problems)) }
}

fn check(chart: &Chart, values: &Object, loader: &Arc<dyn SchemaLoader>, problems: &mut String) {
    if let Some(schema) = &chart.schema
        && let Err(problem) = on_large_stack(|| check_one(&schema.data, values, loader))
            .unwrap_or_else(|error| Err(error.to_string()))
    {
        problems.extend([chart.name(), ":\n", &problem]);
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Object(values)) => check(subchart, values, loader, problems),
            Some(other) => {
                let (name, found) = (subchart.name(), type_name(other));
                problems.extend([
                    name,
                    ":\ninvalid type for values: expected object (map), got ",
                    found,
                    "\n",
                ]);
            }
        }
    }
}

/// What is wrong with values, or with the schema itself.
fn check_one(schema: &[u8], values: &Object, loader: &Arc<dyn SchemaLoader>) -> Result<(), String> {
    let schema: serde_json::Value = serde_json::from_slice(schema).map_err(|error| error.to_string())?;
    let draft = Draft::default().detect(&schema);
    let (meta_schema, meta) = match draft {
        Draft::Draft4 => ("http://json-schema.org/draft-04/schema", jsonschema::draft4::meta::validator()),
        Draft::Draft6 => ("http://json-schema.org/draft-06/schema", jsonschema::draft6::meta::validator()),
        Draft::Draft7 => ("http://json-schema.org/draft-07/schema", jsonschema::draft7::meta::validator()),
        Draft::Draft201909 => {
            ("https://json-schema.org/draft/2019-09/schema", jsonschema::draft201909::meta::validator())
        }
        Draft::Draft202012 | _ => {
            ("https://json-schema.org/draft/2020-12/schema", jsonschema::draft202012::meta::validator())
        }
    };
    let refs_stand_alone = matches!(draft, Draft::Draft4 | Draft::Draft6 | Draft::Draft7);
    let errors: Vec<_> = meta.iter_errors(&schema).collect();
    if !errors.is_empty() {
        let problems =
            cause::explain(&errors, &[], Rules { schema: &serde_json::Value::Null, refs_stand_alone });
        return Err(format!(
            "\"{BASE}#\" is not valid against metaschema: jsonschema validation failed with '{meta_schema}#'\n{problems}"
        ));
    }
    let values = json(&Value::Object(values.clone()));
    let cycles = references::cycles(&schema, &values, refs_stand_alone);
    let cycles = cycles.map_err(|problem| problem.to_string())?;
    let validator = compile(&schema, draft, loader).map_err(|error| uncompiled(&error))?;
    let errors: Vec<_> = validator.iter_errors(&values).collect();
    if errors.is_empty() && cycles.is_empty() {
        return Ok(());
    }
    let mut text = cause::explain(&errors, &cycles, Rules { schema: &schema, refs_stand_alone });
    text.push('\n');
    Err(text)
}

fn compile(
    schema: &serde_json::Value,
    draft: Draft,
    loader: &Arc<dyn SchemaLoader>,
) -> Result<Validator, ValidationError<'static>> {
    let asserts_formats = matches!(draft, Draft::Draft4 | Draft::Draft6 | Draft::Draft7);
    jsonschema::options()
        .with_draft(draft)
        .with_base_uri(BASE)
        .with_retriever(References(Arc::clone(loader)))
        .with_pattern_options(PatternOptions::regex())
        .should_validate_formats(asserts_formats)
        .without_content_media_type_support("application/json")
        .without_content_encoding_support("base64")
        .build(schema)
}

/// A schema that cannot be used, for instance since it refers to what cannot be had.
fn uncompiled(error: &ValidationError<'_>) -> String {
    if let jsonschema::error::ValidationErrorKind::Referencing(problem) = error.kind() {
        return crate::message(problem);
    }
    let pointer = message::quote(error.instance_path().as_str());
    format!("at {pointer}: {}", message::of(error))
}

/// JSON of values; floats without a fraction are integers, as in the Go library.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => serde_json::Value::Bool(*value),
        Value::Int(value) => (*value).into(),
        Value::Uint(value) => (*value).into(),
        #[expect(clippy::cast_possible_truncation, reason = "the value is a whole number within the range")]
        Value::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => (*value as i64).into(),
        Value::Float(value) => (*value).into(),
        Value::String(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.to_string(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}
