//! Conditions, their types, and the reasons that all controllers share.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::wire_enum;

wire_enum! {
    /// Whether a condition holds.
    pub enum ConditionStatus {
        /// It holds.
        True = "True",
        /// It does not hold.
        False = "False",
        /// It is not known.
        Unknown = "Unknown",
    }
}

wire_enum! {
    /// Types of condition that every kind may have (Flux 2.9, `apis/meta`).
    pub enum ConditionType {
        /// The object is as its spec wants it.
        Ready = "Ready",
        /// The controller is at work on it, or will try again.
        Reconciling = "Reconciling",
        /// Nothing helps but a change of the object.
        Stalled = "Stalled",
        /// What was applied is healthy.
        Healthy = "Healthy",
        /// A reference to another namespace was refused.
        AccessDenied = "AccessDenied",
    }
}

wire_enum! {
    /// Reasons of conditions and events that every kind may have (Flux 2.9, `apis/meta`), and our own.
    pub enum Reason {
        /// It went well.
        Succeeded = "Succeeded",
        /// It did not go well.
        Failed = "Failed",
        /// It goes on.
        Progressing = "Progressing",
        /// It failed and will be tried again.
        ProgressingWithRetry = "ProgressingWithRetry",
        /// It is suspended.
        Suspended = "Suspended",
        /// An object it depends on is not ready.
        DependencyNotReady = "DependencyNotReady",
        /// A path in the spec is not valid.
        InvalidPath = "InvalidPath",
        /// An address in the spec is not valid.
        InvalidUrl = "InvalidURL",
        /// Plain HTTP is not allowed.
        InsecureConnectionsDisallowed = "InsecureConnectionsDisallowed",
        /// The scheme of an address is not supported.
        UnsupportedConnectionType = "UnsupportedConnectionType",
        /// Objects could not be deleted.
        PruneFailed = "PruneFailed",
        /// The artifact could not be had.
        ArtifactFailed = "ArtifactFailed",
        /// The manifests could not be built.
        BuildFailed = "BuildFailed",
        /// Objects did not become healthy.
        HealthCheckFailed = "HealthCheckFailed",
        /// The wait for healthy objects was called off.
        HealthCheckCanceled = "HealthCheckCanceled",
        /// Reconciling went well.
        ReconciliationSucceeded = "ReconciliationSucceeded",
        /// Reconciling did not go well.
        ReconciliationFailed = "ReconciliationFailed",
        /// A CEL expression is not valid.
        InvalidCelExpression = "InvalidCELExpression",
        /// A feature gate is off.
        FeatureGateDisabled = "FeatureGateDisabled",
        /// A reference to another namespace was refused.
        AccessDenied = "AccessDenied",
        /// Ours: the spec asks for something that is not there yet.
        UnsupportedFeature = "UnsupportedFeature",
    }
}

/// One aspect of an object's state, as `metav1.Condition`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// When the status last changed, in whole seconds.
    pub last_transition_time: Time,
    /// What a person should know; may be empty.
    #[schemars(extend("maxLength" = 32768))]
    pub message: String,
    /// Generation of the object that the condition speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0))]
    pub observed_generation: Option<i64>,
    /// Why the condition is as it is, in `CamelCase`.
    #[schemars(extend("maxLength" = 1024, "minLength" = 1, "pattern" = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
    pub reason: String,
    /// Whether the condition holds.
    pub status: ConditionStatus,
    /// Aspect the condition is about, in `CamelCase`.
    #[serde(rename = "type")]
    #[schemars(extend("maxLength" = 316, "pattern" = TYPE_PATTERN))]
    pub condition_type: String,
}

/// Label syntax: an optional DNS name and a slash, then a word.
const TYPE_PATTERN: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";

/// The condition of the given type, if there is one.
pub fn find_condition<'c>(conditions: &'c [Condition], condition_type: &str) -> Option<&'c Condition> {
    conditions.iter().find(|condition| condition.condition_type == condition_type)
}
