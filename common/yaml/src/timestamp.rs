//! Dates and times as go-yaml recognises them in plain scalars.

use std::fmt;

/// A date and time of day with its distance from UTC, as Go's `time.Time` prints it in RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanosecond: u32,
    /// Minutes east of UTC.
    offset: i16,
}

impl Timestamp {
    /// Reads `YYYY-M-D`, `YYYY-M-D h:m:s[.frac]` or `YYYY-M-DTh:m:s[.frac](Z|±hh:mm)` (also with `t`), where months and
    /// days, minutes and seconds have one or two digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.as_bytes().get(4) != Some(&b'-') {
            return None;
        }
        let mut rest = Cursor(text.as_bytes());
        let year = rest.digits(4, 4)?;
        rest.byte(b'-')?;
        let month = u8::try_from(rest.digits(1, 2)?).ok()?;
        rest.byte(b'-')?;
        let day = u8::try_from(rest.digits(1, 2)?).ok()?;
        let year = u16::try_from(year).ok()?;
        if !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
            return None;
        }
        let date = Self { year, month, day, hour: 0, minute: 0, second: 0, nanosecond: 0, offset: 0 };
        match rest.next() {
            None => Some(date),
            Some(b' ') => date.with_time(&mut rest).filter(|_| rest.0.is_empty()),
            Some(b'T' | b't') => {
                let timed = date.with_time(&mut rest)?;
                let offset = rest.offset()?;
                rest.0.is_empty().then_some(Self { offset, ..timed })
            }
            Some(_) => None,
        }
    }

    fn with_time(self, rest: &mut Cursor<'_>) -> Option<Self> {
        let hour = u8::try_from(rest.digits(1, 2)?).ok().filter(|hour| *hour < 24)?;
        rest.byte(b':')?;
        let minute = u8::try_from(rest.digits(1, 2)?).ok().filter(|minute| *minute < 60)?;
        rest.byte(b':')?;
        let second = u8::try_from(rest.digits(1, 2)?).ok().filter(|second| *second < 60)?;
        Some(Self { hour, minute, second, nanosecond: rest.fraction()?, ..self })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, nanosecond, offset } = self;
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if *nanosecond != 0 {
            let digits = format!("{nanosecond:09}");
            write!(formatter, ".{}", digits.trim_end_matches('0'))?;
        }
        match offset {
            0 => formatter.write_str("Z"),
            _ => {
                let (sign, minutes) = (if *offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
                write!(formatter, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self, expected: u8) -> Option<()> {
        self.next().filter(|byte| *byte == expected).map(|_| ())
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
    }

    /// `.` or `,` and any number of digits, of which nine count; 0 if there is none.
    fn fraction(&mut self) -> Option<u32> {
        if !matches!(self.0, [b'.' | b',', b'0'..=b'9', ..]) {
            return Some(0);
        }
        self.next();
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
        Some(padded.fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
    }

    fn offset(&mut self) -> Option<i16> {
        let sign = match self.next()? {
            b'Z' => return Some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = i16::try_from(self.digits(2, 2)?).ok().filter(|hours| *hours <= 24)?;
        self.byte(b':')?;
        let minutes = i16::try_from(self.digits(2, 2)?).ok().filter(|minutes| *minutes < 60)?;
        Some(sign * (hours * 60 + minutes))
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}
