//! The task that owns a kind's queue: it takes triggers in, starts runs, and notes how they end. Compiled once for all
//! kinds.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use flux_kube::ObjectName;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::backoff::Backoff;
use crate::metrics::{KindMetrics, RunResult};
use crate::planted::{self, Planted};
use crate::queue::{After, Queue, Start};
use crate::store::{Store, fingerprint};
use crate::trigger::{Lane, Trigger};
use crate::watched::Taken;

/// A run that has not ended after this is given up and tried again; kinds end theirs well before.
const LOST_AFTER: Duration = Duration::from_hours(24);
const AUDIT_INTERVAL: Duration = Duration::from_mins(1);
const GAUGES_INTERVAL: Duration = Duration::from_secs(1);

/// What watches and others tell the dispatcher.
#[derive(Debug)]
pub(crate) enum Command {
    /// The object has to be looked at.
    Trigger(ObjectName, Trigger),
    /// The object is gone.
    Remove(ObjectName),
    /// The objects have to be looked at, in this order.
    Wake(Vec<ObjectName>, Trigger),
    /// The same, but only those that wait for another object of the kind.
    WakeWaiting(Vec<ObjectName>, Trigger),
    /// One more watch has told its first list.
    Synced,
}

/// A run to carry out.
pub(crate) struct RunStart {
    pub(crate) start: Start,
    pub(crate) interrupt: watch::Receiver<Option<Trigger>>,
    pub(crate) taken: Arc<Taken>,
    pub(crate) place: OwnedSemaphorePermit,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) after: After,
    pub(crate) ending: RunEnding,
}

/// What the metrics and the queue have to know besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnding {
    Succeeded,
    Failed,
    /// Failed and is not tried again.
    Terminal,
    /// Waits for another object.
    Waiting,
    /// Failed by a panic in the kind's code.
    Panicked,
    /// Failed by passing its deadline.
    TimedOut,
}

pub(crate) type RunFuture = Pin<Box<dyn Future<Output = Completion> + Send>>;
pub(crate) type StartRun = Box<dyn Fn(RunStart) -> RunFuture + Send + Sync>;

pub(crate) struct Dispatcher {
    pub(crate) kind: String,
    pub(crate) store: Arc<Store>,
    pub(crate) metrics: KindMetrics,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) start_run: StartRun,
    pub(crate) commands: mpsc::Receiver<Command>,
    /// First lists that have to be told before runs start.
    pub(crate) unsynced: usize,
    pub(crate) lead: watch::Receiver<bool>,
    pub(crate) stop: CancellationToken,
    pub(crate) backoff: Backoff,
}

struct Running {
    abort: AbortHandle,
    interrupt: watch::Sender<Option<Trigger>>,
    taken: Arc<Taken>,
}

struct Loop {
    settings: Dispatcher,
    queue: Queue,
    runs: JoinSet<Completion>,
    names: HashMap<Id, ObjectName>,
    running: HashMap<ObjectName, Running>,
}

impl Dispatcher {
    /// Runs until the stop is asked for and the runs under way have ended.
    pub(crate) async fn run(self) {
        let queue = Queue::new(self.backoff);
        let state = Loop {
            settings: self,
            queue,
            runs: JoinSet::new(),
            names: HashMap::new(),
            running: HashMap::new(),
        };
        state.run().await;
    }
}

