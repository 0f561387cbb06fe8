//! JSON values into typed configuration, by the rules of Go's `encoding/json`.
//!
//! Names of fields match whatever their case, null leaves a field as it is, and what is left over is an error or not.

use std::collections::BTreeMap;

use flux_yaml::{Object, Value};

use crate::error::{Error, Result};

/// How a decoder treats what does not fit exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    /// What happens to fields that no one asked for.
    pub(crate) unknown: Unknown,
    /// What happens to numbers and booleans where a string is wanted.
    pub(crate) scalars: Scalars,
}

/// What happens to unknown fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// They are an error.
    Reject,
    /// They are skipped.
    Ignore,
}

/// What happens to numbers and booleans where a string is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalars {
    /// They are an error.
    Exact,
    /// They become their text, as `sigs.k8s.io/yaml` does when it knows the target.
    Coerce,
}

impl Mode {
    /// The decoder of kustomization files.
    pub(crate) const STRICT: Self = Self { unknown: Unknown::Reject, scalars: Scalars::Exact };
    /// The decoder of the root file in Flux, and of plugin configurations.
    pub(crate) const LENIENT: Self = Self { unknown: Unknown::Ignore, scalars: Scalars::Coerce };

    fn exact(self) -> Self {
        Self { scalars: Scalars::Exact, ..self }
    }
}

/// Where a value stands: the Go name of the outermost struct, and the fields that lead to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    mode: Mode,
    parent: Option<&'a Self>,
    name: &'a str,
}

/// A type that a JSON value can be decoded into.
pub(crate) trait Decode: Sized {
    /// Decodes a value other than null.
    fn decode(value: &Value, place: Place<'_>) -> Result<Self>;
}

/// The members of an object, to be taken one by one.
pub(crate) struct Fields<'v> {
    members: Vec<(&'v str, &'v Value)>,
    place: Place<'v>,
}

/// Decodes a whole document into a type of this Go name. Null gives the default.
///
/// # Errors
/// [`Error::Invalid`] in the words of `encoding/json`.
pub(crate) fn decode<T: Decode + Default>(value: &Value, mode: Mode, go_name: &str) -> Result<T> {
    let place = Place { mode, parent: None, name: go_name };
    if value.is_null() { Ok(T::default()) } else { T::decode(value, place) }
}

impl Place<'_> {
    fn mismatch(self, value: &Value, wanted: &str) -> Error {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
            Value::String(_) => "string",
            Value::List(_) => "array",
            Value::Object(_) => "object",
        };
        let mut names = vec![self.name];
        let mut place = self;
        while let Some(parent) = place.parent {
            names.push(parent.name);
            place = *parent;
        }
        names.reverse();
        let path = names.join(".");
        Error::invalid(if place.name == path {
            format!("json: cannot unmarshal {found} into Go value of type {wanted}")
        } else {
            format!("json: cannot unmarshal {found} into Go struct field {path} of type {wanted}")
        })
    }
}

impl<'v> Fields<'v> {
    /// The fields of an object that becomes a struct of this Go type.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the value is no object.
    pub(crate) fn of(value: &'v Value, place: Place<'v>, go_type: &str) -> Result<Self> {
        let members: &Object = value.as_object().ok_or_else(|| place.mismatch(value, go_type))?;
        Ok(Self { members: members.iter().map(|(key, value)| (key.as_str(), value)).collect(), place })
    }

    /// The value of a field, or its default.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is of another type.
    pub(crate) fn take<T: Decode + Default>(&mut self, name: &str) -> Result<T> {
        self.take_in(name, self.place.mode)
    }

    /// As [`Self::take`], for a member of an embedded Go struct: there numbers never become strings.
    pub(crate) fn take_exact<T: Decode + Default>(&mut self, name: &str) -> Result<T> {
        self.take_in(name, self.place.mode.exact())
    }

    fn take_in<T: Decode + Default>(&mut self, name: &str, mode: Mode) -> Result<T> {
        let mut found = T::default();
        let parent = Place { mode, ..self.place };
        let place = Place { mode, parent: Some(&parent), name };
        // names that differ in case are one field; the last one counts
        for (_, value) in self.members.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)) {
            if !value.is_null() {
                found = T::decode(value, place)?;
            }
        }
        self.members.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        Ok(found)
    }

    /// Whether a field is there and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null())
    }

    /// Ends decoding.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are fields left and they are not ignored.
    pub(crate) fn finish(self) -> Result<()> {
        match (self.place.mode.unknown, self.members.first()) {
            (Unknown::Reject, Some((name, _))) => {
                Err(Error::invalid(format!("json: unknown field {name:?}")))
            }
            (Unknown::Reject, None) | (Unknown::Ignore, _) => Ok(()),
        }
    }
}

