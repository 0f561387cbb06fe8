//! Format strings.

use flux_gotext::decode_rune;

use super::pad::Flags;
use super::printer::Printer;
use crate::engine::FunctionError as Error;
use crate::value::Value;

/// The largest width, precision and number of an operand.
const MAX_NUMBER: i64 = 1_000_000;

/// Prints operands by a format.
pub(super) fn print(printer: &mut Printer<'_>, format: &[u8], operands: &[Value]) -> Result<(), Error> {
    let mut state =
        State { rest: format, operands, next: 0, is_reordered: false, is_good: true, after_index: false };
    while !state.rest.is_empty() {
        let text = state.rest.iter().position(|byte| *byte == b'%').unwrap_or(state.rest.len());
        let (text, rest) = state.rest.split_at(text);
        printer.push(text)?;
        let Some(rest) = rest.get(1..) else { break };
        state.rest = rest;
        state.directive(printer)?;
    }
    printer.flags = Flags::default();
    if state.is_reordered || state.next >= operands.len() {
        return Ok(());
    }
    printer.push(b"%!(EXTRA ")?;
    for (index, operand) in operands.iter().skip(state.next).enumerate() {
        if index > 0 {
            printer.push(b", ")?;
        }
        if operand.is_nil() {
            printer.push(b"<nil>")?;
        } else {
            let name = printer.type_name(operand);
            printer.push(name.as_bytes())?;
            printer.push(b"=")?;
            printer.operand(operand, 'v')?;
        }
    }
    printer.push(b")")
}

/// What is left of a format, and which operand is next.
struct State<'a> {
    rest: &'a [u8],
    operands: &'a [Value],
    next: usize,
    is_reordered: bool,
    is_good: bool,
    after_index: bool,
}

impl State<'_> {
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.rest.first() == Some(&byte);
        if is_next {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        is_next
    }

    fn directive(&mut self, printer: &mut Printer<'_>) -> Result<(), Error> {
        self.is_good = true;
        self.after_index = false;
        printer.flags = self.flags();
        self.index();
        self.width(printer)?;
        self.precision(printer)?;
        if !self.after_index {
            self.index();
        }
        if self.rest.is_empty() {
            return printer.push(b"%!(NOVERB)");
        }
        let (verb, size) = decode_rune(self.rest);
        let verb = verb.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.rest = self.rest.get(size..).unwrap_or_default();
        if verb == '%' {
            return printer.push(b"%");
        }
        let problem = if self.is_good { "(MISSING)" } else { "(BADINDEX)" };
        let Some(operand) = self.operands.get(self.next).filter(|_| self.is_good) else {
            return printer.push(format!("%!{verb}{problem}").as_bytes());
        };
        if verb == 'v' {
            let flags = &mut printer.flags;
            (flags.sharp_v, flags.sharp) = (flags.sharp, false);
            (flags.plus_v, flags.plus) = (flags.plus, false);
        }
        printer.operand(operand, verb)?;
        self.next += 1;
        Ok(())
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(byte) = self.rest.first() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        flags
    }

    fn width(&mut self, printer: &mut Printer<'_>) -> Result<(), Error> {
        if self.take(b'*') {
            match self.number_operand() {
                Some(width) => {
                    printer.flags.width = usize::try_from(width.unsigned_abs()).ok();
                    if width < 0 {
                        printer.flags.minus = true;
                        printer.flags.zero = false;
                    }
                }
                None => printer.push(b"%!(BADWIDTH)")?,
            }
            self.after_index = false;
            return Ok(());
        }
        printer.flags.width = self.number();
        if self.after_index && printer.flags.width.is_some() {
            self.is_good = false;
        }
        Ok(())
    }

    fn precision(&mut self, printer: &mut Printer<'_>) -> Result<(), Error> {
        if !self.take(b'.') {
            return Ok(());
        }
        if self.after_index {
            self.is_good = false;
        }
        self.index();
        if self.take(b'*') {
            printer.flags.precision = self.number_operand().and_then(|number| usize::try_from(number).ok());
            if printer.flags.precision.is_none() {
                printer.push(b"%!(BADPREC)")?;
            }
            self.after_index = false;
        } else {
            printer.flags.precision = Some(self.number().unwrap_or(0));
        }
        Ok(())
    }

    /// A number in the format; nothing for one that is too large, which is skipped, with what follows it.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.rest.first().filter(|byte| byte.is_ascii_digit()) {
            let before = number.unwrap_or(0);
            if before > MAX_NUMBER {
                self.rest = &[];
                return None;
            }
            number = Some(before * 10 + i64::from(digit - b'0'));
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        number.and_then(|number| usize::try_from(number).ok())
    }

    /// The next operand as a width or precision, if it is an integer of moderate size.
    fn number_operand(&mut self) -> Option<i64> {
        let operand = self.operands.get(self.next)?;
        self.next += 1;
        let number = match operand {
            Value::Int(value) | Value::Int64(value) => *value,
            Value::Int32(value) => i64::from(*value),
            Value::Uint8(value) => i64::from(*value),
            Value::Uint32(value) => i64::from(*value),
            Value::Uint64(value) => i64::try_from(*value).ok()?,
            _ => return None,
        };
        (-MAX_NUMBER..=MAX_NUMBER).contains(&number).then_some(number)
    }

    /// `[3]`: which operand is next.
    fn index(&mut self) {
        self.after_index = false;
        if self.rest.first() != Some(&b'[') {
            return;
        }
        self.is_reordered = true;
        let end = self.rest.iter().position(|byte| *byte == b']').filter(|_| self.rest.len() >= 3);
        let Some(end) = end else {
            self.is_good = false;
            self.rest = self.rest.get(1..).unwrap_or_default();
            return;
        };
        let inside = self.rest.get(1..end).unwrap_or_default();
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        let mut digits = State { rest: inside, ..*self };
        let number = digits.number();
        let is_number = number.is_some() && digits.rest.is_empty();
        let index = number.filter(|_| is_number).and_then(|number| number.checked_sub(1));
        self.after_index = is_number;
        match index.filter(|index| *index < self.operands.len()) {
            Some(index) => self.next = index,
            None => self.is_good = false,
        }
    }
}
