//! Numbers and texts by verbs.

use std::fmt::Write as _;

use flux_gotext::{
    FloatFormat, GoTime, LetterCase, Shown, can_backquote, format_float, is_print, quote_bytes, quote_rune,
    rune_pieces,
};

use super::printer::Printer;
use crate::engine::FunctionError as Error;
use crate::value::Value;

/// A time as `%#v` shows it.
pub(super) fn go_syntax(time: &GoTime) -> String {
    let field =
        |layout: &[u8]| String::from_utf8_lossy(&time.format(layout)).parse::<i64>().unwrap_or_default();
    let zone = time.zone();
    let location = match (zone.abbreviation.as_str(), zone.offset) {
        // the local zone is UTC
        ("UTC", 0) => "time.Local".to_owned(),
        (name, _) => format!("time.Location({})", quote_bytes(name.as_bytes(), Shown::Printable)),
    };
    format!(
        "time.Date({}, time.{}, {}, {}, {}, {}, {}, {location})",
        field(b"2006"),
        String::from_utf8_lossy(&time.format(b"January")),
        field(b"2"),
        field(b"15"),
        field(b"4"),
        field(b"5"),
        time.subsec_nanoseconds()
    )
}

/// How the digits of an integer are written.
#[derive(Clone, Copy)]
struct Base {
    radix: u32,
    case: LetterCase,
    verb: char,
}

impl Base {
    fn of(verb: char) -> Option<Self> {
        let (radix, case) = match verb {
            'v' | 'd' => (10, LetterCase::Lower),
            'b' => (2, LetterCase::Lower),
            'o' | 'O' => (8, LetterCase::Lower),
            'x' => (16, LetterCase::Lower),
            'X' => (16, LetterCase::Upper),
            _ => return None,
        };
        Some(Self { radix, case, verb })
    }

    fn digits(self, number: u64) -> String {
        match (self.radix, self.case) {
            (2, _) => format!("{number:b}"),
            (8, _) => format!("{number:o}"),
            (16, LetterCase::Lower) => format!("{number:x}"),
            (16, LetterCase::Upper) => format!("{number:X}"),
            _ => number.to_string(),
        }
    }

    fn prefix(self, digits: &str, sharp: bool) -> &'static str {
        match (self.radix, self.case) {
            _ if self.verb == 'O' => "0o",
            _ if !sharp => "",
            (2, _) => "0b",
            (8, _) if !digits.starts_with('0') => "0",
            (16, LetterCase::Lower) => "0x",
            (16, LetterCase::Upper) => "0X",
            _ => "",
        }
    }
}

