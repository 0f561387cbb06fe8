//! Where the resources of an id are.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::gvk::ResourceId;
use crate::resource::Resource;

/// From the hash of an id to the places of the resources that have or had it.
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
            let old = self.filed.get_mut(place).map(std::mem::take).unwrap_or_default();
            for hash in old {
                if let Some(places) = self.places.get_mut(&hash) {
                    places.retain(|filed| *filed != place);
                }
            }
            let hashes = self.file(place, resource);
            if let Some(filed) = self.filed.get_mut(place) {
                *filed = hashes;
            }
        }
        for (place, resource) in resources.iter().enumerate().skip(self.filed.len()) {
            let hashes = self.file(place, resource);
            self.filed.push(hashes);
        }
    }

    /// Places under which resources of this id are filed, in order. Hashes may collide: the caller compares.
    pub(super) fn places(&self, id: &ResourceId) -> Vec<usize> {
        self.places.get(&self.hash(id)).cloned().unwrap_or_default()
    }

    fn file(&mut self, place: usize, resource: &Resource) -> Vec<u64> {
        if resource.is_empty() {
            return Vec::new();
        }
        let mut hashes: Vec<u64> = resource.all_ids().map(|id| self.hash(id)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        for hash in &hashes {
            let places = self.places.entry(*hash).or_default();
            let position = places.partition_point(|filed| *filed < place);
            places.insert(position, place);
        }
        hashes
    }

    fn hash(&self, id: &ResourceId) -> u64 {
        self.hasher.hash_one((&id.gvk, &id.name, id.effective_namespace()))
    }
}
