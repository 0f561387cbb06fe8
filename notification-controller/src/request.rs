//! What both servers do with a request before they look at it: one form, so that neither bears with more than the other.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flux_process::ServerLimits;
use http::request::Parts;
use http::{StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::http_metrics::HttpMetrics;

/// Bodies may be this long, in bytes.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;
/// All bodies of a server that are being read or worked on may be this long together, in bytes.
const BODIES_LIMIT: usize = 12 * 1024 * 1024;
/// A body has to arrive within this time.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Limits of both servers (contract, section 4.1).
pub(crate) const LIMITS: ServerLimits = ServerLimits {
    header_read_timeout: Duration::from_secs(10),
    max_header_bytes: 256 * 1024,
    max_connections: 128,
    drain: Duration::from_secs(5),
};

/// What a server does with requests whose paths are clean.
pub(crate) trait Handler: Send + Sync + 'static {
    /// The answer to a path that is not the server's, whatever the body.
    fn refuse(&self, _path: &str) -> Option<Response> {
        None
    }

    /// Answers a request. A client that goes away does not end this.
    fn handle(&self, parts: Parts, body: Bytes) -> impl Future<Output = Response> + Send;
}

/// Takes requests on any path, by any method.
pub(crate) fn router<H: Handler>(handler: H, metrics: HttpMetrics) -> Router {
    let server = Arc::new(Server { handler, bodies: Arc::new(Semaphore::new(BODIES_LIMIT)) });
    Router::new().fallback(move |request: Request| {
        let (server, metrics) = (Arc::clone(&server), metrics.clone());
        async move {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            metrics.measure(&method, &path, server.answer(request)).await
        }
    })
}

struct Server<H> {
    handler: H,
    bodies: Arc<Semaphore>,
}

impl<H: Handler> Server<H> {
    async fn answer(self: Arc<Self>, request: Request) -> Response {
        if let Some(location) = clean_path(request.uri()) {
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response();
        }
        if let Some(response) = self.handler.refuse(request.uri().path()) {
            return response;
        }
        let (parts, body) = request.into_parts();
        let (body, permit) = match read_body(body, Arc::clone(&self.bodies)).await {
            Ok(read) => read,
            Err(status) => return status.into_response(),
        };
        // a task of its own, since this one ends with the connection
        let handling = tokio::spawn(async move {
            let response = self.handler.handle(parts, body).await;
            drop(permit);
            response
        });
        handling.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }
}

/// The whole body and its share of what all bodies may take, or the status that refuses it.
async fn read_body(
    mut body: Body,
    bodies: Arc<Semaphore>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), StatusCode> {
    let deadline = Instant::now() + READ_TIMEOUT;
    // copies, since a part keeps the connection's whole buffer alive
    let mut parts: Vec<Bytes> = Vec::new();
    let mut length = 0;
    let mut share: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = timeout_at(deadline, body.frame()).await.map_err(|_| StatusCode::BAD_REQUEST)? {
        let Ok(data) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
        length += data.len();
        if length > BODY_LIMIT {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let wanted = u32::try_from(data.len()).unwrap_or(u32::MAX);
        // waiting for a share that other half-read bodies hold could last for ever
        let more = Arc::clone(&bodies).try_acquire_many_owned(wanted);
        let more = more.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        match &mut share {
            Some(share) => share.merge(more),
            None => share = Some(more),
        }
        parts.push(Bytes::copy_from_slice(&data));
    }
    let whole = match parts.as_slice() {
        [whole] => whole.clone(),
        parts => parts.concat().into(),
    };
    Ok((whole, share))
}

/// Where an unclean path is redirected to, as Go's router does it; `None` for a clean one.
pub(crate) fn clean_path(uri: &Uri) -> Option<String> {
    let path = uri.path();
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut clean = format!("/{}", segments.join("/"));
    let is_directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    if is_directory && clean != "/" {
        clean.push('/');
    }
    if clean == path {
        return None;
    }
    if let Some(query) = uri.query() {
        clean.push('?');
        clean.push_str(query);
    }
    Some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unclean_paths_are_redirected() {
        for (path, want) in [
            ("/", None),
            ("/a/b", None),
            ("/a/", None),
            ("//x", Some("/x")),
            ("/a/../b?q=1", Some("/b?q=1")),
            ("/../..", Some("/")),
            ("/a/./", Some("/a/")),
        ] {
            assert_eq!(clean_path(&path.parse().unwrap()).as_deref(), want, "{path}");
        }
    }

    fn bodies() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(BODIES_LIMIT))
    }

    #[tokio::test]
    async fn a_body_at_the_limit_passes_and_one_past_it_does_not() {
        let (body, share) = read_body(Body::from(vec![0; BODY_LIMIT]), bodies()).await.unwrap();
        assert_eq!((body.len(), share.unwrap().num_permits()), (BODY_LIMIT, BODY_LIMIT));
        let refused = read_body(Body::from(vec![0; BODY_LIMIT + 1]), bodies()).await.unwrap_err();
        assert_eq!(refused, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn bodies_are_bounded_together() {
        let bodies = bodies();
        let mut held = Vec::new();
        for _ in 0..BODIES_LIMIT / BODY_LIMIT {
            held.push(read_body(Body::from(vec![0; BODY_LIMIT]), Arc::clone(&bodies)).await.unwrap());
        }
        let refused = read_body(Body::from("{}"), Arc::clone(&bodies)).await.unwrap_err();
        assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
        drop(held.pop());
        assert!(read_body(Body::from("{}"), bodies).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let never = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let started = Instant::now();
        assert_eq!(read_body(never, bodies()).await.unwrap_err(), StatusCode::BAD_REQUEST);
        assert_eq!(started.elapsed().as_secs(), READ_TIMEOUT.as_secs());
    }
}
