//! Writing TOML.

use flux_gotext::{FloatFormat, LetterCase, format_float};

use crate::engine::{FunctionError as Error, Render};
use crate::value::{Arena, Text, Value};

/// How deep values are written; one that holds itself has no end.
const MAX_DEPTH: usize = 400;

/// Why there is no text.
pub(super) enum Failure {
    /// What the library says of the value.
    Encoding(&'static str),
    /// What its caller meets.
    Function(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Function(error)
    }
}

/// The whole document; a value that is no table stands alone.
pub(super) fn encode(render: &mut Render, value: &Value) -> Result<Vec<u8>, Failure> {
    if value.is_nil() {
        return Err(Error::new("reflect: call of reflect.Value.Type on zero Value").into());
    }
    let limit = render.budget.limits().text;
    let mut encoder = Encoder { arena: &render.arena, output: Vec::new(), steps: 0, limit };
    let result = encoder.encode(&[], value);
    let (output, steps) = (encoder.output, encoder.steps);
    render.budget.steps(steps).map_err(Error::from)?;
    render.budget.text(output.len()).map_err(Error::from)?;
    result?;
    Ok(output)
}

struct Encoder<'a> {
    arena: &'a Arena,
    output: Vec<u8>,
    steps: usize,
    /// Where writing ends: the budget then says so.
    limit: usize,
}

/// Name and value.
type Member = (Text, Value);

