//! A kustomization file: its fields, and how it is read.

mod fields;
mod generator_args;

use std::collections::BTreeMap;

use flux_yaml::{Object, Value};

use crate::decode::{Decode, Fields, Mode, Place, decode};
use crate::error::{Error, Result};
use crate::yaml_1_1::{Duplicates, read};

pub(crate) use fields::{
    FieldOptions, FieldSpec, Image, Label, Patch, Replacement, ReplacementField, Replica, Selector,
    SourceSelector, TargetSelector, Var,
};
pub(crate) use generator_args::{GeneratorArgs, GeneratorOptions};

/// The names under which a kustomization file is looked for, in this order.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const KUSTOMIZATION: &str = "Kustomization";
const KUSTOMIZATION_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT: &str = "Component";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

/// Deprecated fields and what to use instead.
const DEPRECATED: [(&str, &str); 6] = [
    ("bases", "# Warning: 'bases' is deprecated. Please use 'resources' instead."),
    ("imageTags", "# Warning: 'imageTags' is deprecated. Please use 'images' instead."),
    ("commonLabels", "# Warning: 'commonLabels' is deprecated. Please use 'labels' instead."),
    ("patchesJson6902", "# Warning: 'patchesJson6902' is deprecated. Please use 'patches' instead."),
    (
        "patchesStrategicMerge",
        "# Warning: 'patchesStrategicMerge' is deprecated. Please use 'patches' instead.",
    ),
    ("vars", "# Warning: 'vars' is deprecated. Please use 'replacements' instead."),
];

/// A Kustomization or a Component, with deprecated fields moved to where they belong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kustomization {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) openapi: BTreeMap<String, String>,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: BTreeMap<String, String>,
    pub(crate) labels: Vec<Label>,
    pub(crate) common_annotations: BTreeMap<String, String>,
    pub(crate) patches_strategic_merge: Vec<String>,
    pub(crate) patches_json_6902: Vec<Patch>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) images: Vec<Image>,
    pub(crate) replacements: Vec<ReplacementField>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) vars: Vec<Var>,
    pub(crate) sort_options: Option<SortOptions>,
    pub(crate) resources: Vec<String>,
    pub(crate) components: Vec<String>,
    pub(crate) crds: Vec<String>,
    pub(crate) config_map_generator: Vec<GeneratorArgs>,
    pub(crate) secret_generator: Vec<GeneratorArgs>,
    /// Charts to inflate, as given: any of them makes the build fail.
    pub(crate) helm_charts: Vec<Value>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) configurations: Vec<String>,
    pub(crate) generators: Vec<String>,
    pub(crate) transformers: Vec<String>,
    pub(crate) validators: Vec<String>,
    pub(crate) build_metadata: Vec<String>,
    /// Warnings about deprecated fields, one line each.
    pub(crate) warnings: Vec<&'static str>,
    /// Whether no field but `apiVersion` and `kind` says anything.
    is_empty: bool,
}

/// `sortOptions`.
#[derive(Debug, Clone, Default)]
pub(crate) struct SortOptions {
    pub(crate) order: String,
    pub(crate) legacy: Option<LegacySortOptions>,
}

/// `sortOptions.legacySortOptions`.
#[derive(Debug, Clone, Default)]
pub(crate) struct LegacySortOptions {
    pub(crate) order_first: Vec<String>,
    pub(crate) order_last: Vec<String>,
}

impl Kustomization {
    /// Reads the content of a kustomization file, except for the checks of [`Self::check`].
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not YAML, or has unknown fields, or fields of the wrong type.
    pub(crate) fn parse(content: &[u8]) -> Result<Self> {
        let invalid = |error: Error| error.within("invalid Kustomization");
        let value = read(content, Duplicates::LastWins)
            .map_err(|error| invalid(Error::invalid(error.to_string())))?;
        let mut kustomization: Self = decode(&value, Mode::STRICT, KUSTOMIZATION).map_err(invalid)?;
        kustomization.is_empty |= value.is_null();
        Ok(kustomization)
    }

    /// Whether this is a Component.
    pub(crate) fn is_component(&self) -> bool {
        self.kind == COMPONENT
    }

