//! `helm template` without a cluster: what it prints, and what it says when it fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use flux_helm::capabilities::{Capabilities, KubeVersion};
use flux_helm::chart::{Chart, Limits};
use flux_helm::context::{Action, PrepareError, ReleaseContext, RenderInput, take_notes};
use flux_helm::manifest::{Order, sort};
use flux_helm::message;
use flux_helm::release::HookEvent;
use flux_helm::values::{self, NoSchemas, SchemaLoader};
use flux_yaml::Object;

/// Renders a chart as `helm template` does.
#[derive(Parser, Debug)]
#[command(name = "template")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command")]
pub(crate) struct Arguments {
    /// Name of the release.
    name: String,
    /// Directory or archive of the chart.
    chart: PathBuf,
    /// Files of values.
    #[arg(short = 'f', long, value_delimiter = ',')]
    values: Vec<PathBuf>,
    /// Values: `a.b=c,d={e,f}`.
    #[arg(long)]
    set: Vec<String>,
    /// Values that are text whatever they look like.
    #[arg(long)]
    set_string: Vec<String>,
    /// Values as JSON.
    #[arg(long)]
    set_json: Vec<String>,
    /// Values that are text to the end.
    #[arg(long)]
    set_literal: Vec<String>,
    /// Namespace of the release.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Version of Kubernetes.
    #[arg(long)]
    kube_version: Option<String>,
    /// API versions that are served besides the usual ones.
    #[arg(short, long, value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Prints what lies below `crds/` too.
    #[arg(long)]
    include_crds: bool,
    /// Renders for an upgrade.
    #[arg(long)]
    is_upgrade: bool,
    /// Leaves out tests.
    #[arg(long)]
    skip_tests: bool,
    /// Leaves out hooks.
    #[arg(long)]
    no_hooks: bool,
    /// Does not check values against schemas.
    #[arg(long)]
    skip_schema_validation: bool,
}

/// Renders templates to texts by path; the error is Helm's.
pub(crate) type Render<'a> = &'a dyn Fn(&RenderInput) -> Result<BTreeMap<String, String>, String>;

/// What is printed, or what is printed behind `Error: `. Paths are relative to `directory`.
pub(crate) fn run(arguments: &Arguments, directory: &Path, render: Render<'_>) -> Result<String, String> {
    let capabilities = capabilities(arguments)?;
    let path = directory.join(&arguments.chart);
    if !path.exists() {
        return Err(format!("path \"{}\" not found", arguments.chart.display()));
    }
    let values = user_values(arguments, directory)?;
    let chart = Chart::from_path(&path, &Limits::default()).map_err(|error| message(&error))?;
    check_installable(&chart)?;
    let name = chart.name().to_owned();
    let loader: Arc<dyn SchemaLoader> = Arc::new(NoSchemas);
    let release = ReleaseContext {
        name: arguments.name.clone(),
        namespace: arguments.namespace.clone(),
        revision: 1,
        action: if arguments.is_upgrade { Action::Upgrade } else { Action::Install },
    };
    let schemas = (!arguments.skip_schema_validation).then_some(&loader);
    let input = RenderInput::prepare(chart, &values, release, capabilities, schemas);
    let input = input.map_err(|error| match error {
        PrepareError::KubeVersion { .. } => with_hint(&message(&error)),
        PrepareError::Dependencies(_) | PrepareError::Coalesce(_) | PrepareError::Schema(_) => {
            message(&error)
        }
    })?;
    let mut files = render(&input).map_err(|error| with_hint(&error))?;
    take_notes(&mut files, &name);
    print(arguments, &input, &files)
}

/// What Helm adds once there is something rendered to look at.
fn with_hint(error: &str) -> String {
    format!("{error}\n\nUse --debug flag to render out invalid YAML")
}

fn capabilities(arguments: &Arguments) -> Result<Capabilities, String> {
    let mut capabilities = Capabilities::default();
    if let Some(text) = &arguments.kube_version {
        let version = KubeVersion::parse(text);
        capabilities.kube_version =
            version.map_err(|error| format!("invalid kube version '{text}': {error}"))?;
    }
    capabilities.api_versions.extend(arguments.api_versions.iter().cloned());
    Ok(capabilities)
}

fn user_values(arguments: &Arguments, directory: &Path) -> Result<Object, String> {
    let mut all = Object::new();
    for file in &arguments.values {
        let text = fs_err::read(directory.join(file)).map_err(|error| error.to_string())?;
        let read = values::read(&text);
        let read =
            read.map_err(|error| format!("failed to parse {}: {}", file.display(), message(&error)))?;
        values::merge(&mut all, read);
    }
    for text in &arguments.set_json {
        let json = if text.trim().starts_with('{') { "JSON: " } else { "" };
        values::set_json(text, &mut all)
            .map_err(|_| format!("failed parsing --set-json data {json}{text}"))?;
    }
    for text in &arguments.set {
        values::set(text, &mut all).map_err(|error| format!("failed parsing --set data: {error}"))?;
    }
    for text in &arguments.set_string {
        let set = values::set_string(text, &mut all);
        set.map_err(|error| format!("failed parsing --set-string data: {error}"))?;
    }
    for text in &arguments.set_literal {
        let set = values::set_literal(text, &mut all);
        set.map_err(|error| format!("failed parsing --set-literal data: {error}"))?;
    }
    Ok(all)
}

fn check_installable(chart: &Chart) -> Result<(), String> {
    let kind = &chart.metadata.kind;
    if !matches!(kind.as_str(), "" | "application") {
        return Err(format!("{kind} charts are not installable"));
    }
    let present = |name: &str| chart.dependencies.iter().any(|subchart| subchart.name() == name);
    let declared = chart.metadata.dependencies.iter().flatten();
    let missing: Vec<_> =
        declared.map(|dependency| dependency.name.as_str()).filter(|name| !present(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch \
         missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}",
        missing.join(", ")
    ))
}

fn print(
    arguments: &Arguments,
    input: &RenderInput,
    files: &BTreeMap<String, String>,
) -> Result<String, String> {
    let sorted = sort(files, Order::Install).map_err(|error| with_hint(&message(&error)))?;
    let mut manifest = String::new();
    if arguments.include_crds {
        for resources in input.chart.custom_resources() {
            let text = String::from_utf8_lossy(&resources.file.data);
            manifest = format!("{manifest}---\n# Source: {}\n{text}\n", resources.path);
        }
    }
    manifest.push_str(&sorted.release_manifest());
    let mut output = format!("{}\n", manifest.trim());
    for hook in sorted.hooks.iter().filter(|_| !arguments.no_hooks) {
        if !(arguments.skip_tests && hook.events.contains(&HookEvent::Test)) {
            output = format!("{output}---\n# Source: {}\n{}\n", hook.path, hook.manifest);
        }
    }
    Ok(output)
}
