//! The turns of a loop.

use crate::value::{Arena, List, ListType, MapType, Text, Value};

use super::render::Held;

/// What is left of a loop.
#[derive(Debug, Default)]
pub(super) enum Turns {
    #[default]
    None,
    /// Integers of one type from 0.
    Integers {
        kind: Integers,
        next: i64,
        count: i64,
    },
    List {
        list: List,
        next: usize,
    },
    Bytes {
        text: Text,
        next: usize,
    },
    Map {
        kind: MapType,
        entries: std::vec::IntoIter<(Text, Value)>,
        count: usize,
    },
}

/// Type of the integers of a loop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Integers {
    Int,
    Int64,
    Int32,
    Uint8,
    Uint32,
    Uint64,
}

impl Turns {
    /// The turns over a value; none for what cannot be ranged over.
    pub(super) fn over(value: &Value, arena: &Arena) -> Option<Self> {
        let integers = |kind, count| Some(Self::Integers { kind, next: 0, count });
        match value {
            Value::Nil => Some(Self::None),
            Value::Int(count) => integers(Integers::Int, *count),
            Value::Int64(count) => integers(Integers::Int64, *count),
            Value::Int32(count) => integers(Integers::Int32, i64::from(*count)),
            Value::Uint8(count) => integers(Integers::Uint8, i64::from(*count)),
            Value::Uint32(count) => integers(Integers::Uint32, i64::from(*count)),
            Value::Uint64(count) => integers(Integers::Uint64, i64::try_from(*count).unwrap_or(i64::MAX)),
            Value::List(list) => Some(Self::List { list: *list, next: 0 }),
            Value::Bytes(text) => Some(Self::Bytes { text: text.clone(), next: 0 }),
            Value::Map(map) => {
                let entries: Vec<_> =
                    arena.map(*map).entries().map(|(key, value)| (key.clone(), value.clone())).collect();
                let count = entries.len();
                Some(Self::Map { kind: map.kind(), entries: entries.into_iter(), count })
            }
            Value::Bool(_)
            | Value::Float64(_)
            | Value::String(_)
            | Value::Time(_)
            | Value::Version(_)
            | Value::Struct(_) => None,
        }
    }

    /// How many turns there are at the start.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Integers { count, .. } => usize::try_from(*count).unwrap_or(0),
            Self::List { list, .. } => list.len(),
            Self::Bytes { text, .. } => text.len(),
            Self::Map { count, .. } => *count,
        }
    }

    /// Index or key, and the item.
    pub(super) fn next(&mut self, arena: &Arena) -> (Held, Held) {
        match self {
            Self::None => (Held::default(), Held::default()),
            Self::Integers { kind, next, .. } => {
                let value = kind.value(*next);
                *next += 1;
                (Held::default(), Held::of(value))
            }
            Self::List { list, next } => {
                let is_interface = matches!(list.kind(), ListType::Any);
                let value = arena.items(*list).get(*next).cloned().unwrap_or_default();
                (Held::of(index(next)), Held { value, is_interface })
            }
            Self::Bytes { text, next } => {
                let value = Value::Uint8(text.get(*next).copied().unwrap_or_default());
                (Held::of(index(next)), Held::of(value))
            }
            Self::Map { kind, entries, .. } => {
                let (key, value) = entries.next().unwrap_or_default();
                (Held::of(Value::String(key)), Held { value, is_interface: kind.takes_any() })
            }
        }
    }
}

fn index(next: &mut usize) -> Value {
    let index = Value::Int(i64::try_from(*next).unwrap_or(i64::MAX));
    *next += 1;
    index
}

impl Integers {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    #[expect(clippy::allow_attributes_without_reason)]
    const fn value(self, number: i64) -> Value {
        match self {
            Self::Int => Value::Int(number),
            Self::Int64 => Value::Int64(number),
            Self::Int32 => Value::Int32(number as i32),
            Self::Uint8 => Value::Uint8(number as u8),
            Self::Uint32 => Value::Uint32(number as u32),
            Self::Uint64 => Value::Uint64(number as u64),
        }
    }
}
