//! Floating-point numbers as Go's `strconv.FormatFloat` writes them.

use std::fmt::Write as _;

/// More digits than this behind the point are zeros in any `f64`.
const MOST_DIGITS: usize = 1100;
/// Bits of the fraction of an `f64`.
const FRACTION_BITS: u32 = 52;

/// Letter case of an exponent or of hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterCase {
    /// `e`, `x`, `p`.
    Lower,
    /// `E`, `X`, `P`.
    Upper,
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatFormat {
    /// `%e`: `-d.dddde±dd`.
    Exponent(LetterCase),
    /// `%f`: `-ddd.dddd`.
    Decimal,
    /// `%g`: [`Self::Exponent`] for large and small exponents, else [`Self::Decimal`].
    General(LetterCase),
    /// `%x`: `-0x1.yyyyyyyyp±dd`.
    Hexadecimal(LetterCase),
    /// `%b`: `-ddddp±dd`, a whole number times a power of two.
    Binary,
}

/// Writes a number; `precision` is the number of digits behind the point (of all digits for `%g`), and without one as
/// many as tell the number from its neighbours.
///
/// ```
/// use flux_gotext::{FloatFormat, LetterCase, format_float};
/// let general = FloatFormat::General(LetterCase::Lower);
/// assert_eq!(format_float(1_000_000.0, general, None), "1e+06");
/// assert_eq!(format_float(123_456.789, general, None), "123456.789");
/// assert_eq!(format_float(2.5, FloatFormat::Decimal, Some(0)), "2");
/// ```
pub fn format_float(value: f64, format: FloatFormat, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match format {
        FloatFormat::Exponent(case) => {
            let digits = Digits::new(value, precision);
            let places = precision.unwrap_or_else(|| digits.text.len().saturating_sub(1));
            digits.exponent(places, case)
        }
        FloatFormat::Decimal => {
            let Some(precision) = precision else { return value.to_string() };
            let exact = precision.min(MOST_DIGITS);
            let mut text = format!("{value:.exact$}");
            pad_zeros(&mut text, precision - exact);
            text
        }
        FloatFormat::General(case) => general(value, case, precision),
        FloatFormat::Hexadecimal(case) => hexadecimal(value, case, precision),
        FloatFormat::Binary => {
            let (fraction, exponent) = parts(value);
            let sign = if value.is_sign_negative() { "-" } else { "" };
            format!("{sign}{fraction}p{:+}", exponent - FRACTION_BITS.cast_signed())
        }
    }
}

fn pad_zeros(text: &mut String, count: usize) {
    text.push_str(&"0".repeat(count));
}

/// The digits of a decimal number `0.ddd × 10^point`.
struct Digits {
    is_negative: bool,
    text: String,
    point: i32,
}

impl Digits {
    /// `places` digits behind the first one, or the fewest that will do.
    fn new(value: f64, places: Option<usize>) -> Self {
        let text = match places {
            Some(places) => format!("{:.*e}", places.min(MOST_DIGITS), value.abs()),
            None => format!("{:e}", value.abs()),
        };
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or_default();
        let text = digits.chars().filter(char::is_ascii_digit).collect();
        Self { is_negative: value.is_sign_negative(), text, point: exponent + 1 }
    }

    /// The first digit, a point and `places` digits, and the exponent in two digits or more.
    fn exponent(&self, places: usize, case: LetterCase) -> String {
        let mut output = String::with_capacity(places + 8);
        if self.is_negative {
            output.push('-');
        }
        let (first, rest) = self.text.split_at_checked(1).unwrap_or(("0", ""));
        output.push_str(first);
        if places > 0 {
            output.push('.');
            let shown = rest.get(..places).unwrap_or(rest);
            output.push_str(shown);
            pad_zeros(&mut output, places - shown.len());
        }
        output.push(if case == LetterCase::Lower { 'e' } else { 'E' });
        let is_zero = self.text.bytes().all(|digit| digit == b'0');
        push_exponent(&mut output, if is_zero { 0 } else { self.point - 1 });
        output
    }
}

