//! From the files of an artifact to the objects to apply. Pure: runs on a blocking thread.

use super::error::Error;
use flux_api::CommonMetadata;
use flux_apply::apply::Desired;
use flux_apply::object::{ObjectId, split_api_version};
use flux_apply::rules;
use flux_artifact::{FetchedArtifact, MemoryTree, UnpackLimits};
use flux_kustomize::file_system::{FileSystem as _, Kind, MemoryFileSystem, OverlayFileSystem};
use flux_kustomize::loader::{ClonedRepository, Remote, RepositorySpec};
use flux_kustomize::root_file::{self, Overlay};
use flux_kustomize::substitution::{Strategy, Unset, Variables, is_disabled, substitute};
use flux_kustomize::{Options, build};
use flux_yaml::Node;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;

/// Variables for the built resources.
#[derive(Debug, Clone)]
pub struct Substitution {
    /// Values by name.
    pub variables: Variables,
    /// When resources go through it.
    pub strategy: Strategy,
    /// What an unset variable is.
    pub unset: Unset,
}

/// What shapes a build besides the files.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Name and namespace of the Kustomization, for the owner labels.
    pub owner: (String, String),
    /// The spec as JSON, of which kustomize takes its part.
    pub spec: Vec<u8>,
    /// Labels and annotations of all objects.
    pub metadata: Option<CommonMetadata>,
    /// Post-build substitution; `None` without `spec.postBuild`.
    pub substitution: Option<Substitution>,
    /// What becomes of bases at URLs.
    pub remote_bases: RemoteBases,
}

/// What becomes of a base at a URL: the build fails, and the text says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteBases {
    /// It is forbidden, and the file system knows no such file.
    Forbidden,
    /// It is not supported yet.
    Unsupported,
}

/// Refuses every base at a URL, and remembers the first one.
#[derive(Debug, Default)]
struct Refused {
    first: Mutex<Option<String>>,
}

impl Refused {
    fn refuse(&self, url: &str) -> flux_kustomize::Error {
        let mut first = self.first.lock();
        let url = first.get_or_insert_with(|| url.to_owned());
        flux_kustomize::Error::invalid(format!("remote base '{url}' is not supported yet"))
    }
}

impl Remote for Refused {
    fn fetch(&self, url: &str) -> Result<Vec<u8>, flux_kustomize::Error> {
        Err(self.refuse(url))
    }

    fn clone_repository(&self, base: &RepositorySpec) -> Result<ClonedRepository, flux_kustomize::Error> {
        Err(self.refuse(base.url()))
    }
}

/// What a build gives.
#[derive(Debug)]
pub struct Manifests {
    /// The objects, in build order.
    pub objects: Vec<Desired>,
    /// `sha256:<hex>` of the built YAML.
    pub digest: String,
    /// Jobs that delete themselves when they are done.
    pub vanishing: HashSet<ObjectId>,
}

/// Where a build sees the artifact. What leads out of it is refused.
const ROOT: &str = "/artifact";

/// The files of an artifact, and the directory to build.
#[derive(Debug)]
pub struct Tree {
    files: MemoryFileSystem,
    directory: String,
}

impl Tree {
    /// The directory at `path`, which cannot lead out of the artifact.
    ///
    /// # Errors
    /// [`Error::PathNotFound`].
    pub fn new(tree: MemoryTree, path: &str) -> Result<Self, Error> {
        let inside = clamp(path);
        let known = inside.is_empty() || tree.directories.contains(inside.trim_start_matches('/'));
        let directory = format!("{ROOT}{inside}");
        let mut files = MemoryFileSystem::below_root(ROOT);
        for (path, content) in tree.files {
            files.insert(&format!("{ROOT}/{path}"), content);
        }
        if !known && files.kind(&directory) != Some(Kind::Directory) {
            return Err(Error::PathNotFound(directory));
        }
        Ok(Self { files, directory })
    }
}

/// Unpacks an artifact into memory. Blocks: to be called on a blocking thread.
///
/// # Errors
/// [`Error::Unpack`] or [`Error::PathNotFound`].
pub fn unpacked(artifact: &FetchedArtifact, path: &str) -> Result<Tree, Error> {
    Tree::new(artifact.to_memory(UnpackLimits::default()).map_err(Error::Unpack)?, path)
}