impl Printer<'_> {
    pub(super) fn signed(&mut self, number: i64, value: &Value, verb: char) -> Result<(), Error> {
        let magnitude = number.unsigned_abs();
        match Base::of(verb) {
            Some(base) => self.integer(number < 0, magnitude, base),
            None => self.character(number.cast_unsigned(), value, verb),
        }
    }

    pub(super) fn unsigned(&mut self, number: u64, value: &Value, verb: char) -> Result<(), Error> {
        if verb == 'v' && self.flags.sharp_v {
            let before = std::mem::replace(&mut self.flags.sharp, true);
            let base = Base { radix: 16, case: LetterCase::Lower, verb };
            self.integer(false, number, base)?;
            self.flags.sharp = before;
            return Ok(());
        }
        match Base::of(verb) {
            Some(base) => self.integer(false, number, base),
            None => self.character(number, value, verb),
        }
    }

    fn integer(&mut self, is_negative: bool, magnitude: u64, base: Base) -> Result<(), Error> {
        let flags = self.flags;
        let mut digits = base.digits(magnitude);
        let sign = match (is_negative, flags.plus, flags.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        };
        let shown = match flags.precision {
            Some(0) if magnitude == 0 => {
                self.flags = flags.without_zero();
                self.fill(flags.width.unwrap_or(0))?;
                self.flags = flags;
                return Ok(());
            }
            Some(precision) => precision,
            None if flags.pads_with_zeros() => flags.width.unwrap_or(0).saturating_sub(sign.len()),
            None => 0,
        };
        let zeros = shown.saturating_sub(digits.len());
        if zeros > 0 {
            self.render.budget.text(zeros)?;
            digits.insert_str(0, &"0".repeat(zeros));
        }
        let prefix = base.prefix(&digits, flags.sharp);
        self.flags = flags.without_zero();
        self.pad(format!("{sign}{prefix}{digits}").as_bytes())?;
        self.flags = flags;
        Ok(())
    }

    /// `%c`, `%q` and `%U` of an integer.
    fn character(&mut self, number: u64, value: &Value, verb: char) -> Result<(), Error> {
        let code = u32::try_from(number).ok().and_then(char::from_u32);
        let character = code.unwrap_or(char::REPLACEMENT_CHARACTER);
        match verb {
            'c' => self.pad(character.encode_utf8(&mut [0; 4]).as_bytes()),
            'q' => {
                let shown = if self.flags.plus { Shown::Ascii } else { Shown::Printable };
                self.pad(quote_rune(character, shown).as_bytes())
            }
            'U' => {
                let places = self.flags.precision.unwrap_or(4).max(4);
                self.render.budget.text(places)?;
                let digits = format!("{number:X}");
                let zeros = "0".repeat(places.saturating_sub(digits.len()));
                let mut text = format!("U+{zeros}{digits}");
                if let Some(character) = code.filter(|c| self.flags.sharp && is_print(*c)) {
                    text.extend([' ', '\'', character, '\'']);
                }
                let flags = self.flags;
                self.flags = flags.without_zero();
                self.pad(text.as_bytes())?;
                self.flags = flags;
                Ok(())
            }
            _ => self.bad_verb(value, verb),
        }
    }

    pub(super) fn float(&mut self, number: f64, value: &Value, verb: char) -> Result<(), Error> {
        let lower = LetterCase::Lower;
        let upper = LetterCase::Upper;
        let (format, precision) = match verb {
            'v' | 'g' => (FloatFormat::General(lower), None),
            'G' => (FloatFormat::General(upper), None),
            'x' => (FloatFormat::Hexadecimal(lower), None),
            'X' => (FloatFormat::Hexadecimal(upper), None),
            'b' => (FloatFormat::Binary, None),
            'e' => (FloatFormat::Exponent(lower), Some(6)),
            'E' => (FloatFormat::Exponent(upper), Some(6)),
            'f' | 'F' => (FloatFormat::Decimal, Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        self.render.budget.text(precision.unwrap_or(0))?;
        let text = format_float(number, format, precision);
        let (sign, mut digits) = match text.split_at_checked(1) {
            Some((sign @ ("-" | "+"), digits)) => (sign, digits.to_owned()),
            _ => ("+", text),
        };
        let sign = if sign == "+" && flags.space && !flags.plus { " " } else { sign };
        if !number.is_finite() {
            let shows_sign = !number.is_nan() || flags.space || flags.plus;
            let text = if shows_sign { format!("{sign}{digits}") } else { digits };
            self.flags = flags.without_zero();
            self.pad(text.as_bytes())?;
            self.flags = flags;
            return Ok(());
        }
        if flags.sharp && verb != 'b' {
            let wanted = match verb {
                'v' | 'g' | 'G' | 'x' | 'X' => precision.unwrap_or(6),
                _ => 0,
            };
            digits = with_point(&digits, wanted, matches!(verb, 'x' | 'X'));
        }
        if !flags.plus && sign == "+" {
            return self.pad(digits.as_bytes());
        }
        let length = digits.len() + 1;
        if flags.pads_with_zeros() && flags.width.is_some_and(|width| width > length) {
            self.push(sign.as_bytes())?;
            self.fill(flags.width.unwrap_or(0) - length)?;
            return self.push(digits.as_bytes());
        }
        self.pad(format!("{sign}{digits}").as_bytes())
    }

    /// `%s`, `%q`, `%x` and `%X` of a text.
    pub(super) fn formatted_text(&mut self, text: &[u8], verb: char) -> Result<(), Error> {
        if matches!(verb, 'x' | 'X') {
            return self.hexadecimal(text, verb);
        }
        let shown = match self.flags.precision {
            Some(precision) => {
                let length: usize = rune_pieces(text).take(precision).map(|(_, piece)| piece.len()).sum();
                text.get(..length).unwrap_or(text)
            }
            None => text,
        };
        if verb != 'q' {
            return self.pad(shown);
        }
        if self.flags.sharp && can_backquote(shown) {
            return self.pad(&[b"`", shown, b"`"].concat());
        }
        let which = if self.flags.plus { Shown::Ascii } else { Shown::Printable };
        self.render.budget.text(shown.len())?;
        self.pad(quote_bytes(shown, which).as_bytes())
    }

    fn hexadecimal(&mut self, text: &[u8], verb: char) -> Result<(), Error> {
        let flags = self.flags;
        let length = flags.precision.map_or(text.len(), |precision| precision.min(text.len()));
        let prefix = match (flags.sharp, verb) {
            (false, _) => "",
            (true, 'X') => "0X",
            (true, _) => "0x",
        };
        self.render.budget.text(length.saturating_mul(5))?;
        let mut output = String::new();
        for (index, byte) in text.iter().take(length).enumerate() {
            if flags.space && index > 0 {
                output.push(' ');
            }
            if index == 0 || flags.space {
                output.push_str(prefix);
            }
            // writing into a string cannot fail
            let _ = if verb == 'X' { write!(output, "{byte:02X}") } else { write!(output, "{byte:02x}") };
        }
        self.pad(output.as_bytes())
    }
}

/// The digits with a point, and with noughts up to `wanted` significant ones.
fn with_point(digits: &str, wanted: usize, is_hexadecimal: bool) -> String {
    let mut head = String::new();
    let mut tail = "";
    let mut wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
    let (mut has_point, mut is_significant) = (false, false);
    for (index, character) in digits.char_indices() {
        match character {
            '.' => has_point = true,
            'p' | 'P' => {
                tail = digits.get(index..).unwrap_or_default();
                break;
            }
            'e' | 'E' if !is_hexadecimal => {
                tail = digits.get(index..).unwrap_or_default();
                break;
            }
            _ => {
                is_significant |= character != '0';
                wanted -= i64::from(is_significant);
            }
        }
        head.push(character);
    }
    if !has_point {
        if head == "0" {
            wanted -= 1;
        }
        head.push('.');
    }
    let zeros = usize::try_from(wanted).unwrap_or(0);
    format!("{head}{}{tail}", "0".repeat(zeros))
}
