//! A queue per Provider, so that one that hangs holds up no other. What waits lies on disk; memory holds where.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use flux_api::event::Severity;
use flux_kube::ObjectName;
use parking_lot::Mutex;
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::spool::{Job, Spool, Spooled};

/// Events that may wait for one Provider.
const LENGTH: usize = 1024;
/// Events that wait for all Providers may be this long together, in bytes.
const BYTES: u64 = 12 * 1024 * 1024;

/// Sends the job of a queue. Called for one job of a Provider at a time.
pub trait Deliver: Send + Sync + 'static {
    /// Sends it; failures are reported by the implementor, and not tried again.
    fn deliver(&self, provider: &ObjectName, job: &Job) -> impl Future<Output = ()> + Send;
}

/// How many events wait, and how many were given up and why.
#[derive(Clone, Debug)]
pub struct QueueMetrics {
    waiting: IntGauge,
    dropped: IntCounterVec,
}

impl QueueMetrics {
    /// Registers `ferroflux_waiting_notifications` and `ferroflux_dropped_notifications_total`.
    ///
    /// # Errors
    /// If a metric of that name is registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let waiting =
            IntGauge::new("ferroflux_waiting_notifications", "Events that wait for their provider.")?;
        let dropped = Opts::new(
            "ferroflux_dropped_notifications_total",
            "Events that were accepted and given up before they were sent to their provider.",
        );
        let dropped = IntCounterVec::new(dropped, &["reason"])?;
        for cause in [Cause::Overflow, Cause::Unreadable] {
            // a counter that is there from the start can be alerted on
            dropped.with_label_values(&[cause.as_str()]).reset();
        }
        registry.register(Box::new(waiting.clone()))?;
        registry.register(Box::new(dropped.clone()))?;
        Ok(Self { waiting, dropped })
    }

    fn count(&self, cause: Cause) {
        self.dropped.with_label_values(&[cause.as_str()]).inc();
    }
}

/// Why an event is given up.
#[derive(Clone, Copy)]
enum Cause {
    /// Too many wait.
    Overflow,
    /// Its file is damaged.
    Unreadable,
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Overflow => "overflow",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The queues of all Providers. Cheap to clone.
#[derive(Debug)]
pub struct Queues<D> {
    inner: Arc<Inner<D>>,
}

impl<D> Clone for Queues<D> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

#[derive(Debug)]
struct Inner<D> {
    spool: Spool,
    deliver: D,
    stop: CancellationToken,
    metrics: QueueMetrics,
    waiting: Mutex<Waiting>,
}

/// What waits. A Provider has an entry while its worker runs.
#[derive(Debug, Default)]
struct Waiting {
    queues: HashMap<ObjectName, Queue>,
    bytes: u64,
}

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    bytes: u64,
}

#[derive(Debug)]
struct Entry {
    weight: Weight,
    bytes: u64,
    held: Held,
}

/// How much an event is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Information,
    Error,
}

impl Weight {
    fn of(job: &Job) -> Self {
        if job.event.has_severity(Severity::Error) { Self::Error } else { Self::Information }
    }
}

#[derive(Debug)]
enum Held {
    Disk(Spooled),
    /// The job could not be stored.
    Memory(Box<Job>),
}

impl Queue {
    /// Takes out the entry that is missed least: the oldest that is no error, or else the oldest.
    fn shed(&mut self) -> Option<Entry> {
        let index =
            self.entries.iter().position(|entry| entry.weight == Weight::Information).unwrap_or_default();
        let entry = self.entries.remove(index)?;
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        Some(entry)
    }
}

impl Waiting {
    /// Adds an entry; gives those that have to go for it, and whose they were.
    fn push(&mut self, provider: &ObjectName, entry: Entry) -> Vec<(ObjectName, Entry)> {
        self.bytes = self.bytes.saturating_add(entry.bytes);
        let queue = self.queues.entry(provider.clone()).or_default();
        queue.bytes = queue.bytes.saturating_add(entry.bytes);
        queue.entries.push_back(entry);
        let mut shed = Vec::new();
        if queue.entries.len() > LENGTH {
            shed.extend(queue.shed().map(|entry| (provider.clone(), entry)));
        }
        let mut excess = self.bytes.saturating_sub(shed.iter().map(|(_, entry)| entry.bytes).sum());
        while excess > BYTES {
            // the one that waits for most has the least use of more
            let longest = self.queues.iter_mut().max_by_key(|(_, queue)| queue.bytes);
            let Some((loser, queue)) = longest else { break };
            let Some(entry) = queue.shed() else { break };
            excess = excess.saturating_sub(entry.bytes);
            shed.push((loser.clone(), entry));
        }
        self.bytes = excess;
        shed
    }

