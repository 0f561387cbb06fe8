//! Following Flux objects by one watch: when each became Ready, and with which revision.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::TryStreamExt as _;
use kube::Api;
use kube::api::{DynamicObject, WatchEvent, WatchParams};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is known of an object.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The revision of the artifact, or the one applied last.
    pub(crate) revision: String,
    /// Whether it is Ready for its generation.
    pub(crate) ready: bool,
    /// When this was learnt.
    pub(crate) at: Instant,
}

type Objects = HashMap<String, Seen>;

/// A watch on a kind; it ends with this value.
pub(crate) struct Watching {
    objects: watch::Receiver<Objects>,
    task: JoinHandle<Result<()>>,
}

impl Watching {
    /// Starts with the objects that there are.
    pub(crate) async fn start(api: Api<DynamicObject>) -> Result<Self> {
        let list = api.list(&kube::api::ListParams::default()).await?;
        let version = list.metadata.resource_version.clone().unwrap_or_default();
        let (sender, objects) = watch::channel(Objects::new());
        sender.send_modify(|objects| objects.extend(list.items.iter().map(seen)));
        let task = tokio::spawn(follow(api, version, sender));
        Ok(Self { objects, task })
    }

    /// Waits until this many objects are Ready at the revision (any, if it is empty); gives the time of the last.
    pub(crate) async fn ready(&mut self, count: usize, revision: &str, within: Duration) -> Result<Instant> {
        let wanted = |seen: &&Seen| seen.ready && (revision.is_empty() || seen.revision == revision);
        let waiting = self.objects.wait_for(|objects| objects.values().filter(wanted).count() >= count);
        let waited = tokio::time::timeout(within, waiting).await.map(|held| held.map(drop));
        let objects = self.objects.borrow();
        let reached: Vec<_> = objects.values().filter(wanted).map(|seen| seen.at).collect();
        match waited {
            Ok(Ok(())) => Ok(reached.into_iter().max().unwrap_or_else(Instant::now)),
            Ok(Err(_)) => bail!("the watch ended"),
            Err(_) => {
                bail!("{} of {count} objects became Ready at '{revision}' in {within:?}", reached.len())
            }
        }
    }

    /// Waits until one object is Ready at the revision (any, if it is empty); gives when it was.
    pub(crate) async fn one(&mut self, name: &str, revision: &str, within: Duration) -> Result<Instant> {
        let wanted = |seen: &&Seen| seen.ready && (revision.is_empty() || seen.revision == revision);
        let waiting = self.objects.wait_for(|objects| objects.get(name).as_ref().is_some_and(wanted));
        let objects = tokio::time::timeout(within, waiting)
            .await
            .with_context(|| format!("{name} did not become Ready at '{revision}' in {within:?}"))?
            .context("the watch ended")?;
        Ok(objects.get(name).map_or_else(Instant::now, |seen| seen.at))
    }

    /// How many objects have been written since.
    pub(crate) fn written_since(&self, since: Instant) -> usize {
        self.objects.borrow().values().filter(|seen| seen.at > since).count()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(api: Api<DynamicObject>, version: String, sender: watch::Sender<Objects>) -> Result<()> {
    let mut version = version;
    loop {
        let parameters = WatchParams::default().timeout(290);
        let mut events = std::pin::pin!(api.watch(&parameters, &version).await?);
        while let Some(event) = events.try_next().await? {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    version = object.metadata.resource_version.clone().unwrap_or(version);
                    let (name, seen) = seen(&object);
                    sender.send_modify(|objects| {
                        objects.insert(name, seen);
                    });
                }
                WatchEvent::Deleted(object) => sender.send_modify(|objects| {
                    objects.remove(object.metadata.name.as_deref().unwrap_or_default());
                }),
                WatchEvent::Bookmark(bookmark) => version.clone_from(&bookmark.metadata.resource_version),
                WatchEvent::Error(status) => bail!("the watch failed: {}", status.message),
            }
        }
    }
}

fn seen(object: &DynamicObject) -> (String, Seen) {
    let text = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_str);
    let revision = text("/status/artifact/revision").or_else(|| text("/status/lastAppliedRevision"));
    let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
    let ready =
        conditions.into_iter().flatten().find(|condition| condition.get("type") == Some(&"Ready".into()));
    let ready = ready.is_some_and(|condition| {
        let observed = condition.get("observedGeneration").and_then(Value::as_i64);
        condition.get("status") == Some(&"True".into()) && observed == object.metadata.generation
    });
    let name = object.metadata.name.clone().unwrap_or_default();
    (name, Seen { revision: revision.unwrap_or_default().to_owned(), ready, at: Instant::now() })
}
