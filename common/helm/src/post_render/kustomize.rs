//! The stage that Flux always has: kustomize's patches and images, then labels and annotations for everything.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use flux_kustomize::file_system::MemoryFileSystem;
use flux_kustomize::{Options, build};
use flux_yaml::{Object, Text, Value};

/// One `postRenderers[].kustomize` of a `HelmRelease`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kustomization {
    /// `patches`, as they are in a kustomization file.
    pub patches: Vec<Value>,
    /// `images`, likewise.
    pub images: Vec<Value>,
}

/// Labels and annotations that every object gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Passes a stream through a kustomization each, in order, and then through one for each of the metadata.
///
/// # Errors
/// In kustomize's words.
pub fn kustomize(
    stream: &str,
    kustomizations: &[Kustomization],
    metadata: &[Metadata],
) -> Result<String, Box<dyn StdError + Send + Sync>> {
    let own = kustomizations.iter().map(|one| {
        vec![("patches", Value::List(one.patches.clone())), ("images", Value::List(one.images.clone()))]
    });
    let common = metadata
        .iter()
        .map(|one| vec![("labels", labels(&one.labels)), ("transformers", annotations(&one.annotations))]);
    let mut stream = stream.to_owned();
    for fields in own.chain(common) {
        stream = run(&stream, fields)?;
    }
    Ok(stream)
}

fn run(stream: &str, fields: Vec<(&str, Value)>) -> Result<String, Box<dyn StdError + Send + Sync>> {
    let mut file: Object = fields.into_iter().map(|(key, value)| (Text::from(key), value)).collect();
    file.retain(|_, value| !matches!(value, Value::List(items) if items.is_empty()));
    file.insert(Text::from("resources"), Value::List(vec![Value::from("helm-output.yaml")]));
    let files = MemoryFileSystem::from_iter([
        ("/kustomization.yaml".to_owned(), Value::Object(file).to_json()),
        ("/helm-output.yaml".to_owned(), stream.to_owned()),
    ]);
    Ok(build(&files, "/", &Options::default())?.to_yaml()?)
}

fn labels(pairs: &BTreeMap<String, String>) -> Value {
    if pairs.is_empty() {
        return Value::List(Vec::new());
    }
    let pairs = Value::Object(texts(pairs));
    Value::List(vec![Value::Object(Object::from([(Text::from("pairs"), pairs)]))])
}

/// `commonAnnotations` would reach into templates of Pods; only the objects themselves are meant.
fn annotations(pairs: &BTreeMap<String, String>) -> Value {
    if pairs.is_empty() {
        return Value::List(Vec::new());
    }
    let transformer = format!(
        r#"{{"apiVersion":"builtin","kind":"AnnotationsTransformer","metadata":{{"name":"annotations"}},"annotations":{},"fieldSpecs":[{{"path":"metadata/annotations","create":true}}]}}"#,
        Value::Object(texts(pairs)).to_json()
    );
    Value::List(vec![Value::from(transformer.as_str())])
}

fn texts(pairs: &BTreeMap<String, String>) -> Object {
    pairs.iter().map(|(key, value)| (Text::from(key.as_str()), Value::from(value.as_str()))).collect()
}
