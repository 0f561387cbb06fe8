//! `namePrefix` and `nameSuffix`.

use flux_yaml::Tag;

use super::field_spec::{Create, FieldSpec, set_scalar};
use super::shares::Shares;
use crate::error::Result;
use crate::gvk::Gvk;
use crate::resource_map::ResourceMap;

/// What is added to names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Affix<'a> {
    /// In front.
    Prefix(&'a str),
    /// At the end.
    Suffix(&'a str),
}

/// The path of a resource's own name.
const NAME: &str = "metadata/name";

/// Adds a prefix or a suffix to what the specs name, in all resources whose names are free. If it is the resource's own
/// name, the resource remembers the old one, and the affix.
///
/// # Errors
/// A path leads to a collection, or an id cannot be stored.
pub(crate) fn add_to_names(map: &mut ResourceMap, affix: Affix<'_>, specs: &[FieldSpec]) -> Result<()> {
    for resource in map.iter_mut() {
        let gvk = resource.original_id().gvk.clone();
        if has_fixed_name(&gvk) {
            continue;
        }
        for spec in specs.iter().filter(|spec| gvk.is_selected_by(&spec.gvk)) {
            if spec.path == NAME && !affix.text().is_empty() {
                let records = resource.records_mut();
                let list = match affix {
                    Affix::Prefix(_) => &mut records.prefixes,
                    Affix::Suffix(_) => &mut records.suffixes,
                };
                // upstream keeps a list separated by commas
                list.extend(affix.text().split(',').map(str::to_owned));
                resource.store_previous_id()?;
            }
            let node = resource.node_mut();
            let mut shares = Shares::default();
            spec.visit(node, Create::Scalar(Tag::Str), &mut |field| {
                let text = affix.added_to(field.as_str().unwrap_or_default());
                set_scalar(field, text, Tag::None)?;
                shares.note(field);
                Ok(())
            })?;
            shares.spread(node);
        }
    }
    Ok(())
}

impl Affix<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Prefix(text) | Self::Suffix(text) => text,
        }
    }

    fn added_to(self, name: &str) -> String {
        match self {
            Self::Prefix(prefix) => format!("{prefix}{name}"),
            Self::Suffix(suffix) => format!("{name}{suffix}"),
        }
    }
}

/// Whether the name of such a resource means something by itself.
fn has_fixed_name(gvk: &Gvk) -> bool {
    match gvk.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => gvk.group == "apiregistration.k8s.io",
        _ => false,
    }
}
