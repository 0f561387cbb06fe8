//! `namespace`.

use flux_yaml::{Kind, Node, Tag};

use super::field_spec::{Create, FieldSpec, set_scalar, wrong_kind};
use super::shares::Shares;
use crate::error::{Context as _, Error, Result};
use crate::gvk::Gvk;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

/// What puts resources into a namespace.
#[derive(Debug, Clone, Default)]
pub(crate) struct NamespaceConfig {
    /// The namespace; nothing happens if it is empty.
    pub(crate) namespace: String,
    /// Where namespaces stand besides `metadata.namespace`.
    pub(crate) specs: Vec<FieldSpec>,
    /// Which subjects of role bindings are put into the namespace.
    pub(crate) subjects: SubjectMode,
    /// Whether only missing and empty namespaces are set.
    pub(crate) fill: Fill,
}

/// Whether existing values are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fill {
    /// They are replaced.
    #[default]
    Always,
    /// They are kept (`unsetOnly`).
    UnsetOnly,
}

/// Which subjects of role bindings are put into the namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SubjectMode {
    /// Those named `default`.
    #[default]
    DefaultOnly,
    /// All of kind ServiceAccount.
    AllServiceAccounts,
    /// None.
    None,
}

impl SubjectMode {
    /// The mode of this name; the empty one is the default.
    ///
    /// # Errors
    /// There is no such mode.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "defaultOnly" => Ok(Self::DefaultOnly),
            "allServiceAccounts" => Ok(Self::AllServiceAccounts),
            "none" => Ok(Self::None),
            other => Err(Error::invalid(format!(
                "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \
                 \"allServiceAccounts\""
            ))),
        }
    }
}

/// Puts all resources that can be in a namespace into this one, and changes what else names it.
///
/// # Errors
/// A place for a namespace holds a collection, or two resources have the same id afterwards.
pub(crate) fn set_namespace(map: &mut ResourceMap, config: &NamespaceConfig) -> Result<()> {
    if config.namespace.is_empty() {
        return Ok(());
    }
    for place in 0..map.len() {
        let Some(resource) = map.get_mut(place) else { continue };
        if resource.is_empty() || resource.annotation(HELM_GENERATED) == Some("true") {
            continue;
        }
        resource.store_previous_id()?;
        set_in_resource(resource, config)?;
        let Some(id) = map.get(place).map(Resource::id) else { continue };
        let same = map.with_current_id(id);
        if same.len() != 1 {
            let json = |place: &usize| {
                let value = map.get(*place).and_then(|resource| resource.node().to_value().ok());
                value.map(|value| value.to_json()).unwrap_or_default()
            };
            let texts: Vec<String> = same.iter().map(json).collect();
            return Err(Error::invalid(format!(
                "namespace transformation produces ID conflict: [{}]",
                texts.join(" ")
            )));
        }
    }
    Ok(())
}

const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";

/// Puts one resource into the namespace.
///
/// # Errors
/// As [`set_namespace`], but ids are not compared.
pub(crate) fn set_in_resource(resource: &mut Resource, config: &NamespaceConfig) -> Result<()> {
    let id = resource.id();
    let (gvk, is_cluster_scoped) = (id.gvk.clone(), id.cluster_scoped);
    let node = resource.node_mut();
    let mut shares = Shares::default();
    let mut set = |field: &mut Node| -> Result<()> {
        let is_set = field.is_scalar()
            && field.tag() != Tag::Null
            && field.as_str().is_some_and(|text| !text.is_empty());
        if config.fill == Fill::UnsetOnly && is_set {
            return Ok(());
        }
        set_scalar(field, config.namespace.as_str(), Tag::Str)?;
        shares.note(field);
        Ok(())
    };
    if !is_cluster_scoped {
        FieldSpec::new(Gvk::default(), METADATA_NAMESPACE, true).visit(
            node,
            Create::Scalar(Tag::None),
            &mut set,
        )?;
    }
    let is_binding = is_role_binding(&gvk.kind);
    if is_binding {
        set_in_subjects(node, config.subjects, &mut set)?;
    }
    let is_core = gvk.group.is_empty() && gvk.version == "v1";
    for spec in &config.specs {
        let is_own_namespace = spec.path == METADATA_NAMESPACE;
        let is_foreign_name = spec.path == METADATA_NAME && !is_core;
        let is_subject = is_binding && is_role_binding(&spec.gvk.kind) && spec.path == SUBJECT_NAMESPACE;
        if is_own_namespace || is_foreign_name || is_subject {
            continue;
        }
        spec.visit(node, Create::Scalar(Tag::Str), &mut set).map_err(|error| {
            let about_kind = error.root().to_string().starts_with("wrong node kind");
            error.within(if about_kind {
                "namespace field specs must target scalar nodes"
            } else {
                "namespace transformation failed"
            })
        })?;
    }
    shares.spread(node);
    Ok(())
}

const METADATA_NAMESPACE: &str = "metadata/namespace";
const METADATA_NAME: &str = "metadata/name";
const SUBJECT_NAMESPACE: &str = "subjects/namespace";

fn is_role_binding(kind: &str) -> bool {
    matches!(kind, "RoleBinding" | "ClusterRoleBinding")
}

/// Puts the subjects of a role binding into the namespace.
fn set_in_subjects(
    binding: &mut Node,
    mode: SubjectMode,
    set: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<()> {
    let (key, wanted) = match mode {
        SubjectMode::None => return Ok(()),
        SubjectMode::DefaultOnly => ("name", "default"),
        SubjectMode::AllServiceAccounts => ("kind", "ServiceAccount"),
    };
    let Some(subjects) = binding.get_mut("subjects").filter(|subjects| subjects.tag() != Tag::Null) else {
        return Ok(());
    };
    let attempt = || "setting namespace on (cluster)role binding subjects";
    if !subjects.is_sequence() {
        return Err(wrong_kind(subjects, Kind::Sequence)).context(attempt);
    }
    for subject in subjects.items_mut().into_iter().flatten() {
        if subject.get_str(key) != Some(wanted) {
            continue;
        }
        if let Some(namespace) = subject.get_or_insert("namespace", || Node::scalar("")) {
            set(namespace).context(attempt)?;
        }
    }
    Ok(())
}
