//! The resources that references can mean.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::gvk::{Gvk, NOT_NAMESPACEABLE, ResourceId};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

/// A renamed resource.
pub(super) struct Referral {
    current: ResourceId,
    previous: Vec<ResourceId>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

/// The resource that has the reference.
pub(super) struct Referrer {
    namespace: String,
    is_cluster_scoped: bool,
    /// Namespaces of service accounts that a role binding names.
    account_namespaces: HashSet<String>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

/// All renamed resources, by what references say of them.
pub(super) struct Referrals {
    renamed: Vec<Referral>,
    by_name: HashMap<String, Vec<usize>>,
    /// By previous name and current effective namespace.
    by_current: HashMap<(String, String), Vec<usize>>,
    /// By previous name and original effective namespace.
    by_original: HashMap<(String, String), Vec<usize>>,
    /// From original effective namespaces to the current effective and raw ones of resources that come from them.
    moves: HashMap<String, HashSet<(String, String)>>,
}

/// When several referrals are as good as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identical {
    /// They have the same current name.
    ByName,
    /// They have the same current name and namespace.
    ByNameAndNamespace,
}

/// Whether an empty list of prefixes or suffixes matches any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    MatchesAny,
    MatchesEmpty,
}

impl Referrer {
    /// What counts of the resource that has references.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a role binding names a service account whose namespace is not a string.
    pub(super) fn of(resource: &Resource) -> Result<Self> {
        let id = resource.id();
        let account_namespaces =
            if id.cluster_scoped { HashSet::new() } else { account_namespaces(resource)? };
        Ok(Self {
            namespace: id.effective_namespace().to_owned(),
            is_cluster_scoped: id.cluster_scoped,
            account_namespaces,
            prefixes: resource.records().prefixes.clone(),
            suffixes: resource.records().suffixes.clone(),
        })
    }
}

fn account_namespaces(resource: &Resource) -> Result<HashSet<String>> {
    let mut namespaces = HashSet::new();
    if resource.kind() != "RoleBinding" {
        return Ok(namespaces);
    }
    let subjects = resource.node().get("subjects").map(flux_yaml::Node::items).unwrap_or_default();
    for subject in subjects.iter().filter(|subject| subject.get_str("kind") == Some("ServiceAccount")) {
        let Some(namespace) = subject.get("namespace") else { continue };
        match namespace.to_value().ok().as_ref().and_then(flux_yaml::Value::as_str) {
            Some(namespace) => namespaces.insert(namespace.to_owned()),
            None => {
                let id = resource.id().to_string();
                return Err(Error::invalid(format!(
                    "Invalid Input: namespace is blank for resource {id:?}\n"
                )));
            }
        };
    }
    Ok(namespaces)
}

impl Referrals {
    /// Takes down the ids of all resources.
    pub(super) fn of(resources: &ResourceMap) -> Self {
        let mut referrals = Self {
            renamed: Vec::new(),
            by_name: HashMap::new(),
            by_current: HashMap::new(),
            by_original: HashMap::new(),
            moves: HashMap::new(),
        };
        for resource in resources {
            referrals.add(resource);
        }
        referrals
    }

    /// Whether no resource was renamed.
    pub(super) fn is_empty(&self) -> bool {
        self.renamed.is_empty()
    }

    fn add(&mut self, resource: &Resource) {
        let (current, original) = (resource.id(), resource.original_id().effective_namespace());
        let to = (current.effective_namespace().to_owned(), current.namespace.clone());
        self.moves.entry(original.to_owned()).or_default().insert(to);
        if resource.previous_ids().is_empty() {
            return;
        }
        let place = self.renamed.len();
        let names: HashSet<&str> = resource.previous_ids().iter().map(|id| id.name.as_str()).collect();
        for name in names {
            let key = |namespace: &str| (name.to_owned(), namespace.to_owned());
            self.by_name.entry(name.to_owned()).or_default().push(place);
            self.by_current.entry(key(current.effective_namespace())).or_default().push(place);
            self.by_original.entry(key(original)).or_default().push(place);
        }
        self.renamed.push(Referral {
            current: current.clone(),
            previous: resource.previous_ids().to_vec(),
            prefixes: resource.records().prefixes.clone(),
            suffixes: resource.records().suffixes.clone(),
        });
    }

