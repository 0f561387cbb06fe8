//! The annotations in which kustomize keeps its records during a build.

use flux_yaml::Node;

use super::{Behavior, Error, Previous, Resource, Result};
use crate::field::set_field;

/// Where a resource came from.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
/// What transformed a resource.
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

const INTERNAL: &str = "internal.config.kubernetes.io/";
const ENABLED: &str = "enabled";
/// Names, below [`INTERNAL`], of the annotations that are not records here but go before output as well.
const REMOVED: [&str; 7] =
    ["refBy", "index", "path", "seqindent", "id", "annotations-migration-resource-id", "helm-generated"];
/// Annotations outside of [`INTERNAL`] that go before output.
const REMOVED_LEGACY: [&str; 3] =
    ["config.kubernetes.io/index", "config.kubernetes.io/path", "config.k8s.io/id"];

/// Whether an annotation, not being a record, is removed before output.
pub(crate) fn is_build_annotation(key: &str) -> bool {
    match key.strip_prefix(INTERNAL) {
        Some(name) => REMOVED.contains(&name),
        None => REMOVED_LEGACY.contains(&key),
    }
}

pub(super) fn unequal_lists() -> Error {
    Error::Panic(
        "number of previous names, number of previous namespaces, number of previous kinds not equal"
            .to_owned(),
    )
}

impl Resource {
    /// Takes the records out of the tree's annotations; those in the tree replace those at hand, the others stay.
    ///
    /// # Errors
    /// [`Error::Panic`] if previous names, namespaces and kinds are not equally many.
    pub(crate) fn absorb_records(&mut self) -> Result<()> {
        let has_records = self.annotations().any(|(key, _)| is_record(key));
        if !has_records {
            return Ok(());
        }
        let texts: Vec<(String, String)> = self
            .annotations()
            .filter(|(key, _)| is_record(key))
            .map(|(key, text)| (key.to_owned(), text.to_owned()))
            .collect();
        if let Some(annotations) = self.node_mut().path_mut(&["metadata", "annotations"]) {
            for (key, _) in &texts {
                annotations.remove(key);
            }
        }
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let (mut names, mut namespaces, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        let records = &mut self.records;
        for (key, text) in &texts {
            match key.strip_prefix(INTERNAL).unwrap_or_default() {
                "previousNames" => names = list(text),
                "previousNamespaces" => namespaces = list(text),
                "previousKinds" => kinds = list(text),
                "prefixes" => records.prefixes = list(text),
                "suffixes" => records.suffixes = list(text),
                "generatorBehavior" => records.behavior = Behavior::parse(text),
                "needsHashSuffix" => records.needs_hash = text == ENABLED,
                "allowNameChange" => records.allows_name_change = text == ENABLED,
                _ => records.allows_kind_change = text == ENABLED,
            }
        }
        if names.len() != namespaces.len() || names.len() != kinds.len() {
            return Err(unequal_lists());
        }
        if !names.is_empty() {
            let parts = names.into_iter().zip(namespaces).zip(kinds);
            records.previous =
                parts.map(|((name, namespace), kind)| Previous { name, namespace, kind }).collect();
        }
        Ok(())
    }

    /// Writes the records into the tree's annotations, where a JSON patch can see them: it may add to the annotations of
    /// a resource that has none otherwise. [`Resource::absorb_records`] takes them out again.
    pub(crate) fn write_records(&mut self) {
        let texts = self.record_texts();
        if texts.is_empty() {
            return;
        }
        let Some(metadata) = self.metadata_mut() else { return };
        let Some(annotations) = metadata.get_or_insert("annotations", Node::mapping) else { return };
        if annotations.is_null() {
            *annotations = Node::mapping();
        }
        for (name, text) in texts {
            set_field(annotations, &format!("{INTERNAL}{name}"), Node::string(text));
        }
    }

    fn record_texts(&self) -> Vec<(&'static str, String)> {
        let records = &self.records;
        let previous =
            |part: fn(&Previous) -> &str| records.previous.iter().map(part).collect::<Vec<_>>().join(",");
        let enabled = |is_enabled: bool| if is_enabled { ENABLED.to_owned() } else { String::new() };
        let behavior = match records.behavior {
            Behavior::Unspecified => String::new(),
            Behavior::Create | Behavior::Replace | Behavior::Merge => records.behavior.as_str().to_owned(),
        };
        let texts = [
            ("previousNames", previous(|p| &p.name)),
            ("previousNamespaces", previous(|p| &p.namespace)),
            ("previousKinds", previous(|p| &p.kind)),
            ("prefixes", records.prefixes.join(",")),
            ("suffixes", records.suffixes.join(",")),
            ("generatorBehavior", behavior),
            ("needsHashSuffix", enabled(records.needs_hash)),
            ("allowNameChange", enabled(records.allows_name_change)),
            ("allowKindChange", enabled(records.allows_kind_change)),
        ];
        texts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }
}

fn is_record(key: &str) -> bool {
    let names = [
        "previousNames",
        "previousNamespaces",
        "previousKinds",
        "prefixes",
        "suffixes",
        "generatorBehavior",
        "needsHashSuffix",
        "allowNameChange",
        "allowKindChange",
    ];
    key.strip_prefix(INTERNAL).is_some_and(|name| names.contains(&name))
}
