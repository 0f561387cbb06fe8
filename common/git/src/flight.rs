//! Work that several callers share: it runs while one of them waits for it, and each of them waits as long as it likes.

use std::future::Future;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::TransportError;

/// What is left of the time that a caller gives to a server. Waiting for a turn at the server does not use it up.
#[derive(Debug)]
pub struct Patience {
    left: Duration,
}

/// Work under way. It goes on while anyone holds it.
pub(crate) struct Flight<T> {
    begun: watch::Receiver<Option<Instant>>,
    result: Shared<BoxFuture<'static, T>>,
}

/// Finds a flight as long as someone waits for it.
pub(crate) struct Beacon<T> {
    begun: watch::Receiver<Option<Instant>>,
    result: WeakShared<BoxFuture<'static, T>>,
}

/// Tells those who wait that their time counts from now on.
#[derive(Debug)]
pub(crate) struct Takeoff(watch::Sender<Option<Instant>>);

impl Takeoff {
    /// The work proper begins; gives the time.
    pub(crate) fn begin(&self) -> Instant {
        let now = Instant::now();
        self.0.send_replace(Some(now));
        now
    }
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Prepares `work`, which begins when the first caller waits for it.
    pub(crate) fn new<F: Future<Output = T> + Send + 'static>(work: impl FnOnce(Takeoff) -> F) -> Self {
        let (takeoff, begun) = watch::channel(None);
        Self { begun, result: work(Takeoff(takeoff)).boxed().shared() }
    }

    /// When the work proper began; `None` while it waits for its turn.
    pub(crate) fn begun(&self) -> Option<Instant> {
        *self.begun.borrow()
    }

    pub(crate) fn beacon(&self) -> Option<Beacon<T>> {
        Some(Beacon { begun: self.begun.clone(), result: self.result.downgrade()? })
    }
}

impl<T> Beacon<T> {
    pub(crate) fn flight(&self) -> Option<Flight<T>> {
        Some(Flight { begun: self.begun.clone(), result: self.result.upgrade()? })
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.result.upgrade().is_none()
    }
}

impl<T> std::fmt::Debug for Beacon<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Beacon").field("begun", &*self.begun.borrow()).finish_non_exhaustive()
    }
}

impl Patience {
    /// So much time for everything that is asked of the server with it.
    pub const fn new(limit: Duration) -> Self {
        Self { left: limit }
    }

    /// Waits for a flight.
    pub(crate) async fn wait<T: Clone>(&mut self, flight: Flight<T>) -> Result<T, TransportError> {
        let Flight { mut begun, result } = flight;
        let (joined, left) = (Instant::now(), self.left);
        let start = begun.clone();
        let over = async {
            if begun.wait_for(Option::is_some).await.is_ok() {
                tokio::time::sleep(left).await;
            } else {
                // the work ended without ever beginning: its result is there
                std::future::pending::<()>().await;
            }
        };
        let result = tokio::select! {
            biased;
            result = result => Ok(result),
            () = over => Err(TransportError::DeadlineExceeded),
        };
        if let Some(begun) = *start.borrow() {
            self.left = left.saturating_sub(joined.max(begun).elapsed());
        }
        result
    }

    /// Waits for work of one's own.
    pub(crate) async fn spend<T>(&mut self, work: impl Future<Output = T>) -> Result<T, TransportError> {
        let begun = Instant::now();
        let result = tokio::time::timeout(self.left, work).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        result.map_err(|_| TransportError::DeadlineExceeded)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// Work of 10 s that counts how often it began and ended.
    fn counted(begun: &Arc<AtomicU32>, ended: &Arc<AtomicU32>) -> Flight<u32> {
        let (begun, ended) = (Arc::clone(begun), Arc::clone(ended));
        Flight::new(move |takeoff| async move {
            takeoff.begin();
            begun.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(seconds(10)).await;
            ended.fetch_add(1, Ordering::Relaxed) + 1
        })
    }

    #[tokio::test(start_paused = true)]
    async fn it_outlives_the_waiter_that_gives_up_first() {
        let (begun, ended) = (Arc::default(), Arc::default());
        let flight = counted(&begun, &ended);
        let joined = flight.beacon().and_then(|beacon| beacon.flight()).expect("a flight");
        let (mut short, mut long) = (Patience::new(seconds(1)), Patience::new(seconds(60)));
        let (first, second) = tokio::join!(short.wait(flight), long.wait(joined));
        assert!(matches!(first, Err(TransportError::DeadlineExceeded)));
        assert_eq!(second.expect("a result"), 1);
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        assert_eq!((short.left, long.left), (Duration::ZERO, seconds(50)));
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_nobody_waits_any_more() {
        let (begun, ended) = (Arc::default(), Arc::default());
        let flight = counted(&begun, &ended);
        let beacon = flight.beacon().expect("a beacon");
        assert!(Patience::new(seconds(1)).wait(flight).await.is_err());
        assert!(beacon.is_lost());
        tokio::time::sleep(seconds(60)).await;
        assert_eq!(ended.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_turn_costs_nothing() {
        let flight = Flight::new(|takeoff| async move {
            tokio::time::sleep(seconds(100)).await;
            takeoff.begin();
            tokio::time::sleep(seconds(3)).await;
        });
        let mut patience = Patience::new(seconds(5));
        patience.wait(flight).await.expect("in time");
        assert_eq!(patience.left, seconds(2));
    }
}
