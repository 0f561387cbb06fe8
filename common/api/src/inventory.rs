//! The inventory: which objects a Kustomization or HelmRelease has applied.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Objects that were applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceInventory {
    /// One entry for each object.
    pub entries: Vec<InventoryEntry>,
}

/// One applied object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryEntry {
    /// `<namespace>_<name>_<group>_<kind>`, with colons in the name written as two underscores.
    pub id: String,
    /// API version the object was applied with.
    pub v: String,
}
