//! The intent: what a status lists before it is created, so that a crash orphans nothing.
//!
//! Where old and new objects fit into one status, all are listed at once. Where they do not, objects are listed in
//! portions, each before it is written, and stale objects have to go to make room for the next one.

use crate::inventory::Inventory;
use crate::object::ObjectId;
use crate::order;

/// Bytes that the inventory may take of a status: 1 MiB without what conditions may take (four of 32 KiB).
const LIMIT: usize = (1024 - 128) * 1024;
/// Bytes of stale entries that go at a time.
const ROOM: usize = 128 * 1024;
/// Bytes of an entry besides its values: `{"id":"","v":""},`.
const FRAME: usize = 17;

/// What the status lists, and what it has room for.
#[derive(Debug)]
pub struct Intent {
    listed: Inventory,
    stale: Inventory,
    has_changed: bool,
    size: usize,
    limit: usize,
}

impl Intent {
    /// From what the status lists to what it is to list in the end.
    pub fn new(old: Inventory, new: &Inventory) -> Self {
        Self::within(LIMIT, old, new)
    }

    fn within(limit: usize, old: Inventory, new: &Inventory) -> Self {
        let (stale, size) = (old.stale(new), size(&old));
        Self { listed: old, stale, has_changed: false, size, limit }
    }

    /// Where nothing can go to make room, the status has to hold it, if the server takes it.
    fn fits(&self, growth: usize) -> bool {
        growth == 0 || self.stale.is_empty() || self.size.saturating_add(growth) <= self.limit
    }

    /// Everything that the status is to list now.
    pub fn listed(&self) -> &Inventory {
        &self.listed
    }

    /// Whether the list is another one than when this was last asked, or at the beginning.
    pub fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// Lists all of these, if there is room for all of them.
    pub fn list_all(&mut self, new: &Inventory) {
        let growth: usize = new.iter().map(|(id, version)| self.growth(id, version)).sum();
        if self.fits(growth) {
            self.list(new.iter());
        }
    }

    /// Lists these objects, from the first to the last that there is room for. Gives their number.
    pub fn list<'a>(&mut self, objects: impl Iterator<Item = (&'a ObjectId, &'a str)>) -> usize {
        let mut count = 0;
        for (id, version) in objects {
            let growth = self.growth(id, version);
            if !self.fits(growth) {
                break;
            }
            self.size = self.size.saturating_add(growth);
            if self.listed.version(id) != Some(version) {
                self.listed.insert(id.clone(), version);
                self.has_changed = true;
            }
            count += 1;
        }
        count
    }

    /// Stale objects that have to go next to make room, in the order in which a prune deletes.
    pub fn burden(&self) -> Inventory {
        let mut stale: Vec<_> = self.stale.iter().collect();
        stale.sort_by(|(a, _), (b, _)| {
            let is_flux = |id: &ObjectId| id.group.ends_with(".fluxcd.io");
            is_flux(b).cmp(&is_flux(a)).then_with(|| order::compare(b, a))
        });
        let mut room = 0;
        let enough = |(id, version): &(&ObjectId, &str)| {
            let goes = room < ROOM;
            room += entry(id, version);
            goes
        };
        stale.into_iter().take_while(enough).map(|(id, version)| (id.clone(), version.to_owned())).collect()
    }

    /// Takes stale objects off the list: they are gone, or nobody's business any more.
    pub fn forget<'a>(&mut self, gone: impl Iterator<Item = &'a ObjectId>) {
        for id in gone {
            if let Some(version) = self.stale.version(id) {
                self.size = self.size.saturating_sub(entry(id, version));
                self.stale.remove(id);
                self.listed.remove(id);
                self.has_changed = true;
            }
        }
    }

    fn growth(&self, id: &ObjectId, version: &str) -> usize {
        match self.listed.version(id) {
            Some(listed) => version.len().saturating_sub(listed.len()),
            None => entry(id, version),
        }
    }
}

fn size(inventory: &Inventory) -> usize {
    inventory.iter().map(|(id, version)| entry(id, version)).sum()
}

fn entry(id: &ObjectId, version: &str) -> usize {
    FRAME + id.to_string().len() + version.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(prefix: &str, count: usize) -> Inventory {
        let id = |number| format!("a_{prefix}{number:03}__ConfigMap").parse().unwrap();
        (0..count).map(|number| (id(number), "v1".to_owned())).collect()
    }

    /// Room for so many entries of [`inventory`].
    fn room(count: usize) -> usize {
        size(&inventory("x", count))
    }

    #[test]
    fn the_size_is_that_of_the_json() {
        let id: ObjectId = "a_x__ConfigMap".parse().unwrap();
        let json = serde_json::json!({"id": id.to_string(), "v": "v1"}).to_string();
        assert_eq!(entry(&id, "v1"), json.len() + ",".len());
    }

    #[test]
    fn what_fits_is_listed_at_once() {
        let (old, new) = (inventory("x", 2), inventory("y", 3));
        let mut intent = Intent::within(room(5), old.clone(), &new);
        intent.list_all(&new);
        assert_eq!(*intent.listed(), old.union(&new));
        assert_eq!([intent.take_change(), intent.take_change()], [true, false]);
        intent.list_all(&new);
        assert!(!intent.take_change(), "all is listed");
    }

    #[test]
    fn what_does_not_fit_is_listed_as_others_go() {
        let (old, new) = (inventory("x", 4), inventory("y", 4));
        let mut intent = Intent::within(room(6), old.clone(), &new);
        intent.list_all(&new);
        assert_eq!(*intent.listed(), old, "all or nothing");
        assert!(!intent.take_change());
        assert_eq!(intent.list(new.iter()), 2);
        assert_eq!(intent.listed().len(), 6);
        assert_eq!(intent.list(new.iter().skip(2)), 0);
        let gone: Vec<ObjectId> = old.iter().skip(3).map(|(id, _)| id.clone()).collect();
        intent.take_change();
        intent.forget(gone.iter());
        assert!(intent.take_change());
        assert_eq!(intent.list(new.iter().skip(2)), 1);
        assert_eq!((intent.listed().len(), intent.stale.len()), (6, 3));
        assert!(!intent.listed().contains(&gone[0]));
    }

    #[test]
    fn what_is_listed_already_takes_no_room() {
        let (old, new) = (inventory("x", 4), inventory("x", 3));
        let mut intent = Intent::within(0, old, &new);
        assert_eq!(intent.list(new.iter()), 3);
    }

    #[test]
    fn without_anything_stale_there_is_no_limit() {
        let new = inventory("x", 4);
        let mut intent = Intent::within(0, Inventory::default(), &new);
        intent.list_all(&new);
        assert_eq!(*intent.listed(), new);
    }

    #[test]
    fn room_is_made_in_the_order_of_deletion() {
        let old: Inventory =
            ["_a__Namespace", "a_b__ConfigMap", "a_c_source.toolkit.fluxcd.io_GitRepository"]
                .iter()
                .map(|id| (id.parse().unwrap(), "v1".to_owned()))
                .collect();
        let mut intent = Intent::within(0, old, &Inventory::default());
        assert_eq!(intent.burden().len(), 3, "all of it is little");
        let large = inventory("x", 10_000);
        intent = Intent::within(0, large.clone(), &Inventory::default());
        let burden = intent.burden();
        assert!((ROOM..ROOM + 100).contains(&size(&burden)));
        let last = |inventory: &Inventory| inventory.iter().last().map(|(id, _)| id.clone());
        assert_eq!(last(&burden), last(&large));
    }
}
