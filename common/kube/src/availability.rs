//! Whether the API server answers: what one request learns, every watch knows.
//!
//! While the server is away, one watch scouts: it tries again every few seconds, and the others wait for longer and
//! longer. The first answer, to whatever request, wakes them all, spread over a moment. So recovery takes no longer than
//! the scout's pause and that moment, however long the server was away and however many watches there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Longest pause of the scout, before jitter.
const SCOUT_PAUSE: Duration = Duration::from_secs(2);
/// Those who are woken start again within this.
const SPREAD: Duration = Duration::from_secs(1);

/// See the module. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Availability {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    away: AtomicBool,
    /// How often the server has come back.
    returns: watch::Sender<u64>,
    scout: Arc<Semaphore>,
}

/// What one watch knows of the server.
#[derive(Debug)]
pub(crate) struct Lookout {
    availability: Availability,
    returns: watch::Receiver<u64>,
    /// Held by the scout until it gets through.
    scout: Option<OwnedSemaphorePermit>,
}

impl Default for Availability {
    fn default() -> Self {
        let (away, returns, scout) =
            (AtomicBool::new(false), watch::Sender::new(0), Arc::new(Semaphore::new(1)));
        Self { inner: Arc::new(Inner { away, returns, scout }) }
    }
}

impl Availability {
    /// A request got no answer.
    pub(crate) fn unanswered(&self) {
        self.inner.away.store(true, Ordering::Relaxed);
    }

    /// A request was carried out. A refusal says nothing: a server that starts refuses what it will allow.
    pub(crate) fn answered(&self) {
        // a plain load, since this is the way of every request
        if self.inner.away.load(Ordering::Relaxed) && self.inner.away.swap(false, Ordering::Relaxed) {
            self.inner.returns.send_modify(|returns| *returns += 1);
        }
    }

    pub(crate) fn lookout(&self) -> Lookout {
        Lookout { availability: self.clone(), returns: self.inner.returns.subscribe(), scout: None }
    }

    fn is_away(&self) -> bool {
        self.inner.away.load(Ordering::Relaxed)
    }
}

impl Lookout {
    /// Tells, once for each time, whether the server has come back: delays start anew then.
    pub(crate) fn has_returned(&mut self) -> bool {
        // the sender lives as long as this, which holds it
        let returned = self.returns.has_changed().unwrap_or(false);
        self.returns.mark_unchanged();
        returned
    }

    /// The watch got through, and scouts no longer.
    pub(crate) fn through(&mut self) {
        self.scout = None;
    }

    /// Waits for `delay`, or less where the server was away and comes back. `jitter`, from 0 to 1, spreads the tries.
    pub(crate) async fn pause(&mut self, delay: Duration, jitter: f64) {
        if !self.availability.is_away() {
            self.scout = None;
            tokio::time::sleep(delay).await;
            return;
        }
        let scouting = async {
            if self.scout.is_none() {
                // never closed
                self.scout = Arc::clone(&self.availability.inner.scout).acquire_owned().await.ok();
            }
            tokio::time::sleep(SCOUT_PAUSE.mul_f64(1.0 + jitter / 2.0)).await;
        };
        let returned = async {
            // an error would mean that nobody is left to tell
            if self.returns.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = returned => {}
            () = scouting => return,
            () = tokio::time::sleep(delay) => return,
        }
        // the wait has used the news up, which the next failure is to hear of
        self.returns.mark_changed();
        tokio::time::sleep(SPREAD.mul_f64(jitter)).await;
    }
}

#[cfg(test)]
mod tests;
