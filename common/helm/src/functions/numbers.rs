//! Numbers, and what is counted with them.

mod cast;

use super::arguments::Arguments;
use super::decimal::{Decimal, DecimalError};
use super::{Error, Function, Render, Type};
use crate::value::{ListType, Value};

pub(super) use cast::{atoi, to_float, to_int};

use Type::{Any, Float64, Int, String};

/// Two of them, whatever their type.
const TWO: &[Type] = &[Any, Any];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("int", &[Any], |_, arguments| Ok(Value::Int(to_int(arguments.any(0))))),
    Function::new("int64", &[Any], |_, arguments| Ok(Value::Int64(to_int(arguments.any(0))))),
    Function::new("float64", &[Any], |_, arguments| Ok(Value::Float64(to_float(arguments.any(0))))),
    Function::new("atoi", &[String], |_, arguments| Ok(Value::Int(atoi(arguments.text(0))))),
    Function::new("toDecimal", &[Any], |render, arguments| {
        let text = super::print(render, arguments.all())?;
        Ok(Value::Int64(cast::octal(&text)))
    }),
    Function::new("add1", &[Any], |_, arguments| Ok(Value::Int64(to_int(arguments.any(0)).wrapping_add(1)))),
    Function::variadic("add", &[], Any, |_, arguments| Ok(fold(0, arguments.all(), i64::wrapping_add))),
    Function::new("sub", TWO, |_, arguments| {
        Ok(Value::Int64(to_int(arguments.any(0)).wrapping_sub(to_int(arguments.any(1)))))
    }),
    Function::variadic("mul", &[Any], Any, |_, arguments| {
        Ok(fold(to_int(arguments.any(0)), arguments.from(1), i64::wrapping_mul))
    }),
    Function::new("div", TWO, |_, arguments| {
        divided(to_int(arguments.any(0)), to_int(arguments.any(1)), i64::wrapping_div)
    }),
    Function::new("mod", TWO, |_, arguments| {
        divided(to_int(arguments.any(0)), to_int(arguments.any(1)), i64::wrapping_rem)
    }),
    Function::variadic("max", &[Any], Any, |_, arguments| {
        Ok(fold(to_int(arguments.any(0)), arguments.from(1), i64::max))
    }),
    Function::variadic("biggest", &[Any], Any, |_, arguments| {
        Ok(fold(to_int(arguments.any(0)), arguments.from(1), i64::max))
    }),
    Function::variadic("min", &[Any], Any, |_, arguments| {
        Ok(fold(to_int(arguments.any(0)), arguments.from(1), i64::min))
    }),
    Function::variadic("maxf", &[Any], Any, |_, arguments| {
        Ok(fold_floats(to_float(arguments.any(0)), arguments.from(1), f64::max))
    }),
    Function::variadic("minf", &[Any], Any, |_, arguments| {
        Ok(fold_floats(to_float(arguments.any(0)), arguments.from(1), f64::min))
    }),
    Function::new("add1f", &[Any], |_, arguments| {
        decimals(arguments.any(0), &[Value::Int(1)], |one, other| Ok(one.add(other)))
    }),
    Function::variadic("addf", &[], Any, |_, arguments| {
        decimals(&Value::Float64(0.0), arguments.all(), |one, other| Ok(one.add(other)))
    }),
    Function::variadic("subf", &[Any], Any, |_, arguments| {
        decimals(arguments.any(0), arguments.from(1), |one, other| Ok(one.subtract(other)))
    }),
    Function::variadic("mulf", &[Any], Any, |_, arguments| {
        decimals(arguments.any(0), arguments.from(1), |one, other| Ok(one.multiply(other)))
    }),
    Function::variadic("divf", &[Any], Any, |_, arguments| {
        decimals(arguments.any(0), arguments.from(1), Decimal::divide)
    }),
    Function::new("ceil", &[Any], |_, arguments| Ok(Value::Float64(to_float(arguments.any(0)).ceil()))),
    Function::new("floor", &[Any], |_, arguments| Ok(Value::Float64(to_float(arguments.any(0)).floor()))),
    Function::variadic("round", &[Any, Int], Float64, |_, arguments| {
        let on = match arguments.from(2).first() {
            Some(Value::Float64(on)) => *on,
            _ => 0.5,
        };
        Ok(Value::Float64(round(to_float(arguments.any(0)), arguments.int(1), on)))
    }),
    Function::new("until", &[Int], |render, arguments| {
        let count = arguments.int(0);
        let step = if count < 0 { -1 } else { 1 };
        list(render, Range { start: 0, stop: count, step })
    }),
    Function::new("untilStep", &[Int, Int, Int], |render, arguments| {
        let [start, stop, step] = [0, 1, 2].map(|index| arguments.int(index));
        list(render, Range { start, stop, step })
    }),
    Function::variadic("seq", &[], Int, |render, arguments| seq(render, arguments.all())),
    Function::new("randInt", &[Int, Int], |_, arguments| {
        let (low, high) = (arguments.int(0), arguments.int(1));
        let width = high.wrapping_sub(low);
        if width <= 0 {
            return Err(Error::new("invalid argument to Intn"));
        }
        Ok(Value::Int(rand::random_range(0..width).wrapping_add(low)))
    }),
];

