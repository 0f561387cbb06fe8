//! Writing JSON as `encoding/json` does.

use data_encoding::BASE64;
use flux_gotext::{HtmlEscaping, push_json_string};

use crate::engine::{FunctionError as Error, Render};
use crate::value::{Arena, List, ListType, MapId, Value};

/// How deep values are written; one that holds itself has no end.
const MAX_DEPTH: usize = 1000;

/// What becomes of `<`, `>` and `&`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Html {
    Escaped,
    AsIs,
}

/// `json.Marshal`.
pub(super) fn marshal(render: &mut Render, value: &Value, html: Html) -> Result<String, Error> {
    let html = match html {
        Html::Escaped => HtmlEscaping::On,
        Html::AsIs => HtmlEscaping::Off,
    };
    let limit = render.budget.limits().text;
    let mut writer = Writer { arena: &render.arena, output: String::new(), html, steps: 0, limit };
    let result = writer.value(value, 0);
    let (output, steps) = (writer.output, writer.steps);
    render.budget.steps(steps)?;
    render.budget.text(output.len())?;
    result?;
    Ok(output)
}

struct Writer<'a> {
    arena: &'a Arena,
    output: String,
    html: HtmlEscaping,
    steps: usize,
    /// Where writing ends: the budget then says so.
    limit: usize,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.steps += 1;
        if depth > MAX_DEPTH {
            let name = value.type_name(self.arena);
            return Err(Error::new(format!("json: unsupported value: encountered a cycle via {name}")));
        }
        if self.output.len() > self.limit {
            return Err(Error::new("json: text too long"));
        }
        match value {
            Value::Nil => self.output.push_str("null"),
            Value::Bool(is) => self.output.push_str(if *is { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) => self.output.push_str(&number.to_string()),
            Value::Int32(number) => self.output.push_str(&number.to_string()),
            Value::Uint8(number) => self.output.push_str(&number.to_string()),
            Value::Uint32(number) => self.output.push_str(&number.to_string()),
            Value::Uint64(number) => self.output.push_str(&number.to_string()),
            Value::Float64(number) => self.float(*number)?,
            Value::String(text) => self.string(text),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::List(list) => self.list(*list, depth)?,
            Value::Map(id) => self.map(*id, depth)?,
            Value::Time(time) => {
                let text = time.format(b"\"2006-01-02T15:04:05.999999999Z07:00\"");
                self.output.push_str(&String::from_utf8_lossy(&text));
            }
            Value::Version(version) => self.string(version.to_string().as_bytes()),
            Value::Struct(_) => self.structure(value, depth)?,
        }
        Ok(())
    }

    fn float(&mut self, number: f64) -> Result<(), Error> {
        if !number.is_finite() {
            let name = match number {
                f64::INFINITY => "+Inf",
                f64::NEG_INFINITY => "-Inf",
                _ => "NaN",
            };
            return Err(Error::new(format!("json: unsupported value: {name}")));
        }
        flux_yaml::Value::Float(number).push_json(&mut self.output);
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        if let Ok(text) = std::str::from_utf8(text) {
            push_json_string(&mut self.output, text, self.html);
            return;
        }
        self.output.push('"');
        for chunk in text.utf8_chunks() {
            let start = self.output.len();
            push_json_string(&mut self.output, chunk.valid(), self.html);
            // without its quotation marks
            self.output.pop();
            self.output.remove(start);
            self.output.extend(chunk.invalid().iter().map(|_| "\\ufffd"));
        }
        self.output.push('"');
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.output.push('"');
        BASE64.encode_append(bytes, &mut self.output);
        self.output.push('"');
    }

    fn list(&mut self, list: List, depth: usize) -> Result<(), Error> {
        if list.is_nil() {
            self.output.push_str("null");
            return Ok(());
        }
        self.output.push('[');
        let items = self.arena.items(list);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.output.push(',');
            }
            self.value(item, depth + 1)?;
        }
        self.output.push(']');
        debug_assert!(matches!(list.kind(), ListType::Any) || !items.iter().any(Value::is_nil));
        Ok(())
    }

    fn map(&mut self, id: MapId, depth: usize) -> Result<(), Error> {
        let map = self.arena.map(id);
        if map.is_nil() {
            self.output.push_str("null");
            return Ok(());
        }
        self.output.push('{');
        for (index, (key, value)) in map.entries().enumerate() {
            if index > 0 {
                self.output.push(',');
            }
            self.string(key);
            self.output.push(':');
            self.value(value, depth + 1)?;
        }
        self.output.push('}');
        Ok(())
    }

    fn structure(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.output.push('{');
        let fields = value.fields(self.arena);
        let exported = fields.iter().filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()));
        for (index, (name, field)) in exported.enumerate() {
            if index > 0 {
                self.output.push(',');
            }
            self.string(name.as_bytes());
            self.output.push(':');
            self.value(field, depth + 1)?;
        }
        self.output.push('}');
        Ok(())
    }
}

/// `json.Indent` with two blanks.
pub(super) fn indented(render: &mut Render, text: &str) -> Result<String, Error> {
    let mut output = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    let mut in_string = false;
    let mut characters = text.chars().peekable();
    let break_line = |output: &mut String, depth: usize| {
        output.push('\n');
        output.extend(std::iter::repeat_n("  ", depth));
    };
    let limit = render.budget.limits().text;
    while let Some(character) = characters.next() {
        if output.len() > limit {
            break;
        }
        output.push(character);
        match character {
            '"' => in_string = !in_string,
            '\\' if in_string => output.extend(characters.next()),
            _ if in_string => {}
            '{' | '[' if matches!(characters.peek(), Some('}' | ']')) => output.extend(characters.next()),
            '{' | '[' => {
                depth += 1;
                break_line(&mut output, depth);
            }
            ',' => break_line(&mut output, depth),
            ':' => output.push(' '),
            _ => {}
        }
        if !in_string && matches!(characters.peek(), Some('}' | ']')) && !matches!(character, ',' | ':') {
            depth = depth.saturating_sub(1);
            break_line(&mut output, depth);
        }
    }
    render.budget.text(output.len())?;
    Ok(output)
}
