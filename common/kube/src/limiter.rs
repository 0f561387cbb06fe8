//! How many requests may be in flight: as many as the server answers without getting slower.
//!
//! The limit starts at 32 and stays between 8 and 90 (the server allows 100 streams on a connection). It grows by one for
//! each full round of answers at the usual latency, and halves, at most once a round, on a 429 or when latency has
//! doubled. Requests wait by class, and inside a class in the order they came.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

const START: usize = 32;
const LEAST: usize = 8;
const MOST: usize = 90;
/// Weight of a new latency in the short and in the long average.
const SHORT: f64 = 0.2;
const LONG: f64 = 0.01;

/// Classes of requests; earlier ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Status updates.
    Status,
    /// Writes, and the reads that they need.
    Apply,
    /// Writes that are only tried.
    DryRun,
    /// Kubernetes Events.
    Event,
}

const CLASSES: usize = 4;

/// See the module. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    in_flight: usize,
    waiting: [VecDeque<oneshot::Sender<Slot>>; CLASSES],
    latencies: [Latency; CLASSES],
    /// Answers of this round.
    answers: usize,
    /// Whether one of them was a refusal.
    busy: bool,
    /// Whether a request had to wait in this round, so that a higher limit is of use.
    crowded: bool,
}

/// Averages of a class in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Latency {
    short: f64,
    long: f64,
}

/// A request in flight; frees its place when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    limiter: Limiter,
    class: Class,
    since: Instant,
    answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The request was given up; its time says nothing.
    None,
    Good,
    Busy,
}

impl Default for Limiter {
    fn default() -> Self {
        let state = State {
            limit: START,
            in_flight: 0,
            waiting: Default::default(),
            latencies: Default::default(),
            answers: 0,
            busy: false,
            crowded: false,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }
}

impl Limiter {
    /// Waits for a place.
    pub(crate) async fn enter(&self, class: Class) -> Slot {
        let receiver = {
            let mut state = self.state.lock();
            if state.in_flight < state.limit {
                state.in_flight += 1;
                return self.slot(class);
            }
            state.crowded = true;
            let (sender, receiver) = oneshot::channel();
            if let Some(queue) = state.waiting.get_mut(class as usize) {
                queue.push_back(sender);
            }
            receiver
        };
        match receiver.await {
            Ok(mut slot) => {
                (slot.class, slot.since) = (class, Instant::now());
                slot
            }
            // the queue lives as long as this limiter, which is borrowed
            Err(_) => std::future::pending().await,
        }
    }

    fn slot(&self, class: Class) -> Slot {
        Slot { limiter: self.clone(), class, since: Instant::now(), answer: Answer::None }
    }

    fn leave(&self, class: Class, latency: Duration, answer: Answer) {
        let mut state = self.state.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.learn(class, latency.as_secs_f64(), answer);
        let mut started = Vec::new();
        while state.in_flight < state.limit {
            let Some(sender) = state.waiting.iter_mut().find_map(VecDeque::pop_front) else { break };
            state.in_flight += 1;
            started.push(sender);
        }
        drop(state);
        for sender in started {
            // a waiter that has gone gives its place back by dropping the slot, which comes here again
            drop(sender.send(self.slot(class)));
        }
    }
}

impl State {
    fn learn(&mut self, class: Class, latency: f64, answer: Answer) {
        let Some(averages) = self.latencies.get_mut(class as usize) else { return };
        if answer == Answer::None {
            return;
        }
        if answer == Answer::Good {
            averages.add(latency);
        }
        self.answers += 1;
        self.busy |= answer == Answer::Busy;
        if self.answers < self.limit {
            return;
        }
        if self.busy || averages.has_doubled() {
            self.limit = (self.limit / 2).max(LEAST);
        } else if self.crowded {
            self.limit = (self.limit + 1).min(MOST);
        }
        (self.answers, self.busy, self.crowded) = (0, false, false);
    }
}

impl Latency {
    fn add(&mut self, latency: f64) {
        if self.long == 0.0 {
            *self = Self { short: latency, long: latency };
        }
        self.short += SHORT * (latency - self.short);
        // what is faster than ever becomes the measure soon, what is slower only if it lasts
        let weight = if latency < self.long { SHORT } else { LONG };
        self.long += weight * (latency - self.long);
    }

    fn has_doubled(self) -> bool {
        self.short > 2.0 * self.long
    }
}

impl Slot {
    /// The server has answered.
    pub(crate) fn answered(mut self) {
        self.answer = Answer::Good;
    }

    /// The server is too busy.
    pub(crate) fn refused(mut self) {
        self.answer = Answer::Busy;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.limiter.leave(self.class, self.since.elapsed(), self.answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn round(limiter: &Limiter, latency: Duration, end: fn(Slot)) {
        let limit = limiter.state.lock().limit;
        let mut slots = Vec::new();
        for _ in 0..limit {
            slots.push(limiter.enter(Class::Apply).await);
        }
        // one more waits, so that there is a reason to grow
        let next = tokio::spawn({
            let limiter = limiter.clone();
            async move { limiter.enter(Class::Apply).await }
        });
        tokio::time::sleep(latency).await;
        slots.into_iter().for_each(end);
        end(next.await.unwrap());
    }

    fn limit(limiter: &Limiter) -> usize {
        limiter.state.lock().limit
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_grows_while_latency_is_flat_and_halves_when_it_doubles() {
        let limiter = Limiter::default();
        for _ in 0..10 {
            round(&limiter, Duration::from_millis(10), Slot::answered).await;
        }
        let grown = limit(&limiter);
        assert!(grown > START, "{grown}");
        for _ in 0..2 {
            round(&limiter, Duration::from_millis(100), Slot::answered).await;
        }
        assert!(limit(&limiter) < grown, "{}", limit(&limiter));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_bring_it_down_to_the_least() {
        let limiter = Limiter::default();
        for _ in 0..10 {
            round(&limiter, Duration::from_millis(10), Slot::refused).await;
        }
        assert_eq!(limit(&limiter), LEAST);
        assert_eq!(limiter.state.lock().in_flight, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn status_goes_before_events_and_those_who_left_hold_no_place() {
        let limiter = Limiter::default();
        let mut slots = Vec::new();
        for _ in 0..START {
            slots.push(limiter.enter(Class::Apply).await);
        }
        let (order, mut ends) = tokio::sync::mpsc::unbounded_channel();
        for class in [Class::Event, Class::DryRun, Class::Status] {
            let (limiter, order) = (limiter.clone(), order.clone());
            tokio::spawn(async move {
                let slot = limiter.enter(class).await;
                order.send(class).unwrap();
                slot.answered();
            });
        }
        let gone = tokio::time::timeout(Duration::from_millis(1), limiter.enter(Class::Status)).await;
        assert!(gone.is_err());
        slots.pop();
        for class in [Class::Status, Class::DryRun, Class::Event] {
            assert_eq!(ends.recv().await, Some(class));
        }
    }
}