/// A sign and at least two digits.
fn push_exponent(output: &mut String, exponent: i32) {
    let sign = if exponent < 0 { '-' } else { '+' };
    // a String takes every write
    let _ = write!(output, "{sign}{:02}", exponent.unsigned_abs());
}

fn general(value: f64, case: LetterCase, precision: Option<usize>) -> String {
    let precision = precision.map(|precision| precision.max(1));
    let mut digits = Digits::new(value, precision.map(|precision| precision - 1));
    let significant = digits.text.trim_end_matches('0').len();
    digits.text.truncate(significant);
    let point = if significant == 0 { 0 } else { digits.point };
    let whole = usize::try_from(point).unwrap_or(0);
    let limit = match precision {
        None => 6,
        Some(precision) if precision > significant && significant >= whole => significant,
        Some(precision) => precision,
    };
    let exponent = point - 1;
    if exponent < -4 || exponent >= i32::try_from(limit).unwrap_or(i32::MAX) {
        let shown = precision.unwrap_or(significant).min(significant);
        return digits.exponent(shown.saturating_sub(1), case);
    }
    let places = significant.saturating_sub(whole) + usize::try_from(-point).unwrap_or(0);
    let places = if point < 0 { places } else { significant.saturating_sub(whole) };
    decimal(&digits, point, places)
}

/// `digits` with their point, and `places` digits behind it.
fn decimal(digits: &Digits, point: i32, places: usize) -> String {
    let mut output = String::new();
    if digits.is_negative {
        output.push('-');
    }
    let mut shown = digits.text.chars();
    if point > 0 {
        for _ in 0..point {
            output.push(shown.next().unwrap_or('0'));
        }
    } else {
        output.push('0');
    }
    if places > 0 {
        output.push('.');
        let zeros = usize::try_from(-point).unwrap_or(0).min(places);
        pad_zeros(&mut output, zeros);
        for _ in zeros..places {
            output.push(shown.next().unwrap_or('0'));
        }
    }
    output
}

/// The fraction as a whole number, leading one included, and the exponent of two that its first bit stands for.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let exponent = i32::try_from((bits >> FRACTION_BITS) & 0x7ff).unwrap_or_default();
    if exponent == 0 { (fraction, -1022) } else { (fraction | 1 << FRACTION_BITS, exponent - 1023) }
}

fn hexadecimal(value: f64, case: LetterCase, precision: Option<usize>) -> String {
    let (mut fraction, mut exponent) = parts(value);
    if fraction == 0 {
        exponent = 0;
    }
    fraction <<= 60 - FRACTION_BITS;
    while fraction != 0 && fraction & (1 << 60) == 0 {
        fraction <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let shift = precision * 4;
        let extra = (fraction << shift) & ((1 << 60) - 1);
        fraction >>= 60 - shift;
        if extra | (fraction & 1) > 1 << 59 {
            fraction += 1;
        }
        fraction <<= 60 - shift;
        if fraction & (1 << 61) != 0 {
            fraction >>= 1;
            exponent += 1;
        }
    }
    let mut output = String::new();
    if value.is_sign_negative() {
        output.push('-');
    }
    let lead = (fraction >> 60) & 1;
    let _ = write!(output, "0x{lead}");
    fraction <<= 4;
    let mut digits = String::new();
    let is_done = |digits: &str, fraction: u64| match precision {
        Some(precision) => digits.len() >= precision,
        None => fraction == 0,
    };
    while !is_done(&digits, fraction) {
        let _ = write!(digits, "{:x}", (fraction >> 60) & 15);
        fraction <<= 4;
    }
    if !digits.is_empty() {
        output.push('.');
        output.push_str(&digits);
    }
    output.push('p');
    push_exponent(&mut output, exponent);
    if case == LetterCase::Upper { output.to_ascii_uppercase() } else { output }
}

#[cfg(test)]
mod tests;
