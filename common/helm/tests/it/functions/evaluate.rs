//! Enough of Go's template language for the rows of the tables: text, pipelines, variables and fields of maps.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flux_gotext::{GoTime, Zone};
use flux_helm::engine::{Budget, FunctionError, Limits, Render};
use flux_helm::functions::{Type, function, implicit};
use flux_helm::value::{ListType, MapType, Text, Value};

/// A constant has no type until a function takes it.
#[derive(Clone, Debug)]
enum Operand {
    Value(Value),
    Int(i64),
    Float(f64),
}

impl Operand {
    fn value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Int(number) => Value::Int(number),
            Self::Float(number) => Value::Float64(number),
        }
    }

    fn for_parameter(self, parameter: Option<Type>) -> Value {
        match (self, parameter) {
            (Self::Int(number), Some(Type::Float64)) => Value::Float64(number as f64),
            (Self::Int(number), Some(Type::Uint32)) => Value::Uint32(number as u32),
            (Self::Float(number), Some(Type::Int)) => Value::Int(number as i64),
            (operand, _) => operand.value(),
        }
    }
}

/// Renders rows on one arena; each has its own variables and values.
pub(super) struct Evaluator {
    pub(super) render: Render,
    variables: HashMap<String, Value>,
    root: Value,
}

impl Evaluator {
    pub(super) fn new() -> Self {
        Self::at(UNIX_EPOCH + Duration::from_hours(500_000))
    }

    /// With a time for `now`.
    pub(super) fn at(now: SystemTime) -> Self {
        let seconds = now.duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let render = Render::new(Limits::default(), GoTime::new(seconds as i64, 0, Zone::utc()));
        Self { render, variables: HashMap::new(), root: Value::Nil }
    }

    fn map(&mut self, kind: MapType, entries: Vec<(&str, Value)>) -> Value {
        let entries: BTreeMap<Text, Value> =
            entries.into_iter().map(|(key, value)| (Text::from(key), value)).collect();
        Value::Map(self.render.arena.add_map(kind, entries))
    }

    fn new_root(&mut self) -> Value {
        let b = self.map(MapType::Any, vec![("c", "x".into())]);
        let m = self.map(MapType::Any, vec![("a", Value::Float64(1.0)), ("b", b)]);
        let x = self.map(MapType::Any, vec![("true", "z".into())]);
        let l = self.render.arena.add_list(ListType::Any, vec![Value::Float64(1.0), "two".into()]);
        let values = self.map(
            MapType::Values,
            vec![
                ("f", Value::Float64(8080.0)),
                // a key that YAML 1.1 reads as a boolean
                ("false", Value::Float64(5.0)),
                ("big", Value::Float64(12_345_678.0)),
                ("m", m),
                ("l", Value::List(l)),
                ("x", x),
            ],
        );
        let files = self.map(MapType::Files, vec![("f.txt", Value::Bytes("hi\nyo\n".into()))]);
        self.map(MapType::Values, vec![("Values", values), ("Files", files)])
    }

    pub(super) fn render(&mut self, template: &[u8]) -> Result<Vec<u8>, String> {
        self.variables.clear();
        self.render.budget = Budget::new(Limits::default());
        self.root = self.new_root();
        let text: Vec<char> = String::from_utf8_lossy(template).chars().collect();
        let mut parser = Parser { text, at: 0 };
        let mut output = Vec::new();
        while parser.at < parser.text.len() {
            if !parser.take("{{ ") {
                let character = parser.text[parser.at];
                output.extend(character.to_string().bytes());
                parser.at += 1;
                continue;
            }
            let variable = parser.declaration();
            // Helm takes its marks out of what it reports
            let unmarked = |error: String| error.replace("HELM_ERR_START", "").replace("HELM_ERR_END", "");
            let result = self.pipeline(&mut parser).map_err(unmarked)?;
            parser.blanks();
            assert!(parser.take("}}"), "unexpected {:?}", parser.rest());
            match variable {
                Some(name) => drop(self.variables.insert(name, result.value())),
                None => {
                    let text = implicit(&mut self.render, &result.value()).map_err(message)?;
                    output.extend_from_slice(&text);
                }
            }
        }
        // what Helm does to the output of each file
        let output = String::from_utf8(output).map(|text| text.replace("<no value>", "").into_bytes());
        Ok(output.unwrap_or_else(std::string::FromUtf8Error::into_bytes))
    }

    fn pipeline(&mut self, parser: &mut Parser) -> Result<Operand, String> {
        let mut piped = None;
        loop {
            piped = Some(self.command(parser, piped.take())?);
            parser.blanks();
            if !parser.take("|") {
                return Ok(piped.expect("a command"));
            }
        }
    }

    fn command(&mut self, parser: &mut Parser, piped: Option<Operand>) -> Result<Operand, String> {
        parser.blanks();
        if !parser.peek().is_some_and(char::is_alphabetic) {
            return self.term(parser);
        }
        let name = parser.word();
        match name.as_str() {
            "true" | "false" => return Ok(Operand::Value(Value::Bool(name == "true"))),
            "nil" => return Ok(Operand::Value(Value::Nil)),
            _ => {}
        }
        let mut operands = Vec::new();
        loop {
            parser.blanks();
            if matches!(parser.peek(), None | Some('}' | ')' | '|')) {
                break;
            }
            operands.push(self.term(parser)?);
        }
        operands.extend(piped);
        self.call(&name, operands)
    }

