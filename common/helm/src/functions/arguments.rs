//! Arguments by their types.

use std::borrow::Cow;
use std::sync::Arc;

use flux_gotext::GoTime;

use crate::value::{List, MapId, MapType, StructId, Text, Value};

/// The arguments of a call, which fit the parameters of its function. Missing ones and those of other types read as the
/// zero of the type asked for, as nil does in Go.
pub(super) trait Arguments {
    /// The values.
    fn all(&self) -> &[Value];

    /// Those from a place on: the variadic ones.
    fn from(&self, index: usize) -> &[Value] {
        self.all().get(index..).unwrap_or_default()
    }

    fn any(&self, index: usize) -> &Value {
        self.all().get(index).unwrap_or(&Value::Nil)
    }

    fn text(&self, index: usize) -> &[u8] {
        match self.any(index) {
            Value::String(text) => text,
            _ => &[],
        }
    }

    fn shared_text(&self, index: usize) -> Text {
        match self.any(index) {
            Value::String(text) => text.clone(),
            _ => Text::default(),
        }
    }

    /// A text that Go would read as UTF-8, with U+FFFD for what is none.
    fn string(&self, index: usize) -> Cow<'_, str> {
        String::from_utf8_lossy(self.text(index))
    }

    fn int(&self, index: usize) -> i64 {
        match self.any(index) {
            Value::Int(value) => *value,
            _ => 0,
        }
    }

    fn uint32(&self, index: usize) -> u32 {
        match self.any(index) {
            Value::Uint32(value) => *value,
            _ => 0,
        }
    }

    fn boolean(&self, index: usize) -> bool {
        matches!(self.any(index), Value::Bool(true))
    }

    /// A map, or nothing for nil.
    fn map(&self, index: usize) -> Option<MapId> {
        match self.any(index) {
            // whatever goes through a parameter is of its type
            Value::Map(id) => Some(id.seen_as(MapType::Any)),
            _ => None,
        }
    }

    /// A list, or nothing for nil.
    fn list(&self, index: usize) -> Option<List> {
        match self.any(index) {
            Value::List(list) => Some(*list),
            _ => None,
        }
    }

    fn time(&self, index: usize) -> Arc<GoTime> {
        match self.any(index) {
            Value::Time(time) => Arc::clone(time),
            _ => Arc::new(GoTime::zero()),
        }
    }

    fn structure(&self, index: usize) -> Option<StructId> {
        match self.any(index) {
            Value::Struct(id) => Some(*id),
            _ => None,
        }
    }
}

impl Arguments for [Value] {
    fn all(&self) -> &[Value] {
        self
    }
}
