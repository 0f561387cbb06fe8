//! Types of plain scalars, by the tables of go-yaml v2 and v3.

use crate::node::Tag;
use crate::timestamp::Timestamp;

/// Which table of plain scalars applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// go-yaml v2, which reads Kustomization files, Helm values and all that `sigs.k8s.io/yaml` reads: `yes`, `on` and
    /// `y` are booleans.
    V2,
    /// go-yaml v3, which reads resources: they are strings.
    V3,
}

/// What a plain scalar means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolved {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits an `i64`.
    Int(i64),
    /// An integer that only fits a `u64`.
    Uint(u64),
    /// Any other number, including `.inf` and `.nan`.
    Float(f64),
    /// A date, or a date and a time.
    Timestamp(Timestamp),
    /// Anything else: the text itself.
    Str,
}

impl Resolved {
    /// The tag of this type.
    pub fn tag(self) -> Tag {
        match self {
            Self::Null => Tag::Null,
            Self::Bool(_) => Tag::Bool,
            Self::Int(_) | Self::Uint(_) => Tag::Int,
            Self::Float(_) => Tag::Float,
            Self::Timestamp(_) => Tag::Timestamp,
            Self::Str => Tag::Str,
        }
    }
}

/// Type and value of a plain scalar without tag.
pub fn resolve(text: &str, schema: Schema) -> Resolved {
    let Some(first) = text.bytes().next() else { return Resolved::Null };
    match first {
        b'0'..=b'9' | b'+' | b'-' => infinity(text).unwrap_or_else(|| number(text)),
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
            _ => infinity(text).or_else(|| float(text)).unwrap_or(Resolved::Str),
        },
        b'~' | b't' | b'T' | b'f' | b'F' | b'n' | b'N' | b'y' | b'Y' | b'o' | b'O' => word(text, schema),
        _ => Resolved::Str,
    }
}

/// Whether YAML 1.1 reads the text as a base-60 number, such as `12:30:45`: quoted on the way out, a string on the way in.
pub(crate) fn is_base_60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !rest.starts_with(|c: char| c.is_ascii_digit()) || !rest.contains(':') {
        return false;
    }
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let mut groups = whole.split(':');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let sixty = |text: &str| match text.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    };
    groups.next().is_some_and(digits) && groups.all(sixty) && digits(fraction)
}

fn word(text: &str, schema: Schema) -> Resolved {
    if text.len() > "false".len() {
        return Resolved::Str;
    }
    match text {
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        _ if schema == Schema::V3 || text.len() > 3 => Resolved::Str,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Resolved::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Resolved::Bool(false),
        _ => Resolved::Str,
    }
}

fn infinity(text: &str) -> Option<Resolved> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(Resolved::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Some(Resolved::Float(f64::NEG_INFINITY)),
        _ => None,
    }
}

/// A text that starts with a digit or a sign.
fn number(text: &str) -> Resolved {
    if let Some(timestamp) = Timestamp::parse(text) {
        return Resolved::Timestamp(timestamp);
    }
    // most texts that start like a number are versions, sizes, addresses or hashes
    let possible = |byte: u8| {
        byte.is_ascii_hexdigit() || matches!(byte, b'_' | b'.' | b'+' | b'-' | b'x' | b'X' | b'o' | b'O')
    };
    if !text.bytes().all(possible) {
        return Resolved::Str;
    }
    let without_underscores;
    let plain = if text.contains('_') {
        without_underscores = text.replace('_', "");
        without_underscores.as_str()
    } else {
        text
    };
    integer(plain).or_else(|| float(plain)).or_else(|| signed_after_prefix(plain)).unwrap_or(Resolved::Str)
}

/// Go's `ParseInt` and `ParseUint` with base 0, on a text without underscores.
fn integer(text: &str) -> Option<Resolved> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None; // from_str_radix would take a sign
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(value)) => Some(Resolved::Int(value)),
        (true, Ok(value)) => Some(Resolved::Int(-value)),
        (true, Err(_)) if magnitude == i64::MIN.unsigned_abs() => Some(Resolved::Int(i64::MIN)),
        (true, Err(_)) => None,
        // Go's ParseUint takes no sign
        (false, Err(_)) => (!text.starts_with('+')).then_some(Resolved::Uint(magnitude)),
    }
}

/// go-yaml tries `0b` and `0o` once more by hand, and thereby takes a sign after the prefix.
fn signed_after_prefix(text: &str) -> Option<Resolved> {
    let radix = match text.get(..2)? {
        "0b" => 2,
        "0o" => 8,
        _ => return None,
    };
    i64::from_str_radix(text.get(2..)?, radix).ok().map(Resolved::Int)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, within the range of an `f64`.
fn float(text: &str) -> Option<Resolved> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let well_formed = has_digits
        && digits(whole)
        && digits(fraction)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    if !well_formed {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Resolved::Float(value))
}
