//! From YAML to the fields of a struct, as `sigs.k8s.io/yaml` and Go's JSON decoder fill it: keys match in any case,
//! numbers and booleans become text where text is wanted, `null` leaves a field alone, and of several mismatches the first
//! is reported.

use flux_yaml::{Object, Value, read_configuration};

/// Why a file does not fit its struct.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not YAML, or YAML without a form in JSON.
    #[error("error converting YAML to JSON")]
    Yaml(#[source] flux_yaml::Error),
    /// A value of another type than the field's.
    #[error("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {value} into Go {target}")]
    Type {
        /// Type of the value: `string`, `number`, `bool`, `array` or `object`.
        value: &'static str,
        /// Field and type in Go.
        target: String,
    },
    /// A time that is not one.
    #[error("error unmarshaling JSON: while decoding JSON: parsing time {0}")]
    Time(String),
}

/// Reads YAML for decoding.
pub(crate) fn read(text: &[u8]) -> Result<Value, DecodeError> {
    read_configuration(text).map_err(DecodeError::Yaml)
}

/// Decodes and keeps the first mismatch.
#[derive(Default)]
pub(crate) struct Decoder {
    /// Fields around the current value.
    fields: Vec<&'static str>,
    structure: &'static str,
    problem: Option<DecodeError>,
}

/// One field of a struct: its JSON name, and what to do with the value.
pub(crate) type Field<T> = (&'static str, fn(&mut Decoder, &Value, &mut T));

/// A struct of Go.
pub(crate) struct Structure<T: 'static> {
    /// Its name alone; empty if it has none.
    pub(crate) name: &'static str,
    /// Its name with the package, or its definition.
    pub(crate) kind: &'static str,
    /// Its fields.
    pub(crate) fields: &'static [Field<T>],
}

impl Decoder {
    /// The first mismatch, if there was one.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        self.problem.map_or(Ok(()), Err)
    }

    pub(crate) fn fail(&mut self, error: DecodeError) {
        self.problem.get_or_insert(error);
    }

    fn mismatch(&mut self, value: &Value, kind: &str) {
        let target = if self.structure.is_empty() && self.fields.is_empty() {
            format!("value of type {kind}")
        } else {
            format!("struct field {}.{} of type {kind}", self.structure, self.fields.join("."))
        };
        self.fail(DecodeError::Type { value: kind_of(value), target });
    }

    /// Fills a struct from an object.
    pub(crate) fn structure<T>(&mut self, value: &Value, into: &mut T, structure: &Structure<T>) {
        let Some(members) = self.object(value, structure.kind) else { return };
        let outer = std::mem::replace(&mut self.structure, structure.name);
        let fields = structure.fields;
        for (key, value) in members {
            let exact = fields.iter().find(|(name, _)| *name == key.as_str());
            let found = exact.or_else(|| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)));
            if let Some((name, decode)) = found {
                self.fields.push(name);
                decode(self, value, into);
                self.fields.pop();
            }
        }
        self.structure = outer;
    }

    pub(crate) fn string(&mut self, value: &Value, into: &mut String) {
        match value {
            Value::Null => {}
            Value::String(text) => *into = text.to_string(),
            Value::Bool(value) => *into = value.to_string(),
            Value::Int(value) => *into = value.to_string(),
            Value::Uint(value) => *into = value.to_string(),
            Value::Float(value) => *into = single_precision(*value),
            Value::List(_) | Value::Object(_) => self.mismatch(value, "string"),
        }
    }

    pub(crate) fn boolean(&mut self, value: &Value, into: &mut bool) {
        match value {
            Value::Null => {}
            Value::Bool(value) => *into = *value,
            Value::String(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Object(_) => self.mismatch(value, "bool"),
        }
    }

    pub(crate) fn strings(&mut self, value: &Value, into: &mut Vec<String>) {
        *into = self.list(value, "[]string", Self::string).unwrap_or_default();
    }

    /// Items of a list; `None` for `null` and for what is no list.
    pub(crate) fn list<T: Default>(
        &mut self,
        value: &Value,
        kind: &str,
        decode: fn(&mut Self, &Value, &mut T),
    ) -> Option<Vec<T>> {
        match value {
            Value::Null => None,
            Value::List(items) => {
                let item = |value| {
                    let mut item = T::default();
                    decode(self, value, &mut item);
                    item
                };
                Some(items.iter().map(item).collect())
            }
            Value::String(_)
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Float(_)
            | Value::Object(_) => {
                self.mismatch(value, kind);
                None
            }
        }
    }

    /// Members of an object; `None` for `null` and for what is no object.
    pub(crate) fn object<'a>(&mut self, value: &'a Value, kind: &str) -> Option<&'a Object> {
        if let Value::Object(members) = value {
            return Some(members);
        }
        if !value.is_null() {
            self.mismatch(value, kind);
        }
        None
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A float as Go's `FormatFloat(value, 'g', -1, 32)` does, which `sigs.k8s.io/yaml` uses where text is wanted.
#[expect(clippy::cast_possible_truncation, reason = "as Go converts")]
fn single_precision(value: f64) -> String {
    let value = value as f32;
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or_default();
    if !(-4..6).contains(&power) {
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", power.unsigned_abs());
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_text_in_single_precision() {
        for (value, want) in [
            (1.1, "1.1"),
            (1000.0, "1000"),
            (1e6, "1e+06"),
            (1.5e-5, "1.5e-05"),
            (123_456_789.0, "1.2345679e+08"),
        ] {
            assert_eq!(single_precision(value), want);
        }
    }
}
