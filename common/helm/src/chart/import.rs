//! Values that a chart takes over from its dependencies.

use std::sync::Arc;

use flux_yaml::{Text, Value};

use super::error::Error;
use super::{Chart, ImportValue};
use crate::values::{Mode, Slot, TableId, Tables, coalesce, display};

impl Chart {
    /// Merges what `import-values` name into the defaults, from the innermost charts outwards. The defaults of a chart
    /// with dependencies then hold those of its subcharts too.
    pub(super) fn import_values(&mut self) -> Result<(), Error> {
        for chart in &mut self.dependencies {
            Arc::make_mut(chart).import_values()?;
        }
        let Some(mut dependencies) = self.metadata.dependencies.take() else { return Ok(()) };
        let mut tables = Tables::default();
        let values = tables.new_table();
        let merged = coalesce(self, &mut tables, values, Mode::Merge);
        let imported = tables.new_table();
        for dependency in &mut dependencies {
            let mut resolved = Vec::new();
            for import in &dependency.import_values {
                let Some((child, parent)) = paths(import) else { continue };
                if let Some(table) = tables.table_at(values, &format!("{}.{child}", dependency.name)) {
                    let nested = nest(&mut tables, &parent, table);
                    tables.merge(imported, nested, Mode::Merge);
                }
                resolved.push(ImportValue::Resolved { child, parent });
            }
            dependency.import_values = resolved;
        }
        self.metadata.dependencies = Some(dependencies);
        merged?;
        let values = tables.to_object(values);
        let values = tables.add(&values);
        tables.merge(values, imported, Mode::Merge);
        self.values = Arc::new(tables.to_object(values));
        Ok(())
    }
}

/// Paths in the child's and in the parent's values.
fn paths(import: &ImportValue) -> Option<(String, String)> {
    match import {
        ImportValue::Declared(Value::String(name)) => Some((format!("exports.{name}"), ".".to_owned())),
        ImportValue::Declared(Value::Object(members)) => {
            let text = |key| display(members.get(key).unwrap_or(&Value::Null));
            Some((text("child"), text("parent")))
        }
        // what is resolved has been imported before
        ImportValue::Declared(_) | ImportValue::Resolved { .. } => None,
    }
}

/// Tables around a table, so that it stands at this path.
fn nest(tables: &mut Tables, path: &str, table: TableId) -> TableId {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |inner, key| {
        let outer = tables.new_table();
        tables.set(outer, &Text::from(key), Slot::Table(inner));
        outer
    })
}
