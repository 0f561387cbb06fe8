//! A watch that never ends: list, then watch from there, and list again where the server has forgotten that version.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tracing::{debug, warn};

use crate::availability::Lookout;
use crate::cluster::Cluster;
use crate::error::{Error, Status};
use crate::name::ObjectName;
use crate::object::Object;
use crate::resource::Resource;
use crate::target::{Accept, Call, ListOptions, Page, Target};
use crate::transport::ResponseBody;

/// The server ends a watch after this, so that connections get balanced.
const SERVER_TIMEOUT: Duration = Duration::from_secs(290);
/// A stream without a word for this long past the server's own end is dead.
const IDLE_MARGIN: Duration = Duration::from_secs(30);
/// No event of a watch is larger: etcd refuses objects past 1.5 MiB.
const EVENT_LIMIT: usize = 16 * 1024 * 1024;
const BACKOFF_START: Duration = Duration::from_millis(800);
const BACKOFF_CAP: Duration = Duration::from_secs(30);

/// How much of each object is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// All of it.
    #[default]
    Full,
    /// Its metadata.
    Metadata,
}

/// What to watch.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Resource.
    pub resource: Resource,
    /// Only this namespace; empty means all of them.
    pub namespace: String,
    /// Only objects with these labels, in the selector syntax of Kubernetes.
    pub label_selector: String,
    /// How much of each object is wanted.
    pub content: Content,
    /// Version to start from instead of a list; then objects that do not change are never told.
    pub start: Option<String>,
}

impl Watch {
    /// All objects of a resource, in full.
    pub fn all(resource: Resource) -> Self {
        Self {
            resource,
            namespace: String::new(),
            label_selector: String::new(),
            content: Content::Full,
            start: None,
        }
    }
}

/// What a watch tells.
#[derive(Debug, Clone)]
pub enum Change {
    /// The object is there in this state: new, changed, or told again by a list.
    Applied(Arc<Object>),
    /// The object is gone. Where a list shows it, no more than its name is known.
    Deleted(ObjectName),
    /// A list has been told in full: what was not in it has been told as deleted.
    Synced,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Where a watcher stands.
enum State {
    /// To list, page by page; the names seen so far.
    Listing { after: Option<String>, seen: HashSet<ObjectName> },
    /// To open a stream.
    Opening,
    /// To read a stream; the token holds its place on the connection.
    Reading { body: ResponseBody, buffer: BytesMut, _place: Arc<()> },
}

/// Runs a [`Watch`] for ever. Errors are logged and retried with growing delays.
pub struct Watcher {
    cluster: Cluster,
    watch: Watch,
    state: State,
    version: String,
    /// Objects that were told as applied, so that a list can tell which are gone.
    known: HashSet<ObjectName>,
    pending: VecDeque<Change>,
    failures: u32,
    lookout: Lookout,
    jitter: SmallRng,
    forbidden: Arc<AtomicBool>,
    openings: watch::Sender<u64>,
}

impl Watcher {
    /// A watcher on `cluster`, as the controller. `seed` spreads the retries.
    pub fn new(cluster: Cluster, watch: Watch, seed: u64) -> Self {
        let state = if watch.start.is_some() {
            State::Opening
        } else {
            State::Listing { after: None, seen: HashSet::new() }
        };
        Self {
            lookout: cluster.availability().lookout(),
            cluster,
            version: watch.start.clone().unwrap_or_default(),
            watch,
            state,
            known: HashSet::new(),
            pending: VecDeque::new(),
            failures: 0,
            jitter: SmallRng::seed_from_u64(seed),
            forbidden: Arc::default(),
            openings: watch::Sender::new(0),
        }
    }

    /// Tells whether the server refuses the watch to the controller, for as long as it does.
    pub fn forbidden(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.forbidden)
    }

    /// Counts how often a stream was opened: whatever else the server is, it may be another one since.
    pub fn openings(&self) -> watch::Receiver<u64> {
        self.openings.subscribe()
    }

    /// The same, where others know of these objects already: the first list tells which of them are gone.
    #[must_use]
    pub fn knowing(mut self, names: impl IntoIterator<Item = ObjectName>) -> Self {
        self.known.extend(names);
        self
    }