impl Loop {
    async fn run(mut self) {
        let mut audit = tokio::time::interval(AUDIT_INTERVAL);
        let mut gauges = tokio::time::interval(GAUGES_INTERVAL);
        audit.set_missed_tick_behavior(MissedTickBehavior::Delay);
        gauges.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.settings.stop.clone();
        let mut leads = *self.settings.lead.borrow_and_update();
        loop {
            for name in self.queue.tick(Instant::now()) {
                self.give_up(&name);
            }
            let starting = leads && self.settings.unsynced == 0 && self.queue.has_ready();
            let due = self.queue.next_due();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                command = self.settings.commands.recv() => match command {
                    Some(command) => self.take(command),
                    None => break,
                },
                Some(ended) = self.runs.join_next_with_id() => self.ended(ended),
                place = Arc::clone(&self.settings.slots).acquire_owned(), if starting => {
                    if let Ok(place) = place {
                        self.start(place);
                    }
                }
                () = sleep_until(due) => {}
                changed = self.settings.lead.changed(), if !leads => {
                    leads = changed.is_ok() && *self.settings.lead.borrow_and_update();
                    if leads {
                        info!(kind = %self.settings.kind, "Starting workers");
                    }
                }
                _ = audit.tick(), if leads && self.settings.unsynced == 0 => self.audit(),
                // nothing ages while nothing runs
                _ = gauges.tick(), if !self.running.is_empty() => self.measure(),
            }
        }
        self.settings.commands.close();
        while let Some(ended) = self.runs.join_next_with_id().await {
            self.ended(ended);
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Trigger(name, trigger) => self.trigger(&name, trigger),
            Command::Remove(name) => self.queue.remove(&name),
            Command::Wake(names, trigger) => {
                for name in &names {
                    self.trigger(name, trigger.clone());
                }
            }
            Command::WakeWaiting(names, trigger) => {
                for name in &names {
                    if self.queue.is_waiting(name, &trigger) {
                        self.trigger(name, trigger.clone());
                    }
                }
            }
            Command::Synced => self.settings.unsynced = self.settings.unsynced.saturating_sub(1),
        }
    }

    fn trigger(&mut self, name: &ObjectName, trigger: Trigger) {
        // an order may name objects that do not exist
        if self.settings.store.get(name).is_none() {
            return;
        }
        if self.running.get(name).is_some_and(|running| running.taken.covers(&trigger)) {
            return;
        }
        self.settings.metrics.adds.inc();
        let interrupts = trigger.lane.interrupts();
        let running = self.queue.trigger(name, trigger.clone(), Instant::now());
        if let (true, true, Some(running)) = (running, interrupts, self.running.get(name)) {
            running.interrupt.send_if_modified(|slot| {
                let is_news = slot.as_ref().is_none_or(|earlier| running.taken.covers(earlier));
                if is_news {
                    *slot = Some(trigger);
                }
                is_news
            });
        }
    }

    fn start(&mut self, place: OwnedSemaphorePermit) {
        let Some(start) = self.queue.start(Instant::now(), LOST_AFTER) else { return };
        let name = start.name.clone();
        if start.lane == Lane::Retry {
            self.settings.metrics.retries.inc();
        }
        self.settings.metrics.queue_duration.observe(start.waited.as_secs_f64());
        self.settings.metrics.active_workers.inc();
        if let Some(object) = self.settings.store.get(&name) {
            self.queue.note_seen(&name, fingerprint(&object));
        }
        let (sender, interrupt) = watch::channel(None);
        let taken = Arc::<Taken>::default();
        let run = RunStart { start, interrupt, taken: Arc::clone(&taken), place };
        let run = (self.settings.start_run)(run);
        let abort = self.runs.spawn(run);
        self.names.insert(abort.id(), name.clone());
        self.running.insert(name, Running { abort, interrupt: sender, taken });
    }

    fn ended(&mut self, ended: Result<(Id, Completion), JoinError>) {
        let (id, completion) = match ended {
            Ok((id, completion)) => (id, completion),
            Err(error) => {
                let ending = if error.is_panic() { RunEnding::Panicked } else { RunEnding::TimedOut };
                let after = if planted::is(Planted::LostPanic) { After::Rest } else { After::Backoff };
                (error.id(), Completion { after, ending })
            }
        };
        let Some(name) = self.names.remove(&id) else { return };
        if let Some(running) = self.running.remove(&name) {
            self.queue.drop_triggers(&name, |trigger| running.taken.covers(trigger));
        }
        self.settings.metrics.active_workers.dec();
        self.count(&name, completion);
        let took = self.queue.finish(&name, completion.after, Instant::now());
        if completion.ending == RunEnding::Waiting
            && let Some(missed) = self.queue.set_waiting(&name)
        {
            self.trigger(&name, missed);
        }
        if self.running.is_empty() {
            self.measure();
        }
        if let Some(took) = took {
            self.settings.metrics.work_duration.observe(took.as_secs_f64());
            self.settings.metrics.reconcile_time.observe(took.as_secs_f64());
        }
    }

    fn count(&self, name: &ObjectName, completion: Completion) {
        let metrics = &self.settings.metrics;
        match completion.ending {
            RunEnding::Succeeded | RunEnding::Waiting => metrics.count(match completion.after {
                After::Delay(delay, _) if delay.is_zero() => RunResult::Requeue,
                After::Delay(..) => RunResult::RequeueAfter,
                After::Backoff => RunResult::Requeue,
                After::Rest | After::Gone => RunResult::Success,
            }),
            RunEnding::Failed => {
                metrics.count(RunResult::Error);
                metrics.reconcile_errors.inc();
            }
            RunEnding::Terminal => {
                metrics.count(RunResult::Error);
                metrics.reconcile_errors.inc();
                metrics.terminal_errors.inc();
            }
            RunEnding::Panicked => {
                metrics.count(RunResult::Error);
                metrics.reconcile_errors.inc();
                metrics.panics.inc();
                error!(kind = %self.settings.kind, object = %name, "a run panicked");
            }
            RunEnding::TimedOut => {
                metrics.count(RunResult::Error);
                metrics.reconcile_errors.inc();
                metrics.timeouts.inc();
                error!(kind = %self.settings.kind, object = %name, "a run passed its deadline");
            }
        }
    }

    fn give_up(&mut self, name: &ObjectName) {
        if let Some(running) = self.running.get(name) {
            running.abort.abort();
        }
    }

    fn audit(&mut self) {
        let existing = self.settings.store.fingerprints();
        let healed =
            self.queue.audit(existing.iter().map(|(name, fingerprint)| (name, fingerprint)), Instant::now());
        for name in healed {
            self.settings.metrics.forgotten.inc();
            warn!(kind = %self.settings.kind, object = %name, "the audit found a forgotten object");
        }
    }

    fn measure(&self) {
        let metrics = &self.settings.metrics;
        let depth = |lanes: &[Lane]| {
            let objects: usize = lanes.iter().map(|lane| self.queue.depth(*lane)).sum();
            i64::try_from(objects).unwrap_or(i64::MAX)
        };
        metrics.depth.set(depth(&[Lane::Asked, Lane::Changed, Lane::Retry, Lane::Interval]));
        metrics.depth_listed.set(depth(&[Lane::Listed]));
        let now = Instant::now();
        let ages = self.queue.running().map(|since| now.duration_since(since).as_secs_f64());
        let (sum, longest) =
            ages.fold((0.0, 0.0), |(sum, longest): (f64, f64), age| (sum + age, longest.max(age)));
        metrics.unfinished.set(sum);
        metrics.longest_running.set(longest);
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
