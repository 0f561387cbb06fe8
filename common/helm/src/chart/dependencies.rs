//! Which subcharts are on, and under which names.

use std::collections::BTreeSet;
use std::sync::Arc;

use flux_gotext::{Constraint, Version};
use flux_yaml::{Object, Value};

use super::error::Error;
use super::{Chart, Dependency};
use crate::values::{Mode, TableId, Tables, coalesce};

impl Chart {
    /// Drops the subcharts that tags and conditions switch off, renames those with an alias, and takes over the values
    /// that dependencies export. Must run once before rendering; running it again changes nothing.
    ///
    /// # Errors
    /// [`Error::Coalesce`].
    pub fn process_dependencies(&mut self, values: &Object) -> Result<(), Error> {
        let mut tables = Tables::default();
        let values = tables.add(values);
        self.enable_dependencies(&tables, values, "")?;
        self.import_values()
    }

    /// One level of [`Self::process_dependencies`]: `path` is where the conditions of this chart start.
    fn enable_dependencies(&mut self, given: &Tables, values: TableId, path: &str) -> Result<(), Error> {
        let Some(mut declared) = self.metadata.dependencies.take() else { return Ok(()) };
        self.dependencies = instances(&self.dependencies, &mut declared);
        let mut tables = Tables::default();
        let values = tables.add(&given.to_object(values));
        coalesce(self, &mut tables, values, Mode::Coalesce)?;

        for dependency in &mut declared {
            let enabled = by_tags(dependency, &tables, values);
            dependency.enabled = by_conditions(dependency, &tables, values, path).unwrap_or(enabled);
        }
        let off: BTreeSet<&str> =
            declared.iter().filter(|dependency| !dependency.enabled).map(|off| off.name.as_str()).collect();
        self.dependencies.retain(|chart| !off.contains(chart.name()));
        for chart in &mut self.dependencies {
            let path = format!("{path}{}.", chart.name());
            Arc::make_mut(chart).enable_dependencies(&tables, values, &path)?;
        }
        let off: BTreeSet<String> = off.into_iter().map(str::to_owned).collect();
        declared.retain(|dependency| !off.contains(&dependency.name));
        self.metadata.dependencies = (!declared.is_empty()).then_some(declared);
        Ok(())
    }
}

/// The charts that nobody declared, and one for each declaration that a chart fits, under its alias. The declarations take
/// the names of their aliases.
fn instances(charts: &[Arc<Chart>], declared: &mut [Dependency]) -> Vec<Arc<Chart>> {
    let is_declared = |chart: &&Arc<Chart>| declared.iter().any(|dependency| fits(dependency, chart));
    let mut instances: Vec<_> = charts.iter().filter(|chart| !is_declared(chart)).map(Arc::clone).collect();
    for dependency in declared {
        if let Some(chart) = charts.iter().find(|chart| fits(dependency, chart)) {
            let mut chart = Arc::clone(chart);
            if !dependency.alias.is_empty() {
                Arc::make_mut(&mut chart).metadata.name.clone_from(&dependency.alias);
            }
            instances.push(chart);
        }
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
    }
    instances
}

fn fits(dependency: &Dependency, chart: &Chart) -> bool {
    chart.name() == dependency.name && is_compatible(&dependency.version, &chart.metadata.version)
}

/// Whether a version lies in a range; not, if either cannot be read.
pub(crate) fn is_compatible(range: &str, version: &str) -> bool {
    let (Ok(version), Ok(range)) = (version.parse::<Version>(), range.parse::<Constraint>()) else {
        return false;
    };
    range.admits(&version)
}

/// Off only if no tag is on and one is off.
fn by_tags(dependency: &Dependency, tables: &Tables, values: TableId) -> bool {
    let Some(tags) = tables.table(values, "tags") else { return true };
    let set = dependency.tags.iter().filter_map(|tag| match tables.value_at(tags, tag) {
        Some(Value::Bool(on)) => Some(*on),
        _ => None,
    });
    let set: Vec<bool> = set.collect();
    set.is_empty() || set.contains(&true)
}

/// What the first condition that is a boolean says.
fn by_conditions(dependency: &Dependency, tables: &Tables, values: TableId, path: &str) -> Option<bool> {
    let conditions = dependency.condition.trim().split(',').filter(|condition| !condition.is_empty());
    conditions.into_iter().find_map(|condition| {
        match tables.value_at(values, &format!("{path}{condition}")) {
            Some(Value::Bool(on)) => Some(*on),
            _ => None,
        }
    })
}
