//! The built-in transformers of a layer.

use flux_yaml::{Object, Text, Value};

use super::{Accumulated, Layer, Session, config_text, list_of_texts, misconfigured};
use crate::configuration::{field_specs, merge_specs};
use crate::error::{Context as _, Result};
use crate::gvk::Gvk;
use crate::kustomization::{Label, Patch, ReplacementField};
use crate::origin::Origin;
use crate::patch::PatchEntry;
use crate::plugin::{self, Transformer};
use crate::replacement::Replacements;
use crate::resource_map::ResourceMap;
use crate::transform::{FieldSpec, NamespaceConfig};

/// A configured transformer, and the origin of what it does.
pub(crate) type Configured = (Option<Origin>, Transformer);

/// What is noted of transformations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notes {
    /// Every one.
    All,
    /// Only which resources they made.
    Origins,
}

impl Layer<'_> {
    /// Runs the transformers of the layer, all of which are configured first.
    pub(super) fn transform(&self, session: &mut Session, accumulated: &mut Accumulated) -> Result<()> {
        let mut transformers = self.built_in(session, accumulated)?;
        let configurations = self.plugins(session, &self.kustomization.transformers)?;
        transformers.extend(plugin::transformers(configurations, &mut self.inputs(session))?);
        let notes = if session.wants("transformerAnnotations") { Notes::All } else { Notes::Origins };
        let resources = &mut accumulated.resources;
        for (origin, transformer) in transformers {
            transformer.apply(resources)?;
            if let Some(origin) = origin {
                annotate(resources, &origin, notes);
            }
            resources.drop_empty();
        }
        Ok(())
    }

    fn built_in(&self, session: &Session, accumulated: &Accumulated) -> Result<Vec<Configured>> {
        let layer = &self.kustomization;
        let tables = &accumulated.configuration;
        let mut configured = Vec::new();
        let mut add = |kind: &str, transformer: Transformer| {
            configured.push((self.builtin_origin(kind), transformer));
        };
        for patch in self.patches(session)? {
            add(patch.0, Transformer::Patch(Box::new(patch.1)));
        }
        if !layer.namespace.is_empty() {
            let specs = tables.namespace.clone();
            let config =
                NamespaceConfig { namespace: layer.namespace.clone(), specs, ..NamespaceConfig::default() };
            add("NamespaceTransformer", Transformer::Namespace(config));
        }
        if !layer.name_prefix.is_empty() {
            let transformer = Transformer::Prefix(layer.name_prefix.clone(), tables.name_prefix.clone());
            add("PrefixTransformer", transformer);
        }
        if !layer.name_suffix.is_empty() {
            let transformer = Transformer::Suffix(layer.name_suffix.clone(), tables.name_suffix.clone());
            add("SuffixTransformer", transformer);
        }
        for label in &layer.labels {
            let specs = label_specs(label, accumulated)?;
            add("LabelTransformer", Transformer::Pairs(label.pairs.clone(), specs));
        }
        if !layer.labels.is_empty() || !layer.common_labels.is_empty() {
            let transformer = Transformer::Pairs(layer.common_labels.clone(), tables.common_labels.clone());
            add("LabelTransformer", transformer);
        }
        if !layer.common_annotations.is_empty() {
            let specs = tables.common_annotations.clone();
            add("AnnotationsTransformer", Transformer::Pairs(layer.common_annotations.clone(), specs));
        }
        for patch in &layer.patches_json_6902 {
            let entry = PatchEntry::json(patch, &mut self.inputs(session))
                .context(|| misconfigured("PatchJson6902Transformer", &json_patch_config(patch)))?;
            add("PatchJson6902Transformer", Transformer::Patch(Box::new(entry)));
        }
        for replica in &layer.replicas {
            let transformer = Transformer::Replicas(replica.clone(), tables.replicas.clone());
            add("ReplicaCountTransformer", transformer);
        }
        for image in &layer.images {
            add("ImageTagTransformer", Transformer::Images(image.clone(), tables.images.clone()));
        }
        if !layer.replacements.is_empty() {
            let replacements =
                Replacements::new(&layer.replacements, &mut self.inputs(session)).context(|| {
                    misconfigured("ReplacementTransformer", &replacement_config(&layer.replacements))
                })?;
            add("ReplacementTransformer", Transformer::Replacements(replacements));
        }
        Ok(configured)
    }

    /// Strategic merge patches, then patches of either kind.
    fn patches(&self, session: &Session) -> Result<Vec<(&'static str, PatchEntry)>> {
        let mut entries = Vec::new();
        let paths = &self.kustomization.patches_strategic_merge;
        if !paths.is_empty() {
            let entry = PatchEntry::strategic(paths, "", &mut self.inputs(session)).context(|| {
                misconfigured("PatchStrategicMergeTransformer", &list_of_texts("paths", paths))
            })?;
            entries.push(("PatchStrategicMergeTransformer", entry));
        }
        for patch in &self.kustomization.patches {
            let entry = PatchEntry::new(patch, &config_text(&patch.given), &mut self.inputs(session))
                .context(|| misconfigured("PatchTransformer", &patch.given))?;
            entries.push(("PatchTransformer", entry));
        }
        Ok(entries)
    }
}

/// The fields that an entry of `labels` is for.
fn label_specs(label: &Label, accumulated: &Accumulated) -> Result<Vec<FieldSpec>> {
    let tables = &accumulated.configuration;
    let failed = || "failed to merge labels";
    let mut specs = field_specs(&label.fields);
    merge_specs(&mut specs, &tables.labels).context(failed)?;
    if label.include_selectors {
        merge_specs(&mut specs, &tables.common_labels).context(failed)?;
        return Ok(specs);
    }
    if label.include_templates {
        merge_specs(&mut specs, &tables.template_labels).context(|| "failed to merge template fieldSpec")?;
    }
    merge_specs(&mut specs, &[FieldSpec::new(Gvk::default(), "metadata/labels", true)]).context(failed)?;
    Ok(specs)
}

/// The configuration of the transformer for an entry of `patchesJson6902`: its patch goes by another name.
fn json_patch_config(patch: &Patch) -> Value {
    let members = patch.given.as_object().into_iter().flatten();
    let renamed = members.map(|(key, value)| {
        let key = if key.eq_ignore_ascii_case("patch") { Text::from("jsonOp") } else { key.clone() };
        (key, value.clone())
    });
    Value::Object(renamed.collect::<Object>())
}

fn replacement_config(replacements: &[ReplacementField]) -> Value {
    let given = replacements.iter().map(|replacement| replacement.given.clone()).collect();
    Value::Object(Object::from([(Text::from("Replacements"), Value::List(given))]))
}

/// Notes a transformation in all resources, if asked for; those without origin were made by it.
fn annotate(resources: &mut ResourceMap, origin: &Origin, notes: Notes) {
    for resource in resources.iter_mut() {
        match notes {
            Notes::All => resource.add_transformation(origin),
            Notes::Origins => resource.set_origin_if_unknown(origin),
        }
    }
}
