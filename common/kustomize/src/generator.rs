//! `ConfigMap`s and `Secret`s made from literals and files.

mod key_values;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_yaml::{Node, Style, Tag, Text};

use crate::error::{Context as _, Error, Result};
use crate::field::set_field;
use crate::kustomization::{GeneratorArgs, GeneratorOptions};
use crate::loader::Loader;
use crate::resource::{Behavior, Resource, text_map};
use crate::schema::Schema;

/// Base64 text longer than this is broken into lines of this many characters.
const LINE_LENGTH: usize = 70;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generated {
    /// A `ConfigMap`: text goes to `data`, anything else to `binaryData`.
    ConfigMap,
    /// A `Secret`: everything is base64 in `data`.
    Secret,
}

impl Generated {
    /// The kind of the generated resource.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }

    /// The name of the built-in generator.
    pub(crate) fn generator(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMapGenerator",
            Self::Secret => "SecretGenerator",
        }
    }
}

/// Generates a resource; `args` hold their final options.
///
/// # Errors
/// A source that is malformed or cannot be loaded, a key that occurs twice, no name.
pub(crate) fn generate(
    what: Generated,
    args: &GeneratorArgs,
    loader: &Loader<'_>,
    schema: &Arc<Schema>,
) -> Result<Resource> {
    if args.name.is_empty() {
        return Err(Error::invalid(format!("a {} must have a name", what.kind().to_lowercase())));
    }
    let mut node = base_node(what.kind(), args);
    if what == Generated::Secret {
        let secret_type = if args.secret_type.is_empty() { "Opaque" } else { &args.secret_type };
        set_field(&mut node, "type", Node::string(secret_type));
    }
    let pairs = key_values::load(args, loader).context(|| "loading KV pairs")?;
    let mut known = std::collections::HashSet::new();
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !known.insert(key.as_str())) {
        return Err(Error::invalid(format!("configmap {} illegally repeats the key `{key}`", args.name)));
    }
    add_data(&mut node, what, pairs);
    add_options(&mut node, args.options.as_ref());
    let mut resource = Resource::new(node, schema)?;
    let keeps_name = args.options.as_ref().is_some_and(|options| options.disable_name_suffix_hash);
    resource.records_mut().needs_hash = !keeps_name;
    resource.records_mut().behavior = Behavior::parse(&args.behavior);
    Ok(resource)
}

fn base_node(kind: &str, args: &GeneratorArgs) -> Node {
    let mut metadata = Node::mapping();
    set_field(&mut metadata, "name", Node::string(args.name.as_str()));
    if !args.namespace.is_empty() {
        set_field(&mut metadata, "namespace", Node::string(args.namespace.as_str()));
    }
    let entries = [("apiVersion", Node::scalar("v1")), ("kind", Node::scalar(kind)), ("metadata", metadata)];
    Node::mapping_of(entries.map(|(key, value)| (Node::scalar(key), value)))
}

fn add_data(node: &mut Node, what: Generated, pairs: Vec<(String, Vec<u8>)>) {
    let mut data = Vec::new();
    let mut binary_data = Vec::new();
    for (key, value) in pairs {
        let key = Text::from(key);
        match (what, String::from_utf8(value)) {
            (Generated::ConfigMap, Ok(text)) => data.push((key, Text::from(text))),
            (Generated::ConfigMap, Err(other)) => binary_data.push((key, encode(other.as_bytes()))),
            (Generated::Secret, Ok(text)) => data.push((key, encode(text.as_bytes()))),
            (Generated::Secret, Err(other)) => data.push((key, encode(other.as_bytes()))),
        }
    }
    if !data.is_empty() || what == Generated::Secret {
        node.insert("data", text_map(data));
    }
    if !binary_data.is_empty() {
        node.insert("binaryData", text_map(binary_data));
    }
}

/// Base64, in lines if it is long.
fn encode(bytes: &[u8]) -> Text {
    let encoded = STANDARD.encode(bytes);
    if encoded.len() < LINE_LENGTH {
        return Text::from(encoded);
    }
    let mut lines = Text::with_capacity(encoded.len() + encoded.len() / LINE_LENGTH + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at_checked(LINE_LENGTH).unwrap_or((rest, ""));
        lines.push_str(line);
        lines.push('\n');
        rest = tail;
    }
    lines
}

fn add_options(node: &mut Node, options: Option<&GeneratorOptions>) {
    let Some(options) = options else { return };
    for (field, texts) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        if texts.is_empty() {
            continue;
        }
        let mut map = Node::mapping();
        for (key, text) in texts {
            let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
            set_field(&mut map, key, Node::string(text.as_str()).styled(style));
        }
        if let Some(metadata) = node.get_mut("metadata") {
            metadata.insert(field, map);
        }
    }
    if options.immutable {
        set_field(node, "immutable", Node::tagged("true", Tag::Bool));
    }
}

#[cfg(test)]
mod tests;