    /// The next change. May be dropped and called again without losing one.
    pub async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return change;
            }
            if let Err(error) = self.step().await {
                self.recover(&error).await;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Listing { .. } => self.list().await,
            State::Opening => self.open().await,
            State::Reading { .. } => self.read().await,
        }
    }

    /// Decides how to go on after an error, and waits: longer from failure to failure, or until the server is back. The
    /// state is changed before the wait, so that a dropped call does not repeat what failed.
    async fn recover(&mut self, error: &Error) {
        if error.is_expired() {
            debug!(kind = %self.watch.resource.kind, "the watched version is too old, listing again");
            self.relist();
            return;
        }
        self.forbidden.store(error.is_forbidden(), Ordering::Relaxed);
        if matches!(self.state, State::Reading { .. }) {
            self.state = State::Opening;
        } else {
            warn!(kind = %self.watch.resource.kind, %error, cause = ?error, "watch failed, trying again");
        }
        if self.lookout.has_returned() {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        let delay =
            BACKOFF_START.saturating_mul(1 << self.failures.min(6).saturating_sub(1)).min(BACKOFF_CAP);
        let jitter = self.jitter.random_range(0.0..1.0);
        let delay = error.retry_after().unwrap_or(delay).mul_f64(1.0 + jitter / 2.0);
        self.lookout.pause(delay, jitter).await;
    }

    fn relist(&mut self) {
        self.state = State::Listing { after: None, seen: HashSet::new() };
    }

    async fn list(&mut self) -> Result<(), Error> {
        let State::Listing { after, .. } = &self.state else { return Ok(()) };
        let options = ListOptions {
            namespace: self.watch.namespace.clone(),
            label_selector: self.watch.label_selector.clone(),
            metadata_only: self.watch.content == Content::Metadata,
            after: after.clone(),
            ..ListOptions::default()
        };
        let page = self.target().list_page(&self.watch.resource, &options).await?;
        self.failures = 0;
        self.lookout.through();
        self.take_page(page);
        Ok(())
    }

    fn take_page(&mut self, page: Page) {
        let State::Listing { after, seen } = &mut self.state else { return };
        for object in page.objects {
            let name = object.metadata.object_name();
            seen.insert(name.clone());
            self.known.insert(name);
            self.pending.push_back(Change::Applied(Arc::new(object)));
        }
        *after = page.next;
        if after.is_some() {
            return;
        }
        let seen = std::mem::take(seen);
        let gone: Vec<_> = self.known.difference(&seen).cloned().collect();
        for name in gone {
            self.known.remove(&name);
            self.pending.push_back(Change::Deleted(name));
        }
        self.pending.push_back(Change::Synced);
        self.version = page.resource_version;
        self.state = State::Opening;
    }

    async fn open(&mut self) -> Result<(), Error> {
        let mut path = self.watch.resource.collection(&self.watch.namespace);
        let seconds = SERVER_TIMEOUT.as_secs() + self.jitter.random_range(0..60);
        crate::target::Query::default()
            .with("watch", "true")
            .with("allowWatchBookmarks", "true")
            .with("timeoutSeconds", &seconds.to_string())
            .with_some("labelSelector", &self.watch.label_selector)
            .with("resourceVersion", &self.version)
            .append_to(&mut path);
        let accept = match self.watch.content {
            Content::Full => Accept::Json,
            Content::Metadata => Accept::Metadata,
        };
        let (transport, place) =
            self.cluster.watch_transport().map_err(|error| Error::Transport(Box::new(error)))?;
        let target = Target::controller(self.cluster.clone(), transport);
        let response = target.send(&Call { accept, ..Call::get(path) }).await?;
        let body = response.into_body();
        self.lookout.through();
        self.forbidden.store(false, Ordering::Relaxed);
        self.openings.send_modify(|count| *count += 1);
        self.state = State::Reading { body, buffer: BytesMut::new(), _place: place };
        Ok(())
    }

    /// Reads until at least one change is pending or the stream ends.
    async fn read(&mut self) -> Result<(), Error> {
        let State::Reading { body, buffer, .. } = &mut self.state else { return Ok(()) };
        let idle = SERVER_TIMEOUT + Duration::from_mins(1) + IDLE_MARGIN;
        let frame = tokio::time::timeout(idle, body.frame()).await.map_err(|_| Error::Timeout(idle))?;
        let Some(frame) = frame else {
            self.state = State::Opening;
            return Ok(());
        };
        if let Ok(data) = frame.map_err(Error::Body)?.into_data() {
            buffer.extend_from_slice(&data);
        }
        while let Some(line) = self.take_line()? {
            self.take_event(&line)?;
        }
        Ok(())
    }

    /// Cuts the next whole line off the buffer.
    fn take_line(&mut self) -> Result<Option<Bytes>, Error> {
        let State::Reading { buffer, .. } = &mut self.state else { return Ok(None) };
        let Some(end) = buffer.iter().position(|&byte| byte == b'\n') else {
            if buffer.len() > EVENT_LIMIT {
                return Err(Error::Body("an event is too large".into()));
            }
            return Ok(None);
        };
        let line = buffer.split_to(end).freeze();
        buffer.advance(1);
        Ok(Some(line))
    }

    fn take_event(&mut self, line: &[u8]) -> Result<(), Error> {
        if line.is_empty() {
            return Ok(());
        }
        let event: Line<'_> = serde_json::from_slice(line).map_err(Error::Decode)?;
        if event.kind == "ERROR" {
            let status: Status = serde_json::from_str(event.object.get()).map_err(Error::Decode)?;
            return Err(Error::Status(Box::new(status)));
        }
        let object = match Object::parse(event.object.get().as_bytes()) {
            Ok(object) => object,
            Err(error) => {
                warn!(kind = %self.watch.resource.kind, %error, "skipped an object that cannot be read");
                return Ok(());
            }
        };
        self.failures = 0;
        self.version.clone_from(&object.metadata.resource_version);
        let name = object.metadata.object_name();
        match event.kind {
            "ADDED" | "MODIFIED" => {
                self.known.insert(name);
                self.pending.push_back(Change::Applied(Arc::new(object)));
            }
            "DELETED" => {
                self.known.remove(&name);
                self.pending.push_back(Change::Deleted(name));
            }
            // a bookmark carries nothing but the version
            _ => {}
        }
        Ok(())
    }

    fn target(&self) -> Target {
        self.cluster.controller()
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Watcher").field("watch", &self.watch).finish_non_exhaustive()
    }
}
