//! Labels and annotations.

use std::collections::BTreeMap;

use flux_yaml::{Entry, Kind, Node, Tag};

use super::field_spec::{Create, FieldSpec, wrong_kind};
use super::shares::Shares;
use crate::error::Result;
use crate::field::quote_if_ambiguous;
use crate::resource_map::ResourceMap;

/// Sets labels or annotations at the paths of the specs, in all resources.
///
/// Where a key is missing at several places of a resource, upstream puts one and the same node there, so that whoever
/// changes one of them later changes all: the new values get a common share mark.
///
/// # Errors
/// A path leads to something else than a mapping.
pub(crate) fn set_pairs(
    map: &mut ResourceMap,
    pairs: &BTreeMap<String, String>,
    specs: &[FieldSpec],
) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    for resource in map.iter_mut() {
        let node = resource.node_mut();
        let specs: Vec<&FieldSpec> = specs.iter().filter(|spec| spec.selects(node)).collect();
        // with one place there is nothing to share
        let mut share = if specs.len() > 1 { highest_mark(node) } else { 0 };
        for (key, text) in pairs {
            if specs.len() > 1 {
                share += 1;
            }
            let mut shares = Shares::default();
            for spec in &specs {
                spec.visit(node, Create::Mapping, &mut |field| {
                    set_pair(field, (key, text), share, &mut shares)
                })?;
            }
            shares.spread(node);
        }
    }
    Ok(())
}

fn set_pair(mapping: &mut Node, (key, text): (&str, &str), share: u32, shares: &mut Shares) -> Result<()> {
    if mapping.tag() == Tag::Null {
        return Ok(());
    }
    if let Some(value) = mapping.get_mut(key) {
        let (style, share) = (value.style(), value.share());
        *value = Node::string(text).styled(style);
        value.set_share(share);
        shares.note(value);
        return Ok(());
    }
    let Some(entries) = mapping.entries_mut() else { return Err(wrong_kind(mapping, Kind::Mapping)) };
    let mut value = Node::string(text);
    quote_if_ambiguous(&mut value);
    value.set_share(share);
    entries.push(Entry { key: Node::scalar(key), value });
    Ok(())
}

/// The highest share mark in use in a resource.
fn highest_mark(node: &Node) -> u32 {
    let below = node.items().iter().chain(node.entries().iter().map(|entry| &entry.value));
    below.map(highest_mark).max().unwrap_or(0).max(node.share())
}
