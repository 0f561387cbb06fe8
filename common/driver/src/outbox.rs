//! Delivery of events to notification-controller: in order per object, at least once, never in a run's way.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flux_api::event::{InvolvedObject, Severity};
use flux_kube::Regarding;
use flux_process::{Rollout, join_traceparent, traceparent};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use parking_lot::Mutex;
use reqwest::header::{self, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, debug, error};

use crate::notice::{Notice, NoticeType};

mod spool;
use spool::{Pending, Spool, Weight};

/// Bytes of events that wait; past this the oldest information is dropped, and logged.
const LIMIT: u64 = 16 * 1024 * 1024;
/// Events under way at a time.
const DELIVERIES: usize = 8;
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Pauses while the receiver does not answer.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whatever goes wrong below the HTTP answer.
pub type PostError = Box<dyn std::error::Error + Send + Sync>;
/// Sends a request and gives the answer.
pub type Post =
    Arc<dyn Fn(reqwest::Request) -> BoxFuture<'static, Result<reqwest::Response, PostError>> + Send + Sync>;

/// The outbox cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The address of notification-controller is no URL.
    #[error("failed to parse the events address '{address}'")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// The file cannot be opened or read.
    #[error("failed to open the outbox")]
    Spool(#[source] std::io::Error),
}

/// Sends events to notification-controller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
    instance: Arc<str>,
    /// Ends with the last clone.
    _delivery: Arc<AbortOnDropHandle<()>>,
}

/// What runs ask of the one who keeps the file. They wait for the disk only where they say so.
#[derive(Debug)]
struct Shared {
    requests: Mutex<Requests>,
    asked: Notify,
}

#[derive(Debug)]
struct Requests {
    waiting: Vec<Request>,
    /// Id of the next event.
    next: u64,
    /// Events with lower ids are on disk, or were given up.
    stored: u64,
}

#[derive(Debug)]
enum Request {
    Append {
        lane: u64,
        weight: Weight,
        record: Vec<u8>,
    },
    Release {
        lane: u64,
        mark: Mark,
    },
    /// Tells that all requests before this one are carried out.
    Stored(oneshot::Sender<()>),
}

impl Outbox {
    /// An outbox to `address` (`--events-addr`) in the name of the host `instance`, kept in the file `spool`. It
    /// delivers until its last clone is dropped; what is left then, the next process delivers.
    ///
    /// # Errors
    /// [`OutboxError`] if the address is no URL or the file cannot be used.
    pub fn start(
        address: &str,
        instance: impl Into<Arc<str>>,
        client: &reqwest::Client,
        spool: &Path,
    ) -> Result<Self, OutboxError> {
        let client = client.clone();
        let post: Post = Arc::new(move |request| {
            let sent = client.execute(request);
            Box::pin(async move { Ok(sent.await?) })
        });
        Self::start_with(address, instance, post, spool)
    }

