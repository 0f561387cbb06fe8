//! The inventory: which objects a Kustomization has applied, as its status stores it.

use crate::object::{InvalidObjectId, ObjectId};
use std::collections::BTreeMap;

/// Objects by identity, each with the version (`apiVersion` without its group) to address it by.
///
/// Entries are kept in identity order, so that equal sets have equal text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    entries: BTreeMap<ObjectId, String>,
}

impl Inventory {
    /// Parses `(id, version)` pairs as `status.inventory.entries` holds them.
    ///
    /// # Errors
    /// [`InvalidObjectId`] for the first id that has not the stored form.
    pub fn parse<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, InvalidObjectId> {
        let entries = entries
            .into_iter()
            .map(|(id, version)| Ok((id.parse()?, version.to_owned())))
            .collect::<Result<_, InvalidObjectId>>()?;
        Ok(Self { entries })
    }

    /// As [`parse`](Self::parse), leaving out what cannot be parsed: finalization must not be held up by it.
    pub fn parse_lossy<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let entries = entries
            .into_iter()
            .filter_map(|(id, version)| Some((id.parse().ok()?, version.to_owned())))
            .collect();
        Self { entries }
    }

    /// Adds an object, or replaces its version.
    pub fn insert(&mut self, id: ObjectId, version: impl Into<String>) {
        self.entries.insert(id, version.into());
    }

    /// Takes an object off the list.
    pub fn remove(&mut self, id: &ObjectId) {
        self.entries.remove(id);
    }

    /// The version that an object is listed with.
    pub fn version(&self, id: &ObjectId) -> Option<&str> {
        self.entries.get(id).map(String::as_str)
    }

    /// Whether the object is listed, under whatever version.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.entries.contains_key(id)
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Objects with their versions, in identity order.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, &str)> {
        self.entries.iter().map(|(id, version)| (id, version.as_str()))
    }

    /// What `self` lists and `newer` does not. The version is not part of an object's identity.
    #[must_use]
    pub fn stale(&self, newer: &Self) -> Self {
        let entries = self
            .entries
            .iter()
            .filter(|(id, _)| !newer.contains(id))
            .map(|(id, version)| (id.clone(), version.clone()))
            .collect();
        Self { entries }
    }

    /// Those that `first` holds for, and the others.
    #[must_use]
    pub fn split(&self, first: impl Fn(&ObjectId) -> bool) -> (Self, Self) {
        let (first, rest) = self
            .entries
            .iter()
            .map(|(id, version)| (id.clone(), version.clone()))
            .partition(|(id, _)| first(id));
        (Self { entries: first }, Self { entries: rest })
    }

    /// All objects of both; where both list one, the version of `newer` wins.
    ///
    /// This is the intent that is stored before a run creates objects: what exists is never forgotten.
    #[must_use]
    pub fn union(&self, newer: &Self) -> Self {
        let mut entries = self.entries.clone();
        entries.extend(newer.entries.iter().map(|(id, version)| (id.clone(), version.clone())));
        Self { entries }
    }
}

impl FromIterator<(ObjectId, String)> for Inventory {
    fn from_iter<I: IntoIterator<Item = (ObjectId, String)>>(iter: I) -> Self {
        Self { entries: iter.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(entries: &[(&str, &str)]) -> Inventory {
        Inventory::parse(entries.iter().copied()).unwrap()
    }

    fn ids(inventory: &Inventory) -> Vec<String> {
        inventory.iter().map(|(id, version)| format!("{id} {version}")).collect()
    }

    #[test]
    fn a_promoted_version_is_not_stale() {
        let old =
            inventory(&[("a_web_autoscaling_HorizontalPodAutoscaler", "v1"), ("a_gone__ConfigMap", "v1")]);
        let new = inventory(&[("a_web_autoscaling_HorizontalPodAutoscaler", "v2")]);
        assert_eq!(ids(&old.stale(&new)), ["a_gone__ConfigMap v1"]);
    }

    #[test]
    fn a_renamed_object_is_stale() {
        let old = inventory(&[("a_x__ConfigMap", "v1")]);
        let new = inventory(&[("b_x__ConfigMap", "v1")]);
        assert_eq!(ids(&old.stale(&new)), ["a_x__ConfigMap v1"]);
    }

    #[test]
    fn the_intent_keeps_old_and_new() {
        let old = inventory(&[("a_x__ConfigMap", "v1"), ("a_y_apps_Deployment", "v1beta1")]);
        let new = inventory(&[("a_y_apps_Deployment", "v1"), ("a_z__Secret", "v1")]);
        assert_eq!(ids(&old.union(&new)), ["a_x__ConfigMap v1", "a_y_apps_Deployment v1", "a_z__Secret v1"]);
    }

    #[test]
    fn finalization_ignores_what_it_cannot_parse() {
        let entries = [("broken", "v1"), ("a_x__ConfigMap", "v1")];
        assert!(Inventory::parse(entries).is_err());
        assert_eq!(ids(&Inventory::parse_lossy(entries)), ["a_x__ConfigMap v1"]);
    }
}