    /// Fills in kind and API version, and checks them and that there is anything to do.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the file in `root` says nothing, or is of another kind or version.
    pub(crate) fn check(&mut self, root: &str) -> Result<()> {
        if self.kind.is_empty() {
            KUSTOMIZATION.clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            let version = if self.is_component() { COMPONENT_VERSION } else { KUSTOMIZATION_VERSION };
            version.clone_into(&mut self.api_version);
        }
        if self.is_empty {
            return Err(Error::invalid("kustomization.yaml is empty"));
        }
        let mut problems = Vec::new();
        if self.kind != KUSTOMIZATION && !self.is_component() {
            problems.push(format!("kind should be {KUSTOMIZATION} or {COMPONENT}"));
        }
        let required = if self.is_component() { COMPONENT_VERSION } else { KUSTOMIZATION_VERSION };
        if self.api_version != required {
            problems.push(format!("apiVersion for {} should be {required}", self.kind));
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Failed to read kustomization file under {root}:\n{}",
            problems.join("\n")
        )))
    }
}

impl Decode for Kustomization {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.Kustomization")?;
        let warnings =
            DEPRECATED.iter().filter(|(name, _)| fields.has(name)).map(|(_, warning)| *warning).collect();
        let metadata: Value = fields.take("metadata")?;
        check_metadata(&metadata, place)?;
        let mut kustomization = Self {
            api_version: fields.take_exact("apiVersion")?,
            kind: fields.take_exact("kind")?,
            openapi: fields.take("openapi")?,
            name_prefix: fields.take("namePrefix")?,
            name_suffix: fields.take("nameSuffix")?,
            namespace: fields.take("namespace")?,
            common_labels: fields.take("commonLabels")?,
            labels: fields.take("labels")?,
            common_annotations: fields.take("commonAnnotations")?,
            patches_strategic_merge: fields.take("patchesStrategicMerge")?,
            patches_json_6902: fields.take("patchesJson6902")?,
            patches: fields.take("patches")?,
            images: fields.take("images")?,
            replacements: fields.take("replacements")?,
            replicas: fields.take("replicas")?,
            vars: fields.take("vars")?,
            sort_options: fields.take("sortOptions")?,
            resources: fields.take("resources")?,
            components: fields.take("components")?,
            crds: fields.take("crds")?,
            config_map_generator: fields.take("configMapGenerator")?,
            secret_generator: fields.take("secretGenerator")?,
            helm_charts: fields.take("helmCharts")?,
            generator_options: fields.take("generatorOptions")?,
            configurations: fields.take("configurations")?,
            generators: fields.take("generators")?,
            transformers: fields.take("transformers")?,
            validators: fields.take("validators")?,
            build_metadata: fields.take("buildMetadata")?,
            warnings,
            is_empty: value.as_object().is_none_or(says_nothing),
        };
        kustomization.resources.extend(fields.take::<Vec<String>>("bases")?);
        kustomization.images.extend(fields.take::<Vec<Image>>("imageTags")?);
        kustomization.helm_charts.extend(fields.take::<Vec<Value>>("helmChartInflationGenerator")?);
        // without effect unless there are charts, and these fail
        fields.take::<Value>("helmGlobals")?;
        fields.finish()?;
        Ok(kustomization)
    }
}

impl Decode for SortOptions {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.SortOptions")?;
        let options = Self { order: fields.take("order")?, legacy: fields.take("legacySortOptions")? };
        fields.finish()?;
        Ok(options)
    }
}

impl Decode for LegacySortOptions {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.LegacySortOptions")?;
        let options = Self { order_first: fields.take("orderFirst")?, order_last: fields.take("orderLast")? };
        fields.finish()?;
        Ok(options)
    }
}

/// `metadata` has no effect, but has to be well-formed.
fn check_metadata(metadata: &Value, place: Place<'_>) -> Result<()> {
    if metadata.is_null() {
        return Ok(());
    }
    let mut fields = Fields::of(metadata, place, "types.ObjectMeta")?;
    fields.take::<String>("name")?;
    fields.take::<String>("namespace")?;
    fields.take::<BTreeMap<String, String>>("labels")?;
    fields.take::<BTreeMap<String, String>>("annotations")?;
    fields.finish()
}

fn says_nothing(members: &Object) -> bool {
    members.iter().all(|(name, value)| {
        let is_type = name.eq_ignore_ascii_case("apiVersion") || name.eq_ignore_ascii_case("kind");
        is_type || value.is_null() || value.as_str() == Some("")
    })
}

#[cfg(test)]
mod tests;