/// Builds the manifests.
///
/// # Errors
/// [`Error::Build`] or [`Error::Encrypted`].
pub fn manifests(Tree { files, directory }: Tree, recipe: &Recipe) -> Result<Manifests, Error> {
    let failed = |error: flux_kustomize::Error| Error::Build(error.message());
    let overlay = Overlay::parse(&recipe.spec).map_err(failed)?;
    let root = root_file::generate(&files, &directory, &overlay).map_err(failed)?;
    let path = format!("{directory}/{}", root.name);
    let files = OverlayFileSystem::new(&files, path, root.content);
    let refused = Refused::default();
    let remote = (recipe.remote_bases == RemoteBases::Unsupported).then_some(&refused as &dyn Remote);
    let output = build(&files, &directory, &Options { remote, ..Options::default() }).map_err(|error| {
        let text = refused.first.lock().as_ref().map_or_else(
            || format!("kustomize build failed: {}", error.message()),
            |url| format!("remote base '{url}' is not supported yet"),
        );
        Error::Build(text)
    })?;
    let mut built = Manifests { objects: Vec::new(), digest: String::new(), vanishing: HashSet::new() };
    let mut hash = Sha256::new();
    for (position, node) in output.into_nodes().enumerate() {
        let node = post_build(node, recipe)?;
        let yaml = flux_yaml::to_sorted_yaml(&node).map_err(|error| Error::Build(error.to_string()))?;
        if position > 0 {
            hash.update("---\n");
        }
        hash.update(yaml);
        let value = node.to_value().map_err(|error| Error::Build(error.to_string()))?;
        let object: Value =
            serde_json::from_str(&value.to_json()).map_err(|error| Error::Build(error.to_string()))?;
        collect(object, recipe, &mut built)?;
    }
    built.digest = format!("sha256:{}", hex::encode(hash.finalize()));
    Ok(built)
}

/// The directory as what comes behind the path of the artifact; `..` cannot leave it.
fn clamp(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.iter().flat_map(|part| ["/", part]).collect()
}

/// Substitutes the variables of one resource.
fn post_build(node: Node, recipe: &Recipe) -> Result<Node, Error> {
    let text = |path: &[&str]| node.path(path).and_then(Node::as_str).unwrap_or_default().to_owned();
    let (api_version, kind, name) = (text(&["apiVersion"]), text(&["kind"]), text(&["metadata", "name"]));
    if api_version.is_empty() || kind.is_empty() || name.is_empty() {
        let shown = flux_yaml::to_sorted_yaml(&node).unwrap_or_default();
        return Err(Error::Build(format!(
            "failed to decode Kubernetes apiVersion, kind and name from: {shown}"
        )));
    }
    let Some(Substitution { variables, strategy, unset }) = &recipe.substitution else { return Ok(node) };
    if is_disabled(&node) {
        return Ok(node);
    }
    let failed = |error: &dyn std::error::Error| {
        let (group, version) = split_api_version(&api_version);
        let group = if group.is_empty() { "[noGrp]" } else { group };
        let reason = flux_driver::message(error);
        Error::Build(format!("post build failed for '{kind}.{version}.{group}/{name}': {reason}"))
    };
    let substituted = substitute(&node, variables, *unset, *strategy).map_err(|error| failed(&error))?;
    Ok(substituted.unwrap_or(node))
}

/// Adds an object, or the items of a list; what is no object is left out.
fn collect(object: Value, recipe: &Recipe, built: &mut Manifests) -> Result<(), Error> {
    if let Some(Value::Array(items)) = object.get("items") {
        return items.iter().try_for_each(|item| collect(item.clone(), recipe, built));
    }
    let id = ObjectId::of(&object);
    let is_kustomization = id.group == "kustomize.config.k8s.io" && id.kind == "Kustomization";
    if id.name.is_empty() || id.kind.is_empty() || object.get("apiVersion").is_none() || is_kustomization {
        return Ok(());
    }
    refuse_encrypted(&object, &id)?;
    if id.kind == "Job" && id.group == "batch" && object.pointer("/spec/ttlSecondsAfterFinished").is_some() {
        built.vanishing.insert(id);
    }
    let desired = Desired::new(labelled(object, recipe)).map_err(|error| Error::Build(error.to_string()))?;
    built.objects.push(desired);
    Ok(())
}

/// Applying a Secret that is still encrypted would replace its content by ciphertext.
fn refuse_encrypted(object: &Value, id: &ObjectId) -> Result<(), Error> {
    let decryption_off = object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(format!("{}/decrypt", rules::GROUP)))
        .and_then(Value::as_str)
        .is_some_and(|text| text.eq_ignore_ascii_case("disabled"));
    let is_secret = id.kind == "Secret" && object.get("apiVersion").is_some_and(|version| version == "v1");
    if is_secret && object.get("sops").is_some() && !decryption_off {
        return Err(Error::Encrypted(id.subject()));
    }
    Ok(())
}

/// The owner labels, then the spec's common metadata, which wins.
fn labelled(mut object: Value, recipe: &Recipe) -> Value {
    let (name, namespace) = &recipe.owner;
    let owner =
        [(format!("{}/name", rules::GROUP), name), (format!("{}/namespace", rules::GROUP), namespace)];
    set(&mut object, "labels", owner.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    if let Some(common) = &recipe.metadata {
        let pairs = |map: &std::collections::BTreeMap<String, String>| map.clone();
        for (place, map) in [("labels", pairs(&common.labels)), ("annotations", pairs(&common.annotations))] {
            set(&mut object, place, map.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        }
    }
    object
}

fn set<'a>(object: &mut Value, place: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut pairs = pairs.peekable();
    if pairs.peek().is_none() {
        return;
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let map = metadata.entry(place).or_insert(Value::Null);
    if !map.is_object() {
        *map = Value::Object(Map::new());
    }
    if let Some(map) = map.as_object_mut() {
        map.extend(pairs.map(|(key, value)| (key.to_owned(), Value::from(value))));
    }
}

#[cfg(test)]
mod tests;