    /// The same, with requests sent by `post`.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub fn start_with(
        address: &str,
        instance: impl Into<Arc<str>>,
        post: Post,
        spool: &Path,
    ) -> Result<Self, OutboxError> {
        let url = Url::parse(address)
            .map_err(|source| OutboxError::Address { address: address.to_owned(), source })?;
        if let Some(directory) = spool.parent() {
            fs_err::create_dir_all(directory).map_err(OutboxError::Spool)?;
        }
        let spool = Spool::open(spool, LIMIT).map_err(OutboxError::Spool)?;
        let next = spool.next();
        let requests = Mutex::new(Requests { waiting: Vec::new(), next, stored: next });
        let shared = Arc::new(Shared { requests, asked: Notify::new() });
        let delivery =
            Delivery { url, post, shared: Arc::clone(&shared), spool: Arc::new(Mutex::new(spool)) };
        let delivery = Arc::new(AbortOnDropHandle::new(tokio::spawn(delivery.run())));
        Ok(Self { shared, instance: instance.into(), _delivery: delivery })
    }

    /// Takes an event of a run: its facts, and the rollout that it is a step of. It is on disk after [`Self::stored`], and
    /// held until [`Self::release`].
    pub(crate) fn append(
        &self,
        controller: &str,
        regarding: &Regarding,
        notice: &Notice,
        (metadata, rollout): (&BTreeMap<String, String>, Option<Rollout>),
    ) {
        let severity = match notice.notice_type {
            NoticeType::Normal => Severity::Info,
            NoticeType::Trace => Severity::Trace,
            NoticeType::Warning => Severity::Error,
        };
        let event = flux_api::Event {
            involved_object: InvolvedObject {
                kind: regarding.kind.clone(),
                namespace: regarding.namespace.clone(),
                name: regarding.name.clone(),
                uid: regarding.uid.clone(),
                api_version: regarding.api_version.clone(),
                resource_version: regarding.resource_version.clone(),
                field_path: String::new(),
            },
            severity: severity.to_string(),
            timestamp: Some(Timestamp::now()),
            message: notice.message.clone(),
            reason: notice.reason.to_string(),
            metadata: metadata.clone(),
            reporting_controller: controller.to_owned(),
            reporting_instance: self.instance.to_string(),
        };
        let weight = if severity == Severity::Error { Weight::Error } else { Weight::Info };
        match event.to_json() {
            Ok(event) => {
                let record = format!("{}\n{event}", rollout.map(Rollout::traceparent).unwrap_or_default());
                let (lane, record) = (lane(&regarding.uid), record.into_bytes());
                self.shared.ask(Request::Append { lane, weight, record });
            }
            Err(error) => error!(%error, "unable to record event"),
        }
    }

    /// The events appended until now, for [`Self::release`].
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.shared.requests.lock().next)
    }

    /// Waits until the events appended until now are on disk; gives their mark.
    pub(crate) async fn stored(&self) -> Mark {
        let (mark, everything) = {
            let requests = self.shared.requests.lock();
            (Mark(requests.next), requests.stored == requests.next)
        };
        if everything {
            return mark;
        }
        let (stored, wait) = oneshot::channel();
        self.shared.ask(Request::Stored(stored));
        // an error means that the process ends, or that the file failed, which is logged where it happened
        let _ = wait.await;
        mark
    }

    /// Lets the events of the object `uid` go that were appended before the mark.
    pub(crate) fn release(&self, uid: &str, mark: Mark) {
        self.shared.ask(Request::Release { lane: lane(uid), mark });
    }
}

impl Shared {
    fn ask(&self, request: Request) {
        let mut requests = self.requests.lock();
        if matches!(request, Request::Append { .. }) {
            requests.next += 1;
        }
        requests.waiting.push(request);
        drop(requests);
        self.asked.notify_one();
    }
}

/// A point between two events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(u64);

/// Events of an object go one after the other.
fn lane(uid: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    uid.hash(&mut hasher);
    hasher.finish()
}

struct Delivery {
    url: Url,
    post: Post,
    shared: Arc<Shared>,
    /// Locked for long only on blocking threads.
    spool: Arc<Mutex<Spool>>,
}

/// How an attempt ended.
enum Attempt {
    Delivered,
    /// The receiver did not take it; it may say when to come again.
    Failed(Option<Duration>),
}

impl Delivery {
    /// Delivers what is ready, several objects at a time. While the receiver is down, one event at a time probes it.
    async fn run(self) {
        let mut under_way = FuturesUnordered::new();
        let mut ended = Vec::new();
        let mut pause = None;
        let mut not_before = Instant::now();
        loop {
            let most = match pause {
                Some(_) if Instant::now() < not_before => 0,
                Some(_) => 1,
                None => DELIVERIES,
            };
            let room = most.saturating_sub(under_way.len());
            for pending in self.visit(std::mem::take(&mut ended), room).await {
                under_way.push(self.deliver(pending));
            }
            tokio::select! {
                Some((id, attempt)) = under_way.next() => {
                    match attempt {
                        Attempt::Delivered => pause = None,
                        // of those that were under way together, the first failure counts
                        Attempt::Failed(_) if pause.is_some() && Instant::now() < not_before => {}
                        Attempt::Failed(asked) => {
                            let next = pause.map_or(FIRST_PAUSE, |pause: Duration| (pause * 2).min(LONGEST_PAUSE));
                            pause = Some(next);
                            not_before = Instant::now() + asked.unwrap_or(next).min(LONGEST_PAUSE);
                        }
                    }
                    ended.push((id, attempt));
                }
                () = self.shared.asked.notified() => {}
                () = tokio::time::sleep_until(not_before), if pause.is_some() && most == 0 => {}
            }
        }
    }

