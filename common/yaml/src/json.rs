//! JSON as Go's encoding/json writes it.

use std::fmt::Write as _;

use crate::value::Value;

impl Value {
    /// Compact JSON with sorted keys, HTML characters escaped.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.push_json(&mut out);
        out
    }

    /// Appends [`Self::to_json`] to a text.
    pub fn push_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Int(value) => push_display(out, value),
            Self::Uint(value) => push_display(out, value),
            Self::Float(value) => push_float(out, *value),
            Self::String(text) => push_json_string(out, text),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.push_json(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    push_json_string(out, key);
                    out.push(':');
                    value.push_json(out);
                }
                out.push('}');
            }
        }
    }
}

/// Appends a string in quotes, escaped as Go does by default: also `<`, `>`, `&`, U+2028 and U+2029.
pub fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(needs_escape) {
        let (clean, tail) = rest.split_at(at);
        out.push_str(clean);
        let mut tail = tail.chars();
        match tail.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(other) => push_formatted(out, format_args!("\\u{:04x}", u32::from(other))),
            None => {}
        }
        rest = tail.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn needs_escape(c: char) -> bool {
    matches!(c, '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}')
}

/// Appends a float as Go's JSON encoder does: plain within 1e-6 and 1e21, else with an exponent.
pub(crate) fn push_float(out: &mut String, value: f64) {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let sign = if exponent.starts_with('-') { "" } else { "+" };
        push_formatted(out, format_args!("{digits}e{sign}{exponent}"));
    } else {
        push_display(out, &value);
    }
}

/// Appends a float as Go's `FormatFloat(value, 'g', -1, 32)` does: `sigs.k8s.io/yaml` has keys in single precision.
#[expect(clippy::cast_possible_truncation, reason = "as Go converts")]
pub(crate) fn push_float_g32(out: &mut String, value: f64) {
    match value {
        f64::INFINITY => out.push_str(".inf"),
        f64::NEG_INFINITY => out.push_str("-.inf"),
        _ if value.is_nan() => out.push_str(".nan"),
        _ => push_g(out, &format!("{:e}", value as f32), &(value as f32)),
    }
}

/// Appends a float as Go's `FormatFloat(value, 'g', -1, 64)` does.
pub(crate) fn push_float_g(out: &mut String, value: f64) {
    push_g(out, &format!("{value:e}"), &value);
}

/// Appends a number, whose scientific and plain forms are given, in the form that Go's `g` chooses.
fn push_g(out: &mut String, scientific: &str, plain: &impl std::fmt::Display) {
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&power) {
        push_display(out, plain);
    } else {
        let sign = if power < 0 { '-' } else { '+' };
        push_formatted(out, format_args!("{digits}e{sign}{:02}", power.unsigned_abs()));
    }
}

pub(crate) fn push_display(out: &mut String, value: &impl std::fmt::Display) {
    push_formatted(out, format_args!("{value}"));
}

fn push_formatted(out: &mut String, text: std::fmt::Arguments<'_>) {
    // writing to a String cannot fail
    let _ = out.write_fmt(text);
}
