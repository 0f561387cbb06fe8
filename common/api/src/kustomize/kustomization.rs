//! Kustomization: builds manifests from a source and keeps the cluster like them.

use std::collections::BTreeMap;

use flux_gotext::GoDuration;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::history::HistoryEntry;
use crate::inventory::ResourceInventory;
use crate::kustomize::HealthCheckExpression;
use crate::kustomize::IgnoreRule;
use crate::kustomize::Image;
use crate::kustomize::Patch;
use crate::reference::CommonMetadata;
use crate::reference::DependencyReference;
use crate::reference::KubeConfigReference;
use crate::reference::LocalObjectReference;
use crate::reference::NamespacedObjectKindReference;
use crate::schema::INTERVAL;
use crate::wire::is_false;
use crate::wire::wire_enum;

wire_enum! {
    /// Who decrypts files of a source.
    pub enum DecryptionProvider {
        /// Files encrypted with SOPS.
        Sops = "sops",
    }
}

wire_enum! {
    /// Annotations that the build may write about itself.
    pub enum BuildMetadata {
        /// Where each object came from.
        OriginAnnotations = "originAnnotations",
        /// Which transformers changed each object.
        TransformerAnnotations = "transformerAnnotations",
    }
}

wire_enum! {
    /// What becomes of the applied objects when the Kustomization is deleted.
    pub enum DeletionPolicy {
        /// As `Delete` if `prune` is set, else as `Orphan`.
        MirrorPrune = "MirrorPrune",
        /// The objects are deleted.
        Delete = "Delete",
        /// The objects are deleted, and the Kustomization stays until they are gone.
        WaitForTermination = "WaitForTermination",
        /// The objects stay.
        Orphan = "Orphan",
    }
}

wire_enum! {
    /// Kinds that a Kustomization can take its manifests from.
    pub enum KustomizationSourceKind {
        /// An OCI artifact.
        OciRepository = "OCIRepository",
        /// A Git repository.
        GitRepository = "GitRepository",
        /// An object storage bucket.
        Bucket = "Bucket",
        /// An artifact that another controller publishes.
        ExternalArtifact = "ExternalArtifact",
    }
}

wire_enum! {
    /// Kinds that can hold variables.
    pub enum VariableSourceKind {
        /// A Secret.
        Secret = "Secret",
        /// A ConfigMap.
        ConfigMap = "ConfigMap",
    }
}

wire_enum! {
    /// When post-build substitution takes place.
    pub enum SubstituteStrategy {
        /// Only if at least one variable is defined.
        WithVariables = "WithVariables",
        /// Always, so that defaults in the manifests take effect without variables.
        Always = "Always",
    }
}

/// How encrypted files of the source are decrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decryption {
    /// Who decrypts.
    pub provider: DecryptionProvider,
    /// Secret with private keys or credentials of a key service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Service account whose identity the key services see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
}

/// The source of the manifests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceReference {
    /// API group and version of the source; the group's only version if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the source.
    pub kind: KustomizationSourceKind,
    /// Name of the source.
    pub name: String,
    /// Namespace of the source; the Kustomization's own if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Substitution of variables in the built manifests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostBuild {
    /// Variables given inline; they go before those of `substituteFrom`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub substitute: BTreeMap<String, String>,
    /// Secrets and ConfigMaps whose data are variables; later ones win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitute_from: Vec<SubstituteReference>,
    /// When the substitution takes place; `WithVariables` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substitute_strategy: Option<SubstituteStrategy>,
}

/// A Secret or ConfigMap whose data are variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubstituteReference {
    /// Kind of the object.
    pub kind: VariableSourceKind,
    /// Name of the object, in the Kustomization's namespace.
    #[schemars(extend("maxLength" = 253, "minLength" = 1))]
    pub name: String,
    /// Whether the object may be missing.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub optional: bool,
}

/// What to build, from where, and how to apply it.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "kustomize.toolkit.fluxcd.io",
    version = "v1",
    kind = "Kustomization",
    plural = "kustomizations",
    namespaced,
    status = "KustomizationStatus",
    shortname = "ks",
    category = "all",
    category = "fluxcd",
    category = "fluxcd-appliers",
    derive = "PartialEq",
    doc = "Kustomization: builds manifests from a source and keeps the cluster like them.",
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "mirrors the wire form")]
pub struct KustomizationSpec {
    /// Annotations that the build writes on each object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build_metadata: Vec<BuildMetadata>,
    /// Labels and annotations for every object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// Paths of kustomize components, relative to `path`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// Decryption of files before the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decryption: Option<Decryption>,
    /// What becomes of the objects when this one is deleted; `MirrorPrune` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Kustomizations that have to be ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyReference>,
    /// Whether an object is recreated when an immutable field changes.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub force: bool,
    /// Health of custom kinds by CEL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_check_exprs: Vec<HealthCheckExpression>,
    /// Objects to wait for; ignored with `wait`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<NamespacedObjectKindReference>,
    /// Fields left alone in the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
    /// Whether a component path that does not exist is skipped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_missing_components: bool,
    /// Image replacements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// How often the cluster is compared with the source.
    #[schemars(extend("pattern" = INTERVAL))]
    pub interval: GoDuration,
    /// Another cluster to apply to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<KubeConfigReference>,
    /// Put before every name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 200, "minLength" = 1))]
    pub name_prefix: Option<String>,
    /// Put after every name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 200, "minLength" = 1))]
    pub name_suffix: Option<String>,
    /// Patches applied after the build.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
    /// Directory in the source that is built; its root if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Substitution after the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_build: Option<PostBuild>,
    /// Whether objects that are gone from the source are deleted from the cluster.
    pub prune: bool,
    /// How soon a failed run is tried again; `interval` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = INTERVAL))]
    pub retry_interval: Option<GoDuration>,
    /// Service account to act as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Source of the manifests.
    pub source_ref: SourceReference,
    /// Whether nothing is done until this is unset again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Namespace set on every namespaced object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 63, "minLength" = 1))]
    pub target_namespace: Option<String>,
    /// Bound of build, apply and health checks; `interval` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = INTERVAL))]
    pub timeout: Option<GoDuration>,
    /// Whether all applied objects have to become ready.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wait: bool,
}

/// What was last tried and applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct KustomizationStatus {
    /// Ready, Reconciling, Stalled and Healthy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The last five distinct outcomes, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
    /// Objects under management.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// Revision of the origin of the last applied artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_origin_revision: Option<String>,
    /// Revision of the last artifact that was applied and healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// Revision of the last artifact that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// Value of the last `requestedAt` annotation that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation that the status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}
