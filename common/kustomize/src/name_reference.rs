//! References by name follow the resources that were renamed.
//!
//! Runs once, at the end of a build. The ids of all resources are taken down first and indexed by previous name, so that
//! each reference is one lookup, however many resources there are.

mod referral;

use std::collections::HashMap;
use std::rc::Rc;

use flux_yaml::{Kind, Node};

use crate::error::{Context as _, Error, Result};
use crate::field::set_field;
use crate::gvk::Gvk;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::transform::{Create, FieldSpec};

use referral::{Identical, Referrals, Referrer};

/// Which fields refer to resources of a kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameReference {
    /// The kind that is referred to.
    pub(crate) target: Gvk,
    /// The fields that hold its name.
    pub(crate) referrers: Vec<FieldSpec>,
}

/// Fields of one kind of referrer, each with the kind it refers to.
type Fields<'t> = Rc<[(&'t Gvk, FieldSpec)]>;

/// Updates the references in all resources.
///
/// # Errors
/// [`Error::Invalid`] if several resources could be meant, or a field is not of a form that can hold a reference.
pub(crate) fn update_references(resources: &mut ResourceMap, table: &[NameReference]) -> Result<()> {
    let referrals = Referrals::of(resources);
    let mut by_kind: HashMap<Gvk, Fields<'_>> = HashMap::new();
    for resource in resources.iter_mut() {
        let kind = &resource.original_id().gvk;
        let fields = match by_kind.get(kind) {
            Some(fields) => Rc::clone(fields),
            None => {
                let fields = fields_of(kind, table);
                by_kind.insert(kind.clone(), Rc::clone(&fields));
                fields
            }
        };
        if fields.is_empty() {
            continue;
        }
        let referrer = Referrer::of(resource)?;
        if !referrals.is_empty() {
            update_resource(resource, &fields, &referrer, &referrals)?;
        }
    }
    Ok(())
}

/// The fields of the table that resources of a kind may have.
fn fields_of<'t>(kind: &Gvk, table: &'t [NameReference]) -> Fields<'t> {
    let fields = table.iter().flat_map(|entry| {
        let specs = entry.referrers.iter().filter(|spec| kind.is_selected_by(&spec.gvk));
        // the current kind does not matter any more
        specs.map(|spec| (&entry.target, FieldSpec::new(Gvk::default(), spec.path.clone(), false)))
    });
    fields.collect()
}

fn update_resource(
    resource: &mut Resource,
    fields: &[(&Gvk, FieldSpec)],
    referrer: &Referrer,
    referrals: &Referrals,
) -> Result<()> {
    for (target, spec) in fields {
        let role = spec.path.ends_with("roleRef/name").then(|| role_kind(resource.node())).flatten();
        let update = Update { target, role, referrer, referrals };
        let mut shared = Vec::new();
        let visited = spec.visit(resource.node_mut(), Create::Never, &mut |node| {
            update.field(node)?;
            if node.share() != 0 {
                shared.push(node.clone());
            }
            Ok(())
        });
        visited
            .context(|| format!("updating name reference in '{}' field of '{}'", spec.path, resource.id()))?;
        for model in shared {
            resource.node_mut().spread_share(&model);
        }
    }
    Ok(())
}

/// The kind that `roleRef` names, if it names one.
fn role_kind(node: &Node) -> Option<Gvk> {
    let role = node.get("roleRef")?;
    Some(Gvk::new(role.get_str("apiGroup")?, "", role.get_str("kind")?))
}

struct Update<'a> {
    target: &'a Gvk,
    role: Option<Gvk>,
    referrer: &'a Referrer,
    referrals: &'a Referrals,
}

impl Update<'_> {
    fn field(&self, node: &mut Node) -> Result<()> {
        if node.is_null() {
            return Ok(());
        }
        match node.kind() {
            Kind::Scalar => self.scalar(node),
            Kind::Mapping => self.mapping(node),
            Kind::Sequence => node.items_mut().into_iter().flatten().try_for_each(|item| match item.kind() {
                Kind::Scalar if item.is_null() => Ok(()),
                Kind::Scalar => self.scalar(item),
                Kind::Mapping => self.mapping(item),
                Kind::Sequence | Kind::Alias => {
                    Err(Error::invalid("a reference is expected to be either a string or a map of string"))
                }
            }),
            Kind::Alias => Err(Error::invalid("node must be a scalar, sequence or map")),
        }
    }

    fn scalar(&self, node: &mut Node) -> Result<()> {
        let name = node.as_str().unwrap_or_default();
        let places = self.referrals.named(name, self.referrer);
        let Some(referral) = self.select(places, Identical::ByName)? else { return Ok(()) };
        if referral.name() != name {
            node.set_text(referral.name());
            node.set_tag(flux_yaml::Tag::None);
        }
        Ok(())
    }

    fn mapping(&self, node: &mut Node) -> Result<()> {
        let Some(name) = node.get("name") else {
            return Err(Error::invalid("path config error; no 'name' field in node"));
        };
        let name = name.as_str().unwrap_or_default();
        let places = match node.get("namespace") {
            None => self.referrals.named(name, self.referrer),
            Some(namespace) => {
                self.referrals.named_in(name, namespace.as_str().unwrap_or_default(), self.referrer)
            }
        };
        let Some(referral) = self.select(places, Identical::ByNameAndNamespace)? else { return Ok(()) };
        let (new_name, namespace) = (referral.name(), referral.namespace());
        if new_name == name && namespace.is_empty() {
            return Ok(());
        }
        set_field(node, "name", Node::scalar(new_name));
        if !namespace.is_empty() {
            set_field(node, "namespace", Node::scalar(namespace));
        }
        Ok(())
    }

    fn select(&self, places: Vec<usize>, identical: Identical) -> Result<Option<&referral::Referral>> {
        let kinds: Vec<&Gvk> = std::iter::once(self.target).chain(&self.role).collect();
        self.referrals.select(places, &kinds, self.referrer, identical)
    }
}

#[cfg(test)]
mod tests;
