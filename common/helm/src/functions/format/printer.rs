//! Values by verbs.

use flux_gotext::rune_count;

use super::pad::Flags;
use crate::engine::{FunctionError as Error, Render};
use crate::functions::strings::grow;
use crate::value::{Kind, List, ListType, MapId, Text, Value};

/// How deep values are printed; one that holds itself has no end.
const MAX_DEPTH: usize = 1000;

/// Text that is being written, and the flags of the directive in hand.
pub(super) struct Printer<'a> {
    pub(super) render: &'a mut Render,
    output: Vec<u8>,
    pub(super) flags: Flags,
    /// Whether a problem is being printed: methods are out of use then.
    is_erroring: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(render: &'a mut Render) -> Self {
        Self { render, output: Vec::new(), flags: Flags::default(), is_erroring: false }
    }

    pub(super) fn finish(self) -> Text {
        self.output.into()
    }

    /// Asks for so many bytes more.
    pub(super) fn reserve(&mut self, count: usize) -> Result<(), Error> {
        grow(self.render, self.output.len(), count)
    }

    pub(super) fn push(&mut self, text: &[u8]) -> Result<(), Error> {
        self.reserve(text.len())?;
        self.output.extend_from_slice(text);
        Ok(())
    }

    pub(super) fn fill(&mut self, count: usize) -> Result<(), Error> {
        self.reserve(count)?;
        let byte = if self.flags.pads_with_zeros() { b'0' } else { b' ' };
        self.output.resize(self.output.len() + count, byte);
        Ok(())
    }

    /// A text, filled up to the width.
    pub(super) fn pad(&mut self, text: &[u8]) -> Result<(), Error> {
        let Some(width) = self.flags.width else { return self.push(text) };
        let missing = width.saturating_sub(rune_count(text));
        if self.flags.minus {
            self.push(text)?;
            self.fill(missing)
        } else {
            self.fill(missing)?;
            self.push(text)
        }
    }

    pub(super) fn type_name(&self, value: &Value) -> String {
        value.type_name(&self.render.arena)
    }

    /// An operand by a verb.
    pub(super) fn operand(&mut self, operand: &Value, verb: char) -> Result<(), Error> {
        match (operand, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil, _) => self.bad_verb(operand, verb),
            (_, 'T') => {
                let name = self.type_name(operand);
                self.formatted_text(name.as_bytes(), 's')
            }
            (Value::Bytes(bytes), 'v' | 'd') if self.flags.sharp_v => self.go_bytes(bytes, "[]byte"),
            (Value::Map(_) | Value::List(_) | Value::Bytes(_) | Value::Version(_), 'p') => self.pointer(),
            _ => self.value(operand, verb, 0),
        }
    }

    /// Addresses are chance in Go; templates cannot rely on them.
    fn pointer(&mut self) -> Result<(), Error> {
        self.pad(b"0xc000000000")
    }

    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) -> Result<(), Error> {
        let before = std::mem::replace(&mut self.is_erroring, true);
        self.push(format!("%!{verb}(").as_bytes())?;
        if value.is_nil() {
            self.push(b"<nil>")?;
        } else {
            let name = self.type_name(value);
            self.push(name.as_bytes())?;
            self.push(b"=")?;
            self.operand(value, 'v')?;
        }
        self.is_erroring = before;
        self.push(b")")
    }

    /// A value at some depth within the operand.
    fn value(&mut self, value: &Value, verb: char, depth: usize) -> Result<(), Error> {
        self.render.budget.steps(1)?;
        if depth > MAX_DEPTH {
            return Err(Error::new("value is nested too deeply to be printed"));
        }
        if !self.is_erroring && self.by_method(value, verb)? {
            return Ok(());
        }
        match value {
            Value::Nil if self.flags.sharp_v => self.push(b"interface {}(nil)"),
            Value::Nil => self.push(b"<nil>"),
            Value::Bool(is) => match verb {
                't' | 'v' => self.pad(if *is { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Int(number) | Value::Int64(number) => self.signed(*number, value, verb),
            Value::Int32(number) => self.signed(i64::from(*number), value, verb),
            Value::Uint8(number) => self.unsigned(u64::from(*number), value, verb),
            Value::Uint32(number) => self.unsigned(u64::from(*number), value, verb),
            Value::Uint64(number) => self.unsigned(*number, value, verb),
            Value::Float64(number) => self.float(*number, value, verb),
            Value::String(text) => match verb {
                'v' if self.flags.sharp_v => self.formatted_text(text, 'q'),
                'v' | 's' | 'q' | 'x' | 'X' => self.formatted_text(text, verb),
                _ => self.bad_verb(value, verb),
            },
            Value::Bytes(bytes) => self.bytes(bytes, verb, depth),
            Value::List(list) => self.list(*list, verb, depth),
            Value::Map(id) => self.map(*id, verb, depth),
            Value::Time(_) | Value::Version(_) | Value::Struct(_) => self.structure(value, verb, depth),
        }
    }

    /// Types that print themselves.
    fn by_method(&mut self, value: &Value, verb: char) -> Result<bool, Error> {
        if self.flags.sharp_v {
            let Value::Time(time) = value else { return Ok(false) };
            let text = super::verbs::go_syntax(time);
            self.formatted_text(text.as_bytes(), 's')?;
            return Ok(true);
        }
        let text = match value {
            Value::Time(time) => time.to_string(),
            Value::Version(version) => version.to_string(),
            _ => return Ok(false),
        };
        if !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return Ok(false);
        }
        self.formatted_text(text.as_bytes(), if verb == 'v' { 's' } else { verb })?;
        Ok(true)
    }

    fn bytes(&mut self, bytes: &Text, verb: char, depth: usize) -> Result<(), Error> {
        match verb {
            's' | 'q' | 'x' | 'X' => return self.formatted_text(bytes, verb),
            'v' if self.flags.sharp_v => return self.go_bytes(bytes, "[]uint8"),
            _ => {}
        }
        self.push(b"[")?;
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 {
                self.push(b" ")?;
            }
            self.value(&Value::Uint8(*byte), verb, depth + 1)?;
        }
        self.push(b"]")
    }

    fn go_bytes(&mut self, bytes: &Text, type_name: &str) -> Result<(), Error> {
        self.push(type_name.as_bytes())?;
        self.push(b"{")?;
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 {
                self.push(b", ")?;
            }
            self.unsigned(u64::from(*byte), &Value::Uint8(*byte), 'v')?;
        }
        self.push(b"}")
    }

    fn list(&mut self, list: List, verb: char, depth: usize) -> Result<(), Error> {
        let go_syntax = self.flags.sharp_v;
        if go_syntax {
            self.push(list.kind().name().as_bytes())?;
            if list.is_nil() {
                return self.push(b"(nil)");
            }
        }
        self.push(if go_syntax { b"{" } else { b"[" })?;
        for index in 0..list.len() {
            if index > 0 {
                self.push(if go_syntax { b", " } else { b" " })?;
            }
            let Some(item) = self.render.arena.items(list).get(index).cloned() else { break };
            let is_interface = list.kind() == ListType::Any;
            if item.is_nil() && !is_interface {
                continue;
            }
            self.value(&item, verb, depth + 1)?;
        }
        self.push(if go_syntax { b"}" } else { b"]" })
    }

    fn map(&mut self, id: MapId, verb: char, depth: usize) -> Result<(), Error> {
        let go_syntax = self.flags.sharp_v;
        if go_syntax {
            self.push(id.kind().name().as_bytes())?;
            if self.render.arena.map(id).is_nil() {
                return self.push(b"(nil)");
            }
        }
        self.push(if go_syntax { b"{" } else { b"map[" })?;
        let entries = self.render.arena.map(id).entries();
        let entries: Vec<_> = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
        for (index, (key, value)) in entries.into_iter().enumerate() {
            if index > 0 {
                self.push(if go_syntax { b", " } else { b" " })?;
            }
            self.value(&Value::String(key), verb, depth + 1)?;
            self.push(b":")?;
            self.value(&value, verb, depth + 1)?;
        }
        self.push(if go_syntax { b"}" } else { b"]" })
    }

    fn structure(&mut self, value: &Value, verb: char, depth: usize) -> Result<(), Error> {
        let go_syntax = self.flags.sharp_v;
        if value.kind(&self.render.arena) == Kind::Ptr {
            if depth > 0 {
                return self.pointer();
            }
            self.push(b"&")?;
        }
        if go_syntax {
            let name = self.type_name(value);
            self.push(name.trim_start_matches('*').as_bytes())?;
        }
        self.push(b"{")?;
        for (index, (name, field)) in value.fields(&self.render.arena).into_iter().enumerate() {
            if index > 0 {
                self.push(if go_syntax { b", " } else { b" " })?;
            }
            if go_syntax || self.flags.plus_v {
                self.push(name.as_bytes())?;
                self.push(b":")?;
            }
            self.value(&field, verb, depth + 1)?;
        }
        self.push(b"}")
    }
}
