//! Alert: which events go to which Provider.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::reference::LocalObjectReference;
use crate::wire::is_false;
use crate::wire::wire_enum;

wire_enum! {
    /// Least severity of the events that an Alert takes.
    pub enum EventSeverityFilter {
        /// All events.
        Info = "info",
        /// Errors only.
        Error = "error",
    }
}

wire_enum! {
    /// Kinds that emit events or can be asked to reconcile.
    pub enum EventSourceKind {
        /// Object storage bucket.
        Bucket = "Bucket",
        /// Git repository.
        GitRepository = "GitRepository",
        /// Kustomization.
        Kustomization = "Kustomization",
        /// Helm release.
        HelmRelease = "HelmRelease",
        /// Helm chart.
        HelmChart = "HelmChart",
        /// Helm repository.
        HelmRepository = "HelmRepository",
        /// Container image repository.
        ImageRepository = "ImageRepository",
        /// Container image policy.
        ImagePolicy = "ImagePolicy",
        /// Image update automation.
        ImageUpdateAutomation = "ImageUpdateAutomation",
        /// OCI artifact.
        OciRepository = "OCIRepository",
        /// Artifact generator.
        ArtifactGenerator = "ArtifactGenerator",
        /// External artifact.
        ExternalArtifact = "ExternalArtifact",
    }
}

/// Objects whose events an Alert takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventSource {
    /// API group and version of the objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the objects.
    pub kind: EventSourceKind,
    /// Labels that the objects carry. An empty map is not the same as none: the object has to exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Name of the object, or `*` for all.
    #[schemars(extend("maxLength" = 253, "minLength" = 1))]
    pub name: String,
    /// Namespace of the objects; the Alert's own if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 253, "minLength" = 1))]
    pub namespace: Option<String>,
}

/// Which events to send, and where to.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "notification.toolkit.fluxcd.io",
    version = "v1beta3",
    kind = "Alert",
    plural = "alerts",
    namespaced,
    category = "all",
    category = "fluxcd",
    category = "fluxcd-notifications",
    derive = "PartialEq",
    derive = "Default",
    doc = "Alert: which events go to which Provider.",
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct AlertSpec {
    /// Metadata added to each event, unless the event has the key itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub event_metadata: BTreeMap<String, String>,
    /// Least severity sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "info"))]
    pub event_severity: Option<EventSeverityFilter>,
    /// Objects whose events are sent.
    pub event_sources: Vec<EventSource>,
    /// RE2 expressions; an event whose message matches one is dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusion_list: Vec<String>,
    /// RE2 expressions; only events whose message matches one are sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inclusion_list: Vec<String>,
    /// Provider that sends.
    pub provider_ref: LocalObjectReference,
    /// Text added to each event; `summary` in `eventMetadata` goes before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxLength" = 255))]
    pub summary: Option<String>,
    /// Whether events are ignored until this is unset again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
}
