//! Kinds and names of types.

use super::{Arena, Value};

/// Go's `reflect.Kind`, as far as templates meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// nil
    Invalid,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `int32`
    Int32,
    /// `uint8`
    Uint8,
    /// `uint32`
    Uint32,
    /// `uint64`
    Uint64,
    /// `float64`
    Float64,
    /// `string`
    String,
    /// Any slice.
    Slice,
    /// Any map.
    Map,
    /// A struct.
    Struct,
    /// A pointer to a struct.
    Ptr,
}

/// Types of slices other than `[]byte`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListType {
    /// `[]interface {}`
    Any,
    /// `[]string`
    String,
    /// `[]int`
    Int,
    /// `[][]interface {}`
    Lists,
    /// `[]map[string]interface {}`
    Maps,
    /// `common.VersionSet`, a slice of strings
    VersionSet,
}

impl ListType {
    /// The name that `%T` prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "[]interface {}",
            Self::String => "[]string",
            Self::Int => "[]int",
            Self::Lists => "[][]interface {}",
            Self::Maps => "[]map[string]interface {}",
            Self::VersionSet => "common.VersionSet",
        }
    }
}

/// Types of maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapType {
    /// `map[string]interface {}`
    Any,
    /// `common.Values`, the same under another name
    Values,
    /// `map[string]string`
    String,
    /// `engine.files`, a map from string to `[]byte`
    Files,
}

impl MapType {
    /// The name that `%T` prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "map[string]interface {}",
            Self::Values => "common.Values",
            Self::String => "map[string]string",
            Self::Files => "engine.files",
        }
    }

    /// Whether any value may stand in such a map.
    pub const fn takes_any(self) -> bool {
        matches!(self, Self::Any | Self::Values)
    }
}

impl Value {
    /// The kind, as `kindOf` tells it.
    pub fn kind(&self, arena: &Arena) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int64(_) => Kind::Int64,
            Self::Int32(_) => Kind::Int32,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint32(_) => Kind::Uint32,
            Self::Uint64(_) => Kind::Uint64,
            Self::Float64(_) => Kind::Float64,
            Self::String(_) => Kind::String,
            Self::Bytes(_) | Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Time(_) => Kind::Struct,
            Self::Version(_) => Kind::Ptr,
            Self::Struct(id) => {
                let is_pointer = arena.structure(*id).is_some_and(|structure| structure.is_pointer);
                if is_pointer { Kind::Ptr } else { Kind::Struct }
            }
        }
    }

    /// The name of the type, as `%T` prints it.
    pub fn type_name(&self, arena: &Arena) -> String {
        match self {
            Self::Nil => "<nil>".to_owned(),
            Self::Bool(_)
            | Self::Int(_)
            | Self::Int64(_)
            | Self::Int32(_)
            | Self::Uint8(_)
            | Self::Uint32(_)
            | Self::Uint64(_)
            | Self::Float64(_)
            | Self::String(_) => self.kind(arena).to_string(),
            Self::Bytes(_) => "[]uint8".to_owned(),
            Self::List(list) => list.kind().name().to_owned(),
            Self::Map(id) => id.kind().name().to_owned(),
            Self::Time(_) => "time.Time".to_owned(),
            Self::Version(_) => "*semver.Version".to_owned(),
            Self::Struct(id) => arena.structure(*id).map_or_else(String::new, |structure| {
                let star = if structure.is_pointer { "*" } else { "" };
                format!("{star}{}", structure.type_name)
            }),
        }
    }
}

impl Value {
    /// Names and values of a struct's fields.
    pub fn fields(&self, arena: &Arena) -> Vec<(&'static str, Self)> {
        match self {
            Self::Struct(id) => {
                arena.structure(*id).map_or_else(Vec::new, |structure| structure.fields.clone())
            }
            Self::Version(version) => vec![
                ("major", Self::Uint64(version.major())),
                ("minor", Self::Uint64(version.minor())),
                ("patch", Self::Uint64(version.patch())),
                ("pre", version.pre_release().into()),
                ("metadata", version.metadata().into()),
                ("original", version.original().into()),
            ],
            _ => Vec::new(),
        }
    }
}
