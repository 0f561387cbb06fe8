use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::name::ObjectName;

/// An owner of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference {
    /// Group and version of the owner.
    pub api_version: String,
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner.
    pub name: String,
    /// Unique id of the owner.
    pub uid: String,
}

/// The part of an object's metadata that machinery needs; fields that are absent read as empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Unique id.
    pub uid: String,
    /// Version of the stored object.
    pub resource_version: String,
    /// Counts changes of the spec.
    pub generation: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Finalizers that hold up a deletion.
    pub finalizers: Vec<String>,
    /// When deletion was asked for (RFC 3339).
    pub deletion_timestamp: Option<String>,
    /// When the object was made (RFC 3339).
    pub creation_timestamp: Option<String>,
    /// Owners.
    pub owner_references: Vec<OwnerReference>,
}

impl Metadata {
    /// Namespace and name.
    pub fn object_name(&self) -> ObjectName {
        ObjectName::new(&self.namespace, &self.name)
    }
}

/// An object as the API server sent it: metadata typed, all else as bytes, `metadata.managedFields` removed.
#[derive(Debug, Clone)]
pub struct Object {
    /// The typed part.
    pub metadata: Metadata,
    /// The whole object as compact JSON without managed fields.
    pub json: Bytes,
}

impl Object {
    /// Reads an object from JSON. Only the metadata has to be well-formed; the rest is not looked at.
    ///
    /// # Errors
    /// If the bytes are no JSON object, or the metadata is malformed.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut fields: BTreeMap<&str, &RawValue> = serde_json::from_slice(json)?;
        let Some(raw) = fields.get("metadata").copied() else {
            return Ok(Self { metadata: Metadata::default(), json: Bytes::copy_from_slice(json) });
        };
        let metadata: Metadata = serde_json::from_str(raw.get())?;
        let mut all: Map<String, Value> = serde_json::from_str(raw.get())?;
        if all.remove("managedFields").is_none() {
            return Ok(Self { metadata, json: Bytes::copy_from_slice(json) });
        }
        let stripped = serde_json::value::to_raw_value(&all)?;
        fields.insert("metadata", &stripped);
        Ok(Self { metadata, json: Bytes::from(serde_json::to_vec(&fields)?) })
    }

    /// The whole object as a tree.
    ///
    /// # Errors
    /// If the bytes are no JSON.
    pub fn value(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.json)
    }

    /// Whether this state is newer than, or the same as, `other`. Resource versions that are no numbers cannot be
    /// compared; then the object at hand counts as the newer one.
    pub fn at_least(&self, other: &Self) -> bool {
        let number = |object: &Self| object.metadata.resource_version.parse::<u64>().ok();
        match (number(self), number(other)) {
            (Some(mine), Some(theirs)) => mine >= theirs,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_fields_go_and_the_rest_stays() {
        let json = br#"{"spec":{"b":1.0,"a":[2]},"metadata":{"name":"x","managedFields":[{}],"extra":1},"kind":"K"}"#;
        let object = Object::parse(json).unwrap();
        assert_eq!(object.metadata.name, "x");
        let want = r#"{"kind":"K","metadata":{"extra":1,"name":"x"},"spec":{"b":1.0,"a":[2]}}"#;
        assert_eq!(std::str::from_utf8(&object.json).unwrap(), want);
    }

    #[test]
    fn an_undecodable_spec_does_not_matter() {
        let object =
            Object::parse(br#"{"metadata":{"name":"x"},"spec":{"interval":{"not":"a duration"}}}"#).unwrap();
        assert_eq!(object.metadata.name, "x");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let at = |version: &str| {
            Object::parse(format!(r#"{{"metadata":{{"resourceVersion":"{version}"}}}}"#).as_bytes()).unwrap()
        };
        assert!(at("10").at_least(&at("9")));
        assert!(!at("9").at_least(&at("10")));
        assert!(at("").at_least(&at("10")));
    }
}
