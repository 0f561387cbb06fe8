//! Rules for Pods and for the kinds that make Pods.

use super::{Health, HealthError, condition, current_if, integer, is_true, text};
use serde_json::Value;

/// A Pod may be unschedulable for this long before it counts as failed, in seconds.
const SCHEDULE_WINDOW: i64 = 15;
/// The value by which the API says that a Deployment's progress has no deadline.
const NO_DEADLINE: i64 = 2_147_483_647;

pub(super) fn job(object: &Value) -> Health {
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) || is_true(object, "Complete") {
        Health::Current
    } else if is_true(object, "Failed") {
        Health::Failed
    } else {
        Health::InProgress
    }
}

pub(super) fn pod(object: &Value, now: i64) -> Result<Health, HealthError> {
    match text(object, "/status/phase") {
        "Succeeded" | "Failed" => Ok(Health::Current),
        "Running" if is_true(object, "Ready") => Ok(Health::Current),
        "Running" if is_crash_looping(object) => Ok(Health::Failed),
        "Pending" if is_unschedulable(object) && age(object, now) >= SCHEDULE_WINDOW => Ok(Health::Failed),
        "Running" | "Pending" | "" => Ok(Health::InProgress),
        phase => Err(HealthError::UnknownPhase(phase.to_owned())),
    }
}

fn is_crash_looping(pod: &Value) -> bool {
    let containers = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    containers.into_iter().flatten().any(|status| text(status, "/state/waiting/reason") == "CrashLoopBackOff")
}

pub(super) fn is_unschedulable(pod: &Value) -> bool {
    condition(pod, "PodScheduled").is_some_and(|c| c.status == "False" && c.reason == "Unschedulable")
}

/// Seconds since creation; 0 if the time is absent or unreadable.
fn age(object: &Value, now: i64) -> i64 {
    text(object, "/metadata/creationTimestamp")
        .parse::<jiff::Timestamp>()
        .map_or(0, |time| now - time.as_second())
}

/// `status.<field>`, 0 if absent.
fn status_count(object: &Value, field: &str) -> i64 {
    object.pointer("/status").and_then(|status| status.get(field)).and_then(Value::as_i64).unwrap_or(0)
}

fn desired_replicas(object: &Value) -> i64 {
    integer(object, "/spec/replicas").unwrap_or(1)
}

pub(super) fn deployment(object: &Value) -> Health {
    let progressing = condition(object, "Progressing");
    if progressing.is_some_and(|condition| condition.reason == "ProgressDeadlineExceeded") {
        return Health::Failed;
    }
    let deadline = integer(object, "/spec/progressDeadlineSeconds");
    let progressed = deadline.is_none_or(|seconds| seconds == NO_DEADLINE)
        || progressing.is_some_and(|c| c.status == "True" && c.reason == "NewReplicaSetAvailable");
    let desired = desired_replicas(object);
    let [replicas, updated, available, ready] =
        ["replicas", "updatedReplicas", "availableReplicas", "readyReplicas"]
            .map(|field| status_count(object, field));
    let scaled = desired <= replicas
        && desired <= updated
        && replicas <= desired
        && updated <= available
        && desired <= ready;
    current_if(scaled && progressed && is_true(object, "Available"))
}

pub(super) fn replica_set(object: &Value) -> Health {
    let desired = desired_replicas(object);
    let [replicas, labelled, available, ready] =
        ["replicas", "fullyLabeledReplicas", "availableReplicas", "readyReplicas"]
            .map(|field| status_count(object, field));
    let scaled = desired <= labelled && desired <= available && desired <= ready && replicas <= desired;
    current_if(scaled && !is_true(object, "ReplicaFailure"))
}

pub(super) fn stateful_set(object: &Value) -> Health {
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Health::Current;
    }
    let desired = desired_replicas(object);
    let [replicas, ready, updated, current] =
        ["replicas", "readyReplicas", "updatedReplicas", "currentReplicas"]
            .map(|field| status_count(object, field));
    if desired > replicas || desired > ready || replicas > desired {
        return Health::InProgress;
    }
    if let Some(partition) = integer(object, "/spec/updateStrategy/rollingUpdate/partition") {
        return current_if(updated >= desired.saturating_sub(partition));
    }
    let revisions_agree = text(object, "/status/currentRevision") == text(object, "/status/updateRevision");
    current_if(desired <= current && revisions_agree)
}

pub(super) fn daemon_set(object: &Value) -> Health {
    let known = ["/metadata/generation", "/status/observedGeneration", "/status/desiredNumberScheduled"]
        .iter()
        .all(|pointer| integer(object, pointer).is_some());
    if !known {
        return Health::InProgress;
    }
    let desired = status_count(object, "desiredNumberScheduled");
    let reached = ["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"]
        .iter()
        .all(|field| desired <= status_count(object, field));
    current_if(reached)
}
