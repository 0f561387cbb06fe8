//! Printing, as Go's `fmt` does it.

mod directive;
mod pad;
mod printer;
mod verbs;

use std::borrow::Cow;

use super::arguments::Arguments;
use super::{Error, Function, Render, Type};
use crate::value::{Text, Value};

use printer::Printer;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("print", &[], Type::Any, |render, arguments| {
        Ok(print(render, arguments.all())?.into())
    }),
    Function::variadic("println", &[], Type::Any, |render, arguments| {
        Ok(print_line(render, arguments.all())?.into())
    }),
    Function::variadic("printf", &[Type::String], Type::Any, |render, arguments| {
        Ok(sprintf(render, arguments.text(0), arguments.from(1))?.into())
    }),
];

/// `fmt.Sprint`: blanks between two operands of which neither is a string.
///
/// # Errors
/// A budget that is used up.
pub fn print(render: &mut Render, operands: &[Value]) -> Result<Text, Error> {
    let mut printer = Printer::new(render);
    let mut after_string = true;
    for operand in operands {
        let is_string = matches!(operand, Value::String(_));
        if !is_string && !after_string {
            printer.push(b" ")?;
        }
        printer.operand(operand, 'v')?;
        after_string = is_string;
    }
    Ok(printer.finish())
}

/// `fmt.Sprintln`: blanks between operands, and a line break at the end.
///
/// # Errors
/// A budget that is used up.
pub fn print_line(render: &mut Render, operands: &[Value]) -> Result<Text, Error> {
    let mut printer = Printer::new(render);
    for (index, operand) in operands.iter().enumerate() {
        if index > 0 {
            printer.push(b" ")?;
        }
        printer.operand(operand, 'v')?;
    }
    printer.push(b"\n")?;
    Ok(printer.finish())
}

/// `fmt.Sprintf`.
///
/// # Errors
/// A budget that is used up; Go puts all other problems into the text.
pub fn sprintf(render: &mut Render, format: &[u8], operands: &[Value]) -> Result<Text, Error> {
    let mut printer = Printer::new(render);
    directive::print(&mut printer, format, operands)?;
    Ok(printer.finish())
}

/// A value as an action prints it; nil is `<no value>`.
///
/// # Errors
/// A budget that is used up.
pub fn implicit(render: &mut Render, value: &Value) -> Result<Text, Error> {
    match value {
        Value::Nil => Ok("<no value>".into()),
        Value::String(text) => Ok(text.clone()),
        value => print(render, std::slice::from_ref(value)),
    }
}

/// Sprig's `toString`: texts and bytes as they are, all else as `%v`.
pub(super) fn to_text<'a>(render: &mut Render, value: &'a Value) -> Result<Cow<'a, [u8]>, Error> {
    match value {
        Value::String(text) | Value::Bytes(text) => Ok(Cow::Borrowed(text)),
        value => Ok(Cow::Owned(print(render, std::slice::from_ref(value))?.to_vec())),
    }
}

/// All arguments flattened to one text, as Go's `html`, `js` and `urlquery` take them.
pub(super) fn flatten(render: &mut Render, arguments: &[Value]) -> Result<Text, Error> {
    if let [Value::String(text)] = arguments.all() {
        return Ok(text.clone());
    }
    print(render, arguments.all())
}
