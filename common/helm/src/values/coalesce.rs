//! The values that a chart is rendered with: what users set over the defaults of the chart and of its subcharts.

use flux_yaml::{Text, Value};

use super::display::as_boolean;
use super::tables::{Slot, TableId, Tables};
use crate::chart::Chart;

/// Key of the values that every chart sees.
const GLOBAL: &str = "global";

/// What a null does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It deletes the default.
    Coalesce,
    /// It is kept, for a coalescing to come.
    Merge,
}

/// Why values and charts do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoalesceError {
    /// The values of a subchart are not a table.
    #[error("type mismatch on {chart}: {value}")]
    TypeMismatch {
        /// Name of the subchart.
        chart: String,
        /// Its values, as Go's `%t` prints them.
        value: String,
    },
}

/// Puts values over the defaults of a chart and its subcharts, in place; `values` must not be shared with anything.
///
/// # Errors
/// [`CoalesceError::TypeMismatch`].
pub fn coalesce(
    chart: &Chart,
    tables: &mut Tables,
    values: TableId,
    mode: Mode,
) -> Result<(), CoalesceError> {
    defaults(chart, tables, values, mode);
    subcharts(chart, tables, values, mode)
}

fn defaults(chart: &Chart, tables: &mut Tables, values: TableId, mode: Mode) {
    for (key, default) in chart.values.iter() {
        match (tables.get(values, key).cloned(), default) {
            (Some(Slot::Leaf(Value::Null)), _) if mode == Mode::Coalesce => tables.remove(values, key),
            (Some(Slot::Table(own)), Value::Object(members)) => {
                let is_subchart = chart.dependencies.iter().any(|subchart| subchart.name() == key.as_str());
                let mode = if is_subchart { Mode::Merge } else { mode };
                let added = tables.add(members);
                if mode == Mode::Coalesce {
                    remove_nulls(tables, added);
                }
                tables.merge(own, added, mode);
            }
            (Some(_), _) => {}
            (None, Value::Null) if mode == Mode::Coalesce => {}
            (None, default) => {
                let slot = tables.slot(default);
                if let (Slot::Table(added), Mode::Coalesce) = (&slot, mode) {
                    remove_nulls(tables, *added);
                }
                tables.set(values, key, slot);
            }
        }
    }
}

fn subcharts(chart: &Chart, tables: &mut Tables, values: TableId, mode: Mode) -> Result<(), CoalesceError> {
    for subchart in &chart.dependencies {
        let own = match tables.get(values, subchart.name()) {
            Some(Slot::Table(own)) => *own,
            Some(Slot::Leaf(value)) => {
                let (chart, value) = (subchart.name().to_owned(), as_boolean(value));
                return Err(CoalesceError::TypeMismatch { chart, value });
            }
            None => {
                let own = tables.new_table();
                tables.set(values, &Text::from(subchart.name()), Slot::Table(own));
                own
            }
        };
        hand_down_globals(tables, values, own);
        coalesce(subchart, tables, own, mode)?;
    }
    Ok(())
}

/// Gives a subchart the globals of its parent, over its own.
fn hand_down_globals(tables: &mut Tables, parent: TableId, child: TableId) {
    let own = match tables.get(child, GLOBAL) {
        None => tables.new_table(),
        Some(Slot::Table(own)) => *own,
        Some(Slot::Leaf(_)) => return,
    };
    let handed = match tables.get(parent, GLOBAL) {
        None => Vec::new(),
        Some(Slot::Table(globals)) => tables.snapshot(*globals),
        Some(Slot::Leaf(_)) => return,
    };
    for (key, slot) in handed {
        match (slot, tables.get(own, &key).cloned()) {
            (Slot::Table(above), below) => {
                // the tables inside stay shared with the parent
                let copy = tables.shallow_copy(above);
                match below {
                    None => {}
                    Some(Slot::Table(below)) => tables.merge(copy, below, Mode::Merge),
                    Some(Slot::Leaf(_)) => continue,
                }
                tables.set(own, &key, Slot::Table(copy));
            }
            (Slot::Leaf(_), Some(Slot::Table(_))) => {}
            (Slot::Leaf(value), _) => tables.set(own, &key, Slot::Leaf(value)),
        }
    }
    tables.set(child, &Text::from(GLOBAL), Slot::Table(own));
}

impl Tables {
    /// Adds to `into` what only `from` has. A null in `into` hides what `from` has; in [`Mode::Coalesce`] it goes away
    /// together with what it hides. `from` is changed as well, as in Helm.
    pub(crate) fn merge(&mut self, into: TableId, from: TableId, mode: Mode) {
        let before = self.snapshot(from);
        for (key, slot) in self.snapshot(into).into_iter().filter(|(_, slot)| slot.is_null()) {
            self.set(from, &key, slot);
        }
        for (key, slot) in before {
            match (self.get(into, &key).cloned(), slot) {
                (None, slot) => self.set(into, &key, slot),
                (Some(Slot::Table(into)), Slot::Table(from)) => self.merge(into, from, mode),
                (Some(own), hidden) => {
                    if own.is_null() && !hidden.is_null() && mode == Mode::Coalesce {
                        self.remove(into, &key);
                    }
                }
            }
        }
    }
}

/// Nulls among a chart's defaults delete nothing: they go away.
fn remove_nulls(tables: &mut Tables, table: TableId) {
    for (key, slot) in tables.snapshot(table) {
        match slot {
            Slot::Leaf(Value::Null) => tables.remove(table, &key),
            Slot::Leaf(_) => {}
            Slot::Table(inner) => remove_nulls(tables, inner),
        }
    }
}
