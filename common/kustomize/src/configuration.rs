//! Tables of field specs: the defaults and what `configurations` and `crds` add.

mod crd;
mod defaults;

use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use flux_yaml::Value;

use crate::decode::{Decode, Fields, Mode, Place, Scalars, Unknown, decode};
use crate::error::{Context as _, Error, Result};
use crate::gvk::Gvk;
use crate::kustomization;
use crate::name_reference::NameReference;
use crate::patch::Inputs;
use crate::sort_order::Ranks;
use crate::transform::FieldSpec;
use crate::yaml_1_1::{Duplicates, read};

static NONE: LazyLock<Arc<Tables>> = LazyLock::new(Arc::default);
static BUILT_IN: LazyLock<Arc<Tables>> = LazyLock::new(|| Arc::new(defaults::tables()));

/// The field specs in force: those built in, and what layers add. Costs nothing as long as nobody adds anything.
///
/// Merging is not symmetric, so the order of upstream's merges is kept: a spec that is added later gives way to one for
/// fewer kinds. A layer starts with none, then come those of the layers below, then the built-in ones with those of its
/// files.
#[derive(Debug, Clone)]
pub(crate) struct Configuration(Arc<Tables>);

/// Field specs by the transformer that uses them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    pub(crate) labels: Vec<FieldSpec>,
    pub(crate) template_labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) name_reference: Vec<NameReference>,
    pub(crate) var_reference: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
}

impl Default for Configuration {
    fn default() -> Self {
        Self(Arc::clone(&NONE))
    }
}

impl std::ops::Deref for Configuration {
    type Target = Tables;

    fn deref(&self) -> &Tables {
        &self.0
    }
}

impl Configuration {
    /// Adds the built-in specs, and what configuration files hold.
    ///
    /// # Errors
    /// A file cannot be loaded, has unknown fields, or specs that contradict those in force.
    pub(crate) fn add_files(&mut self, paths: &[String], inputs: &mut dyn Inputs) -> Result<()> {
        if paths.is_empty() {
            return self.merge(Self(Arc::clone(&BUILT_IN)));
        }
        let mut added = Tables::default();
        for path in paths {
            let content = inputs.load(path)?;
            added.merge(&Tables::parse(&content)?)?;
        }
        let mut tables = Tables::clone(&BUILT_IN);
        tables.merge(&added)?;
        self.add(&tables).context(|| "merging config")
    }

    /// Adds what OpenAPI definitions of custom resources say about their fields.
    ///
    /// # Errors
    /// A file cannot be loaded or holds no definitions, or its specs contradict those in force.
    pub(crate) fn add_crds(&mut self, paths: &[String], inputs: &mut dyn Inputs) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        let mut added = Tables::default();
        for path in paths {
            let tables = inputs.load(path).and_then(|content| crd::tables(&content, path));
            added.merge(&tables.context(|| format!("loading CRDs [{}]", paths.join(" ")))?)?;
        }
        self.add(&added).context(|| "merging CRDs")
    }

    /// Adds the specs of another layer.
    ///
    /// # Errors
    /// [`Error::Invalid`] if they contradict those in force.
    pub(crate) fn merge(&mut self, other: Self) -> Result<()> {
        let is_built_in = Arc::ptr_eq(&other.0, &BUILT_IN);
        if Arc::ptr_eq(&other.0, &NONE) || (is_built_in && Arc::ptr_eq(&self.0, &BUILT_IN)) {
            return Ok(());
        }
        if is_built_in && Arc::ptr_eq(&self.0, &NONE) {
            self.0 = other.0;
            return Ok(());
        }
        self.add(&other.0)
    }

    fn add(&mut self, added: &Tables) -> Result<()> {
        let mut tables = Tables::clone(&self.0);
        tables.merge(added)?;
        self.0 = Arc::new(tables);
        Ok(())
    }
}

impl Tables {
    fn parse(content: &[u8]) -> Result<Self> {
        let mode = Mode { unknown: Unknown::Reject, scalars: Scalars::Coerce };
        let value = read(content, Duplicates::Reject)
            .map_err(|error| Error::invalid(format!("error converting YAML to JSON: {error}")))?;
        decode(&value, mode, "TransformerConfig").context(|| "error unmarshaling JSON: while decoding JSON")
    }

