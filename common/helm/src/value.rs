//! Values of templates: those of Go, with the types that templates can tell apart.
//!
//! Maps and lists live in an [`Arena`], one for each render, and values refer to them by number: functions change maps
//! that other values share, and a map may even hold itself. Texts are bytes, since templates cut characters in two.

mod arena;
mod kind;
mod text;

use std::sync::Arc;

use flux_gotext::{GoTime, Version};

pub use arena::{Arena, Hint, List, ListId, Map, MapId, Struct, StructId};
pub use kind::{Kind, ListType, MapType};
pub use text::Text;

/// A Go value, as an empty interface holds it.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value at all: `nil`.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int64`
    Int64(i64),
    /// `int32`
    Int32(i32),
    /// `uint8`
    Uint8(u8),
    /// `uint32`
    Uint32(u32),
    /// `uint64`
    Uint64(u64),
    /// `float64`
    Float64(f64),
    /// `string`
    String(Text),
    /// `[]byte`, which no template changes
    Bytes(Text),
    /// Any other slice.
    List(List),
    /// A map.
    Map(MapId),
    /// `time.Time`
    Time(Arc<GoTime>),
    /// `*semver.Version`
    Version(Arc<Version>),
    /// Another struct, or a pointer to one.
    Struct(StructId),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::String(text.into())
    }

    /// Whether this is nil itself; nil maps and lists are values with a type.
    pub const fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::String(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(text: Vec<u8>) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<MapId> for Value {
    fn from(map: MapId) -> Self {
        Self::Map(map)
    }
}
