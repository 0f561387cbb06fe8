//! Entries of `patches`, `patchesStrategicMerge` and `patchesJson6902`, from configuration to application.

use flux_yaml::Text;

use super::json::JsonPatch;
use super::{Selector, strategic};
use crate::error::{Context as _, Error, Result};
use crate::go_syntax::quoted;
use crate::gvk::Gvk;
use crate::kustomization;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

/// What configuring a transformer may need from its surroundings.
pub(crate) trait Inputs {
    /// The content of a file, or of what a URL names.
    ///
    /// # Errors
    /// It cannot be read.
    fn load(&mut self, path: &str) -> Result<Vec<u8>>;

    /// The resources in a text.
    ///
    /// # Errors
    /// The text holds something else.
    fn parse(&mut self, content: &[u8]) -> Result<Vec<Resource>>;
}

/// A patch, ready to be applied.
#[derive(Debug)]
pub(crate) struct PatchEntry {
    kind: Kind,
    /// Compiled when it is applied: a patch without effect has no say in what its target is.
    target: Option<kustomization::Selector>,
    source: String,
}

#[derive(Debug)]
enum Kind {
    /// `patches` with resources.
    Strategic(Vec<Resource>),
    /// `patches` with operations.
    Json(JsonPatch),
    /// `patchesStrategicMerge`.
    LegacyStrategic(Vec<Resource>),
    /// `patchesJson6902`.
    LegacyJson(JsonPatch),
}

impl PatchEntry {
    /// An entry of `patches`; `config` is its text, for messages.
    ///
    /// # Errors
    /// Patch and path are both given or both missing, the file cannot be read, or it is neither kind of patch, or both.
    pub(crate) fn new(entry: &kustomization::Patch, config: &str, inputs: &mut dyn Inputs) -> Result<Self> {
        let patch = entry.patch.trim();
        let (text, source) = match (patch.is_empty(), entry.path.is_empty()) {
            (true, true) => {
                return Err(Error::invalid(format!("must specify one of patch and path in\n{config}")));
            }
            (false, false) => {
                return Err(Error::invalid(format!(
                    "patch and path can't be set at the same time\n{config}"
                )));
            }
            (false, true) => (patch.to_owned(), format!("[patch: {}]", quoted(patch))),
            (true, false) => {
                let path = &entry.path;
                let loaded = inputs
                    .load(path)
                    .context(|| format!("failed to get the patch file from path({path})"))?;
                (String::from_utf8_lossy(&loaded).into_owned(), format!("[path: {}]", quoted(path)))
            }
        };
        let strategic = inputs.parse(text.as_bytes());
        let json = if text.is_empty() {
            Err(Error::invalid("empty json patch operations"))
        } else {
            JsonPatch::parse(&text)
        };
        let kind = match (strategic, json) {
            (Ok(resources), Ok(json)) if !resources.is_empty() && !json.is_empty() => {
                return Err(Error::invalid(format!(
                    "illegally qualifies as both an SM and JSON patch: {source}"
                )));
            }
            (Ok(mut resources), _) => {
                for records in resources.iter_mut().map(Resource::records_mut) {
                    records.allows_name_change |= entry.options.allow_name_change;
                    records.allows_kind_change |= entry.options.allow_kind_change;
                }
                Kind::Strategic(resources)
            }
            (Err(_), Ok(json)) if json.is_empty() => Kind::Strategic(Vec::new()),
            (Err(_), Ok(json)) => Kind::Json(json),
            (Err(_), Err(_)) => {
                return Err(Error::invalid(format!("unable to parse SM or JSON patch from {source}")));
            }
        };
        Ok(Self { kind, target: entry.target.clone(), source })
    }

    /// The entries of `patchesStrategicMerge`, or what `paths` and `patches` of a plugin configuration hold.
    ///
    /// # Errors
    /// There is no patch, a file cannot be read, or one holds something else than resources.
    pub(crate) fn strategic(paths: &[String], patches: &str, inputs: &mut dyn Inputs) -> Result<Self> {
        if paths.is_empty() && patches.is_empty() {
            return Err(Error::invalid("empty file path and empty patch content"));
        }
        let mut resources = Vec::new();
        for path in paths {
            // a path may be the patch itself
            match inputs.parse(path.as_bytes()) {
                Ok(found) => resources.extend(found),
                Err(_) => {
                    let content = inputs.load(path)?;
                    resources.extend(inputs.parse(&content)?);
                }
            }
        }
        if !patches.is_empty() {
            resources.extend(inputs.parse(patches.as_bytes())?);
        }
        if resources.is_empty() {
            let files = paths.join(" ");
            return Err(Error::invalid(format!(
                "patch appears to be empty; files=[{files}], Patch={patches}"
            )));
        }
        Ok(Self { kind: Kind::LegacyStrategic(resources), target: None, source: String::new() })
    }

    /// An entry of `patchesJson6902`.
    ///
    /// # Errors
    /// There is no target name, path and operations are both given or both missing, or there are no operations.
    pub(crate) fn json(entry: &kustomization::Patch, inputs: &mut dyn Inputs) -> Result<Self> {
        let Some(target) = &entry.target else {
            return Err(Error::Panic(
                "runtime error: invalid memory address or nil pointer dereference".to_owned(),
            ));
        };
        if target.id.name.is_empty() {
            return Err(Error::invalid("must specify the target name"));
        }
        let path = &entry.path;
        let text = match (path.is_empty(), entry.patch.is_empty()) {
            (true, true) => return Err(Error::invalid("empty file path and empty jsonOp")),
            (false, false) => return Err(Error::invalid("must specify a file path or jsonOp, not both")),
            (true, false) => entry.patch.clone(),
            (false, true) => {
                let text = String::from_utf8_lossy(&inputs.load(path)?).into_owned();
                if text.is_empty() {
                    return Err(Error::invalid(format!("patch file '{path}' empty seems to be empty")));
                }
                text
            }
        };
        let patch = JsonPatch::parse(&text).context(|| format!("decoding {text}"))?;
        if patch.is_empty() {
            return Err(Error::invalid(format!("patch appears to be empty; file={path}, JsonOp={text}")));
        }
        Ok(Self { kind: Kind::LegacyJson(patch), target: Some(target.clone()), source: String::new() })
    }

