//! Entries and items: reading and changing collections.

use super::{Content, Entry, List, Node, Text};

impl Node {
    /// Entries of a mapping in document order; none for any other node.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Mapping(_, entries) => entries,
            Content::Scalar(..) | Content::Alias(..) | Content::Sequence(..) => &[],
        }
    }

    /// Entries of a mapping, to change them.
    pub fn entries_mut(&mut self) -> Option<&mut List<Entry>> {
        match &mut self.content {
            Content::Mapping(_, entries) => Some(entries),
            Content::Scalar(..) | Content::Alias(..) | Content::Sequence(..) => None,
        }
    }

    /// Items of a sequence; none for any other node.
    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::Sequence(_, items) => items,
            Content::Scalar(..) | Content::Alias(..) | Content::Mapping(..) => &[],
        }
    }

    /// Items of a sequence, to change them.
    pub fn items_mut(&mut self) -> Option<&mut List<Self>> {
        match &mut self.content {
            Content::Sequence(_, items) => Some(items),
            Content::Scalar(..) | Content::Alias(..) | Content::Mapping(..) => None,
        }
    }

    /// Number of entries or items; 0 for a scalar.
    pub fn len(&self) -> usize {
        match &self.content {
            Content::Mapping(_, entries) => entries.len(),
            Content::Sequence(_, items) => items.len(),
            Content::Scalar(..) | Content::Alias(..) => 0,
        }
    }

    /// Whether there are neither entries nor items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Place of the first entry with this key.
    pub fn position(&self, key: &str) -> Option<usize> {
        self.entries().iter().position(|entry| entry.is(key))
    }

    /// Value of the first entry with this key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.is(key)).map(|entry| &entry.value)
    }

    /// Value of the first entry with this key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.entries_mut()?.iter_mut().find(|entry| entry.is(key)).map(|entry| &mut entry.value)
    }

    /// The node at a path of keys; `path(&["metadata", "name"])`.
    pub fn path(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The node at a path of keys, to change it.
    pub fn path_mut(&mut self, keys: &[&str]) -> Option<&mut Self> {
        keys.iter().try_fold(self, |node, key| node.get_mut(key))
    }

    /// Text of the scalar at this key.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Replaces the value of this key (the whole node) or appends an entry; gives back the old value. Does nothing to a
    /// node that is not a mapping.
    pub fn insert(&mut self, key: impl Into<Text>, value: Self) -> Option<Self> {
        let key = key.into();
        if let Some(place) = self.get_mut(&key) {
            return Some(std::mem::replace(place, value));
        }
        self.entries_mut()?.push(Entry { key: Self::string(key), value });
        None
    }

    /// Value of this key; where it is missing, `value` is appended first. `None` if the node is not a mapping.
    pub fn get_or_insert(&mut self, key: &str, value: impl FnOnce() -> Self) -> Option<&mut Self> {
        let position = self.position(key);
        let entries = self.entries_mut()?;
        let position = position.unwrap_or_else(|| {
            entries.push(Entry { key: Self::string(key), value: value() });
            entries.len() - 1
        });
        entries.get_mut(position).map(|entry| &mut entry.value)
    }

    /// Removes the first entry with this key; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let position = self.position(key)?;
        Some(self.entries_mut()?.remove(position).value)
    }

    /// Appends an item to a sequence; does nothing to any other node.
    pub fn push(&mut self, item: Self) {
        if let Some(items) = self.items_mut() {
            items.push(item);
        }
    }
}
