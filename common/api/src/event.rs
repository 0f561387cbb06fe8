//! The event that controllers POST to notification-controller (Flux 2.9, `apis/event/v1beta1`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::wire::wire_enum;

wire_enum! {
    /// How grave an event is.
    pub enum Severity {
        /// Of interest to developers only; never sent.
        Trace = "trace",
        /// Something happened.
        Info = "info",
        /// Something went wrong.
        Error = "error",
    }
}

/// Suffixes of metadata keys that have a meaning.
pub mod metadata {
    /// Revision that the event speaks of.
    pub const REVISION: &str = "revision";
    /// Revision of the origin that the artifact was made of.
    pub const ORIGIN_REVISION: &str = "originRevision";
    /// Digest of what was applied; older form of [`DIGEST`].
    pub const CHECKSUM: &str = "checksum";
    /// Digest of the artifact.
    pub const DIGEST: &str = "digest";
    /// Text that tells otherwise equal events apart.
    pub const TOKEN: &str = "token";
    /// Commit that the event speaks of.
    pub const COMMIT: &str = "commit";
    /// With the value `update`, the event is for commit status providers only.
    pub const COMMIT_STATUS: &str = "commit_status";
    /// The one value of [`COMMIT_STATUS`].
    pub const COMMIT_STATUS_UPDATE: &str = "update";
    /// Change request that the event speaks of.
    pub const CHANGE_REQUEST: &str = "change_request";
}

/// Object that an event is about, as `core/v1` has it; absent fields are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvolvedObject {
    /// Kind of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Namespace of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Identity of the object, which a new one of the same name does not share.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// API group and version of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// State of the object that the event speaks of.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// Part of the object that the event speaks of.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field_path: String,
}

/// Something that happened to an object.
///
/// Fields stand in the order of the wire form. Reading is lenient as Go's is: keys in any case, unknown ones ignored.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Object that the event is about.
    pub involved_object: InvolvedObject,
    /// How grave it is, in the words of [`Severity`]; other words are kept as they came.
    pub severity: String,
    /// When it happened, in whole seconds; null if it is not known.
    #[serde(serialize_with = "whole_seconds")]
    pub timestamp: Option<Timestamp>,
    /// What happened, for a person.
    pub message: String,
    /// What happened, in one word.
    pub reason: String,
    /// More facts by key; those of controllers start with their API group.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Name of the controller that reports.
    pub reporting_controller: String,
    /// Host name of the process that reports.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
}

impl Event {
    /// The wire form, byte for byte what Go's encoder gives.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(|text| escape_as_go(&text))
    }

    /// Whether the event is at least as grave as `least`; a word that is no [`Severity`] equals none but itself.
    pub fn has_severity(&self, severity: Severity) -> bool {
        self.severity == severity.as_str()
    }
}

/// Escapes what Go's encoder escapes besides JSON's own rules; `text` is JSON, where these occur in strings only.
pub fn escape_as_go(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // writing to a String cannot fail
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn whole_seconds<S: Serializer>(timestamp: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match timestamp {
        Some(timestamp) => serializer.collect_str(&timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")),
        None => serializer.serialize_none(),
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Fields(Map::deserialize(deserializer)?);
        let mut object = match fields.take("involvedObject") {
            Value::Null => Fields(Map::new()),
            Value::Object(object) => Fields(object),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(de::Error::custom("involvedObject is not an object"));
            }
        };
        let metadata: Option<BTreeMap<String, String>> =
            serde_json::from_value(fields.take("metadata")).map_err(de::Error::custom)?;
        let timestamp = serde_json::from_value(fields.take("timestamp")).map_err(de::Error::custom)?;
        Ok(Self {
            involved_object: InvolvedObject {
                kind: object.text("kind")?,
                namespace: object.text("namespace")?,
                name: object.text("name")?,
                uid: object.text("uid")?,
                api_version: object.text("apiVersion")?,
                resource_version: object.text("resourceVersion")?,
                field_path: object.text("fieldPath")?,
            },
            severity: fields.text("severity")?,
            timestamp,
            message: fields.text("message")?,
            reason: fields.text("reason")?,
            metadata: metadata.unwrap_or_default(),
            reporting_controller: fields.text("reportingController")?,
            reporting_instance: fields.text("reportingInstance")?,
        })
    }
}

/// The fields of an object, found in any case.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, key: &str) -> Value {
        let found = self.0.keys().find(|candidate| candidate.eq_ignore_ascii_case(key)).cloned();
        found.and_then(|found| self.0.remove(&found)).unwrap_or(Value::Null)
    }

    fn text<E: de::Error>(&mut self, key: &str) -> Result<String, E> {
        match self.take(key) {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(E::custom(format_args!("{key} is not a string")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            involved_object: InvolvedObject {
                kind: "Kustomization".to_owned(),
                namespace: "apps".to_owned(),
                name: "podinfo".to_owned(),
                ..InvolvedObject::default()
            },
            severity: Severity::Info.to_string(),
            timestamp: Some("2026-01-02T03:04:05.678Z".parse().unwrap()),
            message: "a <b> & \"c\"\n\u{2028}".to_owned(),
            reason: "ReconciliationSucceeded".to_owned(),
            metadata: BTreeMap::from([(
                "kustomize.toolkit.fluxcd.io/revision".to_owned(),
                "main@sha1:0".to_owned(),
            )]),
            reporting_controller: "kustomize-controller".to_owned(),
            reporting_instance: String::new(),
        }
    }

    #[test]
    fn the_wire_form_is_gos() {
        assert_eq!(
            event().to_json().unwrap(),
            concat!(
                r#"{"involvedObject":{"kind":"Kustomization","namespace":"apps","name":"podinfo"},"severity":"info","#,
                r#""timestamp":"2026-01-02T03:04:05Z","message":"a \u003cb\u003e \u0026 \"c\"\n\u2028","#,
                r#""reason":"ReconciliationSucceeded","#,
                r#""metadata":{"kustomize.toolkit.fluxcd.io/revision":"main@sha1:0"},"#,
                r#""reportingController":"kustomize-controller"}"#
            )
        );
    }

    #[test]
    fn keys_are_read_in_any_case() {
        let event: Event = serde_json::from_str(
            r#"{"InvolvedObject":{"KIND":"Bucket"},"MESSAGE":"hi","timestamp":null,"x":1}"#,
        )
        .unwrap();
        assert_eq!((event.involved_object.kind.as_str(), event.message.as_str()), ("Bucket", "hi"));
        assert_eq!(event.timestamp, None);
    }

    #[test]
    fn a_field_of_the_wrong_type_is_refused() {
        for text in [r#"{"message":1}"#, r#"{"involvedObject":[]}"#, r#"{"metadata":{"a":1}}"#, "[]", "null"]
        {
            assert!(serde_json::from_str::<Event>(text).is_err(), "{text}");
        }
    }
}