    /// The next entry of a Provider; without one, its queue is gone, and its worker has to end.
    fn next(&mut self, provider: &ObjectName) -> Option<Entry> {
        let queue = self.queues.get_mut(provider)?;
        let Some(entry) = queue.entries.pop_front() else {
            self.queues.remove(provider);
            return None;
        };
        queue.bytes = queue.bytes.saturating_sub(entry.bytes);
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        Some(entry)
    }
}

impl<D: Deliver> Queues<D> {
    /// Queues that store their jobs in `spool`. After `stop`, what was not sent stays there.
    pub fn new(spool: Spool, deliver: D, metrics: QueueMetrics, stop: CancellationToken) -> Self {
        Self { inner: Arc::new(Inner { spool, deliver, stop, metrics, waiting: Mutex::default() }) }
    }

    /// Stores a job and puts it into the queue of its Provider. When this returns, the job survives the process.
    pub async fn put(&self, provider: ObjectName, job: Job) {
        let spool = self.inner.spool.clone();
        let weight = Weight::of(&job);
        let stored = tokio::task::spawn_blocking(move || match spool.store(&job) {
            Ok(spooled) => Held::Disk(spooled),
            Err(failure) => {
                error!(error = flux_driver::message(&failure), "an event is kept in memory only");
                Held::Memory(Box::new(job))
            }
        });
        let Ok(held) = stored.await else { return };
        let shed = self.enqueue(provider, held, weight);
        if !shed.is_empty() {
            remove(shed).await;
        }
    }

    /// Puts a job of an earlier process into the queue of its Provider. May delete files.
    pub fn resume(&self, provider: ObjectName, spooled: Spooled, job: &Job) {
        drop(self.enqueue(provider, Held::Disk(spooled), Weight::of(job)));
    }

    /// Counts what an earlier process left and nobody can read any more.
    pub fn give_up(&self, spooled: Spooled) {
        self.inner.metrics.count(Cause::Unreadable);
        drop(spooled);
    }

    /// Gives what had to go for it; to drop that deletes files.
    fn enqueue(&self, provider: ObjectName, held: Held, weight: Weight) -> Vec<(ObjectName, Entry)> {
        let bytes = match &held {
            Held::Disk(spooled) => spooled.bytes(),
            Held::Memory(job) => u64::try_from(job.event.message.len()).unwrap_or(u64::MAX),
        };
        let mut waiting = self.inner.waiting.lock();
        let is_idle = !waiting.queues.contains_key(&provider);
        let shed = waiting.push(&provider, Entry { weight, bytes, held });
        drop(waiting);
        self.inner.metrics.waiting.inc();
        for (loser, _) in &shed {
            warn!(provider = %loser, "dropped an event: too many wait");
            self.inner.metrics.waiting.dec();
            self.inner.metrics.count(Cause::Overflow);
        }
        if is_idle {
            tokio::spawn(Arc::clone(&self.inner).work(provider));
        }
        shed
    }
}

impl<D: Deliver> Inner<D> {
    async fn work(self: Arc<Self>, provider: ObjectName) {
        loop {
            let next = self.waiting.lock().next(&provider);
            let Some(entry) = next else { return };
            self.metrics.waiting.dec();
            match entry.held {
                Held::Disk(spooled) => self.send_stored(&provider, spooled).await,
                Held::Memory(job) => {
                    self.send(&provider, &job).await;
                }
            }
        }
    }

    async fn send_stored(&self, provider: &ObjectName, spooled: Spooled) {
        if self.stop.is_cancelled() {
            spooled.keep();
            return;
        }
        let loaded = tokio::task::spawn_blocking(move || (spooled.load(), spooled)).await;
        let Ok((job, spooled)) = loaded else { return };
        let Some(job) = job else {
            self.metrics.count(Cause::Unreadable);
            remove(spooled).await;
            return;
        };
        if self.send(provider, &job).await == Sent::No {
            spooled.keep();
        } else {
            remove(spooled).await;
        }
    }

    async fn send(&self, provider: &ObjectName, job: &Job) -> Sent {
        tokio::select! {
            () = self.deliver.deliver(provider, job) => Sent::Yes,
            () = self.stop.cancelled() => Sent::No,
        }
    }
}

