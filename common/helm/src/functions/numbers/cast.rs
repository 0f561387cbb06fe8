//! Numbers out of anything, as `cast` 1.7 makes them.

use crate::value::Value;

/// `cast.ToInt64`; what is no number is 0.
#[expect(clippy::cast_possible_truncation, reason = "as Go converts")]
pub(in super::super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Int32(number) => i64::from(*number),
        Value::Uint8(number) => i64::from(*number),
        Value::Uint32(number) => i64::from(*number),
        Value::Uint64(number) => number.cast_signed(),
        // Go gives the least number for all that is out of range
        Value::Float64(number) => {
            let is_in_range = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(number);
            if is_in_range { *number as i64 } else { i64::MIN }
        }
        Value::Bool(is) => i64::from(*is),
        Value::String(text) => parse_int(without_zero_decimal(text), 0).unwrap_or(0),
        _ => 0,
    }
}

/// `cast.ToFloat64`; what is no number is 0.
#[expect(clippy::cast_precision_loss, reason = "as Go converts")]
pub(in super::super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number as f64,
        Value::Int32(number) => f64::from(*number),
        Value::Uint8(number) => f64::from(*number),
        Value::Uint32(number) => f64::from(*number),
        Value::Uint64(number) => *number as f64,
        Value::Float64(number) => *number,
        Value::Bool(is) => f64::from(u8::from(*is)),
        Value::String(text) => parse_float(text).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// `strconv.Atoi` without its error: the nearest number where the text is out of range, else 0.
pub(in super::super) fn atoi(text: &[u8]) -> i64 {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let nearest = if text.starts_with(b"-") { i64::MIN } else { i64::MAX };
    if is_number { parse_int(text, 10).unwrap_or(nearest) } else { 0 }
}

/// Octal digits as a number, 0 for anything else.
pub(super) fn octal(text: &[u8]) -> i64 {
    parse_int(text, 8).unwrap_or(0)
}

/// Without a dot and noughts at the end.
fn without_zero_decimal(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
    let before = text.get(..text.len() - zeros).unwrap_or(text);
    match before.strip_suffix(b".") {
        Some(whole) if zeros > 0 => whole,
        _ => text,
    }
}

/// `strconv.ParseInt`: base 0 takes prefixes and underscores.
fn parse_int(text: &[u8], base: u32) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (sign, unsigned) = match text.split_at_checked(1)? {
        (sign @ ("-" | "+"), rest) => (sign, rest),
        _ => ("", text),
    };
    let prefix = unsigned.get(..2).unwrap_or_default().to_ascii_lowercase();
    let (radix, digits) = match (base, prefix.as_str()) {
        (0, "0x") => (16, unsigned.get(2..)?),
        (0, "0o") => (8, unsigned.get(2..)?),
        (0, "0b") => (2, unsigned.get(2..)?),
        (0, _) if unsigned.starts_with('0') && unsigned.len() > 1 => (8, unsigned.get(1..)?),
        (0, _) => (10, unsigned),
        (base, _) => (base, unsigned),
    };
    let has_prefix = digits.len() != unsigned.len();
    let plain = if base == 0 { without_underscores(digits, has_prefix)? } else { digits.to_owned() };
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{plain}"), radix).ok()
}

/// Digits without the underscores between them, which may also follow a prefix.
fn without_underscores(digits: &str, has_prefix: bool) -> Option<String> {
    let misplaced =
        digits.ends_with('_') || digits.contains("__") || (digits.starts_with('_') && !has_prefix);
    (!misplaced).then(|| digits.replace('_', ""))
}

/// `strconv.ParseFloat`.
fn parse_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "infinity" => {
            return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
        }
        "nan" => return (unsigned.len() == text.len()).then_some(f64::NAN),
        _ => {}
    }
    if let Some(digits) = lower.strip_prefix("0x") {
        let value = parse_hexadecimal(digits)?;
        return Some(if text.starts_with('-') { -value } else { value });
    }
    if !lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let is_between_digits = |(index, _): (usize, &str)| {
        let (before, after) = text.split_at_checked(index).unwrap_or_default();
        before.ends_with(|c: char| c.is_ascii_digit())
            && after.get(1..).unwrap_or_default().starts_with(|c: char| c.is_ascii_digit())
    };
    if !text.match_indices('_').all(is_between_digits) {
        return None;
    }
    text.replace('_', "").parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Hexadecimal digits with a binary exponent, such as `1.8p4`.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let plain = without_underscores(mantissa, true)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 13 {
        return None;
    }
    let number = u64::from_str_radix(&digits, 16).ok()?;
    let shift = exponent.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 52 bits")]
    let value = number as f64 * 2_f64.powi(shift);
    value.is_finite().then_some(value)
}
