//! Where the resources of an id, of a name or of a kind are.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::gvk::ResourceId;
use crate::resource::Resource;

/// From the hash of an id, a name or a kind to the places of the resources that have or had it.
#[derive(Debug, Default)]
pub(super) struct Index {
    hasher: RandomState,
    places: HashMap<u64, Vec<usize>>,
    /// The hashes under which each resource is filed, to take it out again.
    filed: Vec<Vec<u64>>,
    /// Places of resources that may have changed.
    touched: Vec<usize>,
}

impl Index {
    /// Everything may have changed.
    pub(super) fn forget(&mut self) {
        self.places.clear();
        self.filed.clear();
        self.touched.clear();
    }

    /// The resource at this place may have changed, or is new.
    pub(super) fn touch(&mut self, place: usize) {
        // what has not been filed yet will be anyway
        if place < self.filed.len() {
            self.touched.push(place);
        }
    }

    /// Files what is new or may have changed.
    pub(super) fn update(&mut self, resources: &[Resource]) {
        for place in std::mem::take(&mut self.touched) {
            let Some(resource) = resources.get(place) else { continue };
            let hashes = self.hashes(resource);
            let Some(filed) = self.filed.get_mut(place) else { continue };
            let old = std::mem::replace(filed, hashes.clone());
            old.iter()
                .filter(|hash| hashes.binary_search(hash).is_err())
                .for_each(|hash| self.take_out(place, *hash));
            hashes
                .iter()
                .filter(|hash| old.binary_search(hash).is_err())
                .for_each(|hash| self.file(place, *hash));
        }
        for (place, resource) in resources.iter().enumerate().skip(self.filed.len()) {
            let hashes = self.hashes(resource);
            for hash in &hashes {
                self.file(place, *hash);
            }
            self.filed.push(hashes);
        }
    }

    /// Places under which resources of this id are filed, in order. Hashes may collide: the caller compares.
    pub(super) fn places(&self, id: &ResourceId) -> Vec<usize> {
        self.filed_under(self.hash(id))
    }

    /// Places under which resources that have or had this name are filed, as [`Self::places`] gives them.
    pub(super) fn places_of_name(&self, name: &str) -> Vec<usize> {
        self.filed_under(self.hasher.hash_one(Part::Name(name)))
    }

    /// Places under which resources that have or had this kind are filed, as [`Self::places`] gives them.
    pub(super) fn places_of_kind(&self, kind: &str) -> Vec<usize> {
        self.filed_under(self.hasher.hash_one(Part::Kind(kind)))
    }

    fn filed_under(&self, hash: u64) -> Vec<usize> {
        self.places.get(&hash).cloned().unwrap_or_default()
    }

    fn file(&mut self, place: usize, hash: u64) {
        let places = self.places.entry(hash).or_default();
        if places.last().is_none_or(|last| *last < place) {
            places.push(place);
            return;
        }
        let position = places.partition_point(|filed| *filed < place);
        places.insert(position, place);
    }

    fn take_out(&mut self, place: usize, hash: u64) {
        if let Some(places) = self.places.get_mut(&hash)
            && let Ok(position) = places.binary_search(&place)
        {
            places.remove(position);
        }
    }

    /// What a resource is filed under, in order. An empty one has no id any more, but is still selected by its names.
    fn hashes(&self, resource: &Resource) -> Vec<u64> {
        let mut hashes = Vec::new();
        for id in resource.all_ids() {
            hashes.push(self.hasher.hash_one(Part::Name(&id.name)));
            hashes.push(self.hasher.hash_one(Part::Kind(&id.gvk.kind)));
            if !resource.is_empty() {
                hashes.push(self.hash(id));
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    fn hash(&self, id: &ResourceId) -> u64 {
        self.hasher.hash_one((&id.gvk, &id.name, id.effective_namespace()))
    }
}

/// A part of an id under which resources are filed.
#[derive(Hash)]
enum Part<'i> {
    Name(&'i str),
    Kind(&'i str),
}
