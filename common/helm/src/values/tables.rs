//! Tables that share parts, as Go's maps do.
//!
//! Globals are handed down from parent to child by reference: what is merged into one chart's globals later shows in
//! another's, and templates that change such a table change it for both. A tree of values cannot say that; this can.

use std::collections::BTreeMap;

use flux_yaml::{Object, Text, Value};

/// Maps by number, some of them reachable on several ways.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    tables: Vec<BTreeMap<Text, Slot>>,
}

/// One of the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableId(u32);

/// What stands under a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot {
    /// A map.
    Table(TableId),
    /// Anything else; lists own what is in them.
    Leaf(Value),
}

impl Slot {
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Leaf(Value::Null))
    }
}

impl TableId {
    /// Position, from 0: below [`Tables::len`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Tables {
    /// Number of maps.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Whether there is no map.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// What a map holds, sorted by key.
    pub fn entries(&self, table: TableId) -> impl Iterator<Item = (&Text, &Slot)> {
        self.tables.get(table.index()).into_iter().flatten()
    }

    /// What stands under a key.
    pub fn get(&self, table: TableId, key: &str) -> Option<&Slot> {
        self.tables.get(table.index())?.get(key)
    }

    /// The map under a key.
    pub fn table(&self, table: TableId, key: &str) -> Option<TableId> {
        match self.get(table, key)? {
            Slot::Table(found) => Some(*found),
            Slot::Leaf(_) => None,
        }
    }

    /// The map at a path of keys with dots between them.
    pub fn table_at(&self, table: TableId, path: &str) -> Option<TableId> {
        path.split('.').try_fold(table, |table, key| self.table(table, key))
    }

    /// The value at a path of keys with dots between them, if it is no table.
    pub fn value_at(&self, table: TableId, path: &str) -> Option<&Value> {
        let (table, key) = match path.rsplit_once('.') {
            Some((tables, key)) => (self.table_at(table, tables)?, key),
            None => (table, path),
        };
        match self.get(table, key)? {
            Slot::Leaf(value) => Some(value),
            Slot::Table(_) => None,
        }
    }

    /// A tree with the same content.
    pub fn to_object(&self, table: TableId) -> Object {
        let value = |slot: &Slot| match slot {
            Slot::Table(table) => Value::Object(self.to_object(*table)),
            Slot::Leaf(value) => value.clone(),
        };
        self.entries(table).map(|(key, slot)| (key.clone(), value(slot))).collect()
    }

    /// A new map with the content of a tree.
    pub fn add(&mut self, object: &Object) -> TableId {
        let slots = object.iter().map(|(key, value)| (key.clone(), self.slot(value))).collect();
        self.push(slots)
    }

    pub(super) fn slot(&mut self, value: &Value) -> Slot {
        match value {
            Value::Object(members) => Slot::Table(self.add(members)),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::List(_) => Slot::Leaf(value.clone()),
        }
    }

    /// A new, empty map.
    pub(crate) fn new_table(&mut self) -> TableId {
        self.push(BTreeMap::new())
    }

    /// A new map with the same slots: the maps in it are shared.
    pub(super) fn shallow_copy(&mut self, table: TableId) -> TableId {
        let slots = self.tables.get(table.index()).cloned().unwrap_or_default();
        self.push(slots)
    }

    fn push(&mut self, slots: BTreeMap<Text, Slot>) -> TableId {
        let id = TableId(u32::try_from(self.tables.len()).unwrap_or(u32::MAX));
        self.tables.push(slots);
        id
    }

    pub(crate) fn set(&mut self, table: TableId, key: &Text, slot: Slot) {
        if let Some(slots) = self.tables.get_mut(table.index()) {
            slots.insert(key.clone(), slot);
        }
    }

    pub(super) fn remove(&mut self, table: TableId, key: &str) {
        if let Some(slots) = self.tables.get_mut(table.index()) {
            slots.remove(key);
        }
    }

    /// Keys and slots as they are now.
    pub(super) fn snapshot(&self, table: TableId) -> Vec<(Text, Slot)> {
        self.entries(table).map(|(key, slot)| (key.clone(), slot.clone())).collect()
    }
}
