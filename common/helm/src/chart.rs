//! Charts: what an archive or a directory of files says.

mod archive;
mod crd;
mod dependencies;
mod detect;
mod directory;
mod error;
mod ignore;
mod import;
mod load;
mod lock;
mod metadata;
mod path;

use std::sync::Arc;

use flux_yaml::Object;
use jiff::Timestamp;

use crate::value::Text;

pub use archive::Limits;
pub use crd::CustomResources;
pub(crate) use dependencies::is_compatible;
pub use error::Error;
pub use ignore::{IgnoreRules, InvalidRule};
pub use lock::Lock;
pub use metadata::{Dependency, ImportValue, Maintainer, Metadata, Validation};
pub(crate) use path::base;

/// A chart with its subcharts.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What Chart.yaml says.
    pub metadata: Metadata,
    /// What Chart.lock (or requirements.lock) says.
    pub lock: Option<Lock>,
    /// Everything below `templates/`.
    pub templates: Vec<File>,
    /// The defaults: values.yaml, its documents merged. All numbers are floats.
    pub values: Arc<Object>,
    /// values.schema.json, as it is.
    pub schema: Option<File>,
    /// All other files, `crds/` among them.
    pub files: Vec<File>,
    /// When Chart.yaml was last modified.
    pub modified: Option<Timestamp>,
    /// The charts below `charts/`; [`Chart::process_dependencies`] drops what is switched off.
    pub dependencies: Vec<Arc<Self>>,
}

/// A file of a chart; a clone shares its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path in the chart, with slashes.
    pub name: String,
    /// What is in it, without a leading byte order mark.
    pub data: Text,
    /// When it was last modified, where that is known.
    pub modified: Option<Timestamp>,
}

impl Chart {
    /// Name of the chart, or its alias once dependencies are processed.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether the chart only lends definitions to others.
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }
}
