//! What the resources that configure plugins hold.

use std::collections::BTreeMap;

use flux_yaml::{Value, to_sorted_yaml};

use super::Transformer;
use crate::configuration::field_specs;
use crate::decode::{Decode, Fields, Mode, Place, decode};
use crate::error::{Error, Result};
use crate::kustomization::{FieldSpec, GeneratorArgs, Image, Patch, ReplacementField, Replica, Selector};
use crate::layer::{LayerInputs, config_text};
use crate::patch::{Inputs as _, PatchEntry};
use crate::path;
use crate::replacement::Replacements;
use crate::resource::Resource;
use crate::transform::{Fill, NamespaceConfig, SubjectMode, ValueAdd, ValueTarget};
use crate::yaml_1_1::{Duplicates, read};

const GENERATORS: [&str; 4] =
    ["ConfigMapGenerator", "SecretGenerator", "IAMPolicyGenerator", "HelmChartInflationGenerator"];
const TRANSFORMERS: [&str; 14] = [
    "AnnotationsTransformer",
    "HashTransformer",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixTransformer",
    "SuffixTransformer",
    "PrefixSuffixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "ValueAddTransformer",
];

/// Whether this is the kind of a built-in generator's configuration.
pub(super) fn is_generator(kind: &str) -> bool {
    GENERATORS.contains(&kind)
}

/// Whether this is the kind of a built-in transformer's configuration.
pub(super) fn is_transformer(kind: &str) -> bool {
    TRANSFORMERS.contains(&kind)
}

/// Configuration of `IAMPolicyGenerator`.
#[derive(Debug, Default)]
pub(super) struct IamPolicy {
    pub(super) cloud: String,
    /// Name of the Kubernetes service account.
    pub(super) name: String,
    /// Its namespace, if any.
    pub(super) namespace: String,
    /// Name of the cloud's service account.
    pub(super) account: String,
    /// Its project.
    pub(super) project: String,
}

/// The fields of all transformers' configurations; no two give the same name different meanings.
#[derive(Debug, Default)]
struct TransformerConfig {
    field_specs: Option<Vec<FieldSpec>>,
    annotations: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    image: Image,
    metadata: Metadata,
    unset_only: bool,
    subjects: String,
    prefix: String,
    suffix: String,
    replica: Replica,
    patch: Patch,
    json_op: String,
    paths: Vec<String>,
    patches: String,
    replacements: Vec<ReplacementField>,
    value: String,
    targets: Targets,
    target_file_path: String,
}

#[derive(Debug, Default)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Debug, Default)]
struct Targets(Vec<Target>);

#[derive(Debug, Default)]
struct Target {
    selector: Option<Selector>,
    field_path: String,
    file_path_position: i64,
}

/// Decodes a configuration; unknown fields are ignored.
pub(super) fn decoded<T: Decode + Default>(configuration: &Resource) -> Result<T> {
    decode(&value_of(configuration)?, Mode::LENIENT, "Config")
}

/// The configuration as a plugin reads it: printed, and read again by the rules of YAML 1.1.
fn value_of(configuration: &Resource) -> Result<Value> {
    let invalid = |error: flux_yaml::Error| Error::invalid(error.to_string());
    let text = to_sorted_yaml(configuration.node()).map_err(invalid)?;
    read(text.as_bytes(), Duplicates::LastWins).map_err(invalid)
}

/// The configuration of a `ConfigMapGenerator` or `SecretGenerator`; name and namespace may stand in the metadata.
pub(super) fn generator_args(configuration: &Resource) -> Result<GeneratorArgs> {
    let mut args: GeneratorArgs = decoded(configuration)?;
    if args.name.is_empty() {
        configuration.name().clone_into(&mut args.name);
    }
    if args.namespace.is_empty() {
        configuration.namespace().clone_into(&mut args.namespace);
    }
    Ok(args)
}

