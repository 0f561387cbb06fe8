//! Generators and transformers that resources configure: the built-in ones, and a refusal for all others.

mod config;

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_yaml::Node;

use crate::error::{Context as _, Error, Result};
use crate::field::set_field;
use crate::generator::{Generated, generate};
use crate::hash::add_hashes;
use crate::kustomization::{Image, Replica};
use crate::layer::LayerInputs;
use crate::loader::Loader;
use crate::origin::Origin;
use crate::patch::PatchEntry;
use crate::replacement::Replacements;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::schema::Schema;
use crate::transform::{
    Affix, FieldSpec, NamespaceConfig, ValueAdd, add_to_names, replace_images, set_namespace, set_pairs,
    set_replicas,
};

/// API version of the resources that configure what is built in.
const BUILT_IN: &str = "builtin";
/// The label that validators may set.
const VALIDATED_BY: &str = "validated-by";

/// A configured transformer.
#[derive(Debug)]
pub(crate) enum Transformer {
    /// Patches of any kind.
    Patch(Box<PatchEntry>),
    /// A namespace.
    Namespace(NamespaceConfig),
    /// A name prefix.
    Prefix(String, Vec<FieldSpec>),
    /// A name suffix.
    Suffix(String, Vec<FieldSpec>),
    /// Labels or annotations.
    Pairs(BTreeMap<String, String>, Vec<FieldSpec>),
    /// A number of replicas.
    Replicas(Replica, Vec<FieldSpec>),
    /// An image.
    Images(Image, Vec<FieldSpec>),
    /// Replacements.
    Replacements(Replacements),
    /// A value at several places.
    ValueAdd(ValueAdd),
    /// Hashes of content.
    Hash,
}

impl Transformer {
    /// Transforms the resources.
    ///
    /// # Errors
    /// Those of the transformer.
    pub(crate) fn apply(&self, resources: &mut ResourceMap) -> Result<()> {
        match self {
            Self::Patch(patch) => patch.apply(resources),
            Self::Namespace(config) => set_namespace(resources, config),
            Self::Prefix(prefix, specs) => add_to_names(resources, Affix::Prefix(prefix), specs),
            Self::Suffix(suffix, specs) => add_to_names(resources, Affix::Suffix(suffix), specs),
            Self::Pairs(pairs, specs) => set_pairs(resources, pairs, specs),
            Self::Replicas(replica, specs) => set_replicas(resources, replica, specs),
            Self::Images(image, specs) => replace_images(resources, image, specs),
            Self::Replacements(replacements) => replacements.apply(resources),
            Self::ValueAdd(value_add) => value_add.apply(resources),
            Self::Hash => add_hashes(resources),
        }
    }
}

/// Runs the generators that resources configure.
///
/// # Errors
/// [`Error::Invalid`] for a generator that is not built in, or whose configuration fails.
pub(crate) fn generators(
    configurations: ResourceMap,
    loader: &Loader<'_>,
    schema: &Arc<Schema>,
) -> Result<Vec<(Resource, Option<Origin>)>> {
    let mut generated = Vec::new();
    for configuration in &configurations {
        let resource = generator(configuration, loader, schema).context(|| "failed to load generator")?;
        generated.push((resource, Origin::of_plugin(configuration)?));
    }
    Ok(generated)
}

fn generator(configuration: &Resource, loader: &Loader<'_>, schema: &Arc<Schema>) -> Result<Resource> {
    check_built_in(configuration)?;
    let failed = || format!("plugin {} fails configuration", configuration.original_id());
    let kind = match configuration.kind() {
        "ConfigMapGenerator" => Generated::ConfigMap,
        "SecretGenerator" => Generated::Secret,
        "IAMPolicyGenerator" => {
            let args: config::IamPolicy = config::decoded(configuration).context(failed)?;
            return service_account(&args, schema);
        }
        "HelmChartInflationGenerator" => {
            return Err(Error::invalid("must specify --enable-helm").within(failed()));
        }
        kind if config::is_transformer(kind) => {
            return Err(Error::invalid(format!("plugin {} not a generator", configuration.original_id())));
        }
        _ => return Err(unknown(configuration)),
    };
    let args = config::generator_args(configuration).context(failed)?;
    generate(kind, &args, loader, schema)
}

