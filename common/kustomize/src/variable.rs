//! `vars`: values of fields, put wherever `$(NAME)` stands in certain fields.

mod expansion;

use std::collections::HashMap;

use flux_yaml::{Kind, Node, Style, Tag};

use crate::error::{Error, Result};
use crate::gvk::ResourceId;
use crate::kustomization::Var;
use crate::replacement::path::{lookup, smart_split};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::transform::{Create, FieldSpec, Shares};

use expansion::{Expanded, Value, expand};

/// Makes the resources that vars take their values from remember them.
///
/// # Errors
/// Several resources could be meant by a var.
pub(crate) fn register(map: &mut ResourceMap, vars: &[Var]) -> Result<()> {
    for var in vars {
        let schema = map.iter().next().map(|resource| std::sync::Arc::clone(resource.schema()));
        let Some(schema) = schema else { return Ok(()) };
        let cluster_scoped = schema.is_cluster_scoped(&var.gvk.api_version(), &var.gvk.kind);
        let id = ResourceId {
            gvk: var.gvk.clone(),
            name: var.object_name.clone(),
            namespace: var.namespace.clone(),
            cluster_scoped,
        };
        let any_namespace = var.namespace.is_empty() && !cluster_scoped;
        let is_meant = |known: &ResourceId| {
            if any_namespace { known.gvk == id.gvk && known.name == id.name } else { known.is_same(&id) }
        };
        let is_candidate = |resource: &Resource| !resource.is_empty() && resource.all_ids().any(is_meant);
        let mut places = map.having(Some(&id.name), None);
        places.retain(|place| map.get(*place).is_some_and(is_candidate));
        match places.as_slice() {
            [] => {}
            [place] => {
                if let Some(resource) = map.get_mut(*place) {
                    resource.records_mut().variables.push(var.name.clone());
                }
            }
            several => {
                return Err(Error::invalid(format!(
                    "found {} resId matches for var {} (unable to disambiguate)",
                    several.len(),
                    VarText(var)
                )));
            }
        }
    }
    Ok(())
}

/// Replaces `$(NAME)` at the paths of the specs by the values of the vars, in all resources.
///
/// # Errors
/// A var has no resource, or its resource lacks the field; or a path leads to something that cannot hold a reference.
pub(crate) fn resolve(map: &mut ResourceMap, vars: &[Var], specs: &[FieldSpec]) -> Result<()> {
    if vars.is_empty() {
        return Ok(());
    }
    let values = values(map, vars)?;
    for resource in map.iter_mut() {
        let node = resource.node_mut();
        let mut shares = Shares::default();
        for spec in specs {
            spec.visit(node, Create::Never, &mut |field| replace_in(field, &values, &mut shares))?;
            std::mem::take(&mut shares).spread(node);
        }
    }
    Ok(())
}

type Values<'v> = HashMap<&'v str, Value>;

fn values<'v>(map: &ResourceMap, vars: &'v [Var]) -> Result<Values<'v>> {
    let mut sorted: Vec<&Var> = vars.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut sources: HashMap<&str, &Resource> = HashMap::new();
    for resource in map {
        for name in &resource.records().variables {
            sources.entry(name).or_insert(resource);
        }
    }
    let value = |var: &'v Var| {
        let Some(resource) = sources.get(var.name.as_str()) else {
            return Err(Error::invalid(format!(
                "var '{}' cannot be mapped to a field in the set of known resources",
                VarText(var)
            )));
        };
        let found = lookup(resource.node(), &field_path(&var.field_path)).ok().flatten().and_then(Value::of);
        let missing = || {
            Error::invalid(format!(
                "field specified in var '{}' not found in corresponding resource",
                VarText(var)
            ))
        };
        Ok((var.name.as_str(), found.ok_or_else(missing)?))
    };
    sorted.into_iter().map(value).collect()
}

/// Parts of a path, in which `a[0]` is `a` and `0`.
fn field_path(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for part in smart_split(path) {
        let index = part.strip_suffix(']').and_then(|part| part.rsplit_once('['));
        match index {
            Some((name, index)) if !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => {
                parts.extend((!name.is_empty()).then(|| name.to_owned()));
                parts.push(index.to_owned());
            }
            _ => parts.push(part),
        }
    }
    parts
}

/// A var as messages show it: Go's `%v` of the structure.
struct VarText<'v>(&'v Var);

impl std::fmt::Display for VarText<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Var { name, gvk, field_path, .. } = self.0;
        write!(formatter, "{{{name} {gvk} {{{field_path}}}}}")
    }
}

fn is_text(node: &Node) -> bool {
    node.is_scalar() && matches!(node.tag(), Tag::None | Tag::Str)
}

fn replace_in(node: &mut Node, values: &Values<'_>, shares: &mut Shares) -> Result<()> {
    if node.tag() == Tag::Null {
        return Ok(());
    }
    match node.kind() {
        Kind::Scalar => {
            if is_text(node) {
                replace_text(node, values, shares);
            }
        }
        Kind::Mapping => {
            for entry in node.entries_mut().into_iter().flatten() {
                if !is_text(&entry.key) {
                    return Err(Error::invalid(format!(
                        "invalid map key: value='{}', tag='{}'",
                        entry.key.as_str().unwrap_or_default(),
                        entry.key.tag_text()
                    )));
                }
                if is_text(&entry.value) {
                    replace_text(&mut entry.value, values, shares);
                }
            }
        }
        Kind::Sequence => {
            for item in node.items_mut().into_iter().flatten() {
                if !is_text(item) {
                    return Err(Error::invalid("invalid value type expect a string"));
                }
                replace_text(item, values, shares);
            }
        }
        Kind::Alias => {}
    }
    Ok(())
}

/// Every text that is visited becomes a plain one of its type, whether it had references or not.
fn replace_text(node: &mut Node, values: &Values<'_>, shares: &mut Shares) {
    let (text, tag) = match expand(node.as_str().unwrap_or_default(), values) {
        Expanded::Text(text) => (text, Tag::Str),
        Expanded::Typed(text, tag) => (text, tag),
    };
    node.set_text(text);
    node.set_tag(tag);
    node.set_style(Style::Plain);
    shares.note(node);
}

#[cfg(test)]
mod tests;
