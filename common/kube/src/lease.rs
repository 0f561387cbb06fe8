//! Leader election by a Lease, compatible with the one that Flux's controllers hold.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::error::Error;
use crate::name::ObjectName;
use crate::recorder::{EventType, Recorded, Recorder, Regarding};
use crate::resource::Resource;
use crate::target::Target;

/// Who asks for leadership, where, and how eagerly.
#[derive(Debug, Clone)]
pub struct LeaseSettings {
    /// Namespace and name of the Lease.
    pub lease: ObjectName,
    /// Name of this process: `<hostname>_<uuid>`.
    pub identity: String,
    /// How long others wait before they take over from a silent leader (default 35 s).
    pub lease_duration: Duration,
    /// How long a leader tries to renew before it gives up (default 30 s).
    pub renew_deadline: Duration,
    /// Pause between tries (default 5 s).
    pub retry_period: Duration,
    /// Whether the Lease is emptied at a clean stop, so that the next leader need not wait.
    pub release_on_cancel: bool,
}

/// Leadership cannot be used, or was lost.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The stop was asked for before leadership was won.
    #[error("stopped before leadership was won")]
    Stopped,
}

/// The leader could not renew its Lease in time, or another took it.
#[derive(Debug, thiserror::Error)]
#[error("leader election lost")]
pub struct Lost;

