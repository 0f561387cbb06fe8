//! Days and dates of the Gregorian calendar, extended to all years.

const DAY: i64 = 86_400;

/// Date and time of day, as a calendar and a clock show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: u8,
    /// From 1.
    pub(super) day: u8,
    /// From 1.
    pub(super) year_day: u16,
    /// From 0, which is Sunday.
    pub(super) week_day: u8,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
}

/// Whether a year has a 29th of February.
pub(super) const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month, which counts from 1.
pub(super) const fn days_in(month: u8, year: i64) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the 1st of March of the year 0 to the 1st of January of 1970.
const EPOCH: i64 = 719_468;

/// Days of 400 years.
const CYCLE: i64 = 146_097;

fn narrow<T: TryFrom<i64> + Default>(value: i64) -> T {
    T::try_from(value).unwrap_or_default()
}

impl Civil {
    /// Of seconds since 1970-01-01, of a zone's own clock.
    pub(super) fn of(seconds: i64) -> Self {
        let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        // years begin in March here, so that the leap day is their last
        let shifted = days + EPOCH;
        let (cycle, day) = (shifted.div_euclid(CYCLE), shifted.rem_euclid(CYCLE));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let in_spring = month < 10;
        let year = year + cycle * 400 + i64::from(!in_spring);
        let since_january = if in_spring { of_year + 59 + i64::from(is_leap(year)) } else { of_year - 306 };
        Self {
            year,
            month: narrow(if in_spring { month + 3 } else { month - 9 }),
            day: narrow(of_year - (153 * month + 2) / 5 + 1),
            year_day: narrow(since_january + 1),
            week_day: narrow((days + 4).rem_euclid(7)),
            hour: narrow(of_day / 3600),
            minute: narrow(of_day / 60 % 60),
            second: narrow(of_day % 60),
        }
    }
}

/// Seconds since 1970-01-01 of a date and a time of day in seconds.
pub(super) fn seconds_of(year: i64, month: u8, day: u8, of_day: i64) -> i64 {
    let month = i64::from(month);
    let year = year - i64::from(month < 3);
    let month = if month < 3 { month + 9 } else { month - 3 };
    let (cycle, of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let day = (153 * month + 2) / 5 + i64::from(day) - 1;
    let days = cycle * CYCLE + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + day - EPOCH;
    days * DAY + of_day
}
