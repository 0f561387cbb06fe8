//! Durations as Go's `time` package reads and prints them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// The magnitude of the least duration, one more than that of the greatest.
const LIMIT: u64 = 1 << 63;

/// A duration in whole nanoseconds, from about -292 to 292 years; text is read and printed as Go does.
///
/// ```
/// # use flux_api::GoDuration;
/// let duration: GoDuration = "90s".parse().unwrap();
/// assert_eq!(duration.to_string(), "1m30s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration {
    nanoseconds: i64,
}

/// The text is not a duration; the message is that of Go's `time.ParseDuration`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// The text as a whole, or a number in it, is malformed or too large.
    #[error("time: invalid duration {0:?}")]
    Malformed(String),
    /// A number has no unit behind it.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// The unit is none of Go's.
    #[error("time: unknown unit {0:?} in duration {1:?}")]
    UnknownUnit(String, String),
}

impl GoDuration {
    /// No time at all.
    pub const ZERO: Self = Self { nanoseconds: 0 };

    /// A duration of whole seconds, at most the greatest duration there is.
    pub const fn from_secs(seconds: u32) -> Self {
        Self { nanoseconds: seconds as i64 * SECOND.cast_signed() }
    }

    /// A duration of nanoseconds, which may be negative.
    pub const fn from_nanos(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// The length in nanoseconds, negative if the text had a minus sign.
    pub const fn as_nanos(self) -> i64 {
        self.nanoseconds
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.nanoseconds == 0
    }

    /// As a duration of the standard library; a negative one becomes zero.
    pub fn to_std(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.nanoseconds).unwrap_or(0))
    }
}

impl From<Duration> for GoDuration {
    /// What is longer than the greatest duration becomes that.
    fn from(duration: Duration) -> Self {
        Self { nanoseconds: i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX) }
    }
}

impl From<GoDuration> for Duration {
    fn from(duration: GoDuration) -> Self {
        duration.to_std()
    }
}

impl FromStr for GoDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let malformed = || InvalidDuration::Malformed(text.to_owned());
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, text.get(1..).unwrap_or_default()),
            Some(b'+') => (false, text.get(1..).unwrap_or_default()),
            _ => (false, text),
        };
        if unsigned == "0" {
            return Ok(Self::ZERO);
        }
        if unsigned.is_empty() {
            return Err(malformed());
        }
        let mut rest = unsigned;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (value, after) = segment(rest, text)?;
            total = total.checked_add(value).filter(|sum| *sum <= LIMIT).ok_or_else(malformed)?;
            rest = after;
        }
        let nanoseconds =
            if negative { 0_i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() };
        nanoseconds.map(|nanoseconds| Self { nanoseconds }).ok_or_else(malformed)
    }
}

/// Reads one number with its unit from the start of `rest`: the nanoseconds and what follows.
fn segment<'t>(rest: &'t str, text: &str) -> Result<(u64, &'t str), InvalidDuration> {
    let malformed = || InvalidDuration::Malformed(text.to_owned());
    let (whole, after_whole) = split_digits(rest);
    let (fraction, after) = match after_whole.strip_prefix('.') {
        Some(after_point) => split_digits(after_point),
        None => ("", after_whole),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(malformed());
    }
    let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
    let (name, after) = after.split_at_checked(end).unwrap_or((after, ""));
    let unit = match name {
        "" => return Err(InvalidDuration::MissingUnit(text.to_owned())),
        "ns" => 1,
        "us" | "µs" | "μs" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return Err(InvalidDuration::UnknownUnit(name.to_owned(), text.to_owned())),
    };
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| malformed())? };
    let value = whole.checked_mul(unit).filter(|value| *value <= LIMIT).ok_or_else(malformed)?;
    let value = value.checked_add(scaled_fraction(fraction, unit)).filter(|value| *value <= LIMIT);
    Ok((value.ok_or_else(malformed)?, after))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `0.<digits>` of a unit, in the floating point arithmetic that Go uses; digits past the 63rd bit are ignored.
fn scaled_fraction(digits: &str, unit: u64) -> u64 {
    let mut value: u64 = 0;
    let mut scale = 1.0_f64;
    for digit in digits.bytes() {
        let next = value.checked_mul(10).and_then(|ten| ten.checked_add(u64::from(digit - b'0')));
        match next.filter(|next| *next <= LIMIT) {
            Some(next) => value = next,
            None => break,
        }
        scale *= 10.0;
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "Go's own arithmetic: what it rounds, we round"
    )]
    let scaled = (value as f64 * (unit as f64 / scale)) as u64;
    scaled
}

impl fmt::Display for GoDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.nanoseconds.unsigned_abs();
        if self.nanoseconds < 0 {
            formatter.write_str("-")?;
        }
        match total {
            0 => formatter.write_str("0s"),
            1..MICROSECOND => write!(formatter, "{total}ns"),
            MICROSECOND..MILLISECOND => write!(formatter, "{}µs", decimal(total, MICROSECOND)),
            MILLISECOND..SECOND => write!(formatter, "{}ms", decimal(total, MILLISECOND)),
            _ => {
                let (hours, minutes) = (total / HOUR, total % HOUR / MINUTE);
                if hours > 0 {
                    write!(formatter, "{hours}h")?;
                }
                if total >= MINUTE {
                    write!(formatter, "{minutes}m")?;
                }
                write!(formatter, "{}s", decimal(total % MINUTE, SECOND))
            }
        }
    }
}

/// `value / unit` in as many decimal places as it takes; the unit is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let places = unit.ilog10() as usize;
    let digits = format!("{fraction:0places$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for GoDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_as_go_does() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (480_000_000_001, "8m0.000000001s"),
            (3_600_000_000_000, "1h0m0s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(GoDuration::from_nanos(nanoseconds).to_string(), text);
            assert_eq!(text.parse::<GoDuration>().unwrap().as_nanos(), nanoseconds);
        }
    }

    #[test]
    fn reads_what_go_reads() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("-0", 0),
            ("+5s", 5_000_000_000),
            ("5.s", 5_000_000_000),
            (".5s", 500_000_000),
            ("-1.5h", -5_400_000_000_000),
            ("12µs", 12_000),
            ("12μs", 12_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("0.100000000000000000000h", 360_000_000_000),
            ("9223372036854775807ns", i64::MAX),
        ] {
            assert_eq!(text.parse::<GoDuration>().unwrap().as_nanos(), nanoseconds, "{text}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for (text, message) in [
            ("", r#"time: invalid duration """#),
            ("3", r#"time: missing unit in duration "3""#),
            ("s", r#"time: invalid duration "s""#),
            (".s", r#"time: invalid duration ".s""#),
            ("1d", r#"time: unknown unit "d" in duration "1d""#),
            ("1 s", r#"time: unknown unit " s" in duration "1 s""#),
            ("9223372036854775808ns", r#"time: invalid duration "9223372036854775808ns""#),
            ("3000000h", r#"time: invalid duration "3000000h""#),
        ] {
            assert_eq!(text.parse::<GoDuration>().unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn survives_printing(nanoseconds: i64) {
            let duration = GoDuration::from_nanos(nanoseconds);
            let again: GoDuration = duration.to_string().parse().unwrap();
            // Go's fractions go through floating point, which is exact below 2^53 only.
            prop_assert!((i128::from(again.as_nanos()) - i128::from(nanoseconds)).abs() <= 1);
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = text.parse::<GoDuration>();
        }
    }
}
