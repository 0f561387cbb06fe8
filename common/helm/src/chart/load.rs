//! From the files of a chart to the chart.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::archive::{Budget, read};
use super::error::Error;
use super::metadata::Unchecked;
use super::path::extension;
use super::{Chart, File, lock};
use crate::values;

/// What is found outside Chart.yaml.
#[derive(Default)]
struct Contents {
    chart: Chart,
    metadata: Option<Unchecked>,
    /// Files below `charts/`, without that element, by their first one.
    subcharts: BTreeMap<String, Vec<File>>,
}

/// A chart from its files, in the order of the archive.
pub(super) fn load(files: Vec<File>, budget: &mut Budget, depth: usize) -> Result<Chart, Error> {
    if depth > budget.limits.depth {
        return Err(Error::TooDeep(budget.limits.depth));
    }
    let mut contents = Contents::default();
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        let metadata = contents.metadata.get_or_insert_default();
        let decoded = metadata.add(&file.data);
        decoded.map_err(|source| Error::Decode { file: "Chart.yaml", source })?;
        metadata.default_api_version();
        contents.chart.modified = file.modified;
    }
    for file in files {
        contents.add(file)?;
    }
    let Contents { mut chart, metadata, subcharts } = contents;
    chart.metadata = metadata.ok_or(Error::NoMetadata)?.check()?;
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let subchart = load_subchart(&name, files, chart.name(), budget, depth + 1)?;
        chart.dependencies.push(Arc::new(subchart));
    }
    Ok(chart)
}

impl Contents {
    /// Puts a file where it belongs.
    fn add(&mut self, file: File) -> Result<(), Error> {
        let chart = &mut self.chart;
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => chart.lock = read_lock(&file, "Chart.lock")?,
            "values.yaml" => chart.values = Arc::new(values::read(&file.data).map_err(Error::Values)?),
            "values.schema.json" => chart.schema = Some(file),
            "requirements.yaml" => {
                let metadata = self.metadata.get_or_insert_default();
                let decoded = metadata.add(&file.data);
                decoded.map_err(|source| Error::Decode { file: "requirements.yaml", source })?;
                self.keep_if_v1(file);
            }
            "requirements.lock" => {
                chart.lock = read_lock(&file, "requirements.lock")?;
                self.metadata.get_or_insert_default();
                self.keep_if_v1(file);
            }
            name if name.starts_with("templates/") => chart.templates.push(file),
            name if name.starts_with("charts/") && extension(name) != ".prov" => {
                let name = name.strip_prefix("charts/").unwrap_or_default().to_owned();
                let first = name.split('/').next().unwrap_or_default().to_owned();
                self.subcharts.entry(first).or_default().push(File { name, ..file });
            }
            _ => chart.files.push(file),
        }
        Ok(())
    }

    /// Files that API version 1 has beside Chart.yaml stay visible to its templates.
    fn keep_if_v1(&mut self, file: File) {
        if self.metadata.as_ref().is_some_and(|metadata| metadata.api_version() == "v1") {
            self.chart.files.push(file);
        }
    }
}

fn read_lock(file: &File, name: &'static str) -> Result<Option<lock::Lock>, Error> {
    lock::parse(&file.data).map_err(|source| Error::Decode { file: name, source })
}

/// A chart below `charts/`: an archive, or the files of a directory.
fn load_subchart(
    name: &str,
    files: Vec<File>,
    parent: &str,
    budget: &mut Budget,
    depth: usize,
) -> Result<Chart, Error> {
    let loaded = if extension(name) == ".tgz" {
        let Some(file) = files.first().filter(|file| file.name == name) else {
            let got = files.into_iter().next().map(|file| file.name).unwrap_or_default();
            return Err(Error::SubchartName { parent: parent.to_owned(), expected: name.to_owned(), got });
        };
        read(&file.data, budget).and_then(|files| load(files, budget, depth))
    } else {
        // plain files directly in `charts/` are no charts: their load finds no Chart.yaml
        let inside = files.into_iter().filter_map(|file| {
            let (_, rest) = file.name.split_once('/')?;
            Some(File { name: rest.to_owned(), ..file })
        });
        load(inside.collect(), budget, depth)
    };
    loaded.map_err(|source| Error::Subchart {
        name: name.to_owned(),
        parent: parent.to_owned(),
        source: Box::new(source),
    })
}
