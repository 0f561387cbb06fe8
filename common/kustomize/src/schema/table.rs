//! The built-in types as one table of bytes, read in place: nothing is parsed when a process starts.
//!
//! Layout, all numbers little-endian: six counts (types, fields, kinds, definitions, merges, strings) of 16 bits; then
//! - types: name, first field, items, additional, merge, 16 bits each, and one row more that ends the last type's fields
//! - fields: name, type; sorted by name within a type
//! - kinds: API version, kind, type, scope (0 cluster, 1 namespaced, 2 unknown); sorted by API version and kind
//! - definitions: name, type; sorted by name
//! - merges: two keys
//! - strings: their offsets in the text, 32 bits each, and the text's length; then the text.
//!
//! A missing name, type or key is `0xFFFF`. `schema-recorder` writes the table.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::LazyLock;

const NONE: u16 = 0xFFFF;
const HEADER: usize = 12;
const TYPE: usize = 10;
const FIELD: usize = 4;
const KIND: usize = 8;
const DEFINITION: usize = 4;
const MERGE: usize = 4;
const OFFSET: usize = 4;

/// The table that comes with the engine.
pub(super) static BUILT_IN: LazyLock<Table> = LazyLock::new(|| Table::new(include_bytes!("built-in.bin")));

/// A type of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Type(u16);

/// Whether resources of a kind are in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Never.
    Cluster,
    /// Always.
    Namespaced,
    /// The documents do not say.
    Unknown,
}

/// A table of types: its bytes, where its parts begin, and how many rows those searched by name have.
#[derive(Debug)]
pub(super) struct Table {
    bytes: &'static [u8],
    kind_count: usize,
    definition_count: usize,
    fields: usize,
    kinds: usize,
    definitions: usize,
    merges: usize,
    offsets: usize,
    text: usize,
}

impl Table {
    fn new(bytes: &'static [u8]) -> Self {
        let count = |index: usize| usize::from(number(bytes, 2 * index));
        let fields = HEADER + TYPE * (count(0) + 1);
        let kinds = fields + FIELD * count(1);
        let definitions = kinds + KIND * count(2);
        let merges = definitions + DEFINITION * count(3);
        let offsets = merges + MERGE * count(4);
        let text = offsets + OFFSET * (count(5) + 1);
        let (kind_count, definition_count) = (count(2), count(3));
        Self { bytes, kind_count, definition_count, fields, kinds, definitions, merges, offsets, text }
    }

    /// Type and scope of the resources of this API version and kind.
    pub(super) fn kind(&self, api_version: &str, kind: &str) -> Option<(Option<Type>, Scope)> {
        let row = |index| self.kinds + KIND * index;
        let index = search(0..self.kind_count, |index| {
            let found = (self.bytes_of(self.at(row(index))), self.bytes_of(self.at(row(index) + 2)));
            found.cmp(&(api_version.as_bytes(), kind.as_bytes()))
        })?;
        let scope = match self.at(row(index) + 6) {
            0 => Scope::Cluster,
            1 => Scope::Namespaced,
            _ => Scope::Unknown,
        };
        Some((self.some_type(row(index) + 4), scope))
    }

    /// The type that this definition describes.
    pub(super) fn definition(&self, name: &str) -> Option<Type> {
        let row = |index| self.definitions + DEFINITION * index;
        let index = search(0..self.definition_count, |index| {
            self.bytes_of(self.at(row(index))).cmp(name.as_bytes())
        })?;
        self.some_type(row(index) + 2)
    }

    /// The name of the definition that describes this type; none if it is described in place.
    pub(super) fn name(&self, of: Type) -> Option<&'static str> {
        let name = self.at(Self::row(of));
        (name != NONE).then(|| self.string(name))
    }

    /// The type of a field, or of any value of a map.
    pub(super) fn field(&self, of: Type, name: &str) -> Option<Type> {
        let row = |index| self.fields + FIELD * index;
        let first = usize::from(self.at(Self::row(of) + 2));
        let end = usize::from(self.at(Self::row(of) + TYPE + 2));
        match search(first..end, |index| self.bytes_of(self.at(row(index))).cmp(name.as_bytes())) {
            Some(index) => self.some_type(row(index) + 2),
            None => self.some_type(Self::row(of) + 6),
        }
    }

    /// The type of the elements of a list.
    pub(super) fn items(&self, of: Type) -> Option<Type> {
        self.some_type(Self::row(of) + 4)
    }

    /// The keys by which the elements of this list are merged; nothing for lists that a patch replaces as a whole.
    pub(super) fn merge_keys(&self, of: Type) -> Option<impl Iterator<Item = &'static str>> {
        let merge = self.at(Self::row(of) + 8);
        let row = self.merges + MERGE * usize::from(merge);
        let keys = [self.at(row), self.at(row + 2)].into_iter().filter(|key| *key != NONE);
        (merge != NONE).then(|| keys.map(|key| self.string(key)))
    }

    fn row(of: Type) -> usize {
        HEADER + TYPE * usize::from(of.0)
    }

    fn some_type(&self, position: usize) -> Option<Type> {
        let index = self.at(position);
        (index != NONE).then_some(Type(index))
    }

    fn at(&self, position: usize) -> u16 {
        number(self.bytes, position)
    }

    fn string(&self, index: u16) -> &'static str {
        std::str::from_utf8(self.bytes_of(index)).unwrap_or_default()
    }

    fn bytes_of(&self, index: u16) -> &'static [u8] {
        let offset = |index: usize| {
            let position = self.offsets + OFFSET * index;
            let bytes = self.bytes.get(position..position + OFFSET).and_then(|bytes| bytes.try_into().ok());
            self.text + usize::try_from(u32::from_le_bytes(bytes.unwrap_or_default())).unwrap_or(0)
        };
        let range = offset(index.into())..offset(usize::from(index) + 1);
        self.bytes.get(range).unwrap_or_default()
    }
}

/// The 16-bit number at this position; [`NONE`] outside the table.
fn number(bytes: &[u8], position: usize) -> u16 {
    match bytes.get(position..position + 2) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]),
        _ => NONE,
    }
}

/// Binary search over row numbers.
fn search(rows: Range<usize>, compare: impl Fn(usize) -> Ordering) -> Option<usize> {
    let (mut low, mut high) = (rows.start, rows.end);
    while low < high {
        let middle = low.midpoint(high);
        match compare(middle) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Some(middle),
        }
    }
    None
}