    /// Adds specs that are not there yet, and sorts each list by the kinds it is for.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a spec is there already, but with another `create`.
    fn merge(&mut self, added: &Self) -> Result<()> {
        let lists = [
            ("NamePrefix", &mut self.name_prefix, &added.name_prefix),
            ("NameSuffix", &mut self.name_suffix, &added.name_suffix),
            ("NameSpace", &mut self.namespace, &added.namespace),
            ("CommonAnnotations", &mut self.common_annotations, &added.common_annotations),
            ("CommonLabels", &mut self.common_labels, &added.common_labels),
            ("Labels", &mut self.labels, &added.labels),
            ("TemplateLabels", &mut self.template_labels, &added.template_labels),
            ("VarReference", &mut self.var_reference, &added.var_reference),
            ("Images", &mut self.images, &added.images),
            ("Replicas", &mut self.replicas, &added.replicas),
        ];
        let ranks = Ranks::legacy();
        for (name, list, added) in lists {
            merge_specs(list, added).context(|| format!("failed to merge {name} fieldSpec"))?;
            sort_specs(list, &ranks);
        }
        for reference in &added.name_reference {
            self.add_reference(reference).context(|| "failed to merge NameReference fieldSpec")?;
        }
        self.sort_references(&ranks);
        Ok(())
    }

    fn add_reference(&mut self, added: &NameReference) -> Result<()> {
        match self.name_reference.iter_mut().find(|known| known.target == added.target) {
            Some(known) => merge_specs(&mut known.referrers, &added.referrers),
            None => {
                self.name_reference.push(added.clone());
                Ok(())
            }
        }
    }

    fn sort_references(&mut self, ranks: &Ranks<'_>) {
        for reference in &mut self.name_reference {
            sort_specs(&mut reference.referrers, ranks);
        }
        self.name_reference.sort_by(|a, b| compare(&a.target, &b.target, ranks));
    }
}

/// Adds specs that are not there yet: one is, if the path is the same and the known kinds are among the added ones.
///
/// # Errors
/// [`Error::Invalid`] if a known spec has another `create`.
pub(crate) fn merge_specs(known: &mut Vec<FieldSpec>, added: &[FieldSpec]) -> Result<()> {
    for spec in added {
        let same = known.iter().find(|other| other.path == spec.path && other.gvk.is_selected_by(&spec.gvk));
        match same {
            Some(other) if other.create != spec.create => {
                return Err(Error::invalid("conflicting fieldspecs"));
            }
            Some(_) => {}
            None => known.push(spec.clone()),
        }
    }
    Ok(())
}

fn sort_specs(specs: &mut [FieldSpec], ranks: &Ranks<'_>) {
    specs.sort_by(|a, b| compare(&a.gvk, &b.gvk, ranks));
}

/// The order of kinds in the tables. Neighbours are mostly equal, and the built-in lists nearly sorted.
fn compare(a: &Gvk, b: &Gvk, ranks: &Ranks<'_>) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    ranks.of(&a.kind).cmp(&ranks.of(&b.kind)).then_with(|| a.compare(b))
}

/// Field specs as they are given.
pub(crate) fn field_specs(given: &[kustomization::FieldSpec]) -> Vec<FieldSpec> {
    given.iter().map(|spec| FieldSpec::new(spec.gvk.clone(), spec.path.as_str(), spec.create)).collect()
}

impl Decode for Tables {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "TransformerConfig")?;
        let mut specs =
            |name: &str| fields.take::<Vec<kustomization::FieldSpec>>(name).map(|given| field_specs(&given));
        let mut tables = Self {
            name_prefix: specs("namePrefix")?,
            name_suffix: specs("nameSuffix")?,
            namespace: specs("namespace")?,
            common_labels: specs("commonLabels")?,
            labels: specs("labels")?,
            template_labels: specs("templateLabels")?,
            common_annotations: specs("commonAnnotations")?,
            name_reference: Vec::new(),
            var_reference: specs("varReference")?,
            images: specs("images")?,
            replicas: specs("replicas")?,
        };
        tables.name_reference = fields.take("nameReference")?;
        fields.finish()?;
        Ok(tables)
    }
}

impl Decode for NameReference {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "NameBackReferences")?;
        let target = Gvk {
            group: fields.take_exact("group")?,
            version: fields.take_exact("version")?,
            kind: fields.take_exact("kind")?,
        };
        let given: Vec<kustomization::FieldSpec> = fields.take("fieldSpecs")?;
        fields.finish()?;
        Ok(Self { target, referrers: field_specs(&given) })
    }
}

#[cfg(test)]
mod tests;
