//! Compares the generated definitions with a directory of reference ones: `crd-conformance DIRECTORY`.
//!
//! Prints the place of each difference, the names of the files that differ, and `N of M`; fails if any differs.
#![expect(clippy::print_stdout, reason = "the program's output")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use flux_api::crd::{self, Definition};
use serde_json::Value;

fn main() -> anyhow::Result<ExitCode> {
    let directory = PathBuf::from(std::env::args_os().nth(1).context("usage: crd-conformance DIRECTORY")?);
    let definitions = crd::definitions("flux-system", "v2.9.0");
    let mut equal = 0;
    for definition in &definitions {
        let differences = differences(definition, &directory)?;
        if differences.is_empty() {
            equal += 1;
            continue;
        }
        println!("FAIL {}", definition.file_name);
        for difference in differences {
            println!("  {difference}");
        }
    }
    println!("{equal} of {}", definitions.len());
    Ok(if equal == definitions.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn differences(definition: &Definition, directory: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let text = fs_err::read_to_string(directory.join(&definition.file_name))?;
    let mut reference: Value = serde_saphyr::from_str(&text)?;
    // what is written is compared, not what was meant
    let mut ours: Value = serde_saphyr::from_str(&definition.to_yaml())?;
    let mut found = Vec::new();
    for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
        compare(pointer, reference.pointer(pointer), ours.pointer(pointer), &mut found);
    }
    for object in [&mut reference, &mut ours] {
        drop_descriptions(object, Holds::Schema);
    }
    compare("/spec", reference.get("spec"), ours.get("spec"), &mut found);
    Ok(found)
}

/// What the fields of an object are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Keywords of a schema.
    Schema,
    /// Names of properties.
    Properties,
}

/// Descriptions are our own words; a property may be called `description`, though.
fn drop_descriptions(value: &mut Value, holds: Holds) {
    match value {
        Value::Object(fields) => {
            if holds == Holds::Schema {
                fields.remove("description");
            }
            for (key, field) in fields {
                let properties = key == "properties" && holds == Holds::Schema;
                drop_descriptions(field, if properties { Holds::Properties } else { Holds::Schema });
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| drop_descriptions(item, Holds::Schema)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn compare(place: &str, reference: Option<&Value>, ours: Option<&Value>, found: &mut Vec<String>) {
    match (reference, ours) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                compare(&format!("{place}/{key}"), left.get(key), right.get(key), found);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) if place.ends_with("/required") => {
            // a set: the order says nothing
            let mut sets = [left.clone(), right.clone()];
            for set in &mut sets {
                set.sort_by_key(ToString::to_string);
            }
            let [left, right] = sets;
            if left != right {
                found.push(format!("{place}: want {left:?}, got {right:?}"));
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            for position in 0..left.len().max(right.len()) {
                compare(&format!("{place}/{position}"), left.get(position), right.get(position), found);
            }
        }
        (left, right) if left != right => {
            let show =
                |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            found.push(format!("{place}: want {}, got {}", show(left), show(right)));
        }
        _ => {}
    }
}
