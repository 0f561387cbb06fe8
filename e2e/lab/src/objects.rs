//! Names of objects, and conditions that tests wait for.

use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result};
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use serde::Serialize;
use serde_json::Value;

/// What finds an object of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey {
    /// Such as `v1` or `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// None for objects of the whole cluster, and for what is in the test's own namespace.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// An object in the test's own namespace (or of the whole cluster, by its kind).
    pub fn new(api_version: &str, kind: &str, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: name.to_owned(),
        }
    }

    /// The same in another namespace.
    #[must_use]
    pub fn within(self, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..self }
    }

    /// The key of an object in hand.
    ///
    /// # Errors
    /// If it has no apiVersion, kind or name.
    pub fn of(object: &impl Serialize) -> Result<Self> {
        let object = serde_json::to_value(object).context("failed to serialize an object")?;
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            api_version: text("/apiVersion").context("the object has no apiVersion")?,
            kind: text("/kind").context("the object has no kind")?,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name").context("the object has no name")?,
        })
    }

    pub(crate) fn resource(&self) -> ApiResource {
        let (group, version) = self.api_version.rsplit_once('/').unwrap_or(("", &self.api_version));
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &self.kind))
    }

    /// Kinds of the whole cluster among those that tests use.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "Namespace"
                | "Node"
                | "ClusterRole"
                | "ClusterRoleBinding"
                | "CustomResourceDefinition"
                | "PersistentVolume"
                | "StorageClass"
                | "PriorityClass"
                | "FlowSchema"
                | "ValidatingAdmissionPolicy"
                | "ValidatingAdmissionPolicyBinding"
                | "ValidatingWebhookConfiguration"
                | "MutatingWebhookConfiguration"
                | "MutatingAdmissionPolicy"
                | "MutatingAdmissionPolicyBinding"
        )
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace =
            self.namespace.as_deref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        write!(formatter, "{} {namespace}{}", self.kind, self.name)
    }
}

type Predicate = dyn Fn(Option<&Value>) -> bool + Send + Sync;

/// What a test waits for, and its name in the message of a failure. The object is `None` while it does not exist.
#[derive(Clone)]
pub struct Condition {
    name: String,
    holds: Arc<Predicate>,
}

impl Condition {
    /// A condition of this name on an object that exists.
    pub fn new(name: impl Into<String>, holds: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Self {
        Self { name: name.into(), holds: Arc::new(move |object| object.is_some_and(&holds)) }
    }

    pub(crate) fn holds(&self, object: Option<&Value>) -> bool {
        (self.holds)(object)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Condition({})", self.name)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// The object does not exist.
pub fn gone() -> Condition {
    Condition { name: "gone".to_owned(), holds: Arc::new(|object| object.is_none()) }
}

/// The object has this condition in its status, for the generation that it has now.
pub fn has_condition(kind: &str, status: &str, reason: &str) -> Condition {
    let (kind, status, reason) = (kind.to_owned(), status.to_owned(), reason.to_owned());
    Condition::new(format!("{kind}={status} for {reason}"), move |object| {
        condition(object, &kind).is_some_and(|found| {
            text(found, "status") == status && text(found, "reason") == reason && is_current(object, found)
        })
    })
}

/// The object is Ready, for the generation that it has now.
pub fn is_ready() -> Condition {
    Condition::new("Ready", ready)
}

/// The object is Ready with this revision: of its artifact, or the one applied last.
pub fn is_ready_at(revision: &str) -> Condition {
    let revision = revision.to_owned();
    Condition::new(format!("Ready at {revision}"), move |object| {
        let places = ["/status/artifact/revision", "/status/lastAppliedRevision"];
        let seen = places.iter().find_map(|place| object.pointer(place)).and_then(Value::as_str);
        ready(object) && seen == Some(&revision)
    })
}

fn ready(object: &Value) -> bool {
    condition(object, "Ready")
        .is_some_and(|found| text(found, "status") == "True" && is_current(object, found))
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| text(condition, "type") == kind)
}

fn is_current(object: &Value, condition: &Value) -> bool {
    let observed = condition.get("observedGeneration").and_then(Value::as_i64);
    // Built-in kinds' conditions do not name a generation.
    observed.is_none() || observed == object.pointer("/metadata/generation").and_then(Value::as_i64)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