/// Drops what owns files, and so deletes them.
async fn remove(files: impl Send + 'static) {
    // fails only as the runtime ends; then they are deleted all the same
    let _ = tokio::task::spawn_blocking(move || drop(files)).await;
}

/// Whether a job is done with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    /// The process stops.
    No,
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;
    use crate::metadata::tests::event;

    struct Recording {
        delivered: Mutex<Vec<String>>,
        told: Notify,
    }

    impl Deliver for Arc<Recording> {
        async fn deliver(&self, provider: &ObjectName, job: &Job) {
            if provider.name == "dead" {
                std::future::pending::<()>().await;
            }
            self.delivered.lock().push(job.alert.clone());
            self.told.notify_one();
        }
    }

    fn job(alert: &str) -> Job {
        Job { namespace: "apps".to_owned(), alert: alert.to_owned(), event: event(&[]), traceparent: None }
    }

    fn provider(name: &str) -> ObjectName {
        ObjectName::new("apps", name)
    }

    #[tokio::test]
    async fn a_dead_provider_holds_up_no_other_and_keeps_its_events() {
        let directory = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(directory.path()).unwrap();
        let recording = Arc::new(Recording { delivered: Mutex::default(), told: Notify::new() });
        let stop = CancellationToken::new();
        let metrics = QueueMetrics::register(&Registry::new()).unwrap();
        let queues = Queues::new(spool, Arc::clone(&recording), metrics.clone(), stop.clone());
        queues.put(provider("dead"), job("first")).await;
        queues.put(provider("dead"), job("second")).await;
        queues.put(provider("alive"), job("third")).await;
        recording.told.notified().await;
        assert_eq!(*recording.delivered.lock(), ["third"]);
        stop.cancel();
        // the workers own the files, which stay when they have ended
        while Arc::strong_count(&queues.inner) > 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!((metrics.waiting.get(), queues.inner.waiting.lock().bytes), (0, 0));
        drop(queues);
        let (_, left) = Spool::open(directory.path()).unwrap();
        let names: Vec<_> = left.iter().map(|spooled| spooled.load().unwrap().alert).collect();
        assert_eq!(names, ["first", "second"]);
    }

    #[test]
    fn the_provider_that_loses_an_event_is_named() {
        let mut waiting = Waiting::default();
        let held = || Held::Memory(Box::new(job("any")));
        let entry = |bytes| Entry { weight: Weight::Information, bytes, held: held() };
        assert!(waiting.push(&provider("greedy"), entry(BYTES)).is_empty());
        let shed = waiting.push(&provider("modest"), entry(1));
        let losers: Vec<_> = shed.iter().map(|(loser, _)| loser.name.as_str()).collect();
        assert_eq!(losers, ["greedy"]);
    }

    #[tokio::test]
    async fn too_many_events_cost_the_provider_that_does_not_take_them() {
        let directory = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(directory.path()).unwrap();
        let recording = Arc::new(Recording { delivered: Mutex::default(), told: Notify::new() });
        let metrics = QueueMetrics::register(&Registry::new()).unwrap();
        let queues = Queues::new(spool, recording, metrics.clone(), CancellationToken::new());
        let mut grave = job("grave");
        "error".clone_into(&mut grave.event.severity);
        queues.put(provider("dead"), grave.clone()).await;
        queues.put(provider("dead"), grave).await;
        let mut large = job("large");
        large.event.message = "x".repeat(1024 * 1024);
        for _ in 0..14 {
            queues.put(provider("dead"), large.clone()).await;
        }
        let dropped = metrics.dropped.with_label_values(&["overflow"]).get();
        {
            let waiting = queues.inner.waiting.lock();
            let queue = &waiting.queues[&provider("dead")];
            assert!(waiting.bytes <= BYTES && queue.bytes == waiting.bytes);
            assert!(queue.entries.iter().any(|entry| entry.weight == Weight::Error), "errors are kept");
        }
        assert!(dropped >= 2, "{dropped}");
        assert_eq!(
            fs_err::read_dir(directory.path()).unwrap().count(),
            16 - usize::try_from(dropped).unwrap()
        );
        for _ in 0..LENGTH {
            queues.put(provider("dead"), job("small")).await;
        }
        assert_eq!(queues.inner.waiting.lock().queues[&provider("dead")].entries.len(), LENGTH);
    }
}