/// Configures the transformers that resources ask for.
///
/// # Errors
/// [`Error::Invalid`] for a transformer that is not built in, or whose configuration fails.
pub(crate) fn transformers(
    configurations: ResourceMap,
    inputs: &mut LayerInputs<'_>,
) -> Result<Vec<(Option<Origin>, Transformer)>> {
    let mut transformers = Vec::new();
    for configuration in &configurations {
        check_built_in(configuration)?;
        let id = configuration.original_id();
        if config::is_generator(configuration.kind()) {
            return Err(Error::invalid(format!("plugin {id} not a transformer")));
        }
        if !config::is_transformer(configuration.kind()) {
            return Err(unknown(configuration));
        }
        let configured = config::transformers(configuration, inputs)
            .context(|| format!("plugin {id} fails configuration"))?;
        let origin = Origin::of_plugin(configuration)?;
        let last = configured.len().saturating_sub(1);
        // several transformers of one configuration are noted as one
        let noted = configured.into_iter().enumerate();
        transformers.extend(noted.map(|(number, one)| (origin.clone().filter(|_| number == last), one)));
    }
    Ok(transformers)
}

fn check_built_in(configuration: &Resource) -> Result<()> {
    if configuration.api_version() == BUILT_IN {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "external plugins disabled; unable to load external plugin '{}'",
        configuration.original_id().gvk.kind
    )))
}

fn unknown(configuration: &Resource) -> Error {
    Error::invalid(format!("unable to load builtin {}", configuration.id().gvk))
}

/// A service account of Google's cloud.
fn service_account(args: &config::IamPolicy, schema: &Arc<Schema>) -> Result<Resource> {
    if args.cloud != "gke" {
        return Err(Error::invalid(format!("cloud provider {} not supported yet", args.cloud)));
    }
    let account = format!("{}@{}.iam.gserviceaccount.com", args.account, args.project);
    let mut annotations = Node::mapping();
    set_field(&mut annotations, "iam.gke.io/gcp-service-account", Node::scalar(account));
    let mut metadata = Node::mapping();
    metadata.insert("annotations", annotations);
    set_field(&mut metadata, "name", Node::scalar(args.name.as_str()));
    if !args.namespace.is_empty() {
        set_field(&mut metadata, "namespace", Node::scalar(args.namespace.as_str()));
    }
    let entries = [
        ("apiVersion", Node::scalar("v1")),
        ("kind", Node::scalar("ServiceAccount")),
        ("metadata", metadata),
    ];
    Resource::new(Node::mapping_of(entries.map(|(key, value)| (Node::scalar(key), value))), schema)
}

/// Checks that a validator changed nothing but its label.
///
/// # Errors
/// [`Error::Invalid`] if it did.
pub(crate) fn check_unchanged(before: &[Resource], after: &ResourceMap) -> Result<()> {
    let failed = |problem: String| {
        Err(Error::invalid(format!("validator shouldn't modify the resource map: {problem}")))
    };
    if before.len() != after.len() {
        return failed(format!("{} resources became {}", before.len(), after.len()));
    }
    for (old, new) in before.iter().zip(after) {
        if !old.id().is_same(new.id()) {
            return failed(format!("id in self missing from other; id: {}", old.id()));
        }
        let is_same = without_mark(new).is_some_and(|new| old.node().to_value().ok() == new.to_value().ok());
        if !is_same {
            let json = |resource: &Resource| {
                resource.node().to_value().map(|value| value.to_json()).unwrap_or_default()
            };
            return failed(format!("nodes unequal: \n -- {},\n -- {}", json(old), json(new)));
        }
    }
    Ok(())
}

/// A resource without the label that validators may set. Where it is not the only one, upstream rewrites the others and
/// then takes the rewriting for a change: `None`.
fn without_mark(resource: &Resource) -> Option<Node> {
    let mut node = resource.node().clone();
    let Some(metadata) = node.get_mut("metadata") else { return Some(node) };
    let marked = metadata.get("labels").filter(|labels| labels.get(VALIDATED_BY).is_some()).map(Node::len);
    match marked {
        None => {}
        Some(1) => {
            metadata.remove("labels");
        }
        Some(_) => return None,
    }
    Some(node)
}
