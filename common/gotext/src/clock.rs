//! Points in time as Go's `time` package has them: read and written by layouts such as `2006-01-02`.
//!
//! There is no clock and no table of time zones here: the caller says what time it is, and which offset a zone has then.

mod civil;
mod layout;
mod parse;

use std::fmt;

pub use parse::ParseTimeError;

/// An offset from UTC and the abbreviation it goes by there.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Zone {
    /// Such as `CET`; empty where only the offset is known.
    pub abbreviation: String,
    /// Seconds east of Greenwich.
    pub offset: i32,
}

impl Zone {
    /// UTC, which is also the local zone of a program in a container.
    pub fn utc() -> Self {
        Self { abbreviation: "UTC".to_owned(), offset: 0 }
    }
}

/// A point in time in some zone, to the nanosecond.
///
/// `Display` is Go's `Time.String`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoTime {
    /// Since 1970-01-01 in UTC.
    seconds: i64,
    /// Below 10⁹.
    nanoseconds: u32,
    zone: Zone,
}

/// Seconds of Go's zero time, 0001-01-01 00:00:00 UTC.
const ZERO_SECONDS: i64 = -62_135_596_800;

impl GoTime {
    /// A point in time by its seconds since 1970 and nanoseconds, as `time.Unix` makes it, in `zone`.
    pub fn new(seconds: i64, nanoseconds: u32, zone: Zone) -> Self {
        let carry = i64::from(nanoseconds / 1_000_000_000);
        Self { seconds: seconds.wrapping_add(carry), nanoseconds: nanoseconds % 1_000_000_000, zone }
    }

    /// Go's zero time: the first of January of the year 1.
    pub fn zero() -> Self {
        Self::new(ZERO_SECONDS, 0, Zone::utc())
    }

    /// Seconds since 1970-01-01 in UTC.
    pub const fn unix_seconds(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds within the second.
    pub const fn subsec_nanoseconds(&self) -> u32 {
        self.nanoseconds
    }

    /// The zone that the time is shown in.
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The same point in time, shown in another zone.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// `Time.Add`, in nanoseconds.
    #[must_use]
    pub fn add_nanoseconds(self, nanoseconds: i64) -> Self {
        let total = i64::from(self.nanoseconds) + nanoseconds.rem_euclid(1_000_000_000);
        let seconds = self
            .seconds
            .wrapping_add(nanoseconds.div_euclid(1_000_000_000))
            .wrapping_add(total / 1_000_000_000);
        let nanoseconds = u32::try_from(total % 1_000_000_000).unwrap_or_default();
        Self { seconds, nanoseconds, zone: self.zone }
    }

    /// Nanoseconds from `earlier` to this time, at most what a `time.Duration` holds.
    pub fn since(&self, earlier: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(earlier.seconds);
        let nanoseconds = i128::from(self.nanoseconds) - i128::from(earlier.nanoseconds);
        let total = seconds * 1_000_000_000 + nanoseconds;
        i64::try_from(total).unwrap_or(if total > 0 { i64::MAX } else { i64::MIN })
    }
}

impl fmt::Display for GoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.format(b"2006-01-02 15:04:05.999999999 -0700 MST");
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The first three letters of a name.
fn short(name: &'static str) -> &'static str {
    name.get(..3).unwrap_or(name)
}

#[cfg(test)]
mod tests;
