//! What steps of runs share: processors, remote hosts, memory. A run holds one of a kind at a time.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::planted::{self, Planted};

/// Requests at a time to one host with one set of credentials.
const PER_REMOTE: usize = 8;
/// Runs blocked on remotes that do not count as being at work.
const BLOCKED: usize = 256;
/// A run blocked on a remote for this long stops counting; so does, from its start, one on a remote where another run is
/// blocked already. With two places, the first runs on two dead hosts cost all others a fifth of a second together.
pub(crate) const BLOCKED_AFTER: Duration = Duration::from_millis(100);
/// Unit of reservations; a semaphore cannot count bytes.
const UNIT: u64 = 64 * 1024;

/// The resources that all runs of a process share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Permits {
    cpu: Arc<Semaphore>,
    remotes: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
    blocked: Arc<Semaphore>,
    /// Runs blocked per remote.
    slow: Arc<Mutex<HashMap<String, usize>>>,
    memory: Arc<Semaphore>,
    memory_units: u32,
}

impl Permits {
    /// `cpus` processors, and `memory` bytes for downloads and builds.
    pub fn new(cpus: usize, memory: u64) -> Self {
        let units = u32::try_from((memory / UNIT).max(1)).unwrap_or(u32::MAX >> 4).min(u32::MAX >> 4);
        Self {
            cpu: Arc::new(Semaphore::new(cpus.max(1))),
            remotes: Arc::default(),
            blocked: Arc::new(Semaphore::new(BLOCKED)),
            slow: Arc::default(),
            memory: Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(1))),
            memory_units: units,
        }
    }

    pub(crate) async fn cpu<'r>(&self) -> CpuPermit<'r> {
        let needed = u32::from(!planted::is(Planted::FreeProcessors));
        CpuPermit { _permit: acquire(&self.cpu, needed).await, _run: PhantomData }
    }

    /// A place at a remote (host and credentials): 8 at a time have one.
    pub async fn remote(&self, host: &str) -> RemotePermit {
        let semaphore = {
            let mut remotes = self.remotes.lock();
            // hosts that nobody uses go, so that the map stays as small as the traffic
            remotes.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            Arc::clone(remotes.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(PER_REMOTE))))
        };
        RemotePermit { _permit: acquire(&semaphore, 1).await, _semaphore: semaphore }
    }

    /// A place among the blocked runs, if there is one left.
    pub(crate) fn blocked(&self, remote: &str) -> Option<BlockedPlace> {
        let permit = Arc::clone(&self.blocked).try_acquire_owned().ok()?;
        *self.slow.lock().entry(remote.to_owned()).or_default() += 1;
        Some(BlockedPlace { remote: remote.to_owned(), slow: Arc::clone(&self.slow), _permit: permit })
    }

    /// How long a run on `remote` counts as being at work.
    pub(crate) fn patience(&self, remote: &str) -> Duration {
        if self.slow.lock().contains_key(remote) { Duration::ZERO } else { BLOCKED_AFTER }
    }

    /// Memory or disk for `bytes`; a request for more than there is gets all of it.
    pub async fn reserve<'r>(&self, bytes: u64) -> Reservation<'r> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.memory_units);
        Reservation { shared: Arc::new(acquire(&self.memory, units).await), _run: PhantomData }
    }
}

/// The semaphores are never closed, so waiting for them ends only with a permit.
async fn acquire(semaphore: &Arc<Semaphore>, count: u32) -> OwnedSemaphorePermit {
    match Arc::clone(semaphore).acquire_many_owned(count).await {
        Ok(permit) => permit,
        Err(_) => std::future::pending().await,
    }
}

/// A place at a remote host.
#[derive(Debug)]
pub struct RemotePermit {
    _permit: OwnedSemaphorePermit,
    // what other runs find it by: it must outlive the permit
    _semaphore: Arc<Semaphore>,
}

/// A place among the runs blocked on remotes.
#[derive(Debug)]
pub(crate) struct BlockedPlace {
    remote: String,
    slow: Arc<Mutex<HashMap<String, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for BlockedPlace {
    fn drop(&mut self) {
        let mut slow = self.slow.lock();
        if let Some(count) = slow.get_mut(&self.remote) {
            *count -= 1;
            if *count == 0 {
                slow.remove(&self.remote);
            }
        }
    }
}

/// A processor. It borrows the run, so it cannot be carried into a wait.
#[derive(Debug)]
pub struct CpuPermit<'r> {
    _permit: OwnedSemaphorePermit,
    _run: PhantomData<&'r ()>,
}

impl CpuPermit<'_> {
    /// Carries out `work` on a thread for blocking work. A panic of it goes on in the caller.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // the runtime is shutting down: nobody waits for an answer any more
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// Memory or disk paid for. It borrows the run, so it cannot be carried into a wait; what blocking threads own is
/// [`Reservation::share`].
#[derive(Debug)]
pub struct Reservation<'r> {
    shared: Arc<OwnedSemaphorePermit>,
    _run: PhantomData<&'r ()>,
}

impl Reservation<'_> {
    /// A handle that keeps the reservation as long as the data it pays for.
    pub fn share(&self) -> SharedReservation {
        SharedReservation { _permit: Arc::clone(&self.shared) }
    }
}

/// Keeps a reservation alive. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedReservation {
    _permit: Arc<OwnedSemaphorePermit>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_dead_host_blocks_only_itself() {
        let permits = Permits::new(1, UNIT);
        let mut held = Vec::new();
        for _ in 0..PER_REMOTE {
            held.push(permits.remote("dead").await);
        }
        let ninth = tokio::time::timeout(Duration::from_secs(1), permits.remote("dead")).await;
        assert!(ninth.is_err());
        let healthy = tokio::time::timeout(Duration::from_secs(1), permits.remote("healthy")).await;
        assert!(healthy.is_ok());
    }

    #[test]
    fn a_remote_is_slow_while_a_run_is_blocked_there() {
        let permits = Permits::new(1, UNIT);
        let first = permits.blocked("dead");
        let second = permits.blocked("dead");
        assert_eq!(permits.patience("dead"), Duration::ZERO);
        assert_eq!(permits.patience("healthy"), BLOCKED_AFTER);
        drop(first);
        assert_eq!(permits.patience("dead"), Duration::ZERO);
        drop(second);
        assert_eq!(permits.patience("dead"), BLOCKED_AFTER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reservation_larger_than_all_gets_all() {
        let permits = Permits::new(1, 10 * UNIT);
        let large = permits.reserve(u64::MAX).await;
        let shared = large.share();
        drop(large);
        let blocked = tokio::time::timeout(Duration::from_secs(1), permits.reserve(1)).await;
        assert!(blocked.is_err(), "the data still stands");
        drop(shared);
        permits.reserve(1).await;
    }
}
