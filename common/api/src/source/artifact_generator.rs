//! ArtifactGenerator: artifacts composed of the contents of others.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::reference::CommonMetadata;
use crate::wire::wire_enum;

wire_enum! {
    /// How a copied file meets one that is there.
    pub enum CopyStrategy {
        /// It takes the other's place.
        Overwrite = "Overwrite",
        /// YAML values files are merged.
        Merge = "Merge",
        /// A tarball is unpacked.
        Extract = "Extract",
    }
}

wire_enum! {
    /// Kinds that a generator can take contents from.
    pub enum GeneratorSourceKind {
        /// A bucket.
        Bucket = "Bucket",
        /// A Git repository.
        GitRepository = "GitRepository",
        /// An OCI artifact.
        OciRepository = "OCIRepository",
        /// A packaged chart.
        HelmChart = "HelmChart",
        /// An artifact that another controller publishes.
        ExternalArtifact = "ExternalArtifact",
    }
}

/// A source by the alias it is known under.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratorSource {
    /// Name used in the copy operations.
    #[schemars(extend("maxLength" = 63, "pattern" = "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"))]
    pub alias: String,
    /// Kind of the source.
    pub kind: GeneratorSourceKind,
    /// Name of the source.
    #[schemars(extend("maxLength" = 253, "pattern" = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub name: String,
    /// Namespace of the source; the generator's own if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength" = 63, "minLength" = 1))]
    pub namespace: Option<String>,
}

/// An artifact to publish.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratedArtifact {
    /// What goes into it, in order.
    #[schemars(extend("minItems" = 1))]
    pub copy: Vec<CopyOperation>,
    /// Name of the ExternalArtifact.
    #[schemars(extend("maxLength" = 253, "minLength" = 1))]
    pub name: String,
    /// Source whose origin revision is handed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 64, "pattern" = "^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)$"))]
    pub origin_revision: Option<String>,
    /// Source whose revision is used; a digest of the contents if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 64, "pattern" = "^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)$"))]
    pub revision: Option<String>,
}

/// Copies files of a source into an artifact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CopyOperation {
    /// Glob patterns of files left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 100))]
    pub exclude: Vec<String>,
    /// `@alias/` and a glob pattern.
    #[schemars(extend("pattern" = "^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)/(.*)$", "maxLength" = 1024, "minLength" = 1))]
    pub from: String,
    /// How files meet; `Overwrite` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<CopyStrategy>,
    /// `@artifact/` and a path.
    #[schemars(extend("pattern" = "^@(artifact)/(.*)$", "maxLength" = 1024, "minLength" = 1))]
    pub to: String,
}

/// What to compose of which sources.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "source.extensions.fluxcd.io",
    version = "v1beta1",
    kind = "ArtifactGenerator",
    plural = "artifactgenerators",
    namespaced,
    status = "ArtifactGeneratorStatus",
    shortname = "ag",
    category = "all",
    category = "fluxcd",
    category = "fluxcd-sources",
    derive = "PartialEq",
    derive = "Default",
    doc = "ArtifactGenerator: artifacts composed of the contents of others.",
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{"message": "artifact names must be valid Kubernetes object names when pathPattern is not set", "rule": "has(self.pathPattern) && size(self.pathPattern) > 0 || self.artifacts.all(a, a.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'))"}]))]
pub struct ArtifactGeneratorSpec {
    /// Artifacts to publish.
    #[schemars(extend("maxItems" = 1000, "minItems" = 1))]
    pub artifacts: Vec<GeneratedArtifact>,
    /// Labels and annotations for the published objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// Pattern of directories, each of which gives one artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 1024, "pattern" = "^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)/(.*)$"))]
    pub path_pattern: Option<String>,
    /// Sources the contents come from.
    #[schemars(extend("maxItems" = 1000, "minItems" = 1))]
    pub sources: Vec<GeneratorSource>,
}

/// What was published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactGeneratorStatus {
    /// Ready, Reconciling and Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Published artifacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inventory: Vec<ExternalArtifactReference>,
    /// Value of the last `requestedAt` annotation that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Digest of the revisions of all sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_sources_digest: Option<String>,
}

/// A published artifact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalArtifactReference {
    /// Digest of the artifact.
    pub digest: String,
    /// File name in the storage.
    pub filename: String,
    /// Name of the ExternalArtifact.
    pub name: String,
    /// Namespace of the ExternalArtifact.
    pub namespace: String,
}