    /// Places of the resources in reach of a referrer that once had this name, in order.
    pub(super) fn named(&self, name: &str, referrer: &Referrer) -> Vec<usize> {
        let Some(all) = self.by_name.get(name) else { return Vec::new() };
        // a short list needs no index
        if referrer.is_cluster_scoped || all.len() < 8 {
            return self.in_reach(all, referrer);
        }
        let accounts = referrer.account_namespaces.iter().map(String::as_str);
        let namespaces: HashSet<&str> =
            accounts.chain([referrer.namespace.as_str(), NOT_NAMESPACEABLE]).collect();
        let mut places: Vec<usize> = namespaces
            .into_iter()
            .filter_map(|namespace| self.by_current.get(&(name.to_owned(), namespace.to_owned())))
            .flatten()
            .copied()
            .collect();
        places.sort_unstable();
        self.in_reach(&places, referrer)
    }

    /// As [`Self::named`], narrowed to those that come from a namespace or, if nothing in reach does, that are in it.
    pub(super) fn named_in(&self, name: &str, namespace: &str, referrer: &Referrer) -> Vec<usize> {
        if namespace == NOT_NAMESPACEABLE {
            return Vec::new();
        }
        let comes_from = self.moves.get(namespace).is_some_and(|moves| {
            let reaches = |(effective, raw): &(String, String)| referrer.reaches(effective, raw);
            moves.iter().any(reaches)
        });
        let index = if comes_from { &self.by_original } else { &self.by_current };
        let places = index.get(&(name.to_owned(), namespace.to_owned()));
        places.map(|places| self.in_reach(places, referrer)).unwrap_or_default()
    }

    fn in_reach(&self, places: &[usize], referrer: &Referrer) -> Vec<usize> {
        let reaches = |place: &&usize| {
            self.renamed.get(**place).is_some_and(|found| {
                referrer.reaches(found.current.effective_namespace(), &found.current.namespace)
            })
        };
        places.iter().filter(reaches).copied().collect()
    }

    /// The resource that is meant, of those that once had the name and were of all these kinds.
    ///
    /// # Errors
    /// [`Error::Invalid`] if several are left that are not as good as one.
    pub(super) fn select(
        &self,
        places: Vec<usize>,
        kinds: &[&Gvk],
        referrer: &Referrer,
        identical: Identical,
    ) -> Result<Option<&Referral>> {
        let mut found: Vec<&Referral> =
            places.into_iter().filter_map(|place| self.renamed.get(place)).collect();
        found.retain(|referral| kinds.iter().all(|kind| referral.was(kind)));
        found.retain(|referral| referral.may_be_named_by(referrer));
        if found.len() > 1 || found.is_empty() {
            found.retain(|referral| referral.has_affixes_of(referrer, Empty::MatchesAny));
        }
        if found.len() > 1 {
            found.retain(|referral| referral.has_affixes_of(referrer, Empty::MatchesEmpty));
        }
        let Some((first, others)) = found.split_first() else { return Ok(None) };
        let is_same = |other: &&Referral| {
            other.name() == first.name()
                && (identical == Identical::ByName || other.namespace() == first.namespace())
        };
        if others.iter().all(is_same) {
            return Ok(Some(first));
        }
        let ids: Vec<_> = found.iter().map(|referral| referral.current.to_string()).collect();
        Err(Error::invalid(format!("found multiple possible referrals: {}", ids.join(", "))))
    }
}

impl Referrer {
    fn reaches(&self, effective: &str, raw: &str) -> bool {
        self.is_cluster_scoped
            || effective == NOT_NAMESPACEABLE
            || effective == self.namespace
            || self.account_namespaces.contains(raw)
    }
}

impl Referral {
    /// The name now.
    pub(super) fn name(&self) -> &str {
        &self.current.name
    }

    /// The namespace now; empty if there is none.
    pub(super) fn namespace(&self) -> &str {
        &self.current.namespace
    }

    fn was(&self, kind: &Gvk) -> bool {
        self.previous.iter().any(|id| id.gvk.is_selected_by(kind))
    }

    /// Service accounts can be named from any namespace.
    fn may_be_named_by(&self, referrer: &Referrer) -> bool {
        referrer.is_cluster_scoped
            || self.current.cluster_scoped
            || self.current.gvk.kind == "ServiceAccount"
            || self.current.effective_namespace() == referrer.namespace
    }

    fn has_affixes_of(&self, referrer: &Referrer, empty: Empty) -> bool {
        have_equal_ends(&self.prefixes, &referrer.prefixes, empty)
            && have_equal_ends(&self.suffixes, &referrer.suffixes, empty)
    }
}

/// Whether the shorter list is the end of the longer one.
fn have_equal_ends(a: &[String], b: &[String], empty: Empty) -> bool {
    if a.is_empty() || b.is_empty() {
        return empty == Empty::MatchesAny || a.len() == b.len();
    }
    a.iter().rev().zip(b.iter().rev()).all(|(a, b)| a == b)
}
