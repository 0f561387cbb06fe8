//! Artifacts: what sources publish and appliers download.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file that a source controller serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Digest of the file, `<algorithm>:<checksum>`.
    #[schemars(extend("pattern" = DIGEST_PATTERN))]
    pub digest: String,
    /// When the file was made, in whole seconds.
    pub last_update_time: Time,
    /// Facts about the file, as OCI annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Path of the file below the root of the storage.
    pub path: String,
    /// Where in the origin's history the contents stand, such as `main@sha1:<commit>`.
    pub revision: String,
    /// Length of the file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Address the file is downloaded from.
    pub url: String,
}

/// What the API server admits as digest.
const DIGEST_PATTERN: &str = "^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$";
