//! What templates are rendered with: a chart whose dependencies are settled, its values, the release and the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_yaml::{Object, Text, Value};

use crate::capabilities::Capabilities;
use crate::chart::{self, Chart, Dependency, File, ImportValue, Metadata, base, is_compatible};
use crate::values::{CoalesceError, Mode, SchemaError, SchemaLoader, TableId, Tables, coalesce, validate};

/// The release that a chart is rendered for: `.Release`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseContext {
    /// Name of the release.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// 1 for an installation, even if it takes the place of another, else one more than the last.
    pub revision: u32,
    /// What is going on.
    pub action: Action,
}

/// What a release is rendered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `.Release.IsInstall`
    Install,
    /// `.Release.IsUpgrade`
    Upgrade,
}

/// Everything that templates are rendered with.
#[derive(Clone, Debug)]
pub struct RenderInput {
    /// The chart with those subcharts that are on.
    pub chart: Chart,
    /// The coalesced values; [`Self::root`] is `.Values` of the chart itself.
    pub tables: Tables,
    /// `.Values`
    pub root: TableId,
    /// `.Release`
    pub release: ReleaseContext,
    /// `.Capabilities`
    pub capabilities: Capabilities,
}

/// Why a chart cannot be rendered with these values, in Helm's words.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Tags, conditions or imports could not be settled.
    #[error("chart dependencies processing failed")]
    Dependencies(#[source] chart::Error),
    /// Values of a subchart are no table.
    #[error(transparent)]
    Coalesce(#[from] CoalesceError),
    /// The values do not fit the schemas.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The chart is not made for this version of Kubernetes.
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {found}")]
    KubeVersion {
        /// Range of the chart.
        wanted: String,
        /// Version of the server.
        found: String,
    },
}

/// A template of a chart or a subchart.
#[derive(Clone, Debug)]
pub struct ChartTemplate<'a> {
    /// Path with the charts around it: `root/charts/sub/templates/a.yaml`.
    pub path: String,
    /// `.Template.BasePath`: `root/charts/sub/templates`.
    pub base_path: String,
    /// Path of its chart: `root/charts/sub`.
    pub chart_path: String,
    /// Its text.
    pub file: &'a File,
}

impl ChartTemplate<'_> {
    /// Whether it only defines what others use.
    pub fn is_partial(&self) -> bool {
        base(&self.path).starts_with('_')
    }
}

impl RenderInput {
    /// Settles the dependencies of a chart, puts what the user set over its defaults, and checks the outcome: against the
    /// schemas, unless there is no loader for them, and the version of Kubernetes.
    ///
    /// # Errors
    /// [`PrepareError`].
    pub fn prepare(
        mut chart: Chart,
        values: &Object,
        release: ReleaseContext,
        capabilities: Capabilities,
        schemas: Option<&Arc<dyn SchemaLoader>>,
    ) -> Result<Self, PrepareError> {
        chart.process_dependencies(values).map_err(PrepareError::Dependencies)?;
        let mut tables = Tables::default();
        let root = tables.add(values);
        coalesce(&chart, &mut tables, root, Mode::Coalesce)?;
        if let Some(loader) = schemas {
            validate(&chart, &tables.to_object(root), loader)?;
        }
        let wanted = &chart.metadata.kube_version;
        let version = &capabilities.kube_version;
        if !wanted.is_empty() && !is_compatible(wanted, &version.to_string()) {
            let (wanted, found) = (wanted.clone(), version.version.clone());
            return Err(PrepareError::KubeVersion { wanted, found });
        }
        Ok(Self { chart, tables, root, release, capabilities })
    }

    /// The templates in the order in which they are parsed and run: the deepest first, and from Z to A. Of library charts
    /// there are only partials.
    pub fn templates(&self) -> Vec<ChartTemplate<'_>> {
        let mut found = BTreeMap::new();
        collect(&self.chart, self.chart.name(), &mut found);
        let mut templates: Vec<_> = found.into_values().collect();
        templates.sort_by_cached_key(|template| {
            std::cmp::Reverse((template.path.matches('/').count(), template.path.clone()))
        });
        templates
    }

    /// `.Values` of a subchart: what its parent's hold under its name, if that is a table.
    pub fn values_of(&self, parent: TableId, subchart: &str) -> Option<TableId> {
        self.tables.table_at(parent, subchart)
    }
}

fn collect<'a>(chart: &'a Chart, path: &str, into: &mut BTreeMap<String, ChartTemplate<'a>>) {
    for subchart in &chart.dependencies {
        collect(subchart, &format!("{path}/charts/{}", subchart.name()), into);
    }
    let templates = chart.templates.iter();
    for file in templates.filter(|file| !chart.is_library() || base(&file.name).starts_with('_')) {
        let template = ChartTemplate {
            path: format!("{path}/{}", file.name),
            base_path: format!("{path}/templates"),
            chart_path: path.to_owned(),
            file,
        };
        into.insert(template.path.clone(), template);
    }
}

/// Takes the notes out of what was rendered: files whose path ends with `NOTES.txt` are no manifests. Those of the chart
/// itself are the notes of the release.
pub fn take_notes(files: &mut BTreeMap<String, String>, chart: &str) -> String {
    let notes = files.remove(&format!("{chart}/templates/NOTES.txt")).unwrap_or_default();
    files.retain(|path, _| !path.ends_with("NOTES.txt"));
    notes
}

impl Metadata {
    /// `.Chart` but for `Annotations`, which has a type of its own (a map of texts), and `IsRoot`.
    pub fn to_object(&self) -> Object {
        let maintainers = self.maintainers.iter().map(|maintainer| {
            object([
                ("Name", text(&maintainer.name)),
                ("Email", text(&maintainer.email)),
                ("URL", text(&maintainer.url)),
            ])
        });
        let dependencies = self.dependencies.iter().flatten().map(dependency);
        let Value::Object(fields) = object([
            ("Name", text(&self.name)),
            ("Home", text(&self.home)),
            ("Sources", texts(&self.sources)),
            ("Version", text(&self.version)),
            ("Description", text(&self.description)),
            ("Keywords", texts(&self.keywords)),
            ("Maintainers", Value::List(maintainers.collect())),
            ("Icon", text(&self.icon)),
            ("APIVersion", text(&self.api_version)),
            ("Condition", text(&self.condition)),
            ("Tags", text(&self.tags)),
            ("AppVersion", text(&self.app_version)),
            ("Deprecated", Value::Bool(self.deprecated)),
            ("KubeVersion", text(&self.kube_version)),
            ("Dependencies", Value::List(dependencies.collect())),
            ("Type", text(&self.kind)),
        ]) else {
            return Object::new();
        };
        fields
    }
}

fn dependency(dependency: &Dependency) -> Value {
    let imports = dependency.import_values.iter().map(|import| match import {
        ImportValue::Declared(value) => value.clone(),
        ImportValue::Resolved { child, parent } => object([("child", text(child)), ("parent", text(parent))]),
    });
    object([
        ("Name", text(&dependency.name)),
        ("Version", text(&dependency.version)),
        ("Repository", text(&dependency.repository)),
        ("Condition", text(&dependency.condition)),
        ("Tags", texts(&dependency.tags)),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", Value::List(imports.collect())),
        ("Alias", text(&dependency.alias)),
    ])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (Text::from(name), value)).collect())
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn texts(list: &[String]) -> Value {
    Value::List(list.iter().map(|item| text(item)).collect())
}
