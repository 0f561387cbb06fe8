//! Layouts: which pieces of them stand for something, and writing.

use super::civil::Civil;
use super::{DAYS, GoTime, MONTHS, short};

/// What a piece of a layout stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperNoon,
    LowerNoon,
    Abbreviation,
    Offset(Offset),
    /// `.000`: so many digits.
    Fraction {
        separator: u8,
        digits: usize,
    },
    /// `.999`: at most so many digits, and nothing for none.
    TrimmedFraction {
        separator: u8,
        digits: usize,
    },
}

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` for UTC itself.
    pub(super) zulu: bool,
    pub(super) shape: Shape,
}

/// Which parts an offset has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

/// The longest offsets first: shorter ones are their beginnings.
const OFFSETS: [(&[u8], Shape); 5] = [
    (b"07:00:00", Shape::ColonSeconds),
    (b"070000", Shape::Seconds),
    (b"07:00", Shape::ColonMinutes),
    (b"0700", Shape::Minutes),
    (b"07", Shape::Hours),
];

/// A piece of a layout, and how it is written there.
pub(super) type Found<'a> = (Piece, &'a [u8]);

/// The text before the first piece, the piece, and what follows.
pub(super) fn next_piece(layout: &[u8]) -> (&[u8], Option<Found<'_>>, &[u8]) {
    for index in 0..layout.len() {
        let (before, rest) = layout.split_at(index);
        if let Some((piece, length)) = piece_at(rest) {
            // in `_2006` the underscore is itself
            let skipped = usize::from(piece == Piece::LongYear && rest.first() == Some(&b'_'));
            let before = layout.get(..before.len() + skipped).unwrap_or(before);
            let rest = rest.get(skipped..).unwrap_or_default();
            let (text, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            return (before, Some((piece, text)), after);
        }
    }
    (layout, None, &[])
}

fn piece_at(rest: &[u8]) -> Option<(Piece, usize)> {
    let second = rest.get(1).copied();
    let lower_follows = |at: usize| rest.get(at).is_some_and(u8::is_ascii_lowercase);
    Some(match rest.first()? {
        b'J' if rest.starts_with(b"January") => (Piece::LongMonth, 7),
        b'J' if rest.starts_with(b"Jan") && !lower_follows(3) => (Piece::Month, 3),
        b'M' if rest.starts_with(b"Monday") => (Piece::LongWeekDay, 6),
        b'M' if rest.starts_with(b"Mon") && !lower_follows(3) => (Piece::WeekDay, 3),
        b'M' if rest.starts_with(b"MST") => (Piece::Abbreviation, 3),
        b'0' => match second? {
            b'1' => (Piece::ZeroMonth, 2),
            b'2' => (Piece::ZeroDay, 2),
            b'3' => (Piece::ZeroHour12, 2),
            b'4' => (Piece::ZeroMinute, 2),
            b'5' => (Piece::ZeroSecond, 2),
            b'6' => (Piece::Year, 2),
            b'0' if rest.get(2) == Some(&b'2') => (Piece::ZeroYearDay, 3),
            _ => return None,
        },
        b'1' if second == Some(b'5') => (Piece::Hour, 2),
        b'1' => (Piece::NumberMonth, 1),
        b'2' if rest.starts_with(b"2006") => (Piece::LongYear, 4),
        b'2' => (Piece::Day, 1),
        b'_' if rest.starts_with(b"_2006") => (Piece::LongYear, 4),
        b'_' if second == Some(b'2') => (Piece::UnderDay, 2),
        b'_' if rest.starts_with(b"__2") => (Piece::UnderYearDay, 3),
        b'3' => (Piece::Hour12, 1),
        b'4' => (Piece::Minute, 1),
        b'5' => (Piece::Second, 1),
        b'P' if second == Some(b'M') => (Piece::UpperNoon, 2),
        b'p' if second == Some(b'm') => (Piece::LowerNoon, 2),
        lead @ (b'-' | b'Z') => {
            let offset = rest.get(1..)?;
            let (text, shape) = OFFSETS.into_iter().find(|(text, _)| offset.starts_with(text))?;
            (Piece::Offset(Offset { zulu: *lead == b'Z', shape }), text.len() + 1)
        }
        separator @ (b'.' | b',') => return fraction(*separator, rest.get(1..)?),
        _ => return None,
    })
}

/// A separator and a run of noughts or nines that no other digit follows.
fn fraction(separator: u8, run: &[u8]) -> Option<(Piece, usize)> {
    let kind = *run.first().filter(|digit| matches!(digit, b'0' | b'9'))?;
    let digits = run.iter().take_while(|digit| **digit == kind).count();
    if run.get(digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let piece = match kind {
        b'0' => Piece::Fraction { separator, digits },
        _ => Piece::TrimmedFraction { separator, digits },
    };
    Some((piece, digits + 1))
}

impl GoTime {
    /// The time by a layout, as Go's `Time.Format` writes it.
    ///
    /// ```
    /// use flux_gotext::{GoTime, Zone};
    /// let time = GoTime::new(1_136_239_445, 0, Zone::utc());
    /// assert_eq!(time.format(b"Mon, 02 Jan 2006 15:04 MST"), b"Mon, 02 Jan 2006 22:04 UTC");
    /// ```
    pub fn format(&self, layout: &[u8]) -> Vec<u8> {
        let civil = Civil::of(self.seconds.wrapping_add(i64::from(self.zone.offset)));
        let mut output = Vec::with_capacity(layout.len() + 10);
        let mut rest = layout;
        while !rest.is_empty() {
            let (before, piece, after) = next_piece(rest);
            output.extend_from_slice(before);
            if let Some((piece, _)) = piece {
                self.push_piece(&mut output, piece, &civil);
            }
            rest = after;
        }
        output
    }

    fn push_piece(&self, output: &mut Vec<u8>, piece: Piece, civil: &Civil) {
        let name =
            |names: &[&'static str], index: u8| names.get(usize::from(index)).copied().unwrap_or_default();
        let month = name(&MONTHS, civil.month.saturating_sub(1));
        let week_day = name(&DAYS, civil.week_day);
        let hour12 = if civil.hour.is_multiple_of(12) { 12 } else { civil.hour % 12 };
        let noon = if civil.hour >= 12 { "PM" } else { "AM" };
        match piece {
            Piece::LongMonth => output.extend(month.bytes()),
            Piece::Month => output.extend(short(month).bytes()),
            Piece::NumberMonth => push_number(output, civil.month.into(), 0),
            Piece::ZeroMonth => push_number(output, civil.month.into(), 2),
            Piece::LongWeekDay => output.extend(week_day.bytes()),
            Piece::WeekDay => output.extend(short(week_day).bytes()),
            Piece::Day => push_number(output, civil.day.into(), 0),
            Piece::UnderDay => output.extend(format!("{:2}", civil.day).bytes()),
            Piece::ZeroDay => push_number(output, civil.day.into(), 2),
            Piece::UnderYearDay => output.extend(format!("{:3}", civil.year_day).bytes()),
            Piece::ZeroYearDay => push_number(output, civil.year_day.into(), 3),
            Piece::Hour => push_number(output, civil.hour.into(), 2),
            Piece::Hour12 => push_number(output, hour12.into(), 0),
            Piece::ZeroHour12 => push_number(output, hour12.into(), 2),
            Piece::Minute => push_number(output, civil.minute.into(), 0),
            Piece::ZeroMinute => push_number(output, civil.minute.into(), 2),
            Piece::Second => push_number(output, civil.second.into(), 0),
            Piece::ZeroSecond => push_number(output, civil.second.into(), 2),
            Piece::LongYear => push_number(output, civil.year, 4),
            Piece::Year => push_number(output, (civil.year % 100).abs(), 2),
            Piece::UpperNoon => output.extend(noon.bytes()),
            Piece::LowerNoon => output.extend(noon.to_ascii_lowercase().bytes()),
            Piece::Abbreviation if self.zone.abbreviation.is_empty() => {
                push_offset(output, Shape::Minutes, self.zone.offset);
            }
            Piece::Abbreviation => output.extend(self.zone.abbreviation.bytes()),
            Piece::Offset(Offset { zulu: true, .. }) if self.zone.offset == 0 => output.push(b'Z'),
            Piece::Offset(Offset { shape, .. }) => push_offset(output, shape, self.zone.offset),
            Piece::Fraction { separator, digits } => {
                output.push(separator);
                let text = format!("{:09}", self.nanoseconds);
                output.extend(text.bytes().take(digits));
            }
            Piece::TrimmedFraction { separator, digits } => {
                let text = format!("{:09}", self.nanoseconds);
                let shown = text.get(..digits).unwrap_or(&text).trim_end_matches('0');
                if !shown.is_empty() {
                    output.push(separator);
                    output.extend(shown.bytes());
                }
            }
        }
    }
}

fn push_number(output: &mut Vec<u8>, value: i64, width: usize) {
    if value < 0 {
        output.push(b'-');
    }
    output.extend(format!("{:0width$}", value.unsigned_abs()).bytes());
}

fn push_offset(output: &mut Vec<u8>, shape: Shape, offset: i32) {
    let minutes = (offset / 60).unsigned_abs();
    output.push(if offset / 60 < 0 { b'-' } else { b'+' });
    let (hours, minutes, seconds) = (minutes / 60, minutes % 60, offset.unsigned_abs() % 60);
    let text = match shape {
        Shape::Hours => format!("{hours:02}"),
        Shape::Minutes => format!("{hours:02}{minutes:02}"),
        Shape::ColonMinutes => format!("{hours:02}:{minutes:02}"),
        Shape::Seconds => format!("{hours:02}{minutes:02}{seconds:02}"),
        Shape::ColonSeconds => format!("{hours:02}:{minutes:02}:{seconds:02}"),
    };
    output.extend(text.bytes());
}
