//! Reading times by a layout.

use super::civil::{days_in, is_leap, seconds_of};
use super::layout::{Offset, Piece, Shape, next_piece};
use super::{DAYS, GoTime, MONTHS, Zone, short};
use crate::duration::quote;

/// Why a text is no time by a layout, in the words of Go's `time.ParseError`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseTimeError {
    /// A piece of the layout that the text has nothing for.
    #[error(
        "parsing time {} as {}: cannot parse {} as {}",
        quote(value),
        quote(layout),
        quote(rest),
        quote(piece)
    )]
    Mismatch {
        /// The whole layout.
        layout: Vec<u8>,
        /// The whole text.
        value: Vec<u8>,
        /// What is left of the text.
        rest: Vec<u8>,
        /// The piece of the layout.
        piece: Vec<u8>,
    },
    /// A number past its range, or text left over.
    #[error("parsing time {}: {problem}", quote(value))]
    Invalid {
        /// The whole text.
        value: Vec<u8>,
        /// What is wrong with it.
        problem: String,
    },
}

/// What went wrong with one piece.
enum Fault {
    /// The text does not fit the piece.
    Bad,
    /// A number is past the range of what it counts.
    OutOfRange(&'static str),
}

/// What has been read so far.
#[derive(Default)]
struct Parsed {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: u32,
    half: Option<Half>,
    is_utc: bool,
    offset: Option<i32>,
    abbreviation: Vec<u8>,
}

/// Before or after noon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

impl GoTime {
    /// Reads a time by a layout, as Go's `time.ParseInLocation` does where the local zone is UTC.
    ///
    /// ```
    /// use flux_gotext::GoTime;
    /// let time = GoTime::parse(b"2006-01-02", b"2017-12-31")?;
    /// assert_eq!(time.to_string(), "2017-12-31 00:00:00 +0000 UTC");
    /// # Ok::<(), flux_gotext::ParseTimeError>(())
    /// ```
    ///
    /// # Errors
    /// [`ParseTimeError`].
    pub fn parse(layout: &[u8], value: &[u8]) -> Result<Self, ParseTimeError> {
        let mut parsed = Parsed::default();
        let (mut layout_rest, mut rest) = (layout, value);
        let mismatch = |rest: &[u8], piece: &[u8]| ParseTimeError::Mismatch {
            layout: layout.to_vec(),
            value: value.to_vec(),
            rest: rest.to_vec(),
            piece: piece.to_vec(),
        };
        let invalid = |problem: String| ParseTimeError::Invalid { value: value.to_vec(), problem };
        loop {
            let (before, piece, after) = next_piece(layout_rest);
            rest = skip(rest, before).map_err(|rest| mismatch(rest, before))?;
            let Some((piece, text)) = piece else {
                if !rest.is_empty() {
                    return Err(invalid(format!("extra text: {}", quote(rest))));
                }
                return parsed.into_time().map_err(|problem| invalid(problem.to_owned()));
            };
            layout_rest = after;
            let mut reader = Reader { rest, layout: after };
            match parsed.piece(&mut reader, piece) {
                Ok(()) => rest = reader.rest,
                Err(Fault::Bad) => return Err(mismatch(rest, text)),
                Err(Fault::OutOfRange(what)) => return Err(invalid(format!("{what} out of range"))),
            }
        }
    }
}

/// Past `before`, in which a run of blanks stands for any; else where the text departs from it.
fn skip<'a>(value: &'a [u8], before: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    let (mut value, mut before) = (value, before);
    while let Some((expected, after)) = before.split_first() {
        if *expected == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            (value, before) = (trim_blanks(value), trim_blanks(before));
            continue;
        }
        match value.split_first() {
            Some((byte, rest)) if byte == expected => (value, before) = (rest, after),
            _ => return Err(value),
        }
    }
    Ok(value)
}

fn trim_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| **byte == b' ').count();
    text.get(blanks..).unwrap_or_default()
}

