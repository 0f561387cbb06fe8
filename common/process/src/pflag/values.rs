//! Values of flags as Go's `strconv` and pflag read them.

use std::str::FromStr;

use flux_gotext::quote;

/// Words separated by commas, as one line of CSV; a flag of them may be repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of all repetitions of a flag.
    pub fn all(repeated: &[Self]) -> impl Iterator<Item = &str> {
        repeated.iter().flat_map(|words| words.0.iter().map(String::as_str))
    }
}

impl FromStr for Words {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let failed = |column: usize, what| format!("parse error on line 1, column {column}: {what}");
        let column = |rest: &str| text.len() - rest.len() + 1;
        let mut words = Vec::new();
        let mut rest = text;
        loop {
            let after = if let Some(quoted) = rest.strip_prefix('"') {
                let (word, after) = unquote(quoted)
                    .map_err(|rest| failed(column(rest), "extraneous or missing \" in quoted-field"))?;
                words.push(word);
                after
            } else {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                if let Some(quote) = word.find('"') {
                    return Err(failed(column(rest) + quote, "bare \" in non-quoted-field"));
                }
                words.push(word.to_owned());
                after
            };
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                // nothing after the first line is read
                None => return Ok(Self(words)),
            }
        }
    }
}

/// Reads up to the closing quotation mark, two of which stand for one; gives what is behind it, or where the mistake is.
fn unquote(text: &str) -> Result<(String, &str), &str> {
    let mut word = String::new();
    let mut rest = text;
    loop {
        let Some(end) = rest.find('"') else { return Err("") };
        let (part, tail) = rest.split_at(end);
        word.push_str(part);
        let after = tail.get(1..).unwrap_or_default();
        match after.chars().next() {
            Some('"') => {
                word.push('"');
                rest = after.get(1..).unwrap_or_default();
            }
            None | Some(',' | '\n') => return Ok((word, after)),
            Some(_) => return Err(tail),
        }
    }
}

/// A boolean in one of Go's words.
///
/// # Errors
/// The text of `strconv.ParseBool`.
pub fn parse_bool(word: &str) -> Result<bool, String> {
    match word {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Mistake::Syntax.of("ParseBool", word)),
    }
}

/// An integer as it is written in Go: with a prefix for its base, and underscores between digits.
///
/// # Errors
/// The text of `strconv.ParseInt`.
pub fn parse_int(word: &str) -> Result<i64, String> {
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    };
    let signed = magnitude(digits).and_then(|magnitude| {
        let signed = if negative { 0i64.checked_sub_unsigned(magnitude) } else { magnitude.try_into().ok() };
        signed.ok_or(Mistake::Range)
    });
    signed.map_err(|mistake| mistake.of("ParseInt", word))
}

/// A number of things; of less than none there are none.
///
/// # Errors
/// As [`parse_int`].
pub fn parse_count(word: &str) -> Result<usize, String> {
    parse_int(word).map(|count| usize::try_from(count.max(0)).unwrap_or(usize::MAX))
}

/// A number from 0 to 255.
///
/// # Errors
/// The text of `strconv.ParseUint`.
pub fn parse_percentage(word: &str) -> Result<u8, String> {
    let number = magnitude(word).and_then(|number| u8::try_from(number).map_err(|_| Mistake::Range));
    number.map_err(|mistake| mistake.of("ParseUint", word))
}

/// A decimal number with or without exponent, or an infinity.
///
/// # Errors
/// The text of `strconv.ParseFloat`.
pub fn parse_float(word: &str) -> Result<f32, String> {
    let number: f32 = word.parse().map_err(|_| Mistake::Syntax.of("ParseFloat", word))?;
    if number.is_infinite() && word.contains(|character: char| character.is_ascii_digit()) {
        return Err(Mistake::Range.of("ParseFloat", word));
    }
    Ok(number)
}

#[derive(Clone, Copy)]
enum Mistake {
    Syntax,
    Range,
}

impl Mistake {
    fn of(self, function: &str, word: &str) -> String {
        let what = match self {
            Self::Syntax => "invalid syntax",
            Self::Range => "value out of range",
        };
        format!("strconv.{function}: parsing {}: {what}", quote(word))
    }
}

/// `strconv.ParseUint` with base 0 and 64 bits.
fn magnitude(text: &str) -> Result<u64, Mistake> {
    let (base, digits) = match text.as_bytes() {
        [] => return Err(Mistake::Syntax),
        [b'0', b'b' | b'B', _, ..] => (2, text.get(2..)),
        [b'0', b'o' | b'O', _, ..] => (8, text.get(2..)),
        [b'0', b'x' | b'X', _, ..] => (16, text.get(2..)),
        [b'0', ..] => (8, text.get(1..)),
        _ => (10, Some(text)),
    };
    // an underscore may follow a digit or the prefix, and has to be followed by a digit
    let mut may_separate = base != 10;
    let mut number: u64 = 0;
    for character in digits.unwrap_or_default().chars() {
        if character == '_' && std::mem::replace(&mut may_separate, false) {
            continue;
        }
        let digit = character.to_digit(base).ok_or(Mistake::Syntax)?;
        let next = number.checked_mul(base.into()).and_then(|number| number.checked_add(digit.into()));
        number = next.ok_or(Mistake::Range)?;
        may_separate = true;
    }
    if may_separate { Ok(number) } else { Err(Mistake::Syntax) }
}
