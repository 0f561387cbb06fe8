//! The grammar of `--set` and its kin, which `targetPath` of a `HelmRelease` uses too: `a.b[0].c=value,d={x,y}`.

use flux_gotext::quote;
use flux_yaml::{Object, Text, Value};

use super::display::type_name;
use super::read::from_json;

/// Most names joined by dots, as in Helm.
const MAX_NAMES: usize = 30;
/// Largest index, as in Helm.
const MAX_INDEX: usize = 65_536;
/// Deepest nesting by names and indexes together; unlimited in Helm.
const MAX_DEPTH: usize = 200;
/// Most entries that one text may add to lists; unlimited in Helm.
const MAX_ENTRIES: usize = 1_000_000;

/// Why a text sets nothing, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetError(String);

/// What values are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Booleans, null, integers, else text.
    Typed,
    /// Text.
    Text,
    /// Text to the end, without escapes, lists and commas.
    Literal,
    /// JSON.
    Json,
}

/// Why reading stops.
enum Stop {
    /// The text is at its end, which is no error.
    End,
    Error(String),
}

/// Reads a text and sets what it says.
struct Setter<'a> {
    rest: &'a str,
    reading: Reading,
    depth: usize,
    entries: usize,
}

/// `--set`: booleans, null and integers have their types, all else is text.
///
/// # Errors
/// In Helm's words. Values set before the error stay set.
pub fn set(text: &str, values: &mut Object) -> Result<(), SetError> {
    run(text, values, Reading::Typed)
}

/// `--set-string`: all values are text.
///
/// # Errors
/// As [`set`].
pub fn set_string(text: &str, values: &mut Object) -> Result<(), SetError> {
    run(text, values, Reading::Text)
}

/// `--set-literal`: what follows the first `=` is one text.
///
/// # Errors
/// As [`set`].
pub fn set_literal(text: &str, values: &mut Object) -> Result<(), SetError> {
    run(text, values, Reading::Literal)
}

/// `--set-json`: an object, which is merged over the values, or keys with JSON values.
///
/// # Errors
/// One text for whatever is wrong, as in Helm.
pub fn set_json(text: &str, values: &mut Object) -> Result<(), SetError> {
    if !text.trim().starts_with('{') {
        return run(text, values, Reading::Json);
    }
    let parsed: serde_json::Value =
        serde_json::from_str(text.trim()).map_err(|error| SetError(error.to_string()))?;
    if let Value::Object(members) = from_json(&parsed) {
        super::merge(values, members);
    }
    Ok(())
}

fn run(text: &str, values: &mut Object, reading: Reading) -> Result<(), SetError> {
    let mut setter = Setter { rest: text, reading, depth: 0, entries: 0 };
    loop {
        match setter.key(values, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Error(message)) => return Err(SetError(message)),
        }
    }
}

