//! `replicas`.

use flux_yaml::Tag;

use super::field_spec::{Create, FieldSpec, set_scalar};
use super::shares::Shares;
use crate::error::{Error, Result};
use crate::kustomization::Replica;
use crate::resource_map::ResourceMap;

/// Sets the number of replicas of the resources that have, or had, the name and a kind that a spec selects.
///
/// # Errors
/// There is no such resource, or the number's place holds a collection.
pub(crate) fn set_replicas(map: &mut ResourceMap, replica: &Replica, specs: &[FieldSpec]) -> Result<()> {
    let mut found = false;
    let places: Vec<usize> = map
        .iter()
        .enumerate()
        .filter(|(_, resource)| resource.all_ids().any(|id| id.name == replica.name))
        .map(|(place, _)| place)
        .collect();
    for spec in specs {
        for place in &places {
            let selected = map.get(*place).is_some_and(|resource| {
                resource.all_ids().any(|id| id.name == replica.name && id.gvk.is_selected_by(&spec.gvk))
            });
            if !selected {
                continue;
            }
            found = true;
            let Some(resource) = map.get_mut(*place) else { continue };
            let node = resource.node_mut();
            let mut shares = Shares::default();
            spec.visit(node, Create::Scalar(Tag::Int), &mut |field| {
                set_scalar(field, replica.count.to_string(), Tag::Int)?;
                shares.note(field);
                Ok(())
            })?;
            shares.spread(node);
        }
    }
    if found {
        return Ok(());
    }
    let gvks: Vec<String> = specs.iter().map(|spec| spec.gvk.to_string()).collect();
    Err(Error::invalid(format!(
        "resource with name {} does not match a config with the following GVK [{}]",
        replica.name,
        gvks.join(" ")
    )))
}
