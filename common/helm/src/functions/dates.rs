//! Dates. The local zone is UTC, as in a container.

mod zone;

use std::sync::Arc;

use flux_gotext::{GoDuration, GoTime, Zone};

use super::arguments::Arguments;
use super::{Error, Function, Render, Type};
use crate::value::Value;

use Type::{Any, String, Time};

const SECOND: i64 = 1_000_000_000;
const HTML_DATE: &[u8] = b"2006-01-02";

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("now", &[], |render, _| Ok(Value::Time(Arc::clone(&render.now)))),
    Function::new("date", &[String, Any], |render, arguments| {
        formatted(render, arguments.text(0), arguments.any(1), b"Local")
    }),
    Function::new("htmlDate", &[Any], |render, arguments| {
        formatted(render, HTML_DATE, arguments.any(0), b"Local")
    }),
    Function::new("htmlDateInZone", &[Any, String], |render, arguments| {
        formatted(render, HTML_DATE, arguments.any(0), arguments.text(1))
    }),
    Function::new("dateInZone", &[String, Any, String], |render, arguments| {
        formatted(render, arguments.text(0), arguments.any(1), arguments.text(2))
    }),
    Function::new("date_in_zone", &[String, Any, String], |render, arguments| {
        formatted(render, arguments.text(0), arguments.any(1), arguments.text(2))
    }),
    Function::new("dateModify", &[String, Time], |_, arguments| {
        Ok(modified(arguments).unwrap_or_else(|(_, t)| t))
    }),
    Function::new("date_modify", &[String, Time], |_, arguments| {
        Ok(modified(arguments).unwrap_or_else(|(_, t)| t))
    }),
    Function::new("mustDateModify", &[String, Time], |_, arguments| {
        modified(arguments).map_err(|(error, _)| error)
    }),
    Function::new("must_date_modify", &[String, Time], |_, arguments| {
        modified(arguments).map_err(|(error, _)| error)
    }),
    Function::new("toDate", &[String, String], |_, arguments| {
        let time = GoTime::parse(arguments.text(0), arguments.text(1)).unwrap_or_else(|_| GoTime::zero());
        Ok(Value::Time(Arc::new(time)))
    }),
    Function::new("mustToDate", &[String, String], |_, arguments| {
        let time = GoTime::parse(arguments.text(0), arguments.text(1)).map_err(Error::new)?;
        Ok(Value::Time(Arc::new(time)))
    }),
    Function::new("unixEpoch", &[Time], |_, arguments| {
        Ok(arguments.time(0).unix_seconds().to_string().into())
    }),
    Function::new("ago", &[Any], |render, arguments| {
        let since = time_of(render, arguments.any(0)).map_or(0, |time| render.now.since(&time));
        Ok(GoDuration::from_nanos(to_seconds(since)).to_string().into())
    }),
    Function::new("duration", &[Any], |_, arguments| {
        let seconds = match arguments.any(0) {
            Value::String(text) => whole_number(text),
            Value::Int64(seconds) => *seconds,
            _ => 0,
        };
        Ok(GoDuration::from_nanos(seconds.wrapping_mul(SECOND)).to_string().into())
    }),
    Function::new("durationRound", &[Any], |render, arguments| {
        let span = match arguments.any(0) {
            Value::String(text) => parse_duration(text).map_or(0, GoDuration::as_nanos),
            Value::Int64(nanoseconds) => *nanoseconds,
            Value::Time(time) => render.now.since(time),
            _ => 0,
        };
        Ok(largest_unit(span.unsigned_abs()).into())
    }),
];

/// A time, or seconds since 1970; nothing for other types, which stand for now.
fn time_of(_context: &Render, value: &Value) -> Option<GoTime> {
    let unix = |seconds: i64| Some(GoTime::new(seconds, 0, Zone::utc()));
    match value {
        Value::Time(time) => Some(GoTime::clone(time)),
        Value::Int(seconds) | Value::Int64(seconds) => unix(*seconds),
        Value::Int32(seconds) => unix(i64::from(*seconds)),
        _ => None,
    }
}

fn formatted(render: &mut Render, layout: &[u8], date: &Value, zone: &[u8]) -> Result<Value, Error> {
    let time = time_of(render, date).unwrap_or_else(|| GoTime::clone(&render.now));
    render.budget.text(layout.len().saturating_mul(10))?;
    let zone = zone::at(zone, time.unix_seconds());
    Ok(time.in_zone(zone).format(layout).into())
}

fn parse_duration(text: &[u8]) -> Result<GoDuration, Error> {
    std::string::String::from_utf8_lossy(text).parse().map_err(Error::new)
}

/// A time moved by a duration; else what is wrong with that, and the time itself.
fn modified(arguments: &[Value]) -> Result<Value, (Error, Value)> {
    let time = arguments.time(1);
    match parse_duration(arguments.text(0)) {
        Ok(span) => Ok(Value::Time(Arc::new(GoTime::clone(&time).add_nanoseconds(span.as_nanos())))),
        Err(error) => Err((error, Value::Time(time))),
    }
}

/// Rounded to whole seconds, half of one away from nought.
fn to_seconds(nanoseconds: i64) -> i64 {
    let half = if nanoseconds < 0 { -SECOND / 2 } else { SECOND / 2 };
    nanoseconds.checked_add(half).map_or(nanoseconds, |sum| sum / SECOND * SECOND)
}

/// `strconv.ParseInt` without its error: the nearest number where the text is out of range.
fn whole_number(text: &[u8]) -> i64 {
    super::numbers::atoi(text)
}

/// A duration in the largest unit that it exceeds.
fn largest_unit(nanoseconds: u64) -> std::string::String {
    const HOUR: u64 = 3_600_000_000_000;
    const UNITS: [(u64, &str); 6] = [
        (365 * 24 * HOUR, "y"),
        (30 * 24 * HOUR, "mo"),
        (24 * HOUR, "d"),
        (HOUR, "h"),
        (HOUR / 60, "m"),
        (HOUR / 3600, "s"),
    ];
    let unit = UNITS.into_iter().find(|(length, _)| nanoseconds > *length);
    unit.map_or_else(|| "0s".to_owned(), |(length, name)| format!("{}{name}", nanoseconds / length))
}
