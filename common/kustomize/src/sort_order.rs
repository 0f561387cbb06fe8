//! The order in which resources leave a build.

use std::cmp::Ordering;

use crate::error::{Error, Result};
use crate::gvk::{Gvk, ResourceId};
use crate::kustomization::SortOptions;
use crate::resource_map::ResourceMap;

/// Kinds that come first in the legacy order.
pub(crate) const ORDER_FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
/// Kinds that come last in the legacy order.
pub(crate) const ORDER_LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Ranks of kinds: those of the first list are negative, those of the last list positive, all others 0.
pub(crate) struct Ranks<'a>(Vec<(&'a str, i64)>);

impl<'a> Ranks<'a> {
    /// Ranks by these lists; a kind in both has the rank of the last one.
    pub(crate) fn new(
        first: impl ExactSizeIterator<Item = &'a str>,
        last: impl Iterator<Item = &'a str>,
    ) -> Self {
        let count = i64::try_from(first.len()).unwrap_or(i64::MAX);
        let first = first.zip(-count..);
        Self(first.chain(last.zip(1..)).collect())
    }

    /// The ranks of the default lists.
    pub(crate) fn legacy() -> Self {
        Self::new(ORDER_FIRST.into_iter(), ORDER_LAST.into_iter())
    }

    /// The rank of a kind.
    pub(crate) fn of(&self, kind: &str) -> i64 {
        self.0.iter().rev().find(|(known, _)| *known == kind).map_or(0, |(_, rank)| *rank)
    }
}

/// Sorts resources as `sortOptions` say.
///
/// # Errors
/// [`Error::Invalid`] if the order is unknown, or has options that are another order's.
pub(crate) fn sort(resources: ResourceMap, options: &SortOptions) -> Result<ResourceMap> {
    match (options.order.as_str(), &options.legacy) {
        ("fifo", None) => Ok(resources),
        ("fifo", Some(_)) => Err(Error::invalid(
            "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
        )),
        ("legacy", None) => Ok(sort_by_rank(resources, &Ranks::legacy())),
        ("legacy", Some(lists)) => {
            let first = lists.order_first.iter().map(String::as_str);
            Ok(sort_by_rank(resources, &Ranks::new(first, lists.order_last.iter().map(String::as_str))))
        }
        _ => Err(Error::invalid("the field 'sortOptions.order' must be one of [fifo, legacy]")),
    }
}

/// Sorts resources by the default lists.
pub(crate) fn sort_legacy(resources: ResourceMap) -> ResourceMap {
    sort_by_rank(resources, &Ranks::legacy())
}

/// What resources are compared by, made once for each.
struct Key {
    rank: i64,
    gvk: Gvk,
    id: String,
}

fn sort_by_rank(resources: ResourceMap, ranks: &Ranks<'_>) -> ResourceMap {
    let mut keyed: Vec<_> =
        resources.into_iter().map(|resource| (Key::new(resource.id(), ranks), resource)).collect();
    keyed.sort_by(|(a, _), (b, _)| a.compare(b));
    keyed.into_iter().map(|(_, resource)| resource).collect()
}

impl Key {
    fn new(id: &ResourceId, ranks: &Ranks<'_>) -> Self {
        let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
        Self {
            rank: ranks.of(&id.gvk.kind),
            gvk: id.gvk.clone(),
            id: format!("{}|{}|{}", id.gvk, or(&id.namespace, "~X"), or(&id.name, "~N")),
        }
    }

    /// A total order, so that a sort never fails: the core Namespace goes before a Namespace of any other group.
    fn compare(&self, other: &Self) -> Ordering {
        let both = |kind: &str| self.gvk.kind == kind && other.gvk.kind == kind;
        let by_gvk = match (both("Namespace"), self.gvk.group.is_empty(), other.gvk.group.is_empty()) {
            (true, true, true) => other.gvk.compare(&self.gvk),
            (true, mine, theirs) if mine != theirs => theirs.cmp(&mine),
            _ => self.gvk.compare(&other.gvk),
        };
        self.rank.cmp(&other.rank).then(by_gvk).then_with(|| self.id.cmp(&other.id))
    }
}
