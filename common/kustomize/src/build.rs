//! A build: layers from the target down, and what happens once to all resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_yaml::{Node, write_sorted_yaml};

use crate::error::{Error, Result};
use crate::file_system::FileSystem;
use crate::go_syntax::dump;
use crate::gvk::Gvk;
use crate::hash::add_hashes;
use crate::layer::{Accumulated, Layer, Session};
use crate::loader::{LoadRestrictions, Loader, Remote};
use crate::name_reference::update_references;
use crate::origin::Origin;
use crate::reader::validate;
use crate::resource::{ORIGIN, TRANSFORMATIONS, is_build_annotation};
use crate::resource_map::ResourceMap;
use crate::schema::{Precedence, Schema};
use crate::sort_order::{sort, sort_legacy};
use crate::transform::{FieldSpec, set_pairs};
use crate::variable;

/// Resources with this annotation, unless it says `false`, take part in a build but do not leave it.
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// How to build.
#[derive(Default, Clone, Copy)]
pub struct Options<'a> {
    /// Which files may be loaded; any by default, as in Flux.
    pub restrictions: LoadRestrictions,
    /// The order of resources where the target asks for none.
    pub order: Order,
    /// Access to remote bases and files; without it they are refused.
    pub remote: Option<&'a dyn Remote>,
    /// Whose behaviour counts where they differ; that of Flux by default.
    pub program: Program,
}

/// The programs around the kustomize library, which leave their marks on a build.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Flux's controller: `openapi.path` adds to the built-in schema, and the library cannot tell its version.
    #[default]
    Flux,
    /// The `kustomize` command, v5.8.1: types of `openapi.path` take the place of the built-in ones, unless these were
    /// needed before the document was read.
    Kustomize,
}

impl Program {
    /// The value of the label that `buildMetadata: [managedByLabel]` asks for.
    fn manager(self) -> &'static str {
        match self {
            Self::Flux => "kustomize-(devel)",
            Self::Kustomize => "kustomize-v5.8.1",
        }
    }
}

/// The order of resources.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// That of the files, depth first: what Flux configures.
    #[default]
    AsRead,
    /// By kind, as kustomize once did.
    Legacy,
}

/// What a build gives.
#[derive(Debug)]
pub struct Output {
    resources: ResourceMap,
    warnings: Vec<String>,
}

/// Builds the kustomization in the directory `target` of a file system.
///
/// ```
/// use flux_kustomize::file_system::MemoryFileSystem;
/// let files = MemoryFileSystem::from_iter([
///     ("/app/kustomization.yaml", "resources: [map.yaml]\nnamePrefix: my-"),
///     ("/app/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}"),
/// ]);
/// let output = flux_kustomize::build(&files, "/app", &flux_kustomize::Options::default())?;
/// assert_eq!(output.to_yaml()?, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: my-map\n");
/// # Ok::<(), flux_kustomize::Error>(())
/// ```
///
/// # Errors
/// [`Error`] in kustomize's words, which name the file and the field; Flux puts `kustomize build failed: ` before it.
pub fn build(file_system: &dyn FileSystem, target: &str, options: &Options<'_>) -> Result<Output> {
    let loader = Loader::at_target(file_system, target, options.restrictions, options.remote)?;
    let schema = match options.program {
        Program::Flux => Schema::built_in(),
        Program::Kustomize => Schema::replaceable(),
    };
    let mut session = Session { schema: Arc::new(schema), build_metadata: Vec::new(), warnings: Vec::new() };
    let mut root = Layer::read(&loader, None, &mut session)?;
    session.use_schema(&root, Precedence::Root)?;
    session.build_metadata.clone_from(&root.kustomization().build_metadata);
    if !session.build_metadata.is_empty() {
        root.track_origin(Origin::default());
    }
    let accumulated = root.accumulate(&mut session, Accumulated::default())?;
    let mut resources = finish(accumulated, &session)?;
    resources = match (&root.kustomization().sort_options, options.order) {
        (Some(sort_options), _) => sort(resources, sort_options)?,
        (None, Order::Legacy) => sort_legacy(resources),
        (None, Order::AsRead) => resources,
    };
    if session.wants("managedByLabel") {
        let label = BTreeMap::from([(MANAGED_BY.to_owned(), options.program.manager().to_owned())]);
        set_pairs(&mut resources, &label, &[FieldSpec::new(Gvk::default(), "metadata/labels", true)])?;
    }
    clean_annotations(&mut resources, &session);
    Ok(Output { resources, warnings: session.warnings })
}

/// What is done once, when every layer has had its say.
fn finish(accumulated: Accumulated, session: &Session) -> Result<ResourceMap> {
    let Accumulated { mut resources, configuration, vars } = accumulated;
    resources.set_schema(&session.schema);
    add_hashes(&mut resources)?;
    update_references(&mut resources, &configuration.name_reference)?;
    variable::resolve(&mut resources, &vars, &configuration.var_reference)?;
    resources.iter().try_for_each(|resource| validate(resource.node()))?;
    resources.retain(|resource| resource.annotation(LOCAL_CONFIG).is_none_or(|value| value == "false"));
    Ok(resources)
}

/// Makes annotations strings in the order of their keys, and removes those that are only for the build.
fn clean_annotations(resources: &mut ResourceMap, session: &Session) {
    let keeps_origins = session.wants("originAnnotations");
    let keeps_transformations = session.wants("transformerAnnotations");
    let is_kept = |key: &str| match key {
        ORIGIN => keeps_origins,
        TRANSFORMATIONS => keeps_transformations,
        key => !is_build_annotation(key),
    };
    for resource in resources.iter_mut() {
        let mut annotations = resource.annotation_texts();
        // otherwise upstream sets them even if there are none, which creates the metadata
        if annotations.is_empty() && keeps_origins && keeps_transformations {
            continue;
        }
        annotations.retain(|(key, _)| is_kept(key));
        resource.set_annotations(annotations);
    }
}

impl Output {
    /// The resources as YAML documents, separated by `---`; no text if there are none.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a resource has no JSON form: a key occurs twice or is no string, or a number is none.
    pub fn to_yaml(&self) -> Result<String> {
        let mut text = String::new();
        for resource in &self.resources {
            if !text.is_empty() {
                text.push_str("---\n");
            }
            write_sorted_yaml(resource.node(), &mut text)
                .map_err(|error| Error::invalid(error.to_string()).within(dump(resource.node())))?;
        }
        Ok(text)
    }

    /// The resources, in order.
    pub fn resources(&self) -> &ResourceMap {
        &self.resources
    }

    /// The trees of the resources, in order.
    pub fn into_nodes(self) -> impl Iterator<Item = Node> {
        self.resources.into_iter().map(crate::Resource::into_node)
    }

    /// Warnings about deprecated fields, one line each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
