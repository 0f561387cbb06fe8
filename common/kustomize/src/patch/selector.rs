//! Which resources a patch or a replacement is for.

use crate::error::Result;
use crate::gvk::{Gvk, ResourceId};
use crate::kustomization;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

use super::{LabelSelector, Pattern};

/// A selector whose patterns are compiled.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: String,
    annotations: String,
    parsed: Option<(LabelSelector, LabelSelector)>,
}

impl Selector {
    /// Compiles a selector. A malformed selector over labels or annotations is only noticed when it is needed.
    ///
    /// # Errors
    /// A part of the id is no regular expression.
    pub(crate) fn new(config: &kustomization::Selector) -> Result<Self> {
        let labels = LabelSelector::parse(&config.label_selector).ok();
        let annotations = LabelSelector::parse(&config.annotation_selector).ok();
        Ok(Self {
            group: Pattern::anchored(&config.id.gvk.group)?,
            version: Pattern::anchored(&config.id.gvk.version)?,
            kind: Pattern::anchored(&config.id.gvk.kind)?,
            name: Pattern::anchored(&config.id.name)?,
            namespace: Pattern::anchored(&config.id.namespace)?,
            labels: config.label_selector.clone(),
            annotations: config.annotation_selector.clone(),
            parsed: labels.zip(annotations),
        })
    }

    /// Places, in order, among which are those of all resources whose ids are selected.
    pub(crate) fn candidates(&self, map: &ResourceMap) -> Vec<usize> {
        map.having(self.name.literal(), self.kind.literal())
    }

    /// Whether a patch with this target is for the resource: by original or current namespace and name, and by what it is
    /// now otherwise.
    ///
    /// # Errors
    /// The selector over labels or annotations is malformed.
    pub(crate) fn selects(&self, resource: &Resource) -> Result<bool> {
        let (original, current) = (resource.original_id(), resource.id());
        let either = |pattern: &Pattern, part: fn(&ResourceId) -> &str| {
            pattern.matches(part(original)) || pattern.matches(part(current))
        };
        let selected = either(&self.name, |id| &id.name)
            && self.selects_kind(&current.gvk)
            && either(&self.namespace, ResourceId::effective_namespace);
        if !selected {
            return Ok(false);
        }
        self.selects_metadata(resource)
    }

    /// Whether labels and annotations of the resource are selected.
    ///
    /// # Errors
    /// The selector over labels or annotations is malformed.
    pub(crate) fn selects_metadata(&self, resource: &Resource) -> Result<bool> {
        let Some((labels, annotations)) = &self.parsed else {
            LabelSelector::parse(&self.labels)?;
            LabelSelector::parse(&self.annotations)?;
            return Ok(true);
        };
        Ok((labels.is_empty() || labels.matches(resource.labels()))
            && (annotations.is_empty() || annotations.matches(resource.annotations())))
    }

    /// Whether an id, its namespace as it is written, is selected.
    pub(crate) fn selects_id(&self, id: &ResourceId) -> bool {
        self.selects_kind(&id.gvk) && self.name.matches(&id.name) && self.namespace.matches(&id.namespace)
    }

    fn selects_kind(&self, gvk: &Gvk) -> bool {
        self.kind.matches(&gvk.kind) && self.group.matches(&gvk.group) && self.version.matches(&gvk.version)
    }

    /// Whether no part of the id is given.
    pub(crate) fn has_no_id(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace].into_iter().all(Pattern::is_any)
    }

    /// Whether there is neither a selector over labels nor one over annotations.
    pub(crate) fn has_no_metadata(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}