/// Name of the Lease of `base`: selectors make it another one, so that shards elect on their own.
pub fn lease_name(base: &str, selectors: &[&str]) -> String {
    let joined = selectors.concat();
    if base.is_empty() || joined.is_empty() {
        return base.to_owned();
    }
    let mut name = format!("{base}-");
    for byte in Sha256::digest(joined.as_bytes()).into_iter().take(4) {
        // writing to a String cannot fail
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    holder_identity: String,
    lease_duration_seconds: u64,
    acquire_time: Value,
    renew_time: Value,
    lease_transitions: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lease {
    metadata: LeaseMetadata,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LeaseMetadata {
    resource_version: String,
    uid: String,
}

/// What was last seen of the Lease, and when: expiry goes by our clock, never by the holder's.
struct Seen {
    spec: Spec,
    at: Instant,
}

struct Elector {
    target: Target,
    settings: LeaseSettings,
    seen: Option<Seen>,
    uid: String,
}

/// Leadership. Renewal runs in the background until [`Lead::stop`].
#[derive(Debug)]
pub struct Lead {
    lost: oneshot::Receiver<Lost>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Lead {
    /// Waits until leadership is won, and keeps it. `target` should have a connection of its own
    /// ([`Cluster::dedicated`](crate::Cluster::dedicated)).
    ///
    /// # Errors
    /// [`LeaseError::Stopped`] if `stop` is cancelled first.
    pub async fn acquire(
        target: Target,
        settings: LeaseSettings,
        recorder: &Recorder,
        stop: &CancellationToken,
    ) -> Result<Self, LeaseError> {
        info!(lease = %settings.lease, identity = %settings.identity, "attempting to acquire leader lease");
        let mut elector = Elector { target, settings, seen: None, uid: String::new() };
        loop {
            tokio::select! {
                won = elector.attempt() => if won { break },
                () = stop.cancelled() => return Err(LeaseError::Stopped),
            }
            tokio::select! {
                () = tokio::time::sleep(elector.pause()) => {}
                () = stop.cancelled() => return Err(LeaseError::Stopped),
            }
        }
        info!(lease = %elector.settings.lease, "successfully acquired lease");
        elector.announce(recorder);
        let (sender, lost) = oneshot::channel();
        let stop = CancellationToken::new();
        let task = tokio::spawn(elector.keep(sender, stop.clone()));
        Ok(Self { lost, stop, task })
    }

    /// Resolves when leadership is lost; then the process must end at once.
    pub async fn lost(&mut self) -> Lost {
        match (&mut self.lost).await {
            Ok(lost) => lost,
            // the keeper ended without a word: it was aborted with the runtime
            Err(_) => Lost,
        }
    }

    /// Ends renewal after all work has ended, and empties the Lease if the settings say so.
    pub async fn stop(self) {
        self.stop.cancel();
        // the task only ends early when the runtime does
        let _ = self.task.await;
    }
}

impl Elector {
    /// Pause until the next try: a fifth more or less, so that candidates do not meet.
    fn pause(&self) -> Duration {
        self.settings.retry_period.mul_f64(1.0 + 0.2 * rand::random::<f64>())
    }

    /// One try; an error counts as a lost one.
    async fn attempt(&mut self) -> bool {
        let timeout = (self.settings.renew_deadline / 2).max(Duration::from_secs(1));
        match tokio::time::timeout(timeout, self.try_hold()).await {
            Ok(Ok(held)) => held,
            Ok(Err(error)) => {
                debug!(%error, "failed to update the lease");
                false
            }
            Err(_) => false,
        }
    }

    /// Takes the Lease if it is free or expired, renews it if it is ours.
    async fn try_hold(&mut self) -> Result<bool, Error> {
        let lease: Lease = match self.target.get_as(&Resource::LEASE, &self.settings.lease).await {
            Ok(lease) => lease,
            Err(error) if error.is_not_found() => return self.create().await,
            Err(error) => return Err(error),
        };
        self.uid.clone_from(&lease.metadata.uid);
        if self.seen.as_ref().is_none_or(|seen| seen.spec != lease.spec) {
            self.seen = Some(Seen { spec: lease.spec.clone(), at: Instant::now() });
        }
        let ours = lease.spec.holder_identity == self.settings.identity;
        let silent = self.seen.as_ref().map_or(Duration::ZERO, |seen| seen.at.elapsed());
        let lifetime = Duration::from_secs(lease.spec.lease_duration_seconds);
        if !ours && !lease.spec.holder_identity.is_empty() && silent < lifetime {
            return Ok(false);
        }
        let now = micro_time();
        let spec = Spec {
            holder_identity: self.settings.identity.clone(),
            lease_duration_seconds: self.settings.lease_duration.as_secs(),
            acquire_time: if ours { lease.spec.acquire_time } else { now.clone() },
            renew_time: now,
            lease_transitions: lease.spec.lease_transitions + u64::from(!ours),
        };
        self.write(spec, Some(&lease.metadata.resource_version)).await
    }

    async fn create(&mut self) -> Result<bool, Error> {
        let now = micro_time();
        let spec = Spec {
            holder_identity: self.settings.identity.clone(),
            lease_duration_seconds: self.settings.lease_duration.as_secs(),
            acquire_time: now.clone(),
            renew_time: now,
            lease_transitions: 0,
        };
        self.write(spec, None).await
    }

    async fn write(&mut self, spec: Spec, version: Option<&str>) -> Result<bool, Error> {
        let name = &self.settings.lease;
        let mut metadata = json!({ "name": name.name, "namespace": name.namespace });
        if let (Some(version), Some(fields)) = (version, metadata.as_object_mut()) {
            fields.insert("resourceVersion".to_owned(), version.into());
        }
        let body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec,
        });
        let manager = "leader-election";
        let answer = match version {
            Some(_) => self.target.replace(&Resource::LEASE, name, &body, manager).await,
            None => self.target.create(&Resource::LEASE, &name.namespace, &body, manager).await,
        };
        match answer {
            Ok(body) => {
                let stored: Lease = serde_json::from_slice(&body).map_err(Error::Decode)?;
                self.uid = stored.metadata.uid;
                self.seen = Some(Seen { spec: stored.spec, at: Instant::now() });
                Ok(true)
            }
            Err(error) if error.is_conflict() || error.is_already_exists() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Renews until told to stop; tells `lost` when the deadline passes or another holds the Lease.
    async fn keep(mut self, lost: oneshot::Sender<Lost>, stop: CancellationToken) {
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(self.settings.retry_period) => {}
            }
            let deadline = renewed + self.settings.renew_deadline;
            let held = tokio::select! {
                held = self.attempt() => held,
                () = tokio::time::sleep_until(deadline) => false,
                () = stop.cancelled() => break,
            };
            if held {
                renewed = Instant::now();
                continue;
            }
            let taken = self.seen.as_ref().is_some_and(|seen| {
                let holder = &seen.spec.holder_identity;
                !holder.is_empty() && *holder != self.settings.identity
            });
            if taken || Instant::now() >= deadline {
                // nobody listens any more when the process is already ending
                let _ = lost.send(Lost);
                return;
            }
        }
        if self.settings.release_on_cancel {
            self.release().await;
        }
    }

    /// Empties the holder, and shortens the lifetime to 1 s for candidates that read only that.
    async fn release(&mut self) {
        let Ok(Ok(lease)) = tokio::time::timeout(
            Duration::from_secs(5),
            self.target.get_as::<Lease>(&Resource::LEASE, &self.settings.lease),
        )
        .await
        else {
            return;
        };
        if lease.spec.holder_identity != self.settings.identity {
            return;
        }
        let now = micro_time();
        let spec = Spec {
            holder_identity: String::new(),
            lease_duration_seconds: 1,
            acquire_time: now.clone(),
            renew_time: now,
            lease_transitions: lease.spec.lease_transitions,
        };
        let write = self.write(spec, Some(&lease.metadata.resource_version));
        let released = matches!(tokio::time::timeout(Duration::from_secs(5), write).await, Ok(Ok(true)));
        info!(released, "gave up the lease");
    }

    fn announce(&self, recorder: &Recorder) {
        let name = &self.settings.lease;
        recorder.record(Recorded {
            regarding: Regarding {
                api_version: "coordination.k8s.io/v1".to_owned(),
                kind: "Lease".to_owned(),
                namespace: name.namespace.clone(),
                name: name.name.clone(),
                uid: self.uid.clone(),
                resource_version: String::new(),
            },
            event_type: EventType::Normal,
            reason: "LeaderElection".to_owned(),
            message: format!("{} became leader", self.settings.identity),
            annotations: std::collections::BTreeMap::default(),
        });
    }
}

/// Now in the form of `metav1.MicroTime`.
fn micro_time() -> Value {
    Value::String(format!("{:.6}", Timestamp::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_makes_another_lease() {
        assert_eq!(
            lease_name("source-controller-leader-election", &[""]),
            "source-controller-leader-election"
        );
        assert_eq!(lease_name("x", &["sharding.fluxcd.io/key=shard1"]), "x-73fdc1be");
        assert_eq!(lease_name("x", &["!sharding.fluxcd.io/key"]), "x-42da7484");
        assert_eq!(lease_name("foo", &["bar"]), "foo-fcde2b2e");
        assert_eq!(lease_name("foo", &["bar", "baz"]), "foo-c8f8b724");
        assert_eq!(lease_name("", &["b"]), "");
    }

    #[test]
    fn times_have_microseconds() {
        let Value::String(text) = micro_time() else { panic!("not a string") };
        assert_eq!(text.len(), "2026-01-02T03:04:05.000006Z".len(), "{text}");
    }
}