    /// Applies the patch to the resources it is for.
    ///
    /// # Errors
    /// It is for no resource although it has to be, it cannot be applied, or ids collide afterwards.
    pub(crate) fn apply(&self, map: &mut ResourceMap) -> Result<()> {
        match (&self.kind, &self.target) {
            (Kind::Strategic(patches), None) => patches.iter().try_for_each(|patch| {
                let id = patch.original_id();
                let place =
                    map.find(id).context(|| format!("no resource matches strategic merge patch \"{id}\""))?;
                merge_into(map, place, patch)
            }),
            (Kind::Strategic(patches), Some(target)) => {
                let [patch] = patches.as_slice() else {
                    if patches.is_empty() {
                        return Ok(());
                    }
                    return Err(Error::invalid(format!(
                        "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set \
                         `patches.target` field: {}",
                        self.source
                    )));
                };
                let places = select(map, target)?;
                merge_into_all(map, &places, patch)
            }
            (Kind::LegacyStrategic(patches), _) => patches.iter().try_for_each(|patch| {
                let place = map.find(patch.original_id())?;
                merge_into_all(map, &[place], patch)
            }),
            (Kind::Json(_), None) => {
                Err(Error::invalid(format!("must specify a target for JSON patch {}", self.source)))
            }
            (Kind::Json(patch), Some(target)) => select(map, target)?.into_iter().try_for_each(|place| {
                let Some(resource) = map.get_mut(place) else { return Ok(()) };
                resource.store_previous_id()?;
                apply_json(resource, patch)
            }),
            (Kind::LegacyJson(patch), target) => {
                let places =
                    target.as_ref().map(|target| select(map, target)).transpose()?.unwrap_or_default();
                places.into_iter().try_for_each(|place| {
                    map.get_mut(place).map_or(Ok(()), |resource| apply_json(resource, patch))
                })
            }
        }
    }
}

/// Places of the resources that a patch target selects.
pub(super) fn select(map: &ResourceMap, target: &kustomization::Selector) -> Result<Vec<usize>> {
    let target = Selector::new(target)?;
    let mut places = Vec::new();
    for place in target.candidates(map) {
        if map.get(place).map_or(Ok(false), |resource| target.selects(resource))? {
            places.push(place);
        }
    }
    Ok(places)
}

/// Merges a patch into several resources, each time with the group and version of the target, and labels and annotations
/// that are strings, whatever they were.
fn merge_into_all(map: &mut ResourceMap, places: &[usize], patch: &Resource) -> Result<()> {
    let mut copy = patch.clone();
    let labels = copy.label_texts();
    copy.set_labels(labels);
    let annotations = copy.annotation_texts();
    copy.set_annotations(annotations);
    for place in places {
        let Some(resource) = map.get(*place) else { continue };
        let target = Gvk { kind: copy.kind().to_owned(), ..resource.id().gvk.clone() };
        copy.set_api_version(&target.api_version());
        merge_into(map, *place, &copy)?;
    }
    // only what was patched can have got the id of another resource
    let is_unique = |place: &usize| {
        map.get(*place)
            .is_none_or(|resource| resource.is_empty() || map.with_current_id(resource.id()).len() == 1)
    };
    let unique = places.iter().all(is_unique);
    map.drop_empty();
    if unique { Ok(()) } else { map.check_unique() }
}

/// Merges a patch into one resource. Its namespace never changes, name and kind only if the patch may change them.
fn merge_into(map: &mut ResourceMap, place: usize, patch: &Resource) -> Result<()> {
    let Some(resource) = map.get_mut(place) else { return Ok(()) };
    let (name, namespace) = (Text::from(resource.name()), Text::from(resource.namespace()));
    let kind = Text::from(resource.kind());
    let (may_rename, may_change_kind) =
        (patch.records().allows_name_change, patch.records().allows_kind_change);
    if may_rename || may_change_kind {
        resource.store_previous_id()?;
    }
    let schema = std::sync::Arc::clone(resource.schema());
    let node = std::mem::take(resource.node_mut());
    let Some(merged) = strategic::merge(node, patch.node(), &schema)? else { return Ok(()) };
    *resource.node_mut() = merged;
    if resource.is_empty() {
        return Ok(());
    }
    if !may_change_kind {
        resource.set_kind(&kind);
    }
    if !may_rename {
        resource.set_name(&name);
    }
    resource.set_namespace(&namespace);
    resource.absorb_records()
}

/// Applies operations to one resource, which sees its records among its annotations.
fn apply_json(resource: &mut Resource, patch: &JsonPatch) -> Result<()> {
    resource.write_records();
    let records: Vec<(Text, Text)> =
        resource.annotation_texts().into_iter().filter(|(key, _)| key.starts_with(INTERNAL)).collect();
    let patched = patch.apply(resource.node())?;
    *resource.node_mut() = patched;
    let mut annotations = resource.annotation_texts();
    annotations.retain(|(key, _)| records.iter().all(|(record, _)| record != key));
    annotations.extend(records);
    resource.set_annotations(annotations);
    resource.absorb_records()
}

/// Prefix of the annotations that outlive a JSON patch.
const INTERNAL: &str = "internal.config.kubernetes.io/";

#[cfg(test)]
mod tests;