impl Encoder<'_> {
    fn push(&mut self, text: impl AsRef<[u8]>) {
        self.output.extend_from_slice(text.as_ref());
    }

    fn line_break(&mut self) {
        if !self.output.is_empty() {
            self.output.push(b'\n');
        }
    }

    fn check(&mut self, depth: usize) -> Result<(), Failure> {
        self.steps += 1;
        if depth > MAX_DEPTH {
            return Err(Error::new("toml: value is nested too deeply").into());
        }
        if self.output.len() > self.limit {
            return Err(Error::new("toml: text too long").into());
        }
        Ok(())
    }

    fn members(&self, value: &Value) -> Option<Vec<Member>> {
        match value {
            Value::Map(id) => {
                let entries = self.arena.map(*id).entries();
                Some(entries.map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            Value::Struct(_) => {
                let fields = value.fields(self.arena).into_iter();
                let exported = fields.filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()));
                Some(exported.map(|(name, field)| (name.into(), field)).collect())
            }
            _ => None,
        }
    }

    fn is_nil(&self, value: &Value) -> bool {
        match value {
            Value::Nil => true,
            Value::Map(id) => self.arena.map(*id).is_nil(),
            Value::List(list) => list.is_nil(),
            _ => false,
        }
    }

    fn is_table(&self, value: &Value) -> bool {
        !self.is_nil(value) && matches!(value, Value::Map(_) | Value::Struct(_))
    }

    /// Whether a list has tables only, and at least one.
    fn is_table_list(&self, value: &Value) -> Result<bool, Failure> {
        let Value::List(list) = value else { return Ok(false) };
        let items = self.arena.items(*list);
        if items.iter().any(|item| self.is_nil(item)) {
            return Err(Failure::Encoding("toml: cannot encode array with nil element"));
        }
        Ok(!items.is_empty() && items.iter().all(|item| self.is_table(item)))
    }

    fn encode(&mut self, key: &[Text], value: &Value) -> Result<(), Failure> {
        self.check(key.len())?;
        if self.is_nil(value) && !matches!(value, Value::List(_)) {
            return Ok(());
        }
        if self.is_table(value) {
            if key.len() == 1 {
                self.line_break();
            }
            if !key.is_empty() {
                self.header(key, "[", "]");
            }
            return self.table(key, value);
        }
        if self.is_table_list(value)? {
            if key.is_empty() {
                return Err(Failure::Encoding("toml: top-level values must be Go maps or structs"));
            }
            let Value::List(list) = value else { return Ok(()) };
            for item in self.arena.items(*list).to_vec() {
                self.line_break();
                self.header(key, "[[", "]]");
                self.table(key, &item)?;
            }
            return Ok(());
        }
        let Some(name) = key.last() else { return self.element(value, 0) };
        self.push("  ".repeat(key.len() - 1));
        self.pair(name, value, 0)?;
        self.line_break();
        Ok(())
    }

    fn header(&mut self, key: &[Text], open: &str, close: &str) {
        self.push("  ".repeat(key.len().saturating_sub(1)));
        self.push(open);
        for (index, name) in key.iter().enumerate() {
            if index > 0 {
                self.push(".");
            }
            self.name(name);
        }
        self.push(close);
        self.line_break();
    }

    /// The entries of a table: those that are no tables first.
    fn sorted(&self, value: &Value) -> Result<(Vec<Member>, Vec<Member>), Failure> {
        let (mut direct, mut tables) = (Vec::new(), Vec::new());
        for (name, value) in self.members(value).unwrap_or_default() {
            if self.is_table(&value) || self.is_table_list(&value)? {
                tables.push((name, value));
            } else {
                direct.push((name, value));
            }
        }
        Ok((direct, tables))
    }

    fn table(&mut self, key: &[Text], value: &Value) -> Result<(), Failure> {
        let (direct, tables) = self.sorted(value)?;
        for (name, value) in direct.into_iter().chain(tables) {
            if self.is_nil(&value) {
                continue;
            }
            let path: Vec<Text> = key.iter().cloned().chain([name]).collect();
            self.encode(&path, &value)?;
        }
        Ok(())
    }

    fn pair(&mut self, name: &Text, value: &Value, depth: usize) -> Result<(), Failure> {
        self.name(name);
        self.push(" = ");
        self.element(value, depth)
    }

    /// A value on one line.
    fn element(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        self.check(depth)?;
        match value {
            Value::Bool(is) => self.push(is.to_string()),
            Value::Int(number) | Value::Int64(number) => self.push(number.to_string()),
            Value::Int32(number) => self.push(number.to_string()),
            Value::Uint8(number) => self.push(number.to_string()),
            Value::Uint32(number) => self.push(number.to_string()),
            Value::Uint64(number) => self.push(number.to_string()),
            Value::Float64(number) => self.push(float(*number)),
            Value::String(text) => self.quoted(text),
            Value::Version(version) => self.quoted(version.to_string().as_bytes()),
            Value::Time(time) => {
                let layout: &[u8] = match time.zone().abbreviation.as_str() {
                    "datetime-local" => b"2006-01-02T15:04:05.999999999",
                    "date-local" => b"2006-01-02",
                    "time-local" => b"15:04:05.999999999",
                    _ => b"2006-01-02T15:04:05.999999999Z07:00",
                };
                self.push(time.format(layout));
            }
            Value::Bytes(bytes) => {
                let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
                self.push(format!("[{}]", numbers.join(", ")));
            }
            Value::List(list) => {
                self.push("[");
                for (index, item) in self.arena.items(*list).iter().enumerate() {
                    if index > 0 {
                        self.push(", ");
                    }
                    self.element(item, depth + 1)?;
                }
                self.push("]");
            }
            Value::Map(_) | Value::Struct(_) => self.inline_table(value, depth)?,
            Value::Nil => return Err(Failure::Encoding("toml: cannot encode array with nil element")),
        }
        Ok(())
    }

    fn inline_table(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        let (direct, tables) = self.sorted(value)?;
        self.push("{");
        let last = direct.len() + tables.len();
        for (index, (name, value)) in direct.into_iter().chain(tables).enumerate() {
            if self.is_nil(&value) {
                continue;
            }
            self.pair(&name, &value, depth + 1)?;
            if index + 1 < last {
                self.push(", ");
            }
        }
        self.push("}");
        Ok(())
    }

    fn name(&mut self, name: &Text) {
        let is_bare = !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if is_bare {
            self.push(name);
        } else {
            self.quoted(name);
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        self.push("\"");
        for byte in text {
            match byte {
                b'"' => self.push("\\\""),
                b'\\' => self.push("\\\\"),
                b'\n' => self.push("\\n"),
                b'\t' => self.push("\\t"),
                b'\r' => self.push("\\r"),
                0x8 => self.push("\\b"),
                0xc => self.push("\\f"),
                0..=0x1f | 0x7f => self.push(format!("\\u{byte:04x}")),
                byte => self.push([*byte]),
            }
        }
        self.push("\"");
    }
}

/// A number that cannot be taken for an integer.
fn float(number: f64) -> String {
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_nan() {
        return format!("{sign}nan");
    }
    if number.is_infinite() {
        return format!("{sign}inf");
    }
    let text = format_float(number, FloatFormat::General(LetterCase::Lower), None);
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}
