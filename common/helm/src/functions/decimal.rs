//! Exact decimal numbers, as shopspring's `decimal` 1.4 reckons for Sprig's `addf` and its like.

use flux_gotext::{FloatFormat, LetterCase, format_float};
use num_bigint::BigInt;

/// Digits behind the point that a quotient is rounded to.
const QUOTIENT_PLACES: i32 = 16;

/// `coefficient × 10^exponent`.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    coefficient: BigInt,
    exponent: i32,
}

/// What Go panics with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecimalError {
    /// Infinity, or not a number.
    #[error("Cannot create a Decimal from {0}")]
    NotFinite(String),
    /// Division by nought.
    #[error("decimal division by 0")]
    DivisionByZero,
}

impl Decimal {
    /// The shortest decimal number that reads as `value`.
    pub(super) fn new(value: f64) -> Result<Self, DecimalError> {
        if !value.is_finite() {
            let text = format_float(value, FloatFormat::General(LetterCase::Lower), None);
            return Err(DecimalError::NotFinite(text));
        }
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent =
            exponent.parse::<i32>().unwrap_or_default() - i32::try_from(fraction.len()).unwrap_or_default();
        let coefficient = format!("{whole}{fraction}").parse().unwrap_or_default();
        Ok(Self { coefficient, exponent })
    }

    pub(super) fn add(self, other: Self) -> Self {
        let (one, other) = same_exponent(self, other);
        Self { coefficient: one.coefficient + other.coefficient, exponent: one.exponent }
    }

    pub(super) fn subtract(self, other: Self) -> Self {
        let (one, other) = same_exponent(self, other);
        Self { coefficient: one.coefficient - other.coefficient, exponent: one.exponent }
    }

    pub(super) fn multiply(self, other: Self) -> Self {
        Self {
            coefficient: self.coefficient * other.coefficient,
            exponent: self.exponent.saturating_add(other.exponent),
        }
    }

    /// To 16 places behind the point; half of a place goes away from nought.
    pub(super) fn divide(self, other: Self) -> Result<Self, DecimalError> {
        let zero = BigInt::ZERO;
        if other.coefficient == zero {
            return Err(DecimalError::DivisionByZero);
        }
        let is_negative = (self.coefficient < zero) != (other.coefficient < zero);
        let shift = self.exponent.saturating_sub(other.exponent).saturating_add(QUOTIENT_PLACES);
        let power = power_of_ten(shift.unsigned_abs());
        let (mut dividend, mut divisor) = (self.coefficient, other.coefficient);
        if shift >= 0 {
            dividend *= power;
        } else {
            divisor *= power;
        }
        let quotient = &dividend / &divisor;
        let remainder = dividend - &quotient * &divisor;
        let doubled = BigInt::from(remainder.magnitude().clone()) * 2;
        let rounds_away = doubled >= BigInt::from(divisor.magnitude().clone());
        let coefficient = match (rounds_away, is_negative) {
            (false, _) => quotient,
            (true, false) => quotient + 1,
            (true, true) => quotient - 1,
        };
        Ok(Self { coefficient, exponent: -QUOTIENT_PLACES })
    }

    /// The nearest floating-point number.
    pub(super) fn to_f64(&self) -> f64 {
        format!("{}e{}", self.coefficient, self.exponent).parse().unwrap_or_default()
    }
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

fn same_exponent(one: Decimal, other: Decimal) -> (Decimal, Decimal) {
    let exponent = one.exponent.min(other.exponent);
    let scaled = |number: Decimal| {
        let power = power_of_ten(number.exponent.abs_diff(exponent));
        Decimal { coefficient: number.coefficient * power, exponent }
    };
    (scaled(one), scaled(other))
}
