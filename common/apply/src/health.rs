//! Whether an object has reached the state its manifest asks for (kstatus), from its JSON alone.
//!
//! Source: kustomize-controller contract 16.3 (Flux 2.9, cli-utils 1.2). What needs more than the object itself (Pods of
//! a stuck StatefulSet, absent Jobs with a time to live) is the waiter's part.

mod workload;

use serde_json::Value;

/// State of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// As its manifest asks.
    Current,
    /// On its way.
    InProgress,
    /// It will not get there without a change.
    Failed,
    /// Being deleted.
    Terminating,
    /// It does not exist.
    NotFound,
    /// It could not be read or understood.
    Unknown,
}

impl Health {
    /// Wire text, as wait failures quote it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        }
    }
}

/// An object whose state makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    /// A Pod in a phase that the API does not know.
    #[error("unknown phase '{0}'")]
    UnknownPhase(String),
}

/// Computes the state of a live object. `now` is the current Unix time in seconds, used for Pods that cannot be
/// scheduled.
///
/// # Errors
/// [`HealthError`] where the state makes no sense; waiters report it as [`Health::Unknown`].
pub fn health(object: &Value, now: i64) -> Result<Health, HealthError> {
    let group_kind = group_kind(object);
    if group_kind == ("batch", "Job") {
        // the Job reader answers before the generic steps: a finished Job stays Current while it is deleted
        return Ok(workload::job(object));
    }
    if object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null()) {
        return Ok(Health::Terminating);
    }
    let generation = integer(object, "/metadata/generation");
    let observed = integer(object, "/status/observedGeneration");
    if generation.zip(observed).is_some_and(|(generation, observed)| generation != observed) {
        return Ok(Health::InProgress);
    }
    for condition in conditions(object) {
        match (condition.kind, condition.status) {
            ("Reconciling", "True") => return Ok(Health::InProgress),
            ("Stalled", "True") => return Ok(Health::Failed),
            _ => {}
        }
    }
    if let Some(verdict) = by_kind(object, group_kind, now) {
        return verdict;
    }
    Ok(match condition(object, "Ready").map(|ready| ready.status) {
        Some("False" | "Unknown") => Health::InProgress,
        _ => Health::Current,
    })
}

/// Whether objects of a kind are as their manifest asks as soon as they exist.
pub fn is_always_current(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("", "Secret" | "ConfigMap" | "ServiceAccount")
            | ("batch", "CronJob")
            | ("policy", "PodDisruptionBudget")
            | ("rbac.authorization.k8s.io", "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding")
    )
}

fn by_kind(object: &Value, group_kind: (&str, &str), now: i64) -> Option<Result<Health, HealthError>> {
    let verdict = match group_kind {
        (group, kind) if is_always_current(group, kind) => Health::Current,
        ("", "Service") => service(object),
        ("", "PersistentVolumeClaim") => current_if(text(object, "/status/phase") == "Bound"),
        ("", "Pod") => return Some(workload::pod(object, now)),
        ("apps" | "extensions", "Deployment") => workload::deployment(object),
        ("apps" | "extensions", "ReplicaSet") => workload::replica_set(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => workload::daemon_set(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => return None,
    };
    Some(Ok(verdict))
}

/// Whether a Pod has failed for good: not one that is being deleted, or that no node takes.
pub fn pod_failed(pod: &Value, now: i64) -> bool {
    let deleted = pod.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null());
    !deleted && !workload::is_unschedulable(pod) && workload::pod(pod, now) == Ok(Health::Failed)
}

/// `spec.selector` of an object in the selector syntax of Kubernetes; `None` without one, or for one that is not
/// understood.
pub fn selector(object: &Value) -> Option<String> {
    let selector = object.pointer("/spec/selector")?;
    let mut requirements = Vec::new();
    for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
        requirements.push(format!("{key}={}", value.as_str()?));
    }
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = expression.get("key")?.as_str()?;
        let values = expression
            .get("values")
            .and_then(Value::as_array)
            .map(|values| values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","));
        requirements.push(match expression.get("operator")?.as_str()? {
            "In" => format!("{key} in ({})", values?),
            "NotIn" => format!("{key} notin ({})", values?),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!requirements.is_empty()).then(|| requirements.join(","))
}

fn service(object: &Value) -> Health {
    let pending = text(object, "/spec/type") == "LoadBalancer" && text(object, "/spec/clusterIP").is_empty();
    current_if(!pending)
}

fn definition(object: &Value) -> Health {
    for condition in conditions(object) {
        match (condition.kind, condition.status) {
            ("NamesAccepted", "False") => return Health::Failed,
            ("Established", "False") if condition.reason != "Installing" => return Health::Failed,
            ("Established", "True") => return Health::Current,
            _ => {}
        }
    }
    Health::InProgress
}

#[expect(clippy::fn_params_excessive_bools, reason = "the parameter is the verdict itself, not a mode")]
fn current_if(current: bool) -> Health {
    if current { Health::Current } else { Health::InProgress }
}

/// One entry of `status.conditions`.
#[derive(Debug, Clone, Copy)]
struct Condition<'a> {
    kind: &'a str,
    status: &'a str,
    reason: &'a str,
}

fn conditions(object: &Value) -> impl Iterator<Item = Condition<'_>> {
    let entries = object.pointer("/status/conditions").and_then(Value::as_array);
    entries.into_iter().flatten().map(|entry| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        Condition { kind: text("type"), status: text("status"), reason: text("reason") }
    })
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    conditions(object).find(|condition| condition.kind == kind)
}

fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition.status == "True")
}

fn group_kind(object: &Value) -> (&str, &str) {
    let (group, _) = crate::object::split_api_version(text(object, "/apiVersion"));
    (group, text(object, "/kind"))
}

fn integer(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    crate::object::text_at(object, pointer)
}

#[cfg(test)]
mod tests;
