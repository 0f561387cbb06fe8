//! Reading JSON as `encoding/json` does, with its errors.

use std::collections::BTreeMap;

use flux_gotext::{Shown, quote_bytes, rune_pieces};

use crate::engine::{FunctionError as Error, Render};
use crate::value::{ListType, MapType, Text, Value};

/// How deep arrays and objects may be nested.
const MAX_DEPTH: usize = 1000;

/// What is read, and what does not fit into Go's types: the rest is there none the less.
pub(super) struct Read {
    pub(super) value: Value,
    pub(super) problem: Option<String>,
}

/// `json.Unmarshal` into an empty interface.
///
/// Errors are of syntax: nothing is read then.
pub(super) fn unmarshal(render: &mut Render, text: &[u8]) -> Result<Read, Error> {
    let mut reader = Reader { render, rest: text, problem: None };
    reader.skip_space();
    let value = reader.value(0)?;
    reader.skip_space();
    if let Some(byte) = reader.rest.first() {
        return Err(unexpected(*byte, "after top-level value"));
    }
    Ok(Read { value, problem: reader.problem })
}

/// `invalid character 'x' looking for beginning of value`
fn unexpected(byte: u8, place: &str) -> Error {
    let shown = match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        byte => {
            let character = char::from(byte).to_string();
            let quoted = quote_bytes(character.as_bytes(), Shown::Printable);
            format!("'{}'", quoted.trim_matches('"'))
        }
    };
    Error::new(format!("invalid character {shown} {place}"))
}

fn end() -> Error {
    Error::new("unexpected end of JSON input")
}

struct Reader<'a> {
    render: &'a mut Render,
    rest: &'a [u8],
    problem: Option<String>,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        let blanks = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.skip(blanks);
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// The next byte that is no white space.
    fn token(&mut self) -> Result<u8, Error> {
        self.skip_space();
        self.rest.first().copied().ok_or_else(end)
    }

    /// The next byte of a number or literal; behind the end there is a blank for them.
    fn byte(&self) -> u8 {
        self.rest.first().copied().unwrap_or(b' ')
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        self.render.budget.steps(1)?;
        if depth > MAX_DEPTH {
            return Err(Error::new("exceeded max depth"));
        }
        match self.token()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => Ok(Value::String(self.string()?)),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Nil),
            b'-' | b'0'..=b'9' => self.number(),
            other => Err(unexpected(other, "looking for beginning of value")),
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        for expected in word.bytes() {
            let byte = self.byte();
            if byte != expected {
                let place = format!("in literal {word} (expecting {})", quoted_letter(expected));
                return Err(unexpected(byte, &place));
            }
            self.skip(1);
        }
        Ok(value)
    }

    fn digits(&mut self, place: &str) -> Result<(), Error> {
        if !self.byte().is_ascii_digit() {
            return Err(unexpected(self.byte(), place));
        }
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.skip(digits);
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.rest;
        if self.byte() == b'-' {
            self.skip(1);
        }
        if self.byte() == b'0' {
            self.skip(1);
        } else {
            self.digits("in numeric literal")?;
        }
        if self.byte() == b'.' {
            self.skip(1);
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.skip(1);
            if matches!(self.byte(), b'+' | b'-') {
                self.skip(1);
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = start.get(..start.len() - self.rest.len()).unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        match text.parse::<f64>().ok().filter(|number| number.is_finite()) {
            Some(number) => Ok(Value::Float64(number)),
            None => {
                let problem = format!("json: cannot unmarshal number {text} into Go value of type float64");
                self.problem.get_or_insert(problem);
                Ok(Value::Nil)
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        self.skip(1);
        let mut items = Vec::new();
        if self.token()? == b']' {
            self.skip(1);
            return Ok(self.render.arena.add_list(ListType::Any, items).into());
        }
        loop {
            let item = self.value(depth + 1)?;
            self.render.budget.value()?;
            items.push(item);
            match self.token()? {
                b',' => self.skip(1),
                b']' => break,
                other => return Err(unexpected(other, "after array element")),
            }
        }
        self.skip(1);
        Ok(self.render.arena.add_list(ListType::Any, items).into())
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        self.skip(1);
        let mut entries = BTreeMap::new();
        if self.token()? == b'}' {
            self.skip(1);
            return Ok(self.render.arena.add_map(MapType::Any, entries).into());
        }
        loop {
            match self.token()? {
                b'"' => {}
                other => return Err(unexpected(other, "looking for beginning of object key string")),
            }
            let key = self.string()?;
            match self.token()? {
                b':' => self.skip(1),
                other => return Err(unexpected(other, "after object key")),
            }
            let value = self.value(depth + 1)?;
            self.render.budget.value()?;
            entries.insert(key, value);
            match self.token()? {
                b',' => self.skip(1),
                b'}' => break,
                other => return Err(unexpected(other, "after object key:value pair")),
            }
        }
        self.skip(1);
        Ok(self.render.arena.add_map(MapType::Any, entries).into())
    }

    fn string(&mut self) -> Result<Text, Error> {
        self.skip(1);
        let mut output = String::new();
        loop {
            let length = self.rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
            let plain = self.rest.get(..length).unwrap_or_default();
            output.extend(rune_pieces(plain).map(|(c, _)| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
            self.skip(length);
            let byte = *self.rest.first().ok_or_else(end)?;
            match byte {
                b'"' => break,
                b'\\' => {
                    self.skip(1);
                    let character = self.escape()?;
                    output.push(character);
                }
                control => return Err(unexpected(control, "in string literal")),
            }
        }
        self.skip(1);
        self.render.budget.text(output.len())?;
        Ok(output.into())
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let letter = self.byte();
        let character = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.skip(1);
                return self.unicode();
            }
            other => return Err(unexpected(other, "in string escape code")),
        };
        self.skip(1);
        Ok(character)
    }

    /// Four digits, and perhaps a second escape that makes a pair with them.
    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.four_digits()?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        let before = self.rest;
        if self.rest.starts_with(b"\\u") {
            self.skip(2);
            let second = self.four_digits()?;
            let is_pair = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second);
            if is_pair {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.rest = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.byte();
            let digit = char::from(byte).to_digit(16);
            let digit = digit.ok_or_else(|| unexpected(byte, r"in \u hexadecimal character escape"))?;
            code = code * 16 + digit;
            self.skip(1);
        }
        Ok(code)
    }
}

fn quoted_letter(letter: u8) -> String {
    format!("'{}'", char::from(letter))
}