/// What is left of a text, and of the layout behind the piece in hand.
struct Reader<'a> {
    rest: &'a [u8],
    layout: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Fault::Bad)?;
        self.rest = rest;
        Ok(taken)
    }

    fn is_digit(&self, at: usize) -> bool {
        self.rest.get(at).is_some_and(u8::is_ascii_digit)
    }

    fn skip_blank(&mut self) {
        self.rest = self.rest.strip_prefix(b" ").unwrap_or(self.rest);
    }

    /// One or two digits; exactly two where they are `fixed`.
    fn number(&mut self, width: Width) -> Result<i64, Fault> {
        let count = if self.is_digit(1) { 2 } else { 1 };
        if !self.is_digit(0) || (count == 1 && width == Width::Fixed) {
            return Err(Fault::Bad);
        }
        self.take(count).and_then(signed)
    }

    /// A number in a range, of which an error names the unit.
    fn number_in(
        &mut self,
        width: Width,
        range: std::ops::RangeInclusive<i64>,
        unit: &'static str,
    ) -> Result<i64, Fault> {
        let number = self.number(width)?;
        if range.contains(&number) { Ok(number) } else { Err(Fault::OutOfRange(unit)) }
    }

    /// The place of a name in a list, in any case.
    fn name(&mut self, names: impl Iterator<Item = &'static str>) -> Result<i64, Fault> {
        for (index, name) in names.enumerate() {
            if self.rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes())) {
                self.take(name.len())?;
                return Ok(i64::try_from(index).unwrap_or_default());
            }
        }
        Err(Fault::Bad)
    }

    /// A separator and digits, `count` bytes in all, as nanoseconds.
    fn nanoseconds(&mut self, count: usize) -> Result<u32, Fault> {
        let taken = self.take(count)?;
        let Some((b'.' | b',', digits)) = taken.split_first() else { return Err(Fault::Bad) };
        let digits = digits.get(..9).unwrap_or(digits);
        let number = signed(digits)?;
        let scale = 10_i64.pow(u32::try_from(9 - digits.len()).unwrap_or_default());
        u32::try_from(number * scale).map_err(|_| Fault::OutOfRange("fractional second"))
    }
}

/// Whether a number has its full width.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Fixed,
    Free,
}

/// A number with an optional sign and nothing else.
fn signed(text: &[u8]) -> Result<i64, Fault> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if digits.is_empty() && digits.len() != text.len() {
        return Ok(0);
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::Bad);
    }
    let number = digits.iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'));
    Ok(if text.first() == Some(&b'-') { -number } else { number })
}

