//! The file server of the artifacts.
//!
//! Plain HTTP without authentication, as consumers expect: ranges, `Last-Modified`, `If-Modified-Since`, HEAD. Unlike
//! upstream it lists no directories, since a listing shows tenants each other's artifacts, and it answers 416 to a
//! request for several ranges, which no client sends.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::service_fn;
use tower_http::services::ServeDir;

/// How long a client may take for the header of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open downloads may go on after the stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest header of a request, in bytes.
const MAX_HEADER: usize = 64 * 1024;

/// Answers for the files below `root`: `GET /` says 200 for the readiness probe, files are served, all else is 404.
pub fn router(root: impl Into<PathBuf>) -> Router {
    let missing = service_fn(async |_: Request| Ok::<_, Infallible>(not_found()));
    let files = ServeDir::new(root.into()).append_index_html_on_directories(false).not_found_service(missing);
    Router::new()
        .route("/", get(async || "artifacts\n"))
        .fallback_service(files)
        .layer(middleware::from_fn(only_visible_files))
}

/// Serves `router` on `listener` until `stop`; downloads that run then get 5 seconds.
///
/// # Errors
/// Those of accepting connections that no waiting would cure.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEADER);
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            // out of descriptors or a client gone again: others may still come
            Err(error) if is_passing(&error) => {
                tracing::warn!(error = %error, "failed to accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "a connection ended early");
            }
        });
    }
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, connections.shutdown()).await.is_err() {
        tracing::warn!("downloads were cut off by the stop");
    }
    Ok(())
}

/// Whether accepting may work again in a moment.
fn is_passing(error: &io::Error) -> bool {
    let of_the_client = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    );
    // no descriptors left, in the process or in the system
    let descriptors = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE];
    of_the_client || descriptors.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Hidden files are unfinished ones. Every method but HEAD is taken for GET, as upstream does.
async fn only_visible_files(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.split('/').any(|component| component.starts_with('.') || component.starts_with("%2e")) {
        return not_found();
    }
    if request.method() != Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    next.run(request).await
}

fn not_found() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::NOT_FOUND, headers, Body::from("404 page not found\n")).into_response()
}