impl Decode for String {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        match (value, place.mode.scalars) {
            (Value::String(text), _) => Ok(text.to_string()),
            (_, Scalars::Coerce) => text_of(value).ok_or_else(|| place.mismatch(value, "string")),
            (_, Scalars::Exact) => Err(place.mismatch(value, "string")),
        }
    }
}

/// The text that a scalar becomes where a string is wanted.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Uint(value) => Some(value.to_string()),
        Value::Float(value) => Some(short_float(*value)),
        Value::Null | Value::List(_) | Value::Object(_) => None,
    }
}

impl Decode for bool {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        if let Value::Bool(value) = value { Ok(*value) } else { Err(place.mismatch(value, "bool")) }
    }
}

impl Decode for i64 {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        if let Value::Int(value) = value {
            return Ok(*value);
        }
        // an integral float is written without fraction on the way through JSON
        if let Value::Float(float) = value
            && float.fract() == 0.0
            && float.abs() < 1e15
        {
            #[expect(clippy::cast_possible_truncation, reason = "integral and in range")]
            return Ok(*float as Self);
        }
        Err(place.mismatch(value, "int64"))
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        T::decode(value, place).map(Some)
    }
}

impl<T: Decode + Default> Decode for Vec<T> {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let items = value.as_list().ok_or_else(|| place.mismatch(value, "[]string"))?;
        let item = |item: &Value| if item.is_null() { Ok(T::default()) } else { T::decode(item, place) };
        items.iter().map(item).collect()
    }
}

impl<T: Decode + Default> Decode for BTreeMap<String, T> {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let members = value.as_object().ok_or_else(|| place.mismatch(value, "map[string]string"))?;
        let member = |(key, value): (&flux_yaml::Text, &Value)| {
            let value = if value.is_null() { T::default() } else { T::decode(value, place)? };
            Ok((key.to_string(), value))
        };
        members.iter().map(member).collect()
    }
}

impl Decode for Value {
    fn decode(value: &Value, _: Place<'_>) -> Result<Self> {
        Ok(value.clone())
    }
}

/// Go's `%g` of a float with the precision of 32 bits.
fn short_float(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "upstream formats with 32 bits")]
    let value = value as f32;
    let exponent = format!("{value:e}");
    let (digits, power) = exponent.split_once('e').unwrap_or((&exponent, "0"));
    let power: i32 = power.parse().unwrap_or_default();
    if (-4..6).contains(&power) {
        return value.to_string();
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml_1_1::{Duplicates, read};

    #[derive(Debug, Default, PartialEq)]
    struct Sample {
        name: String,
        inner: Vec<String>,
    }

    impl Decode for Sample {
        fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
            let mut fields = Fields::of(value, place, "Sample")?;
            let sample = Self { name: fields.take("name")?, inner: fields.take("inner")? };
            fields.finish()?;
            Ok(sample)
        }
    }

    fn sample(text: &str, mode: Mode) -> Result<Sample> {
        decode(&read(text.as_bytes(), Duplicates::LastWins).unwrap(), mode, "Sample")
    }

    #[test]
    fn names_match_whatever_their_case() {
        let expected = Sample { name: "a".to_owned(), inner: vec!["b".to_owned()] };
        assert_eq!(sample("NAME: a\nInner: [b]", Mode::STRICT).unwrap(), expected);
        assert_eq!(sample("name: null", Mode::STRICT).unwrap(), Sample::default());
    }

    #[test]
    fn only_the_lenient_decoder_bends() {
        assert_eq!(sample("foo: 1", Mode::STRICT).unwrap_err().message(), "json: unknown field \"foo\"");
        let expected = "json: cannot unmarshal number into Go struct field Sample.name of type string";
        assert_eq!(sample("name: 1", Mode::STRICT).unwrap_err().message(), expected);
        let bent = sample("name: 1.5\ninner: [yes, 12]\nfoo: 1", Mode::LENIENT).unwrap();
        assert_eq!(bent, Sample { name: "1.5".to_owned(), inner: vec!["true".to_owned(), "12".to_owned()] });
        assert_eq!(short_float(1e30), "1e+30");
    }
}
