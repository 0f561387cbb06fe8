//! The API of the GitOps Toolkit, wire-compatible with Flux 2.9: the types of all 15 kinds by group, what they have in
//! common (conditions, references, artifact, inventory, history, durations), and the event that controllers send.
//!
//! The structs mirror the wire form; reconcilers resolve defaults once and work with plans of their own. The schemas in
//! `charts/crds` are generated from these types by the binary `crdgen`.

pub mod crd;
pub mod event;
pub mod helm;
pub mod image;
pub mod kustomize;
pub mod notification;
pub mod source;
pub mod well_known;

mod artifact;
mod condition;
mod history;
mod inventory;
mod name;
mod reference;
mod schema;
mod wire;

pub use artifact::Artifact;
pub use condition::{Condition, ConditionStatus, ConditionType, Reason, find_condition};
pub use event::Event;
pub use flux_gotext::{GoDuration, ParseDurationError};
pub use history::HistoryEntry;
pub use inventory::{InventoryEntry, ResourceInventory};
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
pub use name::{InvalidName, NamespacedName};
pub use reference::{
    AccessFrom, CommonMetadata, DependencyReference, KubeConfigReference, LabelSelector,
    LabelSelectorRequirement, LocalObjectReference, NamespaceSelector, NamespacedObjectKindReference,
    NamespacedObjectReference, SecretKeyReference,
};
