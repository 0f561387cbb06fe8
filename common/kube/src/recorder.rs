//! Kubernetes Events (core/v1) as Flux writes them: with annotations, counted up when they repeat, and limited per object.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::name::ObjectName;
use crate::resource::Resource;
use crate::target::{Merge, Target};

mod correlation;
use correlation::{Correlator, Decision};

/// Events waiting to be written; past this the newest are dropped and counted in the log.
const QUEUE: usize = 4096;
/// Objects whose events are remembered for counting.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// Type of a Kubernetes Event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// Information.
    Normal,
    /// Something that is not as it should be.
    Warning,
}

impl EventType {
    /// As the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// The object that an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Regarding {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Unique id.
    pub uid: String,
    /// Version of the object when the event happened.
    pub resource_version: String,
}

/// An event to write.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Object.
    pub regarding: Regarding,
    /// Type.
    pub event_type: EventType,
    /// Reason, in one word.
    pub reason: String,
    /// Text for people; cut to 1024 bytes, as the API demands.
    pub message: String,
    /// Annotations of the Event object.
    pub annotations: BTreeMap<String, String>,
}

/// Writes Kubernetes Events in the background, in order. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Recorded>,
}

impl Recorder {
    /// A recorder that writes as `target` in the name of `component`. The task ends with the last clone.
    pub fn start(target: Target, component: impl Into<String>) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, events) = mpsc::channel(QUEUE);
        let writer = Writer { target, component: component.into(), correlator: Correlator::new(REMEMBERED) };
        (Self { queue }, tokio::spawn(writer.run(events)))
    }

    /// Queues an event; never waits.
    pub fn record(&self, event: Recorded) {
        if let Err(error) = self.queue.try_send(event) {
            warn!(%error, "dropped a Kubernetes event");
        }
    }
}

struct Writer {
    target: Target,
    component: String,
    correlator: Correlator,
}

impl Writer {
    async fn run(mut self, mut events: mpsc::Receiver<Recorded>) {
        while let Some(event) = events.recv().await {
            let decision = self.correlator.decide(&event, Instant::now());
            self.write(event, decision).await;
        }
    }

    async fn write(&mut self, event: Recorded, decision: Decision) {
        let (message, key, first) = match decision {
            Decision::Drop => {
                debug!(reason = %event.reason, "dropped a Kubernetes event: too many about this object");
                return;
            }
            Decision::Repeat { name, key, count } => {
                if self.count_up(&event.regarding, &name, count).await {
                    return;
                }
                (self.correlator.message(&key, &event), key, count)
            }
            Decision::Create { key, message } => (message, key, 1),
        };
        let now = Timestamp::now();
        let nanoseconds = u64::try_from(now.as_nanosecond()).unwrap_or_default();
        let name = format!("{}.{nanoseconds:x}", event.regarding.name);
        let body =
            body(&event, &self.component, &Written { name: &name, message: &message, count: first, now });
        let namespace = namespace(&event.regarding).to_owned();
        match self.create(&namespace, &body).await {
            Ok(()) => self.correlator.written(key, ObjectName::new(namespace, name)),
            Err(error) => warn!(%error, reason = %event.reason, "failed to write a Kubernetes event"),
        }
    }

    /// Whether the first event of a series could be counted up; it may have expired meanwhile.
    async fn count_up(&self, regarding: &Regarding, name: &ObjectName, count: u32) -> bool {
        let patch = json!({ "count": count, "lastTimestamp": seconds(Timestamp::now()) });
        let merge = Merge { field_manager: &self.component, ..Merge::default() };
        match self.target.merge(&Resource::EVENT, name, &patch, &merge).await {
            Ok(_) => true,
            Err(error) if error.is_not_found() => false,
            Err(error) => {
                warn!(%error, object = %regarding.name, "failed to count up a Kubernetes event");
                true
            }
        }
    }

    async fn create(&self, namespace: &str, body: &Value) -> Result<(), crate::error::Error> {
        let mut attempt = 0_u32;
        loop {
            match self.target.create(&Resource::EVENT, namespace, body, &self.component).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_already_exists() => return Ok(()),
                Err(error) if error.is_transient() && attempt < 4 => {
                    attempt += 1;
                    tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Events about cluster-scoped objects live in `default`.
fn namespace(regarding: &Regarding) -> &str {
    if regarding.namespace.is_empty() { "default" } else { &regarding.namespace }
}

struct Written<'a> {
    name: &'a str,
    message: &'a str,
    count: u32,
    now: Timestamp,
}

fn body(event: &Recorded, component: &str, written: &Written<'_>) -> Value {
    let now = seconds(written.now);
    let regarding = &event.regarding;
    let mut metadata = json!({ "name": written.name, "namespace": namespace(regarding) });
    if let (false, Some(fields)) = (event.annotations.is_empty(), metadata.as_object_mut()) {
        fields.insert("annotations".to_owned(), json!(event.annotations));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": metadata,
        "involvedObject": {
            "apiVersion": regarding.api_version,
            "kind": regarding.kind,
            "namespace": regarding.namespace,
            "name": regarding.name,
            "uid": regarding.uid,
            "resourceVersion": regarding.resource_version,
        },
        "type": event.event_type.as_str(),
        "reason": event.reason,
        "message": cut(written.message),
        "source": { "component": component },
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": written.count,
    })
}

/// Cuts to the API's limit at a character's border.
fn cut(message: &str) -> &str {
    let end = (0..=message.len().min(1024)).rev().find(|&end| message.is_char_boundary(end)).unwrap_or(0);
    message.get(..end).unwrap_or(message)
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_at_characters() {
        assert_eq!(cut(&"ä".repeat(600)).len(), 1024);
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn an_event_names_object_and_component() {
        let event = Recorded {
            regarding: Regarding { name: "app".into(), namespace: "apps".into(), ..Regarding::default() },
            event_type: EventType::Warning,
            reason: "BuildFailed".into(),
            message: "no".into(),
            annotations: [("k".to_owned(), "v".to_owned())].into(),
        };
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let body =
            body(&event, "kustomize-controller", &Written { name: "app.1", message: "no", count: 1, now });
        assert_eq!(body["source"]["component"], "kustomize-controller");
        assert_eq!(body["metadata"]["annotations"]["k"], "v");
        assert_eq!(body["firstTimestamp"], "2026-01-02T03:04:05Z");
    }
}