    fn call(&mut self, name: &str, operands: Vec<Operand>) -> Result<Operand, String> {
        let function = match (name, operands.as_slice()) {
            ("len", [operand]) => {
                let length = match operand.clone().value() {
                    Value::String(text) => text.len(),
                    Value::List(list) => list.len(),
                    Value::Map(id) => self.render.arena.map(id).len(),
                    other => panic!("len of {other:?}"),
                };
                return Ok(Operand::Value(Value::Int(length as i64)));
            }
            ("index", [operand, Operand::Int(index)]) => {
                let index = *index as usize;
                return Ok(Operand::Value(match operand.clone().value() {
                    Value::String(text) => Value::Uint8(text[index]),
                    Value::List(list) => self.render.arena.items(list)[index].clone(),
                    other => panic!("index of {other:?}"),
                }));
            }
            _ => function(name).unwrap_or_else(|| panic!("no function {name}")),
        };
        let operands = operands.into_iter().enumerate();
        let arguments: Vec<Value> =
            operands.map(|(index, operand)| operand.for_parameter(function.parameter(index))).collect();
        let result = (function.body)(&mut self.render, &arguments);
        result.map(Operand::Value).map_err(|error| format!("error calling {name}: {}", message(error)))
    }

    fn term(&mut self, parser: &mut Parser) -> Result<Operand, String> {
        parser.blanks();
        let first = parser.peek().expect("a term");
        let mut value = match first {
            '(' => {
                parser.at += 1;
                let value = self.pipeline(parser)?;
                parser.blanks();
                assert!(parser.take(")"), "unclosed {:?}", parser.rest());
                value
            }
            '"' => Operand::Value(Value::from(parser.quoted())),
            '\'' => {
                parser.at += 3;
                Operand::Int(i64::from(u32::from(parser.text[parser.at - 2])))
            }
            '$' => {
                parser.at += 1;
                let name = parser.word();
                Operand::Value(self.variables.get(&name).expect("a variable").clone())
            }
            '.' => Operand::Value(self.root.clone()),
            '0'..='9' | '-' | '+' => return Ok(parser.number()),
            _ => return self.command_of_one(parser),
        };
        while parser.peek() == Some('.') {
            parser.at += 1;
            let field = parser.word();
            if field == "GetBytes" {
                parser.blanks();
                drop(parser.quoted());
                return Ok(Operand::Value(Value::Bytes("hi\nyo\n".into())));
            }
            let found = match value.value() {
                Value::Map(id) => {
                    let zero = if id.kind() == MapType::String { "".into() } else { Value::Nil };
                    self.render.arena.map(id).get(field.as_bytes()).cloned().unwrap_or(zero)
                }
                Value::Struct(id) => {
                    let fields = &self.render.arena.structure(id).expect("a struct").fields;
                    fields.iter().find(|(name, _)| *name == field).expect("a field").1.clone()
                }
                other => panic!("field {field} of {other:?}"),
            };
            value = Operand::Value(found);
        }
        Ok(value)
    }

    /// A word that stands alone among operands.
    fn command_of_one(&mut self, parser: &mut Parser) -> Result<Operand, String> {
        let name = parser.word();
        match name.as_str() {
            "true" | "false" => Ok(Operand::Value(Value::Bool(name == "true"))),
            "nil" => Ok(Operand::Value(Value::Nil)),
            _ => self.call(&name, Vec::new()),
        }
    }
}

pub(super) fn message(error: FunctionError) -> String {
    match error {
        FunctionError::Message(message) => message,
        FunctionError::Exhausted(exhausted) => format!("exhausted: {exhausted}"),
        FunctionError::Template(_) => "template".to_owned(),
    }
}

struct Parser {
    text: Vec<char>,
    at: usize,
}

impl Parser {
    fn rest(&self) -> String {
        self.text[self.at..].iter().collect()
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, text: &str) -> bool {
        let length = text.chars().count();
        let is_next = self.text[self.at..].iter().take(length).collect::<String>() == text;
        self.at += if is_next { length } else { 0 };
        is_next
    }

    fn blanks(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.at += 1;
        }
        self.text[start..self.at].iter().collect()
    }

    /// `$x := `
    fn declaration(&mut self) -> Option<String> {
        let before = self.at;
        if self.take("$") {
            let name = self.word();
            if self.take(" := ") {
                return Some(name);
            }
        }
        self.at = before;
        None
    }

    fn number(&mut self) -> Operand {
        let start = self.at;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
        while self.peek().is_some_and(is_part) {
            self.at += 1;
        }
        let text: String = self.text[start..self.at].iter().collect();
        if let Some(digits) = text.strip_prefix("0x") {
            return Operand::Int(i64::from_str_radix(digits, 16).expect("a number"));
        }
        text.parse().map_or_else(|_| Operand::Float(text.parse().expect("a number")), Operand::Int)
    }

    /// A string with Go's escapes.
    fn quoted(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut output = Vec::new();
        loop {
            let character = self.text[self.at];
            self.at += 1;
            match character {
                '"' => return output,
                '\\' => {
                    let escape = self.text[self.at];
                    self.at += 1;
                    match escape {
                        'x' => output.push(self.code(2) as u8),
                        'u' => self.push_code(&mut output, 4),
                        'U' => self.push_code(&mut output, 8),
                        'n' => output.push(b'\n'),
                        't' => output.push(b'\t'),
                        other => output.extend(other.to_string().bytes()),
                    }
                }
                other => output.extend(other.to_string().bytes()),
            }
        }
    }

    fn code(&mut self, digits: usize) -> u32 {
        let text: String = self.text[self.at..self.at + digits].iter().collect();
        self.at += digits;
        u32::from_str_radix(&text, 16).expect("hexadecimal digits")
    }

    fn push_code(&mut self, output: &mut Vec<u8>, digits: usize) {
        let character = char::from_u32(self.code(digits)).expect("a character");
        output.extend(character.to_string().bytes());
    }
}