impl Parsed {
    fn piece(&mut self, reader: &mut Reader<'_>, piece: Piece) -> Result<(), Fault> {
        use Width::{Fixed, Free};
        match piece {
            Piece::Year => {
                let year = signed(reader.take(2)?)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            Piece::LongYear => {
                if reader.rest.len() < 4 || !reader.is_digit(0) {
                    return Err(Fault::Bad);
                }
                self.year = signed(reader.take(4)?)?;
            }
            Piece::Month => self.month = Some(reader.name(MONTHS.into_iter().map(short))? + 1),
            Piece::LongMonth => self.month = Some(reader.name(MONTHS.into_iter())? + 1),
            Piece::NumberMonth => self.month = Some(reader.number_in(Free, 1..=12, "month")?),
            Piece::ZeroMonth => self.month = Some(reader.number_in(Fixed, 1..=12, "month")?),
            Piece::WeekDay => drop(reader.name(DAYS.into_iter().map(short))?),
            Piece::LongWeekDay => drop(reader.name(DAYS.into_iter())?),
            Piece::Day => self.day = Some(reader.number(Free)?),
            Piece::UnderDay => {
                reader.skip_blank();
                self.day = Some(reader.number(Free)?);
            }
            Piece::ZeroDay => self.day = Some(reader.number(Fixed)?),
            Piece::UnderYearDay => {
                reader.skip_blank();
                reader.skip_blank();
                self.year_day = Some(year_day(reader, Free)?);
            }
            Piece::ZeroYearDay => self.year_day = Some(year_day(reader, Fixed)?),
            Piece::Hour => self.hour = reader.number_in(Free, 0..=23, "hour")?,
            Piece::Hour12 => self.hour = reader.number_in(Free, 0..=12, "hour")?,
            Piece::ZeroHour12 => self.hour = reader.number_in(Fixed, 0..=12, "hour")?,
            Piece::Minute => self.minute = reader.number_in(Free, 0..=59, "minute")?,
            Piece::ZeroMinute => self.minute = reader.number_in(Fixed, 0..=59, "minute")?,
            Piece::Second => self.second(reader, Free)?,
            Piece::ZeroSecond => self.second(reader, Fixed)?,
            Piece::UpperNoon => self.half = Some(half(reader.take(2)?, b"AM", b"PM")?),
            Piece::LowerNoon => self.half = Some(half(reader.take(2)?, b"am", b"pm")?),
            Piece::Offset(offset) => self.offset(reader, offset)?,
            Piece::Abbreviation => self.abbreviation(reader)?,
            Piece::Fraction { digits, .. } => self.nanoseconds = reader.nanoseconds(digits + 1)?,
            Piece::TrimmedFraction { .. } => {
                if matches!(reader.rest.first(), Some(b'.' | b',')) && reader.is_digit(1) {
                    self.nanoseconds = reader.nanoseconds(1 + digits_after(reader.rest))?;
                }
            }
        }
        Ok(())
    }

    /// Seconds take a fraction along that the layout does not name.
    fn second(&mut self, reader: &mut Reader<'_>, width: Width) -> Result<(), Fault> {
        self.second = reader.number_in(width, 0..=59, "second")?;
        let has_fraction = matches!(reader.rest.first(), Some(b'.' | b',')) && reader.is_digit(1);
        let next = next_piece(reader.layout).1;
        let is_named = matches!(next, Some((Piece::Fraction { .. } | Piece::TrimmedFraction { .. }, _)));
        if has_fraction && !is_named {
            self.nanoseconds = reader.nanoseconds(1 + digits_after(reader.rest))?;
        }
        Ok(())
    }

    fn offset(&mut self, reader: &mut Reader<'_>, offset: Offset) -> Result<(), Fault> {
        if offset.zulu && reader.rest.first() == Some(&b'Z') {
            reader.take(1)?;
            self.is_utc = true;
            return Ok(());
        }
        // where hours, minutes and seconds stand, and where colons do
        let (length, minute, second, colons): (usize, Option<usize>, Option<usize>, &[usize]) =
            match offset.shape {
                Shape::Hours => (3, None, None, &[]),
                Shape::Minutes => (5, Some(3), None, &[]),
                Shape::ColonMinutes => (6, Some(4), None, &[3]),
                Shape::Seconds => (7, Some(3), Some(5), &[]),
                Shape::ColonSeconds => (9, Some(4), Some(7), &[3, 6]),
            };
        let text = reader.take(length)?;
        if colons.iter().any(|at| text.get(*at) != Some(&b':')) {
            return Err(Fault::Bad);
        }
        let two = |at: usize| {
            let mut digits = Reader { rest: text.get(at..at + 2).unwrap_or_default(), layout: &[] };
            digits.number(Width::Fixed)
        };
        let hours = two(1)?;
        let minutes = minute.map_or(Ok(0), two)?;
        let seconds = second.map_or(Ok(0), two)?;
        // whole days, hours and minutes are taken, as some people write them
        let out_of_range = [
            (seconds > 60, "time zone offset second"),
            (minutes > 60, "time zone offset minute"),
            (hours > 24, "time zone offset hour"),
        ];
        if let Some((_, unit)) = out_of_range.into_iter().find(|(is_out, _)| *is_out) {
            return Err(Fault::OutOfRange(unit));
        }
        let total = i32::try_from((hours * 60 + minutes) * 60 + seconds).unwrap_or_default();
        self.offset = Some(match text.first() {
            Some(b'+') => total,
            Some(b'-') => -total,
            _ => return Err(Fault::Bad),
        });
        Ok(())
    }

    fn abbreviation(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        if reader.rest.starts_with(b"UTC") {
            reader.take(3)?;
            self.is_utc = true;
            return Ok(());
        }
        let length = abbreviation_length(reader.rest).ok_or(Fault::Bad)?;
        self.abbreviation = reader.take(length)?.to_vec();
        Ok(())
    }

    fn into_time(mut self) -> Result<GoTime, &'static str> {
        match self.half {
            Some(Half::Afternoon) if self.hour < 12 => self.hour += 12,
            Some(Half::Morning) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.date()?;
        let of_day = (self.hour * 60 + self.minute) * 60 + self.second;
        let seconds = seconds_of(self.year, month, day, of_day);
        let utc = GoTime::new(seconds, self.nanoseconds, Zone::utc());
        if self.is_utc {
            return Ok(utc);
        }
        let abbreviation = String::from_utf8_lossy(&self.abbreviation).into_owned();
        if let Some(offset) = self.offset {
            // the local zone is UTC
            if offset == 0 && (abbreviation.is_empty() || abbreviation == "UTC") {
                return Ok(utc);
            }
            return Ok(utc.add_seconds(-i64::from(offset)).in_zone(Zone { abbreviation, offset }));
        }
        if abbreviation.is_empty() {
            return Ok(utc);
        }
        // of a zone that is not known only GMT tells its offset, and that is but a label in Go
        let hours = abbreviation.strip_prefix("GMT").and_then(|hours| signed(hours.as_bytes()).ok());
        let offset = i32::try_from(hours.unwrap_or_default() * 3600).unwrap_or_default();
        Ok(utc.in_zone(Zone { abbreviation, offset }))
    }

    /// Month and day, also of a day of the year, which must not contradict them.
    fn date(&self) -> Result<(u8, u8), &'static str> {
        let narrow = |value: i64| u8::try_from(value).unwrap_or(u8::MAX);
        let (month, day) = match self.year_day {
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
            Some(year_day) => {
                let last = if is_leap(self.year) { 366 } else { 365 };
                if !(1..=last).contains(&year_day) {
                    return Err("day-of-year out of range");
                }
                let (mut month, mut day) = (1, year_day);
                while day > i64::from(days_in(month, self.year)) {
                    day -= i64::from(days_in(month, self.year));
                    month += 1;
                }
                let month = i64::from(month);
                if self.month.is_some_and(|named| named != month) {
                    return Err("day-of-year does not match month");
                }
                if self.day.is_some_and(|named| named != day) {
                    return Err("day-of-year does not match day");
                }
                (month, day)
            }
        };
        if day < 1 || day > i64::from(days_in(narrow(month), self.year)) {
            return Err("day out of range");
        }
        Ok((narrow(month), narrow(day)))
    }
}

