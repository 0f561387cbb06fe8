//! The definitions below `crds/`, which are applied before anything is rendered.

use super::path::extension;
use super::{Chart, File};

/// A file below `crds/` of a chart or a subchart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomResources {
    /// Path of the file with the charts around it: `root/charts/sub/crds/a.yaml`.
    pub path: String,
    /// The file.
    pub file: File,
}

impl Chart {
    /// Files below `crds/` that hold manifests: the chart's own, then those of its subcharts, in order.
    pub fn custom_resources(&self) -> Vec<CustomResources> {
        let mut found = Vec::new();
        self.collect(self.name(), &mut found);
        found
    }

    fn collect(&self, path: &str, into: &mut Vec<CustomResources>) {
        let files =
            self.files.iter().filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name));
        into.extend(
            files.map(|file| CustomResources { path: format!("{path}/{}", file.name), file: file.clone() }),
        );
        for chart in &self.dependencies {
            chart.collect(&format!("{path}/charts/{}", chart.name()), into);
        }
    }
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|suffix| extension(name).eq_ignore_ascii_case(suffix))
}
