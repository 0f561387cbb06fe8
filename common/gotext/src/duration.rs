//! Durations as Go's `time` package reads and prints them: `1m30s`, `1.5s`, `300ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// Magnitude of the smallest duration; the largest is one less.
const LIMIT: u64 = 1 << 63;

/// A signed span of time in nanoseconds, `time.Duration` of Go: about ±292 years.
///
/// `FromStr` reads what `time.ParseDuration` reads, `Display` prints what `Duration.String` prints, and serde goes
/// through both, as Kubernetes' `metav1.Duration` does.
///
/// ```
/// use flux_gotext::GoDuration;
/// let interval: GoDuration = "90s".parse()?;
/// assert_eq!(interval.to_string(), "1m30s");
/// assert_eq!(interval.to_std(), std::time::Duration::from_secs(90));
/// # Ok::<(), flux_gotext::ParseDurationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(i64);

/// Why a text is not a duration, in the words of `time.ParseDuration`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// Not a number, or out of range.
    #[error("time: invalid duration {}", quote(.0))]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {}", quote(.0))]
    MissingUnit(String),
    /// A unit other than `ns`, `us`, `µs`, `ms`, `s`, `m` and `h`.
    #[error("time: unknown unit {} in duration {}", quote(unit), quote(text))]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// The whole text.
        text: String,
    },
}

impl GoDuration {
    /// No time at all; prints `0s`.
    pub const ZERO: Self = Self(0);

    /// A duration of so many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A duration of so many milliseconds.
    pub const fn from_millis(millis: u32) -> Self {
        Self(millis as i64 * MILLISECOND.cast_signed())
    }

    /// A duration of so many seconds.
    pub const fn from_secs(secs: u32) -> Self {
        Self(secs as i64 * SECOND.cast_signed())
    }

    /// The nanoseconds, negative for a negative duration.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// As a standard duration; a negative one becomes zero.
    pub const fn to_std(self) -> Duration {
        if self.0 <= 0 { Duration::ZERO } else { Duration::from_nanos(self.0.cast_unsigned()) }
    }

    /// Whether this is exactly zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl From<Duration> for GoDuration {
    /// Durations past Go's range become the largest one.
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl From<GoDuration> for Duration {
    fn from(duration: GoDuration) -> Self {
        duration.to_std()
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if nanos < MICROSECOND {
            return write!(f, "{nanos}ns");
        }
        if nanos < MILLISECOND {
            return write_decimal(f, nanos, 3, "µs");
        }
        if nanos < SECOND {
            return write_decimal(f, nanos, 6, "ms");
        }
        let (hours, minutes) = (nanos / HOUR, nanos % HOUR / MINUTE);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if nanos >= MINUTE {
            write!(f, "{minutes}m")?;
        }
        write_decimal(f, nanos % MINUTE, 9, "s")
    }
}

/// Writes `value / 10^places` without trailing zeros, and the unit.
fn write_decimal(f: &mut fmt::Formatter<'_>, value: u64, places: usize, unit: &str) -> fmt::Result {
    let scale = (0..places).fold(1, |scale: u64, _| scale * 10);
    let fraction = format!("{:0places$}", value % scale);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    write!(f, "{}{point}{fraction}{unit}", value / scale)
}

impl FromStr for GoDuration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || ParseDurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, text.get(1..).unwrap_or_default()),
            Some(b'+') => (false, text.get(1..).unwrap_or_default()),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (number, after_number) = Decimal::split(rest).ok_or_else(invalid)?;
            let end =
                after_number.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after_number.len());
            let (unit, after_unit) = after_number.split_at(end);
            if unit.is_empty() {
                return Err(ParseDurationError::MissingUnit(text.to_owned()));
            }
            let unit_nanos = nanos_of(unit).ok_or_else(|| ParseDurationError::UnknownUnit {
                unit: unit.to_owned(),
                text: text.to_owned(),
            })?;
            let nanos = number.times(unit_nanos).ok_or_else(invalid)?;
            total = total.checked_add(nanos).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
            rest = after_unit;
        }
        match (negative, i64::try_from(total)) {
            (false, Ok(nanos)) => Ok(Self(nanos)),
            (true, Ok(nanos)) => Ok(Self(-nanos)),
            (true, Err(_)) => Ok(Self(i64::MIN)),
            (false, Err(_)) => Err(invalid()),
        }
    }
}

fn nanos_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        // U+00B5 (micro sign) and U+03BC (Greek mu)
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}

/// An unsigned decimal number as written before a unit.
struct Decimal {
    whole: u64,
    fraction: u64,
    /// The power of ten that `fraction` is over.
    scale: f64,
}

impl Decimal {
    /// The number that `text` begins with, and what follows; `None` without a digit or past the range.
    fn split(text: &str) -> Option<(Self, &str)> {
        let (whole_digits, mut rest) = split_digits(text);
        let mut whole: u64 = 0;
        for digit in whole_digits.bytes() {
            whole = whole
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))
                .filter(|whole| *whole <= LIMIT)?;
        }
        let mut number = Self { whole, fraction: 0, scale: 1.0 };
        let mut fraction_digits = "";
        if let Some(after_point) = rest.strip_prefix('.') {
            (fraction_digits, rest) = split_digits(after_point);
            for digit in fraction_digits.bytes() {
                // digits past the range are too small to count
                let next =
                    number.fraction.checked_mul(10).and_then(|f| f.checked_add(u64::from(digit - b'0')));
                let Some(fraction) = next.filter(|fraction| *fraction < LIMIT) else { break };
                number.fraction = fraction;
                number.scale *= 10.0;
            }
        }
        (!whole_digits.is_empty() || !fraction_digits.is_empty()).then_some((number, rest))
    }

    /// In nanoseconds, for a unit of so many; `None` past the range.
    fn times(&self, unit: u64) -> Option<u64> {
        let whole = self.whole.checked_mul(unit).filter(|nanos| *nanos <= LIMIT)?;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "Go computes the fraction in floating point; `0.33333333333333333333h` is 20m only this way"
        )]
        let part = (self.fraction as f64 * (unit as f64 / self.scale)) as u64;
        whole.checked_add(part).filter(|nanos| *nanos <= LIMIT)
    }
}

/// Quotes as the `time` package does: what is not printable ASCII is shown byte by byte.
pub(crate) fn quote(text: impl AsRef<[u8]>) -> String {
    let mut quoted = String::from("\"");
    for byte in text.as_ref().iter().copied() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=0x7f => quoted.push(char::from(byte)),
            _ => {
                quoted.push_str("\\x");
                quoted.extend(
                    [byte >> 4, byte & 15]
                        .iter()
                        .filter_map(|nibble| char::from_digit(u32::from(*nibble), 16)),
                );
            }
        }
    }
    quoted.push('"');
    quoted
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for GoDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests;
