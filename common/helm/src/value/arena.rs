//! Where maps, lists and structs live.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{ListType, MapType, Text, Value};

/// A map: its number, and the type that it is seen as. A `common.Values` that went through a parameter of another type
/// is of that one, and shares its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapId {
    number: u32,
    kind: MapType,
}

impl MapId {
    /// The type.
    pub const fn kind(self) -> MapType {
        self.kind
    }

    /// The same map seen as another type.
    #[must_use]
    pub const fn seen_as(self, kind: MapType) -> Self {
        Self { kind, ..self }
    }
}

/// Number of a list's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListId(u32);

/// Number of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StructId(u32);

/// No storage: a nil list.
const NO_ITEMS: ListId = ListId(u32::MAX);

/// A slice: a type, and a part of what is stored under a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    kind: ListType,
    items: ListId,
    start: u32,
    length: u32,
}

impl List {
    /// A nil list.
    pub const fn nil(kind: ListType) -> Self {
        Self { kind, items: NO_ITEMS, start: 0, length: 0 }
    }

    /// The type.
    pub const fn kind(&self) -> ListType {
        self.kind
    }

    /// Number of items.
    pub const fn len(&self) -> usize {
        self.length as usize
    }

    /// Whether there is no item.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether the list is nil.
    pub fn is_nil(&self) -> bool {
        self.items == NO_ITEMS
    }

    /// The part from `start` to `end`, which share its storage.
    pub fn slice(&self, start: usize, end: usize) -> Option<Self> {
        if start > end || end > self.len() {
            return None;
        }
        let start = u32::try_from(start).ok()?;
        let end = u32::try_from(end).ok()?;
        Some(Self { start: self.start + start, length: end - start, ..*self })
    }
}

/// Entries of a map, by key.
#[derive(Clone, Debug)]
pub struct Map {
    is_nil: bool,
    entries: Vec<(Text, Value)>,
}

/// Where a name was found last, in whatever map: the next one is likely to be made alike.
#[derive(Debug, Default)]
pub struct Hint(AtomicUsize);

impl Map {
    /// Whether the map is nil: it has no entries and takes none.
    pub const fn is_nil(&self) -> bool {
        self.is_nil
    }

    /// Where a key is, or is to be.
    fn search(&self, key: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|(known, _)| known.as_bytes().cmp(key))
    }

    /// What stands under a key.
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        self.search(key).ok().and_then(|at| self.entries.get(at)).map(|(_, value)| value)
    }

    /// As [`get`](Self::get), beginning with a place.
    pub fn get_near(&self, key: &[u8], hint: &Hint) -> Option<&Value> {
        if let Some((known, value)) = self.entries.get(hint.0.load(Ordering::Relaxed))
            && known.as_bytes() == key
        {
            return Some(value);
        }
        let at = self.search(key).ok()?;
        hint.0.store(at, Ordering::Relaxed);
        self.entries.get(at).map(|(_, value)| value)
    }

    /// Entries by key.
    pub fn entries(&self) -> impl Iterator<Item = (&Text, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// A struct, or a pointer to one.
#[derive(Clone, Debug)]
pub struct Struct {
    /// Such as `common.KubeVersion`, without the star of a pointer.
    pub type_name: &'static str,
    /// Whether templates hold a pointer to it.
    pub is_pointer: bool,
    /// Names and values; a name in lower case is not exported.
    pub fields: Vec<(&'static str, Value)>,
}

/// What a number that was never given stands for.
static NO_MAP: Map = Map { is_nil: true, entries: Vec::new() };

/// The maps, lists and structs of one render.
#[derive(Debug, Default)]
pub struct Arena {
    maps: Vec<Map>,
    lists: Vec<Vec<Value>>,
    structs: Vec<Struct>,
    size: u64,
    moved: usize,
}

/// Bytes that a map takes besides its entries, and each entry: a vector is half full at least.
const MAP: u64 = 64;
const ENTRY: u64 = 2 * size_of::<(Text, Value)>() as u64;
/// Entries that move at the cost of a step.
const MOVED: usize = 64;
/// Bytes that a list takes besides its items.
const LIST: u64 = 64;

fn next_number<T>(of: &[T]) -> u32 {
    // bounded far below by the budget of a render
    u32::try_from(of.len()).unwrap_or(u32::MAX - 1)
}

impl Arena {
    /// Bytes that all of this takes, texts not counted.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Steps that the order of large maps has cost since this was last asked.
    pub const fn take_steps(&mut self) -> usize {
        let steps = self.moved / MOVED;
        self.moved %= MOVED;
        steps
    }

    /// A new map.
    pub fn add_map(&mut self, kind: MapType, entries: BTreeMap<Text, Value>) -> MapId {
        self.size += MAP + ENTRY * entries.len() as u64;
        let number = next_number(&self.maps);
        self.maps.push(Map { is_nil: false, entries: entries.into_iter().collect() });
        MapId { number, kind }
    }

    /// A nil map.
    pub fn add_nil_map(&mut self, kind: MapType) -> MapId {
        self.size += ENTRY;
        let number = next_number(&self.maps);
        self.maps.push(Map { is_nil: true, entries: Vec::new() });
        MapId { number, kind }
    }

    /// A map.
    pub fn map(&self, id: MapId) -> &Map {
        self.maps.get(id.number as usize).unwrap_or(&NO_MAP)
    }

    /// Puts a value under a key. Whether the map takes it: a nil map takes none.
    pub fn insert(&mut self, id: MapId, key: Text, value: Value) -> bool {
        let Some(map) = self.maps.get_mut(id.number as usize).filter(|map| !map.is_nil) else { return false };
        match map.search(&key) {
            Ok(at) => {
                if let Some((_, place)) = map.entries.get_mut(at) {
                    *place = value;
                }
            }
            Err(at) => {
                self.size += ENTRY;
                self.moved += map.entries.len() - at;
                map.entries.insert(at, (key, value));
            }
        }
        true
    }

    /// Takes a key out of a map.
    pub fn remove(&mut self, id: MapId, key: &[u8]) {
        if let Some(map) = self.maps.get_mut(id.number as usize)
            && let Ok(at) = map.search(key)
        {
            self.moved += map.entries.len() - at;
            map.entries.remove(at);
        }
    }

    /// A new list, which is not nil even if it is empty.
    pub fn add_list(&mut self, kind: ListType, items: Vec<Value>) -> List {
        let id = ListId(next_number(&self.lists));
        let length = u32::try_from(items.len()).unwrap_or(u32::MAX);
        self.size += LIST + (size_of::<Value>() * items.len()) as u64;
        self.lists.push(items);
        List { kind, items: id, start: 0, length }
    }

    /// The items of a list.
    pub fn items(&self, list: List) -> &[Value] {
        let (start, length) = (list.start as usize, list.length as usize);
        let stored = self.lists.get(list.items.0 as usize);
        stored.and_then(|items| items.get(start..start + length)).unwrap_or_default()
    }

    /// The items of a list, to be changed for all that share them.
    pub fn items_mut(&mut self, list: List) -> &mut [Value] {
        let (start, length) = (list.start as usize, list.length as usize);
        let stored = self.lists.get_mut(list.items.0 as usize);
        stored.and_then(|items| items.get_mut(start..start + length)).unwrap_or_default()
    }

    /// A new struct.
    pub fn add_struct(&mut self, structure: Struct) -> StructId {
        let id = StructId(next_number(&self.structs));
        self.structs.push(structure);
        id
    }

    /// A struct.
    pub fn structure(&self, id: StructId) -> Option<&Struct> {
        self.structs.get(id.0 as usize)
    }
}