impl GoTime {
    fn add_seconds(mut self, seconds: i64) -> Self {
        self.seconds = self.seconds.wrapping_add(seconds);
        self
    }
}

/// How many digits follow the first byte.
fn digits_after(text: &[u8]) -> usize {
    text.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count()
}

/// One to three digits.
fn year_day(reader: &mut Reader<'_>, width: Width) -> Result<i64, Fault> {
    let count = (0..3).take_while(|at| reader.is_digit(*at)).count();
    if count == 0 || (width == Width::Fixed && count != 3) {
        return Err(Fault::Bad);
    }
    reader.take(count).and_then(signed)
}

fn half(text: &[u8], morning: &[u8], afternoon: &[u8]) -> Result<Half, Fault> {
    if text == morning {
        Ok(Half::Morning)
    } else if text == afternoon {
        Ok(Half::Afternoon)
    } else {
        Err(Fault::Bad)
    }
}

/// Length of what looks like the abbreviation of a zone.
fn abbreviation_length(text: &[u8]) -> Option<usize> {
    let head = text.get(..3)?;
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if head == b"GMT" {
        return Some(3 + text.get(3..).map_or(0, signed_hours_length));
    }
    if matches!(text.first(), Some(b'+' | b'-')) {
        return Some(signed_hours_length(text)).filter(|length| *length > 0);
    }
    match text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count() {
        3 => Some(3),
        4 if text.get(3) == Some(&b'T') || text.starts_with(b"WITA") => Some(4),
        5 if text.get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

/// Length of a sign and a number of at most 23, else 0.
fn signed_hours_length(text: &[u8]) -> usize {
    let digits = digits_after(text);
    let hours = text.get(1..=digits).unwrap_or_default().iter();
    let hours =
        hours.fold(0_u32, |hours, digit| hours.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
    if matches!(text.first(), Some(b'+' | b'-')) && digits > 0 && hours <= 23 { digits + 1 } else { 0 }
}
