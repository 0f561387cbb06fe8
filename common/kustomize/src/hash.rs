//! Hashes of content, as suffixes of names.

use flux_yaml::{Value, push_json_string};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

/// Characters of a hash that are kept.
const LENGTH: usize = 10;

/// Adds the hash of its content to the name of every resource that asks for it.
///
/// # Errors
/// [`Error::Invalid`] if the content of such a resource has no JSON form, or it is neither a `ConfigMap` nor a `Secret`.
pub(crate) fn add_hashes(resources: &mut ResourceMap) -> Result<()> {
    let places = resources.iter().enumerate().filter(|(_, resource)| resource.records().needs_hash);
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    for place in places {
        let Some(resource) = resources.get_mut(place) else { continue };
        let hash = hash(resource)?;
        resource.store_previous_id()?;
        let name = format!("{}-{hash}", resource.name());
        resource.set_name(&name);
    }
    Ok(())
}

/// The hash of a resource's content.
///
/// # Errors
/// As [`add_hashes`].
fn hash(resource: &Resource) -> Result<String> {
    let field = |name: &str| -> Result<Option<Value>> {
        let value = resource.node().get(name).map(flux_yaml::Node::to_value).transpose();
        value.map_err(|error| Error::invalid(error.to_string()))
    };
    let mut json = String::from("{");
    let mut member = |name: &str, value: Option<Value>| {
        if json.len() > 1 {
            json.push(',');
        }
        push_json_string(&mut json, name);
        json.push(':');
        // what is missing counts as the empty text
        value.unwrap_or_else(|| Value::from("")).push_json(&mut json);
    };
    let is_map = |value: &Value| matches!(value, Value::Object(_));
    match resource.kind() {
        "ConfigMap" => {
            if let Some(binary) = field("binaryData")?.filter(is_map) {
                member("binaryData", Some(binary));
            }
            member("data", field("data")?);
            member("kind", Some(Value::from("ConfigMap")));
            // upstream looks the name up where it never is
            member("name", None);
        }
        "Secret" => {
            member("data", field("data")?);
            member("kind", Some(Value::from("Secret")));
            member("name", None);
            if let Some(texts) = field("stringData")?.filter(is_map) {
                member("stringData", Some(texts));
            }
            member("type", field("type")?);
        }
        kind => {
            let id = resource.id();
            return Err(Error::invalid(format!(
                "cannot hash the content of {id}: hashes of kind {kind} are not supported"
            )));
        }
    }
    json.push('}');
    Ok(encode(&Sha256::digest(json.as_bytes())))
}

/// The first hexadecimal digits, without those that could make a bad word.
fn encode(digest: &[u8]) -> String {
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .take(LENGTH)
        .map(|digit| match digit {
            0x0 => 'g',
            0x1 => 'h',
            0x3 => 'k',
            0xa => 'm',
            0xe => 't',
            other => char::from_digit(u32::from(other), 16).unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::schema::Schema;

    fn hash_of(text: &str) -> String {
        let node = flux_yaml::parse_document(text.as_bytes()).unwrap().unwrap();
        hash(&Resource::new(node, &Arc::new(Schema::built_in())).unwrap()).unwrap()
    }

    #[test]
    fn hashes_are_those_of_kustomize() {
        let cases = [
            ("kind: ConfigMap", "6ct58987ht"),
            ("kind: ConfigMap\ndata: {one: ''}", "9g67k2htb6"),
            ("kind: ConfigMap\ndata: {two: 2, one: '', three: 3}", "7757f9kkct"),
            ("kind: ConfigMap\nbinaryData: {one: ''}", "6mtk2m274t"),
            ("kind: ConfigMap\ndata: {a: b}", "4h2mbtbbt6"),
            ("kind: Secret\ntype: my-type", "5gmgkf8578"),
            ("kind: Secret\ntype: my-type\ndata: {one: ''}", "74bd68bm66"),
            ("kind: Secret\ntype: my-type\ndata: {one: ''}\nstringData: {two: 2}", "c4h4264gdb"),
            ("kind: Secret\ntype: kubernetes.io/tls\ndata: {tls.crt: YWJj, tls.key: ZGVm}", "td2b65gdb7"),
            ("kind: Secret\ntype: Opaque\ndata: {}", "46f8b28mk5"),
        ];
        for (text, expected) in cases {
            assert_eq!(hash_of(text), expected, "{text}");
        }
    }
}
