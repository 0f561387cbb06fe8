//! Block YAML of JSON values, for files that people read; text is quoted unless it is a plain word.

use std::fmt::Write as _;

use serde_json::Value;

/// Appends `value` at the given indentation; the caller has written the key or the dash before it.
pub(super) fn write(output: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (position, (key, field)) in fields.iter().enumerate() {
                start_line(output, indent, position);
                scalar(output, key);
                output.push(':');
                child(output, field, indent);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (position, item) in items.iter().enumerate() {
                start_line(output, indent, position);
                output.push_str("- ");
                write(output, item, indent + 2);
            }
        }
        Value::String(text) => {
            scalar(output, text);
            output.push('\n');
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            // writing to a String cannot fail
            let _ = writeln!(output, "{other}");
        }
    }
}

/// The first line of a block goes on where the caller stands, after its dash or at the start of the file.
fn start_line(output: &mut String, indent: usize, position: usize) {
    if position > 0 || output.is_empty() || output.ends_with('\n') {
        output.extend(std::iter::repeat_n(' ', indent));
    }
}

fn child(output: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            output.push('\n');
            write(output, value, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            output.push('\n');
            write(output, value, indent);
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            output.push(' ');
            write(output, value, indent);
        }
    }
}

/// A plain word is one that YAML 1.1 cannot take for anything but text; a JSON string is a YAML string too.
fn scalar(output: &mut String, text: &str) {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_./".contains(character));
    let is_literal = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .iter()
        .any(|literal| text.eq_ignore_ascii_case(literal));
    if is_word && !is_literal {
        output.push_str(text);
    } else {
        output.push_str(&Value::from(text).to_string());
    }
}
