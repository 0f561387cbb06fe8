//! A model of outages on a paused clock: many watches, one server that goes away, starts, and works again.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::service_fn;
use tower::util::BoxCloneSyncService;

use super::*;
use crate::{
    Cluster, Options, RequestBody, Resource, ResponseBody, Transport, TransportError, Watch, Watcher,
};

const LIST: &str = r#"{"kind":"List","metadata":{"resourceVersion":"7"},"items":[]}"#;
const FORBIDDEN: &str = r#"{"kind":"Status","reason":"Forbidden","message":"no role yet","code":403}"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Up,
    /// No connection can be made, and those that were there are cut.
    Away,
    /// Connections are taken, and nobody has a right to anything.
    Starting,
    /// Watches are refused, and all else is answered.
    WithoutWatches,
}

/// A server of lists and watches that tells nothing.
#[derive(Clone)]
struct Server {
    phase: watch::Sender<Phase>,
    /// When a watch was opened, or tried to be.
    opened: Arc<Mutex<Vec<Instant>>>,
    tried: Arc<Mutex<Vec<Instant>>>,
}

impl Server {
    fn start() -> Self {
        Self { phase: watch::Sender::new(Phase::Up), opened: Arc::default(), tried: Arc::default() }
    }

    fn cluster(&self) -> Cluster {
        let server = self.clone();
        let transport: Transport = BoxCloneSyncService::new(service_fn(move |request| {
            let server = server.clone();
            async move { server.answer(&request) }
        }));
        Cluster::from_transport(transport, Options { user_agent: "test".to_owned(), metrics: None })
    }

    fn answer(&self, request: &Request<RequestBody>) -> Result<Response<ResponseBody>, TransportError> {
        let watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        if watch {
            self.tried.lock().push(Instant::now());
        }
        let phase = *self.phase.borrow();
        let whole = |text: &'static str| Full::from(text).map_err(|never| match never {}).boxed_unsync();
        let (code, body) = match phase {
            Phase::Away => return Err("connection refused".into()),
            Phase::Starting => (StatusCode::FORBIDDEN, whole(FORBIDDEN)),
            Phase::WithoutWatches if watch => (StatusCode::SERVICE_UNAVAILABLE, whole("no backend")),
            Phase::Up if watch => {
                self.opened.lock().push(Instant::now());
                (StatusCode::OK, Stream::until_cut(self.phase.subscribe()).boxed_unsync())
            }
            Phase::Up | Phase::WithoutWatches => (StatusCode::OK, whole(LIST)),
        };
        Response::builder().status(code).body(body).map_err(Into::into)
    }

    fn go(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }
}

/// A body without a word, until the server goes away.
struct Stream {
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Stream {
    fn until_cut(mut phase: watch::Receiver<Phase>) -> Self {
        let cut = async move {
            // an error means that the server is gone for good
            let _ = phase.wait_for(|phase| *phase != Phase::Up).await;
        };
        Self { cut: Box::pin(cut) }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        ready!(self.cut.as_mut().poll(context));
        Poll::Ready(Some(Err("connection reset".into())))
    }
}

/// Watches, for as long as this is held.
fn watches(cluster: &Cluster, count: u64) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for seed in 0..count {
        let mut watcher = Watcher::new(cluster.clone(), Watch::all(Resource::CONFIG_MAP), seed);
        tasks.spawn(async move {
            loop {
                watcher.next().await;
            }
        });
    }
    tasks
}

/// Seconds that an outage of `away`, and a start of `starting` after it, cost the first and the last of `count` watches;
/// and how many tries there were meanwhile.
async fn outage(away: Duration, starting: Duration, count: u64) -> (Vec<Duration>, usize) {
    let server = Server::start();
    let cluster = server.cluster();
    let tasks = watches(&cluster, count);
    tokio::time::sleep(Duration::from_mins(1)).await;
    server.opened.lock().clear();
    server.tried.lock().clear();
    server.go(Phase::Away);
    tokio::time::sleep(away).await;
    server.go(Phase::Starting);
    tokio::time::sleep(starting).await;
    let tries = server.tried.lock().len();
    server.go(Phase::Up);
    let back = Instant::now();
    tokio::time::sleep(Duration::from_mins(5)).await;
    drop(tasks);
    let opened = server.opened.lock();
    (opened.iter().map(|at| *at - back).collect(), tries)
}

#[tokio::test(start_paused = true)]
async fn watches_go_on_within_seconds_however_long_the_server_was_away() {
    for away in [1, 5, 20, 60, 600, 7200].map(Duration::from_secs) {
        for starting in [Duration::ZERO, Duration::from_millis(1500), Duration::from_secs(10)] {
            let (opened, _) = outage(away, starting, 40).await;
            assert_eq!(opened.len(), 40, "{away:?} away, {starting:?} to start");
            let last = opened.iter().max().copied().unwrap_or_default();
            let longest = SCOUT_PAUSE.mul_f64(1.5) + SPREAD;
            assert!(last <= longest, "{last:?} after {away:?} away, {starting:?} to start");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn watches_do_not_come_all_at_once() {
    let (mut opened, _) = outage(Duration::from_secs(20), Duration::from_secs(1), 100).await;
    opened.sort_unstable();
    for window in opened.windows(31) {
        assert!(window[30].saturating_sub(window[0]) >= Duration::from_millis(100), "{opened:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_watch_scouts_and_the_others_wait() {
    let hour = Duration::from_hours(1);
    let (_, tries) = outage(hour, Duration::ZERO, 40).await;
    // one every two seconds, and each of the others every half minute or less
    assert!(tries < 1800 + 39 * 130, "{tries}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_any_request_wakes_them() {
    let server = Server::start();
    let cluster = server.cluster();
    let _tasks = watches(&cluster, 10);
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.go(Phase::Away);
    tokio::time::sleep(Duration::from_mins(1)).await;
    server.opened.lock().clear();
    server.go(Phase::Up);
    cluster.controller().get_path("/version").await.unwrap();
    tokio::time::sleep(SPREAD).await;
    assert_eq!(server.opened.lock().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn what_alone_is_refused_is_tried_ever_more_rarely() {
    let server = Server::start();
    let cluster = server.cluster();
    let _tasks = watches(&cluster, 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.go(Phase::WithoutWatches);
    server.tried.lock().clear();
    for _ in 0..6000 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cluster.controller().get_path("/version").await.unwrap();
    }
    let tries = server.tried.lock().len();
    assert!((10..30).contains(&tries), "{tries}");
}
