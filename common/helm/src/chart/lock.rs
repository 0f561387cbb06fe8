//! Chart.lock, or requirements.lock of charts of API version 1.

use flux_yaml::Value;

use super::metadata::{Dependency, dependency};
use crate::decode::{DecodeError, Decoder, Structure, read};

/// Zero time in Go's JSON.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// Which versions of the dependencies were chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    /// When the file was written, in RFC 3339.
    pub generated: String,
    /// Digest over the dependencies wanted and chosen.
    pub digest: String,
    /// The dependencies, each with one version; `None` if the file names none.
    pub dependencies: Option<Vec<Option<Dependency>>>,
}

impl Default for Lock {
    fn default() -> Self {
        Self { generated: ZERO_TIME.to_owned(), digest: String::new(), dependencies: None }
    }
}

const LOCK: Structure<Lock> = Structure {
    name: "Lock",
    kind: "v2.Lock",
    fields: &[
        ("generated", |decoder, value, lock| time(decoder, value, &mut lock.generated)),
        ("digest", |decoder, value, lock| decoder.string(value, &mut lock.digest)),
        ("dependencies", |decoder, value, lock| {
            lock.dependencies = decoder.list(value, "[]*v2.Dependency", dependency);
        }),
    ],
};

/// A lock from the text of its file; `null` gives none.
pub(super) fn parse(text: &[u8]) -> Result<Option<Lock>, DecodeError> {
    let value = read(text)?;
    if value.is_null() {
        return Ok(None);
    }
    let mut lock = Lock::default();
    let mut decoder = Decoder::default();
    decoder.structure(&value, &mut lock, &LOCK);
    decoder.finish()?;
    Ok(Some(lock))
}

fn time(decoder: &mut Decoder, value: &Value, into: &mut String) {
    match value {
        Value::Null => {}
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => *into = text.to_string(),
        Value::String(text) => decoder.fail(DecodeError::Time(flux_gotext::quote(text))),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Object(_) => {
            decoder.fail(DecodeError::Time(value.to_json()));
        }
    }
}
