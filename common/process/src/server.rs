//! HTTP servers with limits on what a client may send and how long it may take.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// What a server bears with.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// How long the headers of a request, and the pause before it, may take.
    pub header_read_timeout: Duration,
    /// Size of the headers in bytes; more is answered by 431.
    pub max_header_bytes: usize,
    /// Connections at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long requests under way may go on after the stop.
    pub drain: Duration,
}

impl Default for ServerLimits {
    /// The limits of metrics and probes (platform contract, section 4.4).
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(32),
            max_header_bytes: 1024 * 1024,
            max_connections: 4096,
            drain: Duration::from_secs(5),
        }
    }
}

/// Serves HTTP/1.1 until `stop`, then lets the requests under way end.
pub async fn serve(listener: TcpListener, router: Router, limits: ServerLimits, stop: CancellationToken) {
    let mut connection = http1::Builder::new();
    connection
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_buf_size(limits.max_header_bytes);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.max_connections));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // out of file descriptors, or a client that went away: the listener itself is sound
                debug!(%error, "failed to accept a connection");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let serving = graceful.watch(connection.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                debug!(%error, "connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    // what is not done by then is cut off with the process
    let _ = tokio::time::timeout(limits.drain, graceful.shutdown()).await;
}
