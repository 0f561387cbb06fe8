//! Rendering a chart: the contexts of its templates, and the run of each file.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use flux_gotext::GoTime;
use flux_yaml::Value as Tree;

use super::error::Stop;
use super::render::Machine;
use super::{Limits, Lookup, Program, Render, RenderError};
use crate::chart::{Chart, File};
use crate::context::{Action, RenderInput};
use crate::value::{Arena, ListType, MapId, MapType, Struct, Text, Value};
use crate::values::{Slot, TableId};

/// How to render.
#[derive(Clone)]
pub struct Options {
    /// Bounds.
    pub limits: Limits,
    /// The time that `now` gives.
    pub now: GoTime,
    /// The cluster; without one, `lookup` finds nothing.
    pub lookup: Option<Arc<dyn Lookup>>,
}

/// Outputs by the path of the template, such as `chart/templates/service.yaml`, in the order of rendering.
pub type Rendered = BTreeMap<String, String>;

/// Compiles the templates of a chart and its subcharts.
///
/// # Errors
/// [`RenderError::Parse`] for the first file that is malformed.
pub fn compile(input: &RenderInput) -> Result<Program, RenderError> {
    on_large_stack(|| compiled(input))
}

/// Renders a chart with a program that was compiled from it.
///
/// # Errors
/// [`RenderError`] of the first template that fails.
pub fn render(
    input: &RenderInput,
    program: &Arc<Program>,
    options: &Options,
) -> Result<Rendered, RenderError> {
    on_large_stack(|| run(input, program, options, Keep::Program))
}

/// Compiles and renders a chart once. In this way it takes less memory: what a file was compiled to is let go when the
/// file has been rendered.
///
/// # Errors
/// [`RenderError`] of the first template that is malformed or fails.
pub fn render_once(input: &RenderInput, options: &Options) -> Result<Rendered, RenderError> {
    on_large_stack(|| run(input, &Arc::new(compiled(input)?), options, Keep::Nothing))
}

/// What is compiled when a file has been rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// It is needed again.
    Program,
    /// It can go.
    Nothing,
}

fn compiled(input: &RenderInput) -> Result<Program, RenderError> {
    let templates = input.templates();
    Program::compile(templates.iter().map(|template| (template.path.as_str(), &template.file.data)))
}

fn run(
    input: &RenderInput,
    program: &Arc<Program>,
    options: &Options,
    keep: Keep,
) -> Result<Rendered, RenderError> {
    let mut render = Render::new(options.limits, options.now.clone());
    render.machine = Machine::new(vec![Arc::clone(program)], options.lookup.clone());
    let mut contexts = Contexts::new(input, &mut render.arena);
    let root = contexts.chart(&input.chart, input.chart.name(), Some(input.root), true);
    contexts.by_chart.insert(input.chart.name().to_owned(), root);
    let by_chart = contexts.by_chart;
    let mut rendered = Rendered::new();
    let mut left = options.limits.text;
    for template in input.templates().iter().filter(|template| !template.is_partial()) {
        let Some(context) = by_chart.get(&template.chart_path) else { continue };
        let names = [("Name", template.path.as_str()), ("BasePath", &template.base_path)];
        let names = names.map(|(key, value)| (Text::from(key), Value::from(value)));
        let names = render.arena.add_map(MapType::Values, names.into());
        render.arena.insert(*context, Text::from("Template"), names.into());
        let data = Value::Map(context.seen_as(MapType::Values));
        let output = render.file(&template.path, data, keep).map_err(|stop| match *stop {
            Stop::Error(error) => RenderError::Execute(error.report()),
            Stop::Exhausted(exhausted) => RenderError::Exhausted { file: template.path.clone(), exhausted },
            Stop::Leave(_) => RenderError::Internal("a loop was left outside of it".to_owned()),
        })?;
        left = left.checked_sub(output.len()).ok_or_else(|| RenderError::Exhausted {
            file: template.path.clone(),
            exhausted: super::Exhausted::Text(options.limits.text),
        })?;
        // invalid UTF-8 cannot be part of a manifest
        let output = String::from_utf8(output)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        rendered.insert(template.path.clone(), output);
    }
    Ok(rendered)
}

fn on_large_stack<T: Send>(work: impl FnOnce() -> Result<T, RenderError> + Send) -> Result<T, RenderError> {
    crate::stack::on_large_stack(work).unwrap_or_else(|error| Err(RenderError::Internal(error.to_string())))
}

/// Makes what templates see, once for each chart.
struct Contexts<'a> {
    input: &'a RenderInput,
    arena: &'a mut Arena,
    /// Maps that were made of tables: sharing is kept.
    tables: HashMap<TableId, MapId>,
    release: Value,
    capabilities: Value,
    by_chart: HashMap<String, MapId>,
}

impl<'a> Contexts<'a> {
    fn new(input: &'a RenderInput, arena: &'a mut Arena) -> Self {
        let release = &input.release;
        let entries = [
            ("Name", Value::from(release.name.as_str())),
            ("Namespace", release.namespace.as_str().into()),
            ("Service", "Helm".into()),
            ("IsInstall", (release.action == Action::Install).into()),
            ("IsUpgrade", (release.action == Action::Upgrade).into()),
            ("Revision", Value::Int(release.revision.into())),
        ];
        let release = arena.map_of(MapType::Any, entries);
        let capabilities = capabilities(input, arena);
        let tables = HashMap::new();
        Self { input, arena, tables, release: release.into(), capabilities, by_chart: HashMap::new() }
    }

