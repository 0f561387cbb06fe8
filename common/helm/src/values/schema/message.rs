//! What is wrong at one place, in the words of the Go library.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::types::JsonType;
use serde_json::Value;

/// Types in the Go library's order.
const TYPES: [JsonType; 7] = [
    JsonType::Null,
    JsonType::Boolean,
    JsonType::Number,
    JsonType::Integer,
    JsonType::String,
    JsonType::Array,
    JsonType::Object,
];

/// Text of a failure; where several are reported as one, of this one alone.
pub(super) fn of(error: &ValidationError<'_>) -> String {
    let instance = error.instance();
    let counted = |keyword, got: usize, want: &u64| {
        format!("{keyword}: got {}, want {}", grouped(&got.to_string()), grouped(&want.to_string()))
    };
    let compared = |keyword, limit: &Value| {
        format!("{keyword}: got {}, want {}", number(instance.as_f64()), number(limit.as_f64()))
    };
    let length = || instance.as_str().map_or(0, |text| text.chars().count());
    let items = || instance.as_array().map_or(0, Vec::len);
    let members = || instance.as_object().map_or(0, serde_json::Map::len);
    match error.kind() {
        Kind::AdditionalItems { limit } => {
            format!("last {} additionalItem(s) not allowed", items().saturating_sub(*limit))
        }
        Kind::AdditionalProperties { unexpected } => additional(unexpected),
        Kind::AnyOf { .. } => "'anyOf' failed".to_owned(),
        Kind::OneOfNotValid { .. } => "'oneOf' failed, none matched".to_owned(),
        Kind::OneOfMultipleValid { context } => {
            let matched = context.iter().enumerate().filter(|(_, errors)| errors.is_empty());
            let matched: Vec<_> = matched.map(|(index, _)| index.to_string()).take(2).collect();
            format!("'oneOf' failed, subschemas {} matched", matched.join(", "))
        }
        Kind::Constant { expected_value } => match expected_value.as_ref() {
            Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
            want @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                format!("value must be {}", display(want))
            }
        },
        Kind::Enum { options } => choice(options.as_array().map(Vec::as_slice).unwrap_or_default()),
        Kind::Contains => "no items match contains schema".to_owned(),
        Kind::ExclusiveMaximum { limit } => compared("exclusiveMaximum", limit),
        Kind::ExclusiveMinimum { limit } => compared("exclusiveMinimum", limit),
        Kind::Maximum { limit } => compared("maximum", limit),
        Kind::Minimum { limit } => compared("minimum", limit),
        Kind::MultipleOf { multiple_of } => {
            format!("multipleOf: got {}, want {}", number(instance.as_f64()), number(Some(*multiple_of)))
        }
        Kind::MaxItems { limit } => counted("maxItems", items(), limit),
        Kind::MinItems { limit } => counted("minItems", items(), limit),
        Kind::MaxLength { limit } => counted("maxLength", length(), limit),
        Kind::MinLength { limit } => counted("minLength", length(), limit),
        Kind::MaxProperties { limit } => counted("maxProperties", members(), limit),
        Kind::MinProperties { limit } => counted("minProperties", members(), limit),
        Kind::FalseSchema | Kind::UnevaluatedItems { .. } | Kind::UnevaluatedProperties { .. } => {
            "false schema".to_owned()
        }
        Kind::Format { format } => format!("{} is not valid {format}: {error}", display(instance)),
        Kind::Not { .. } => "'not' failed".to_owned(),
        Kind::Pattern { pattern } => {
            format!("{} does not match pattern {}", display(instance), quote(pattern))
        }
        Kind::PropertyNames { error } => format!("invalid propertyName {}", display(error.instance())),
        Kind::Required { property } => missing(&[property.as_str().unwrap_or_default()]),
        Kind::Type { kind } => format!("got {}, want {}", type_of(instance), wanted(kind)),
        Kind::UniqueItems => duplicates(instance.as_array().map(Vec::as_slice).unwrap_or_default()),
        Kind::BacktrackLimitExceeded { .. }
        | Kind::RegexEngineFailure { .. }
        | Kind::ContentEncoding { .. }
        | Kind::ContentMediaType { .. }
        | Kind::Custom { .. }
        | Kind::FromUtf8 { .. }
        | Kind::Referencing(_) => error.to_string(),
    }
}

fn additional(names: &[String]) -> String {
    let mut names = names.to_vec();
    names.sort();
    let names: Vec<_> = names.iter().map(|name| quote(name)).collect();
    format!("additional properties {} not allowed", names.join(", "))
}

/// Properties that are not there.
pub(super) fn missing(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| quote(name)).collect();
    let noun = if names.len() == 1 { "property" } else { "properties" };
    format!("missing {noun} {}", quoted.join(", "))
}

/// Properties that another one asks for.
pub(super) fn dependent(names: &[&str], because_of: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| quote(name)).collect();
    format!("properties {} required, if {} exists", quoted.join(", "), quote(because_of))
}

fn choice(options: &[Value]) -> String {
    if options.iter().any(|option| option.is_array() || option.is_object()) {
        return "'enum' failed".to_owned();
    }
    let shown: Vec<_> = options.iter().map(display).collect();
    let one_of = if options.len() == 1 { "" } else { "one of " };
    format!("value must be {one_of}{}", shown.join(", "))
}

fn duplicates(items: &[Value]) -> String {
    let pair = items.iter().enumerate().find_map(|(second, item)| {
        let first = items.iter().take(second).position(|other| other == item)?;
        Some((first, second))
    });
    let (first, second) = pair.unwrap_or_default();
    format!("items at {first} and {second} are equal")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn wanted(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => kind.to_string(),
        TypeKind::Multiple(kinds) => {
            let kinds: Vec<_> = kinds.iter().collect();
            let names = TYPES.iter().filter(|kind| kinds.contains(kind)).map(|kind| kind.as_str());
            names.collect::<Vec<_>>().join(" or ")
        }
    }
}

/// A scalar; anything else is just a value.
fn display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(text) => quote(text),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
    }
}

/// A text in single quotes.
pub(super) fn quote(text: &str) -> String {
    let quoted = flux_gotext::quote(text);
    let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    format!("'{}'", inside.replace("\\\"", "\"").replace('\'', "\\'"))
}

/// A number as the Go library prints it in English: commas between thousands, and powers of ten from a million on.
fn number(value: Option<f64>) -> String {
    let value = value.unwrap_or_default();
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&power) {
        return grouped(&value.to_string());
    }
    let raised = |digit: char| match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        other => char::from_u32(0x2070 + other.to_digit(10).unwrap_or_default()).unwrap_or(other),
    };
    let sign = if power < 0 { "⁻" } else { "" };
    let exponent: String = format!("{:02}", power.unsigned_abs()).chars().map(raised).collect();
    format!("{digits}×10{sign}{exponent}")
}

fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_english() {
        for (value, want) in [
            (0.0, "0"),
            (70_000.0, "70,000"),
            (-123_456.789, "-123,456.789"),
            (1e6, "1×10⁰⁶"),
            (12_345_678.0, "1.2345678×10⁰⁷"),
            (1e-5, "1×10⁻⁰⁵"),
            (1e100, "1×10¹⁰⁰"),
        ] {
            assert_eq!(number(Some(value)), want);
        }
    }
}
