//! Kubernetes quantities in canonical form.

use serde_json::Value;

/// Longest text that is read; the API server's longest quantities have 20 digits.
const LONGEST: usize = 32;
/// Decimal suffixes from nano to exa, three powers of ten apart.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/// A quantity counts in these.
const NANO: i128 = 1_000_000_000;
/// Largest whole value; larger ones are cut to it.
const LARGEST: i128 = i64::MAX as i128;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Decimal,
    Binary,
    Exponent,
}

/// The canonical text of a quantity that is given as text or number; `None` if it is not one.
///
/// No fraction is left, and the suffix is the largest that leaves none. Source: apimachinery's `resource.Quantity`.
pub(super) fn canonical(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let (nanos, form) = parse(&text)?;
    Some(match form {
        Form::Binary if nanos.abs() >= 1024 * NANO => binary(nanos),
        Form::Decimal | Form::Binary => decimal(nanos, Form::Decimal),
        Form::Exponent => decimal(nanos, Form::Exponent),
    })
}

/// Value in billionths, rounded away from zero.
fn parse(text: &str) -> Option<(i128, Form)> {
    if text.len() > LONGEST {
        return None;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let (scale, binary, form) = suffix_of(suffix)?;
    let power = scale.checked_sub(i32::try_from(fraction.len()).ok()?)?.checked_add(9)?;
    let scaled = digits.checked_mul(1_i128.checked_shl(binary * 10)?)?;
    let nanos = if digits == 0 {
        0
    } else if power >= 0 {
        let factor = 10_i128.checked_pow(power.unsigned_abs());
        factor.and_then(|factor| scaled.checked_mul(factor)).unwrap_or(i128::MAX)
    } else {
        10_i128.checked_pow(power.unsigned_abs()).map_or(1, |divisor| (scaled + divisor - 1) / divisor)
    };
    let nanos = nanos.min(LARGEST * NANO);
    Some((if text.starts_with('-') { -nanos } else { nanos }, form))
}

/// Power of ten, power of 1024 and form that a suffix stands for.
fn suffix_of(suffix: &str) -> Option<(i32, u32, Form)> {
    if let Some(position) = DECIMAL.iter().position(|known| *known == suffix) {
        return Some((i32::try_from(position).ok()? * 3 - 9, 0, Form::Decimal));
    }
    if let Some(position) = BINARY.iter().position(|known| *known == suffix) {
        return Some((0, u32::try_from(position).ok()? + 1, Form::Binary));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    Some((exponent.parse().ok()?, 0, Form::Exponent))
}

fn decimal(nanos: i128, form: Form) -> String {
    if nanos == 0 {
        return "0".to_owned();
    }
    let (mut mantissa, mut step) = (nanos, 0_usize);
    while mantissa % 1000 == 0 && (step + 1 < DECIMAL.len() || form == Form::Exponent) {
        mantissa /= 1000;
        step += 1;
    }
    if form == Form::Exponent {
        return match i128::try_from(step).unwrap_or(0) * 3 - 9 {
            0 => mantissa.to_string(),
            exponent => format!("{mantissa}e{exponent}"),
        };
    }
    format!("{mantissa}{}", DECIMAL.get(step).copied().unwrap_or_default())
}

fn binary(nanos: i128) -> String {
    let away_from_zero = if nanos % NANO == 0 { 0 } else { nanos.signum() };
    let (mut mantissa, mut suffix) = (nanos / NANO + away_from_zero, "");
    for next in BINARY {
        if mantissa % 1024 != 0 {
            break;
        }
        mantissa /= 1024;
        suffix = next;
    }
    format!("{mantissa}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn quantities_become_canonical() {
        for (given, expected) in [
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Mi", "512Ki"),
            ("512", "512"),
            ("100000", "100k"),
            ("1e3", "1e3"),
            ("12e2", "1200"),
            ("1E6", "1e6"),
            ("0", "0"),
            ("0Gi", "0"),
            ("-1000m", "-1"),
            ("+2", "2"),
            ("1Ki", "1Ki"),
            ("1023", "1023"),
            ("0.0000000001", "1n"),
            (".5", "500m"),
            ("5.", "5"),
            ("9223372036854775807", "9223372036854775807"),
            ("92233720368547758070", "9223372036854775807"),
        ] {
            assert_eq!(canonical(&json!(given)).as_deref(), Some(expected), "{given}");
        }
        assert_eq!(canonical(&json!(2)).as_deref(), Some("2"));
        assert_eq!(canonical(&json!(0.1)).as_deref(), Some("100m"));
    }

    #[test]
    fn other_texts_are_refused() {
        for given in ["", "m", "1 Gi", "1gi", "1.2.3", "one", "--1", "1e", "1e99999999999"] {
            assert_eq!(canonical(&json!(given)), None, "{given}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_stable(text in "[+-]?[0-9]{0,12}\\.?[0-9]{0,12}([numkMGTPE]|[KMGTPE]i|e-?[0-9]{1,2})?") {
            if let Some(first) = canonical(&json!(text)) {
                prop_assert_eq!(canonical(&json!(first)), Some(first));
            }
        }
    }
}
