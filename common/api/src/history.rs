//! The history: the outcomes of reconciling a Kustomization.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One outcome of reconciling, however often it was repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Digest of the built manifests and the configuration.
    pub digest: String,
    /// When this outcome first happened.
    pub first_reconciled: Time,
    /// When this outcome last happened.
    pub last_reconciled: Time,
    /// How long the last run took, as Go prints durations.
    pub last_reconciled_duration: String,
    /// Reason of the Ready condition of the last run.
    pub last_reconciled_status: String,
    /// Facts about the run, such as the revision.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// How often this outcome happened.
    pub total_reconciliations: i64,
}
