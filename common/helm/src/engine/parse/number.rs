//! Number constants, which are of every type that can hold them.

use flux_gotext::{Shown, quote_bytes};

use super::unquote::unquote_char;

/// A constant without a type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Number {
    /// As a signed integer.
    pub(crate) int: Option<i64>,
    /// As an unsigned integer.
    pub(crate) uint: Option<u64>,
    /// As a float.
    pub(crate) float: Option<f64>,
    /// Whether it is a complex number; no function takes one.
    pub(crate) is_complex: bool,
}

impl Number {
    fn of_complex(real: f64, imaginary: f64) -> Self {
        let float = (imaginary == 0.0).then_some(real);
        let mut number = Self { float, is_complex: true, ..Self::default() };
        number.add_integers();
        number
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "casts saturate, and what does not survive them is no integer"
    )]
    #[expect(clippy::float_cmp, reason = "a float is an integer if it survives the way there and back")]
    fn add_integers(&mut self) {
        let Some(float) = self.float else { return };
        if self.int.is_none() && (float as i64) as f64 == float && float < 9.3e18 {
            self.int = Some(float as i64);
        }
        if self.uint.is_none() && (float as u64) as f64 == float {
            self.uint = Some(float as u64);
        }
    }

    /// A character constant with its quotes.
    pub(super) fn of_character(text: &[u8]) -> Result<Self, String> {
        let (code, tail) = unquote_char(text.get(1..).unwrap_or_default())?;
        if tail != b"'" {
            return Err(format!("malformed character constant: {}", String::from_utf8_lossy(text)));
        }
        let code = i64::from(code);
        #[expect(clippy::cast_precision_loss, reason = "codes are small")]
        let float = Some(code as f64);
        Ok(Self { int: Some(code), uint: u64::try_from(code).ok(), float, is_complex: false })
    }

    /// A number with a sign between its parts: `1+2i`
    pub(super) fn of_sum(text: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(text).unwrap_or_default();
        let problem = || "syntax error scanning complex number".to_owned();
        let body = text.strip_suffix('i').ok_or_else(problem)?;
        let middle = body.char_indices().skip(1).filter(|(at, character)| {
            let before = body.get(..*at).and_then(|before| before.chars().next_back());
            matches!(character, '+' | '-') && !matches!(before, Some('e' | 'E' | 'p' | 'P'))
        });
        let (middle, _) = middle.last().ok_or_else(problem)?;
        let (real, imaginary) = body.split_at(middle);
        let real = parse_float(real).ok_or_else(problem)?;
        let imaginary = parse_float(imaginary).ok_or_else(problem)?;
        Ok(Self::of_complex(real, imaginary))
    }

    /// Any other number.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let quoted = || quote_bytes(text, Shown::Printable);
        let text = str::from_utf8(text).map_err(|_| format!("illegal number syntax: {}", quoted()))?;
        if let Some(imaginary) = text.strip_suffix('i').and_then(parse_float) {
            return Ok(Self::of_complex(0.0, imaginary));
        }
        if let Some(small) = parse_small(text) {
            let (int, uint, float) = (i64::from(small), u64::from(small), f64::from(small));
            return Ok(Self { int: Some(int), uint: Some(uint), float: Some(float), is_complex: false });
        }
        let mut number = Self { uint: parse_uint(text), int: parse_int(text), ..Self::default() };
        if number.int == Some(0) {
            number.uint = Some(0);
        }
        #[expect(clippy::cast_precision_loss, reason = "as Go rounds it")]
        let float = number.int.map(|int| int as f64).or(number.uint.map(|uint| uint as f64));
        number.float = float;
        if number.float.is_none() {
            number.float = parse_float(text);
            if number.float.is_some() && !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", quoted()));
            }
            number.add_integers();
        }
        if number.float.is_none() {
            return Err(format!("illegal number syntax: {}", quoted()));
        }
        Ok(number)
    }
}

/// A decimal number of a few digits.
fn parse_small(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// `strconv.ParseUint(text, 0, 64)`
fn parse_uint(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', _, ..] => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    let plain = without_underscores(&lower, digits, base != 10)?;
    if plain.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&plain, base).ok()
}

fn parse_int(text: &str) -> Option<i64> {
    if let Some(text) = text.strip_prefix('-') {
        let value = parse_uint(text)?;
        return 0_i64.checked_sub_unsigned(value);
    }
    i64::try_from(parse_uint(text.strip_prefix('+').unwrap_or(text))?).ok()
}

/// Digits without their underscores, which stand between digits, or between a base prefix and a digit.
fn without_underscores(whole: &str, digits: &str, has_prefix: bool) -> Option<String> {
    if !whole.contains('_') {
        return (!digits.is_empty()).then(|| digits.to_owned());
    }
    let misplaced =
        digits.contains("__") || digits.ends_with('_') || (digits.starts_with('_') && !has_prefix);
    let plain = digits.replace('_', "");
    (!misplaced && !plain.is_empty()).then_some(plain)
}

/// Whether underscores stand between digits only, or behind the prefix of a base.
fn are_underscores_well_placed(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text).to_ascii_lowercase();
    let prefix = ["0x", "0b", "0o"].iter().find_map(|prefix| Some((*prefix, unsigned.strip_prefix(prefix)?)));
    let is_hexadecimal = prefix.is_some_and(|(prefix, _)| prefix == "0x");
    // what stands before: a digit, an underscore, or something else
    let mut before = if prefix.is_some() { '0' } else { ' ' };
    for character in prefix.map_or(unsigned.as_str(), |(_, rest)| rest).chars() {
        let is_digit = character.is_ascii_digit() || (is_hexadecimal && character.is_ascii_hexdigit());
        before = match character {
            '_' if before == '0' => '_',
            '_' => return false,
            _ if is_digit => '0',
            _ if before == '_' => return false,
            _ => ' ',
        };
    }
    before != '_'
}

/// `strconv.ParseFloat(text, 64)`
fn parse_float(text: &str) -> Option<f64> {
    if text.contains('_') {
        return parse_float(&text.replace('_', "")).filter(|_| are_underscores_well_placed(text));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    if let Some(hexadecimal) = lower.strip_prefix("0x") {
        let value = parse_hexadecimal(hexadecimal)?;
        return Some(if text.starts_with('-') { -value } else { value });
    }
    if !lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// `1.8p3` after the prefix; the exponent is not left out.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let mut exponent: i32 = exponent.parse().ok()?;
    let (mut value, mut after_point, mut digits) = (0_f64, false, 0);
    for character in mantissa.chars() {
        if character == '.' {
            if after_point {
                return None;
            }
            after_point = true;
            continue;
        }
        value = value.mul_add(16.0, f64::from(character.to_digit(16)?));
        digits += 1;
        if after_point {
            exponent = exponent.checked_sub(4)?;
        }
    }
    let value = value * 2_f64.powi(exponent);
    (digits > 0 && value.is_finite()).then_some(value)
}
