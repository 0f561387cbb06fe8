//! What the fields of generators hold.

use std::collections::BTreeMap;

use flux_yaml::Value;

use crate::decode::{Decode, Fields, Place};
use crate::error::Result;

/// An entry of `configMapGenerator` or `secretGenerator`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GeneratorArgs {
    /// Name of the generated resource.
    pub(crate) name: String,
    /// Its namespace, if any.
    pub(crate) namespace: String,
    /// `create`, `replace` or `merge`; anything else says nothing.
    pub(crate) behavior: String,
    /// `key=value` texts.
    pub(crate) literals: Vec<String>,
    /// `path` or `key=path` texts.
    pub(crate) files: Vec<String>,
    /// Paths of files of `key=value` lines.
    pub(crate) envs: Vec<String>,
    /// Labels, annotations, hash and immutability.
    pub(crate) options: Option<GeneratorOptions>,
    /// `type` of a secret.
    pub(crate) secret_type: String,
    /// The entry as it was given, for messages.
    pub(crate) given: Value,
}

/// `generatorOptions`, and the `options` of a generator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GeneratorOptions {
    /// Labels of the generated resource.
    pub(crate) labels: BTreeMap<String, String>,
    /// Annotations of the generated resource.
    pub(crate) annotations: BTreeMap<String, String>,
    /// Whether the name stays without a hash of the content.
    pub(crate) disable_name_suffix_hash: bool,
    /// Whether the generated resource is immutable.
    pub(crate) immutable: bool,
}

impl GeneratorOptions {
    /// These options, with what `global` has beyond them.
    pub(crate) fn merged(local: Option<Self>, global: Option<&Self>) -> Option<Self> {
        let (Some(mut local), Some(global)) = (local.clone(), global) else {
            return local.or(global.cloned());
        };
        for (mine, theirs) in
            [(&mut local.labels, &global.labels), (&mut local.annotations, &global.annotations)]
        {
            for (key, value) in theirs {
                mine.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        local.disable_name_suffix_hash |= global.disable_name_suffix_hash;
        local.immutable |= global.immutable;
        Some(local)
    }
}

impl Decode for GeneratorArgs {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.GeneratorArgs")?;
        let mut args = Self {
            name: fields.take_exact("name")?,
            namespace: fields.take_exact("namespace")?,
            behavior: fields.take_exact("behavior")?,
            literals: fields.take_exact("literals")?,
            files: fields.take_exact("files")?,
            envs: fields.take_exact("envs")?,
            options: fields.take("options")?,
            secret_type: fields.take("type")?,
            given: value.clone(),
        };
        let env: String = fields.take_exact("env")?;
        if !env.is_empty() {
            args.envs.push(env);
        }
        fields.finish()?;
        Ok(args)
    }
}

impl Decode for GeneratorOptions {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.GeneratorOptions")?;
        let options = Self {
            labels: fields.take("labels")?,
            annotations: fields.take("annotations")?,
            disable_name_suffix_hash: fields.take("disableNameSuffixHash")?,
            immutable: fields.take("immutable")?,
        };
        fields.finish()?;
        Ok(options)
    }
}