    /// One visit to the file: what was asked for, what has become of the events under way, and up to `room` events to go
    /// next. On a blocking thread, unless there is nothing to read or write.
    async fn visit(&self, ended: Vec<(u64, Attempt)>, room: usize) -> Vec<Pending> {
        let (mut asked, next) = {
            let mut requests = self.shared.requests.lock();
            (std::mem::take(&mut requests.waiting), requests.next)
        };
        if ended.is_empty() && !asked.iter().any(|request| matches!(request, Request::Append { .. })) {
            let mut spool = self.spool.lock();
            for request in asked.drain(..) {
                carry_out(&mut spool, request);
            }
            if room == 0 || !spool.has_ready() {
                return Vec::new();
            }
        }
        let spool = Arc::clone(&self.spool);
        let visit = tokio::task::spawn_blocking(move || {
            let mut spool = spool.lock();
            for request in asked {
                carry_out(&mut spool, request);
            }
            for (id, attempt) in ended {
                settle(&mut spool, id, &attempt);
            }
            let taken = std::iter::from_fn(|| spool.take()).take(room);
            taken.filter_map(|pending| pending.inspect_err(report).ok()).collect()
        });
        let taken = visit.await.unwrap_or_else(|error| {
            // a panic; or the runtime ends
            error!(%error, "failed to use the outbox");
            Vec::new()
        });
        self.shared.requests.lock().stored = next;
        taken
    }

    async fn deliver(&self, pending: Pending) -> (u64, Attempt) {
        (pending.id, self.emit_events(pending.body).await)
    }

    /// Sends one record: a line with the rollout's `traceparent`, or an empty one, and the event.
    async fn emit_events(&self, mut record: Vec<u8>) -> Attempt {
        let event = match record.iter().position(|byte| *byte == b'\n') {
            Some(line) => record.split_off(line.saturating_add(1)),
            None => std::mem::take(&mut record),
        };
        let rollout = String::from_utf8_lossy(&record);
        let span = tracing::info_span!(parent: None, "emit events");
        let mut request = reqwest::Request::new(Method::POST, self.url.clone());
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.timeout_mut() = Some(ATTEMPT_TIMEOUT);
        *request.body_mut() = Some(event.into());
        if !join_traceparent(&span, rollout.trim_end()) {
            return self.attempt(request).await;
        }
        if let Some(parent) = traceparent(&span).and_then(|parent| parent.try_into().ok()) {
            request.headers_mut().insert("traceparent", parent);
        }
        self.attempt(request).instrument(span).await
    }

    async fn attempt(&self, request: reqwest::Request) -> Attempt {
        let response = match (self.post)(request).await {
            Ok(response) => response,
            Err(error) => {
                debug!(error = %crate::message(error.as_ref()), "failed to send an event");
                return Attempt::Failed(None);
            }
        };
        let code = response.status();
        // 429 says that the event is known already
        if !code.is_server_error() || code == StatusCode::NOT_IMPLEMENTED {
            return Attempt::Delivered;
        }
        let asked =
            response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Attempt::Failed(asked.map(Duration::from_secs))
    }
}

fn carry_out(spool: &mut Spool, request: Request) {
    match request {
        Request::Append { lane, weight, record } => match spool.append(lane, weight, &record) {
            Ok(0) => {}
            Ok(dropped) => error!(dropped, "unable to record event: the outbox is full"),
            Err(error) => report(&error),
        },
        Request::Release { lane, mark } => spool.release(lane, mark.0),
        Request::Stored(stored) => {
            // a run that was cancelled does not wait any more
            let _ = stored.send(());
        }
    }
}

fn settle(spool: &mut Spool, id: u64, attempt: &Attempt) {
    match attempt {
        Attempt::Delivered => {
            if let Err(error) = spool.done(id) {
                error!(%error, "failed to note that an event was delivered");
            }
        }
        Attempt::Failed(_) => spool.put_back(id),
    }
}

fn report(error: &std::io::Error) {
    error!(%error, "unable to record event");
}

#[cfg(test)]
mod tests;
