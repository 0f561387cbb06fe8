//! Resources in order, unique by their current id.

use std::cell::RefCell;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::gvk::ResourceId;
use crate::resource::{Behavior, ORIGIN, Resource};
use crate::schema::Schema;

mod index;

use index::Index;

/// An ordered list of resources. No two of them have the same current id, but while a transformer works.
///
/// Lookups by id go through an index that is built when first needed and then kept up to date: resources handed out to
/// be changed are indexed anew, all others are not looked at again.
#[derive(Debug, Default)]
pub struct ResourceMap {
    resources: Vec<Resource>,
    index: RefCell<Index>,
    /// What was handed out to be changed since empty resources were last dropped.
    changed: Changed,
}

/// Which resources may have become empty.
#[derive(Debug, Default)]
enum Changed {
    /// Those at these places.
    Places(Vec<usize>),
    /// Any.
    #[default]
    All,
}

impl ResourceMap {
    /// No resources.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there are no resources.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// The resources, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.resources.iter()
    }

    /// The resources, in order, to change them. All of them are indexed anew afterwards.
    #[expect(clippy::iter_without_into_iter, reason = "changing resources is for this crate alone")]
    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.index.get_mut().forget();
        self.changed = Changed::All;
        self.resources.iter_mut()
    }

    /// The resource at this place.
    pub(crate) fn get(&self, place: usize) -> Option<&Resource> {
        self.resources.get(place)
    }

    /// The resource at this place, to change it.
    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut Resource> {
        self.index.get_mut().touch(place);
        if let Changed::Places(places) = &mut self.changed {
            places.push(place);
        }
        self.resources.get_mut(place)
    }

    /// Appends a resource.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is one with its current id, no namespace being the same as `default`.
    pub(crate) fn append(&mut self, resource: Resource) -> Result<()> {
        let id = resource.id();
        if !self.with_current_id(id).is_empty() {
            return Err(Error::invalid(format!("may not add resource with an already registered id: {id}")));
        }
        if let Changed::Places(places) = &mut self.changed {
            places.push(self.resources.len());
        }
        self.resources.push(resource);
        Ok(())
    }

    /// Appends all resources of another map.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub(crate) fn append_all(&mut self, other: Self) -> Result<()> {
        other.resources.into_iter().try_for_each(|resource| self.append(resource))
    }

    /// Drops the resources of which nothing is left.
    pub(crate) fn drop_empty(&mut self) {
        let changed = std::mem::replace(&mut self.changed, Changed::Places(Vec::new()));
        let is_empty = |place: &usize| self.resources.get(*place).is_some_and(Resource::is_empty);
        let has_empty = match changed {
            Changed::Places(places) => places.iter().any(is_empty),
            Changed::All => true,
        };
        if has_empty {
            self.retain(|resource| !resource.is_empty());
            self.changed = Changed::Places(Vec::new());
        }
    }

    /// Keeps the resources for which `keep` holds.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Resource) -> bool) {
        let before = self.resources.len();
        self.resources.retain(keep);
        if self.resources.len() != before {
            self.index.get_mut().forget();
            self.changed = Changed::All;
        }
    }

    /// Checks that ids are unique, as rebuilding the map upstream does.
    ///
    /// # Errors
    /// As [`Self::append`] of the first resource whose current id occurs before it.
    pub(crate) fn check_unique(&self) -> Result<()> {
        for (place, resource) in self.resources.iter().enumerate() {
            let id = resource.id();
            if self.with_current_id(id).first().is_some_and(|first| *first < place) {
                return Err(Error::invalid(format!(
                    "may not add resource with an already registered id: {id}"
                )));
            }
        }
        Ok(())
    }

    /// Places of the resources whose current id is `id`, in order; empty resources do not count.
    pub(crate) fn with_current_id(&self, id: &ResourceId) -> Vec<usize> {
        let places = self.candidates(id);
        places
            .into_iter()
            .filter(|place| self.get(*place).is_some_and(|found| found.id().is_same(id)))
            .collect()
    }

    /// Places of the resources of which any id, previous or current, is `id`, in order; empty resources do not count.
    pub(crate) fn with_any_id(&self, id: &ResourceId) -> Vec<usize> {
        let places = self.candidates(id);
        let is_same = |found: &Resource| found.all_ids().any(|known| known.is_same(id));
        places.into_iter().filter(|place| self.get(*place).is_some_and(is_same)).collect()
    }

    fn candidates(&self, id: &ResourceId) -> Vec<usize> {
        let mut index = self.index.borrow_mut();
        index.update(&self.resources);
        index.places(id)
    }

    /// Places, in order, among which are those of all resources of which any id, previous or current, has this name and of
    /// which any has this kind, as far as they are given. The caller compares.
    pub(crate) fn having(&self, name: Option<&str>, kind: Option<&str>) -> Vec<usize> {
        let mut index = self.index.borrow_mut();
        let places: fn(&Index, &str) -> Vec<usize> =
            if name.is_some() { Index::places_of_name } else { Index::places_of_kind };
        let Some(text) = name.or(kind) else { return (0..self.resources.len()).collect() };
        index.update(&self.resources);
        places(&index, text)
    }

    /// The place of the only resource of which any id is `id`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none, or several.
    pub(crate) fn find(&self, id: &ResourceId) -> Result<usize> {
        let problem = match self.with_any_id(id).as_slice() {
            [place] => return Ok(*place),
            [] => "no matches",
            _ => "multiple matches",
        };
        Err(Error::invalid(format!("{problem} for Id {id}; failed to find unique target for patch {id}")))
    }

    /// Puts a schema in force for the ids of all resources.
    pub(crate) fn set_schema(&mut self, schema: &Arc<Schema>) {
        self.iter_mut().for_each(|resource| resource.set_schema(schema));
    }

    /// Takes up a generated resource: appends it, or lets it replace or change the one that has its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] if its behavior does not fit what is there.
    pub(crate) fn absorb(&mut self, mut generated: Resource) -> Result<()> {
        let id = generated.id().go_syntax();
        let behavior = generated.records().behavior;
        let place = match self.with_any_id(generated.id()).as_slice() {
            [] => {
                return match behavior {
                    Behavior::Merge | Behavior::Replace => {
                        Err(Error::invalid(format!("id {id} does not exist; cannot merge or replace")))
                    }
                    Behavior::Create | Behavior::Unspecified => self.append(generated),
                };
            }
            [place] => *place,
            several => {
                let ids: Vec<_> =
                    several.iter().filter_map(|place| Some(self.get(*place)?.id().to_string())).collect();
                return Err(Error::invalid(format!(
                    "found multiple objects [{}] that could accept merge of {}",
                    ids.join(" "),
                    generated.id()
                )));
            }
        };
        let Some(old) = self.get_mut(place) else { return Ok(()) };
        match behavior {
            Behavior::Replace => generated.inherit_metadata(old),
            Behavior::Merge => {
                let origin = old.annotation(ORIGIN).map(str::to_owned);
                generated.inherit_metadata(old);
                generated.inherit_data(old, "data");
                generated.inherit_data(old, "binaryData");
                if origin.is_some() {
                    generated.set_annotation(ORIGIN, origin.as_deref());
                }
            }
            Behavior::Create | Behavior::Unspecified => {
                return Err(Error::invalid(format!(
                    "id {id} exists; can not use behavior: '{}', behavior must be merge or replace",
                    behavior.as_str()
                )));
            }
        }
        *old = generated;
        Ok(())
    }
}

impl FromIterator<Resource> for ResourceMap {
    /// A map of resources whose ids are known to differ.
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Self {
        Self { resources: resources.into_iter().collect(), ..Self::default() }
    }
}

impl IntoIterator for ResourceMap {
    type Item = Resource;
    type IntoIter = std::vec::IntoIter<Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.resources.into_iter()
    }
}

impl<'a> IntoIterator for &'a ResourceMap {
    type Item = &'a Resource;
    type IntoIter = std::slice::Iter<'a, Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