impl Setter<'_> {
    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next();
        self.rest = characters.as_str();
        character
    }

    /// Text up to one of these characters, which is taken as well; `None` at the end.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(character) = self.next() {
            if stops.contains(&character) {
                return (text, Some(character));
            }
            if character == '\\' && self.reading != Reading::Literal {
                let Some(escaped) = self.next() else { break };
                text.push(escaped);
            } else {
                text.push(character);
            }
        }
        (text, None)
    }

    fn descend<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth >= MAX_DEPTH {
            return error(format!("value is nested more than {MAX_DEPTH} levels deep"));
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    /// One name, and all that belongs to it.
    fn key(&mut self, values: &mut Object, names: usize) -> Result<(), Stop> {
        let stops: &[char] =
            if self.reading == Reading::Literal { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (name, stop) = self.until(stops);
        match stop {
            None if name.is_empty() => Err(Stop::End),
            None => error(format!("key {} has no value", quote(&name))),
            Some('[') => self.indexed(values, &name, names),
            Some('.') => self.descend(|setter| setter.nested(values, &name, names + 1)),
            Some(',') => {
                assign(values, &name, Value::from(""));
                error(format!("key {} has no value (cannot end with ,)", quote(&name)))
            }
            Some(_) => {
                let (value, end) = self.value()?;
                assign(values, &name, value);
                end
            }
        }
    }

    /// What follows `name.`.
    fn nested(&mut self, values: &mut Object, name: &str, names: usize) -> Result<(), Stop> {
        if names > MAX_NAMES {
            return error(format!(
                "value name nested level is greater than maximum supported nested level of {MAX_NAMES}"
            ));
        }
        let mut inner = match values.get(name) {
            None => Object::new(),
            Some(Value::Object(members)) => members.clone(),
            Some(other) => return wrong_type(other, "map[string]interface {}"),
        };
        let result = self.key(&mut inner, names);
        if result.is_ok() && inner.is_empty() {
            return error(format!("key map {} has no value", quote(name)));
        }
        if !inner.is_empty() {
            assign(values, name, Value::Object(inner));
        }
        result
    }

    /// What follows `name[`.
    fn indexed(&mut self, values: &mut Object, name: &str, names: usize) -> Result<(), Stop> {
        let index = self.index()?;
        let mut list = match values.get(name) {
            None => Vec::new(),
            Some(Value::List(items)) => items.clone(),
            Some(other) => return wrong_type(other, "[]interface {}"),
        };
        let result = self.descend(|setter| setter.item(&mut list, index, names));
        assign(values, name, Value::List(list));
        result
    }

    /// The number before `]`.
    fn index(&mut self) -> Result<i64, Stop> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err(Stop::End);
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
        let well_formed = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let reason = if well_formed { "value out of range" } else { "invalid syntax" };
        let problem = || format!("error parsing index: strconv.Atoi: parsing {}: {reason}", quote(&text));
        text.parse().map_err(|_| Stop::Error(problem()))
    }

    /// What follows `[index]`.
    fn item(&mut self, list: &mut Vec<Value>, index: i64, names: usize) -> Result<(), Stop> {
        let Ok(at) = usize::try_from(index) else {
            return error(format!("negative {index} index not allowed"));
        };
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            let runes: Vec<String> = text.chars().map(quote_rune).collect();
            return error(format!("unexpected data at end of array index: [{}]", runes.join(" ")));
        }
        match stop {
            None => Err(Stop::End),
            Some('[') => {
                let next = self.index()?;
                let mut inner = match list.get(at) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::List(items)) => items.clone(),
                    Some(other) => return wrong_type(other, "[]interface {}"),
                };
                self.descend(|setter| setter.item(&mut inner, next, names))?;
                self.assign_index(list, at, Value::List(inner))
            }
            Some('.') => {
                let mut inner = match list.get_mut(at) {
                    Some(Value::Object(members)) => members.clone(),
                    Some(other) => {
                        *other = Value::Object(Object::new());
                        Object::new()
                    }
                    None => Object::new(),
                };
                let result = self.descend(|setter| setter.key(&mut inner, names));
                if result.is_ok() || at < list.len() {
                    self.assign_index(list, at, Value::Object(inner))?;
                }
                result
            }
            // the end of the text after a value is noticed by whoever reads on
            Some(_) => {
                let (value, _) = self.value()?;
                self.assign_index(list, at, value)
            }
        }
    }

    fn assign_index(&mut self, list: &mut Vec<Value>, at: usize, value: Value) -> Result<(), Stop> {
        if at > MAX_INDEX {
            return error(format!("index of {at} is greater than maximum supported index of {MAX_INDEX}"));
        }
        if list.len() <= at {
            self.entries += at + 1 - list.len();
            if self.entries > MAX_ENTRIES {
                return error(format!("lists grow by more than {MAX_ENTRIES} entries"));
            }
            list.resize(at + 1, Value::Null);
        }
        if let Some(slot) = list.get_mut(at) {
            *slot = value;
        }
        Ok(())
    }

    /// What follows `=`, and whether the text is at its end in a way that Helm takes note of.
    fn value(&mut self) -> Result<(Value, Result<(), Stop>), Stop> {
        match self.reading {
            Reading::Literal => {
                let text = Value::from(std::mem::take(&mut self.rest));
                Ok((text, Ok(())))
            }
            Reading::Json => Ok((self.json()?, Ok(()))),
            Reading::Typed | Reading::Text if self.rest.is_empty() => Ok((Value::from(""), Err(Stop::End))),
            Reading::Typed | Reading::Text => {
                if let Some(rest) = self.rest.strip_prefix('{') {
                    self.rest = rest;
                    return Ok((self.list()?, Ok(())));
                }
                let (text, _) = self.until(&[',']);
                Ok((self.scalar(&text), Ok(())))
            }
        }
    }

    /// What follows `{`.
    fn list(&mut self) -> Result<Value, Stop> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            let Some(stop) = stop else { return error("list must terminate with '}'".to_owned()) };
            items.push(self.scalar(&text));
            if stop == '}' {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                return Ok(Value::List(items));
            }
        }
    }

    fn json(&mut self) -> Result<Value, Stop> {
        if self.skip_separator() {
            return Ok(Value::Null);
        }
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<serde_json::Value>();
        let parsed = match stream.next() {
            Some(Ok(parsed)) => from_json(&parsed),
            Some(Err(problem)) => return error(problem.to_string()),
            None => return Err(Stop::End),
        };
        self.rest = self.rest.get(stream.byte_offset()..).unwrap_or_default();
        self.skip_separator();
        Ok(parsed)
    }

    /// Skips blanks and a comma; whether there was a comma, or the end of the text.
    fn skip_separator(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return true;
        }
        self.rest.is_empty()
    }

    fn scalar(&self, text: &str) -> Value {
        if self.reading == Reading::Text {
            return Value::from(text);
        }
        if text.eq_ignore_ascii_case("true") {
            return Value::Bool(true);
        }
        if text.eq_ignore_ascii_case("false") {
            return Value::Bool(false);
        }
        if text.eq_ignore_ascii_case("null") {
            return Value::Null;
        }
        let integer = (text == "0" || !text.starts_with('0')).then(|| text.parse::<i64>().ok()).flatten();
        integer.map_or_else(|| Value::from(text), Value::Int)
    }
}

/// Sets a key, unless it is empty.
fn assign(values: &mut Object, name: &str, value: Value) {
    if !name.is_empty() {
        values.insert(Text::from(name), value);
    }
}

fn error<T>(message: String) -> Result<T, Stop> {
    Err(Stop::Error(message))
}

/// A name goes on below something that has no names or indexes.
fn wrong_type<T>(found: &Value, wanted: &str) -> Result<T, Stop> {
    let found = type_name(found);
    error(format!("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}"))
}

/// A character as Go's `%q` prints a rune.
fn quote_rune(character: char) -> String {
    if character == '\'' {
        return "'\\''".to_owned();
    }
    let quoted = quote(&character.to_string());
    let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    format!("'{}'", if character == '"' { "\"" } else { inside })
}