    /// The context of a chart, after those of its subcharts.
    fn chart(&mut self, chart: &Chart, path: &str, values: Option<TableId>, is_root: bool) -> MapId {
        let metadata = self.metadata(chart, is_root);
        let files = self.files(&chart.files);
        let values_map = match values {
            Some(table) => self.table(table),
            None => self.arena.add_map(MapType::Values, BTreeMap::new()),
        };
        let mut subcharts = BTreeMap::new();
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let own = values.and_then(|values| self.input.values_of(values, name));
            let path = format!("{path}/charts/{name}");
            let context = self.chart(subchart, &path, own, false);
            subcharts.insert(Text::from(name), Value::Map(context));
            self.by_chart.insert(path, context);
        }
        let subcharts = self.arena.add_map(MapType::Any, subcharts);
        let entries = [
            ("Chart", metadata),
            ("Files", files),
            ("Release", self.release.clone()),
            ("Capabilities", self.capabilities.clone()),
            ("Values", values_map.seen_as(MapType::Values).into()),
            ("Subcharts", subcharts.into()),
        ];
        self.arena.map_of(MapType::Any, entries)
    }

    fn table(&mut self, table: TableId) -> MapId {
        if let Some(map) = self.tables.get(&table) {
            return *map;
        }
        let map = self.arena.add_map(MapType::Any, BTreeMap::new());
        self.tables.insert(table, map);
        let input = self.input;
        for (key, slot) in input.tables.entries(table) {
            let value = match slot {
                Slot::Table(inner) => self.table(*inner).into(),
                Slot::Leaf(value) => self.arena.tree(value),
            };
            self.arena.insert(map, Text::from(key.as_str()), value);
        }
        map
    }

    fn metadata(&mut self, chart: &Chart, is_root: bool) -> Value {
        let annotations = chart.metadata.annotations.iter();
        let annotations: BTreeMap<_, _> =
            annotations.map(|(key, value)| (Text::from(key.as_str()), Value::from(value.as_str()))).collect();
        let annotations = if annotations.is_empty() {
            self.arena.add_nil_map(MapType::String)
        } else {
            self.arena.add_map(MapType::String, annotations)
        };
        let fields = chart.metadata.to_object();
        let mut entries: BTreeMap<_, _> =
            fields.iter().map(|(key, value)| (Text::from(key.as_str()), self.arena.tree(value))).collect();
        entries.insert(Text::from("Annotations"), annotations.into());
        entries.insert(Text::from("IsRoot"), is_root.into());
        self.arena.add_map(MapType::Any, entries).into()
    }

    fn files(&mut self, files: &[File]) -> Value {
        let entries =
            files.iter().map(|file| (Text::from(file.name.as_str()), Value::Bytes(file.data.clone())));
        let entries = entries.collect();
        self.arena.add_map(MapType::Files, entries).into()
    }
}

fn capabilities(input: &RenderInput, arena: &mut Arena) -> Value {
    let capabilities = &input.capabilities;
    let versions = capabilities.api_versions.iter().map(|version| Value::from(version.as_str())).collect();
    let versions = arena.add_list(ListType::VersionSet, versions);
    let kube = &capabilities.kube_version;
    let kube = Struct {
        type_name: "common.KubeVersion",
        is_pointer: false,
        fields: vec![
            ("Version", kube.version.as_str().into()),
            ("normalizedVersion", kube.normalized.as_deref().unwrap_or_default().into()),
            ("Major", kube.major.as_str().into()),
            ("Minor", kube.minor.as_str().into()),
        ],
    };
    let helm = &capabilities.helm_version;
    let helm = Struct {
        type_name: "common.BuildInfo",
        is_pointer: false,
        fields: vec![
            ("Version", helm.version.as_str().into()),
            ("GitCommit", helm.git_commit.as_str().into()),
            ("GitTreeState", helm.git_tree_state.as_str().into()),
            ("GoVersion", helm.go_version.as_str().into()),
            ("KubeClientVersion", helm.kube_client_version.as_str().into()),
        ],
    };
    let (kube, helm) = (arena.add_struct(kube), arena.add_struct(helm));
    let capabilities = Struct {
        type_name: "common.Capabilities",
        is_pointer: true,
        fields: vec![
            ("KubeVersion", Value::Struct(kube)),
            ("APIVersions", versions.into()),
            ("HelmVersion", Value::Struct(helm)),
        ],
    };
    Value::Struct(arena.add_struct(capabilities))
}

impl Arena {
    fn map_of<const N: usize>(&mut self, kind: MapType, entries: [(&str, Value); N]) -> MapId {
        let entries = entries.into_iter().map(|(key, value)| (Text::from(key), value)).collect();
        self.add_map(kind, entries)
    }

    /// A tree as Go values: numbers of YAML are floats already.
    pub(crate) fn tree(&mut self, tree: &Tree) -> Value {
        match tree {
            Tree::Null => Value::Nil,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Int(value) => Value::Int64(*value),
            Tree::Uint(value) => Value::Uint64(*value),
            Tree::Float(value) => Value::Float64(*value),
            Tree::String(text) => Value::from(text.as_str()),
            Tree::List(items) => {
                let items = items.iter().map(|item| self.tree(item)).collect();
                self.add_list(ListType::Any, items).into()
            }
            Tree::Object(members) => {
                let members =
                    members.iter().map(|(key, value)| (Text::from(key.as_str()), self.tree(value))).collect();
                self.add_map(MapType::Any, members).into()
            }
        }
    }
}