fn fold(first: i64, rest: &[Value], with: impl Fn(i64, i64) -> i64) -> Value {
    Value::Int64(rest.iter().fold(first, |folded, value| with(folded, to_int(value))))
}

/// Not a number swallows all others, as in Go.
fn fold_floats(first: f64, rest: &[Value], with: impl Fn(f64, f64) -> f64) -> Value {
    let with_nan = |folded: f64, value: f64| {
        let has_infinity = folded.is_infinite() || value.is_infinite();
        match folded.is_nan() || value.is_nan() {
            true if has_infinity && with(f64::INFINITY, 0.0) > 0.0 && f64::INFINITY == folded.max(value) => {
                f64::INFINITY
            }
            true if has_infinity
                && with(f64::NEG_INFINITY, 0.0) < 0.0
                && f64::NEG_INFINITY == folded.min(value) =>
            {
                f64::NEG_INFINITY
            }
            true => f64::NAN,
            false => with(folded, value),
        }
    };
    Value::Float64(rest.iter().fold(first, |folded, value| with_nan(folded, to_float(value))))
}

fn divided(dividend: i64, divisor: i64, by: impl Fn(i64, i64) -> i64) -> Result<Value, Error> {
    if divisor == 0 {
        return Err(Error::runtime("integer divide by zero"));
    }
    Ok(Value::Int64(by(dividend, divisor)))
}

fn decimals(
    first: &Value,
    rest: &[Value],
    with: impl Fn(Decimal, Decimal) -> Result<Decimal, DecimalError>,
) -> Result<Value, Error> {
    let number = |value: &Value| Decimal::new(to_float(value));
    let mut result = number(first).map_err(Error::new)?;
    for value in rest {
        let other = number(value).map_err(Error::new)?;
        result = with(result, other).map_err(Error::new)?;
    }
    Ok(Value::Float64(result.to_f64()))
}

/// Up where the fraction is at least `on`, else down.
fn round(value: f64, places: i64, on: f64) -> f64 {
    let power = power_of_ten(places);
    let shifted = power * value;
    let rounded = if shifted.fract() >= on { shifted.ceil() } else { shifted.floor() };
    rounded / power
}

fn power_of_ten(places: i64) -> f64 {
    // the text reads as the nearest number, as Go's power of ten is
    format!("1e{places}").parse().unwrap_or(f64::NAN)
}

/// The numbers from `start` to before `stop`.
#[derive(Clone, Copy)]
struct Range {
    start: i64,
    stop: i64,
    step: i64,
}

impl Range {
    /// How many numbers there are; none if the step leads away from the end.
    fn count(self) -> usize {
        let (distance, step) = (i128::from(self.stop) - i128::from(self.start), i128::from(self.step));
        if step == 0 || distance.signum() != step.signum() {
            return 0;
        }
        usize::try_from(distance.abs().div_euclid(step.abs()) + i128::from(distance % step != 0))
            .unwrap_or(usize::MAX)
    }

    fn numbers(self) -> impl Iterator<Item = i64> {
        let next = move |number: &i64| number.checked_add(self.step);
        std::iter::successors(Some(self.start), next).take(self.count())
    }
}

fn list(render: &mut Render, range: Range) -> Result<Value, Error> {
    render.budget.items(range.count())?;
    render.budget.steps(range.count())?;
    let items = range.numbers().map(Value::Int).collect();
    Ok(render.arena.add_list(ListType::Int, items).into())
}

fn seq(render: &mut Render, numbers: &[Value]) -> Result<Value, Error> {
    let [first, second, third] = [0, 1, 2].map(|index| match numbers.get(index) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    });
    let direction = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match numbers.len() {
        1 => (1, first, direction(1, first)),
        2 => (first, second, direction(first, second)),
        3 if third < first && second > 0 => return Ok("".into()),
        3 => (first, third, second),
        _ => return Ok("".into()),
    };
    let range = Range { start, stop: end.wrapping_add(direction(start, end)), step };
    render.budget.items(range.count())?;
    render.budget.steps(range.count())?;
    let numbers: Vec<_> = range.numbers().map(|number| number.to_string()).collect();
    let output = numbers.join(" ");
    render.budget.text(output.len())?;
    Ok(output.into())
}
