//! A queue per Provider, so that one that hangs holds up no other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use flux_kube::ObjectName;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::spool::{Job, Spool, Spooled};

/// Events that may wait for one Provider.
const LENGTH: usize = 1024;
/// A queue without events is given up after this.
const IDLE: Duration = Duration::from_mins(1);

/// Sends the job of a queue. Called for one job of a Provider at a time.
pub trait Deliver: Send + Sync + 'static {
    /// Sends it; failures are reported by the implementor, and not tried again.
    fn deliver(&self, provider: &ObjectName, job: &Job) -> impl Future<Output = ()> + Send;
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
    queues: Mutex<HashMap<ObjectName, mpsc::Sender<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    job: Job,
    /// Absent if the job could not be stored.
    spooled: Option<Spooled>,
}

impl<D: Deliver> Queues<D> {
    /// Queues that store their jobs in `spool`. After `stop`, what was not sent stays there.
    pub fn new(spool: Spool, deliver: D, stop: CancellationToken) -> Self {
        Self { inner: Arc::new(Inner { spool, deliver, stop, queues: Mutex::default() }) }
    }

    /// Stores a job and puts it into the queue of its Provider. When this returns, the job survives the process.
    pub async fn put(&self, provider: ObjectName, job: Job) {
        let spool = self.inner.spool.clone();
        let stored = tokio::task::spawn_blocking(move || {
            let spooled = spool.store(&job);
            (job, spooled)
        });
        let Ok((job, spooled)) = stored.await else { return };
        let spooled = spooled.inspect_err(|failure| {
            error!(error = flux_driver::message(failure), "an event is kept in memory only");
        });
        self.enqueue(provider, Entry { job, spooled: spooled.ok() });
    }

    /// Puts a job of an earlier process into the queue of its Provider.
    pub fn resume(&self, provider: ObjectName, spooled: Spooled, job: Job) {
        self.enqueue(provider, Entry { job, spooled: Some(spooled) });
    }

    fn enqueue(&self, provider: ObjectName, entry: Entry) {
        let mut queues = self.inner.queues.lock();
        let sender = queues.entry(provider.clone()).or_insert_with(|| {
            let (sender, receiver) = mpsc::channel(LENGTH);
            tokio::spawn(Arc::clone(&self.inner).work(provider.clone(), receiver));
            sender
        });
        if sender.try_send(entry).is_err() {
            warn!(provider = %provider, "dropped an event: too many wait for the provider");
        }
    }
}

impl<D: Deliver> Inner<D> {
    async fn work(self: Arc<Self>, provider: ObjectName, mut entries: mpsc::Receiver<Entry>) {
        loop {
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                next = tokio::time::timeout(IDLE, entries.recv()) => next,
            };
            let Ok(next) = next else {
                let mut queues = self.queues.lock();
                // under the lock nothing can be added between the look and the removal
                if entries.is_empty() {
                    queues.remove(&provider);
                    return;
                }
                continue;
            };
            let Some(entry) = next else { return };
            let sent = tokio::select! {
                () = self.deliver.deliver(&provider, &entry.job) => true,
                () = self.stop.cancelled() => false,
            };
            if let (Some(spooled), false) = (entry.spooled, sent) {
                spooled.keep();
            }
        }
        entries.close();
        while let Some(entry) = entries.recv().await {
            if let Some(spooled) = entry.spooled {
                spooled.keep();
            }
        }
    }
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

    #[tokio::test]
    async fn a_dead_provider_holds_up_no_other_and_keeps_its_events() {
        let directory = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(directory.path()).unwrap();
        let recording = Arc::new(Recording { delivered: Mutex::default(), told: Notify::new() });
        let stop = CancellationToken::new();
        let queues = Queues::new(spool, Arc::clone(&recording), stop.clone());
        queues.put(ObjectName::new("apps", "dead"), job("first")).await;
        queues.put(ObjectName::new("apps", "dead"), job("second")).await;
        queues.put(ObjectName::new("apps", "alive"), job("third")).await;
        recording.told.notified().await;
        assert_eq!(*recording.delivered.lock(), ["third"]);
        stop.cancel();
        // the workers own the files, which stay when they have ended
        while Arc::strong_count(&queues.inner) > 1 {
            tokio::task::yield_now().await;
        }
        drop(queues);
        let (_, leftovers) = Spool::open(directory.path()).unwrap();
        let names: Vec<_> = leftovers.iter().map(|(_, job)| job.alert.as_str()).collect();
        assert_eq!(names, ["first", "second"]);
    }
}
