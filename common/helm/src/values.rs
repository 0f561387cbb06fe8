//! Values: what users set, and what charts have by default.
//!
//! Values are [`flux_yaml::Value`]s. Numbers that come from YAML or JSON are floats, as Go's JSON decoder makes them;
//! integers come from `--set` alone.

mod coalesce;
mod display;
mod read;
mod schema;
mod set;
mod tables;

pub use coalesce::{CoalesceError, Mode, coalesce};
pub use read::{ReadError, from_json, merge, read};
pub use schema::{NoSchemas, SchemaError, SchemaLoader, validate};
pub use set::{SetError, set, set_json, set_literal, set_string};
pub use tables::{Slot, TableId, Tables};

pub(crate) use display::display;