/// The transformers that a resource configures: one, or a prefix and a suffix.
pub(super) fn transformers(
    configuration: &Resource,
    inputs: &mut LayerInputs<'_>,
) -> Result<Vec<Transformer>> {
    let value = value_of(configuration)?;
    let config: TransformerConfig = decode(&value, Mode::LENIENT, "Config")?;
    let specs = field_specs(config.field_specs.as_deref().unwrap_or_default());
    let needs_specs = |transformers| match config.field_specs {
        Some(_) => Ok(transformers),
        None => Err(Error::invalid("fieldSpecs is not expected to be nil")),
    };
    let one = match configuration.kind() {
        "AnnotationsTransformer" => Transformer::Pairs(config.annotations, specs),
        "LabelTransformer" => Transformer::Pairs(config.labels, specs),
        "ImageTagTransformer" => Transformer::Images(config.image, specs),
        "NamespaceTransformer" => Transformer::Namespace(NamespaceConfig {
            namespace: config.metadata.namespace,
            specs,
            subjects: SubjectMode::parse(&config.subjects)?,
            fill: if config.unset_only { Fill::UnsetOnly } else { Fill::Always },
        }),
        "PrefixTransformer" => return needs_specs(vec![Transformer::Prefix(config.prefix, specs)]),
        "SuffixTransformer" => return needs_specs(vec![Transformer::Suffix(config.suffix, specs)]),
        "PrefixSuffixTransformer" => {
            let prefix = Transformer::Prefix(config.prefix, specs.clone());
            return needs_specs(vec![prefix, Transformer::Suffix(config.suffix, specs)]);
        }
        "ReplicaCountTransformer" => Transformer::Replicas(config.replica, specs),
        "PatchTransformer" => {
            Transformer::Patch(Box::new(PatchEntry::new(&config.patch, &config_text(&value), inputs)?))
        }
        "PatchJson6902Transformer" => {
            let patch = Patch { patch: config.json_op, ..config.patch };
            Transformer::Patch(Box::new(PatchEntry::json(&patch, inputs)?))
        }
        "PatchStrategicMergeTransformer" => {
            Transformer::Patch(Box::new(PatchEntry::strategic(&config.paths, &config.patches, inputs)?))
        }
        "ReplacementTransformer" => {
            Transformer::Replacements(Replacements::new(&config.replacements, inputs)?)
        }
        "ValueAddTransformer" => Transformer::ValueAdd(value_add(config, inputs)?),
        _ => Transformer::Hash,
    };
    Ok(vec![one])
}

fn value_add(config: TransformerConfig, inputs: &mut LayerInputs<'_>) -> Result<ValueAdd> {
    let value = match config.value.trim() {
        "" => path::base_name(inputs.loader.root()).to_owned(),
        value => value.to_owned(),
    };
    let mut targets = config.targets.0;
    if !config.target_file_path.is_empty() {
        let content = inputs.load(&config.target_file_path)?;
        let value =
            read(&content, Duplicates::LastWins).map_err(|error| Error::invalid(error.to_string()))?;
        let more: TransformerConfig = decode(&value, Mode::LENIENT, "Config")?;
        targets.extend(more.targets.0);
    }
    if targets.is_empty() {
        return Err(Error::invalid("must specify at least one target"));
    }
    let target = |target: Target| {
        if target.field_path.is_empty() {
            return Err(Error::invalid("must specify fieldPath"));
        }
        Ok(ValueTarget {
            selector: target.selector.as_ref().map(crate::patch::Selector::new).transpose()?,
            field_path: target.field_path,
            file_path_position: usize::try_from(target.file_path_position).unwrap_or_default(),
        })
    };
    Ok(ValueAdd { value, targets: targets.into_iter().map(target).collect::<Result<_>>()? })
}

impl Decode for TransformerConfig {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "Config")?;
        Ok(Self {
            field_specs: fields.take("fieldSpecs")?,
            annotations: fields.take("annotations")?,
            labels: fields.take("labels")?,
            image: fields.take("imageTag")?,
            metadata: fields.take("metadata")?,
            unset_only: fields.take("unsetOnly")?,
            subjects: fields.take("setRoleBindingSubjects")?,
            prefix: fields.take("prefix")?,
            suffix: fields.take("suffix")?,
            replica: fields.take("replica")?,
            patch: Patch {
                path: fields.take("path")?,
                patch: fields.take("patch")?,
                target: fields.take("target")?,
                options: fields.take("options")?,
                given: value.clone(),
            },
            json_op: fields.take("jsonOp")?,
            paths: fields.take("paths")?,
            patches: fields.take("patches")?,
            replacements: fields.take("replacements")?,
            value: fields.take("value")?,
            targets: fields.take("targets")?,
            target_file_path: fields.take("targetFilePath")?,
        })
    }
}

impl Decode for Metadata {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.ObjectMeta")?;
        Ok(Self { name: fields.take("name")?, namespace: fields.take("namespace")? })
    }
}

impl Decode for Targets {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        Vec::decode(value, place).map(Self)
    }
}

impl Decode for Target {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "Target")?;
        Ok(Self {
            selector: fields.take("selector")?,
            field_path: fields.take("fieldPath")?,
            file_path_position: fields.take("filePathPosition")?,
        })
    }
}

impl Decode for IamPolicy {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.IAMPolicyGeneratorArgs")?;
        let service: Metadata = fields.take("kubernetesService")?;
        let account: Account = fields.take("serviceAccount")?;
        Ok(Self {
            cloud: fields.take("cloud")?,
            name: service.name,
            namespace: service.namespace,
            account: account.name,
            project: account.project,
        })
    }
}

#[derive(Debug, Default)]
struct Account {
    name: String,
    project: String,
}

impl Decode for Account {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.ServiceAccount")?;
        Ok(Self { name: fields.take("name")?, project: fields.take("projectId")? })
    }
}
