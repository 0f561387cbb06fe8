//! A webhook sink: keeps every request, and answers as told.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, Certificate};
use crate::record::Recorder;
use crate::server::{Server, acceptor};

const BODY_LIMIT: usize = 64 << 20;

/// A request that a sink received.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// The method.
    pub method: Method,
    /// The path and query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// When the body was complete.
    pub received: Instant,
}

impl ReceivedRequest {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// How a sink answers.
#[derive(Debug, Clone)]
pub struct SinkAnswer {
    /// The status code.
    pub status: StatusCode,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub body: String,
    /// How long it waits before it answers; the request is recorded before.
    pub delay: Duration,
}

impl Default for SinkAnswer {
    fn default() -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: String::new(), delay: Duration::ZERO }
    }
}

/// A server that takes every request.
#[derive(Debug)]
pub struct WebhookSink {
    server: Server,
    scheme: &'static str,
    requests: Recorder<ReceivedRequest>,
    answer: Arc<Mutex<SinkAnswer>>,
}

#[derive(Clone)]
struct Shared {
    requests: Recorder<ReceivedRequest>,
    answer: Arc<Mutex<SinkAnswer>>,
}

impl WebhookSink {
    /// Starts on a free port, answering 200.
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start() -> Result<Self> {
        Self::start_with(None).await
    }

    /// As [`Self::start`], over TLS with this certificate; with `clients`, every client has to show one of that authority.
    ///
    /// # Errors
    /// If no port can be bound or the certificate is damaged.
    pub async fn start_tls(certificate: &Certificate, clients: Option<&Authority>) -> Result<Self> {
        Self::start_with(Some(acceptor(certificate, clients)?)).await
    }

    async fn start_with(tls: Option<TlsAcceptor>) -> Result<Self> {
        let shared = Shared { requests: Recorder::default(), answer: Arc::default() };
        let Shared { requests, answer } = shared.clone();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let router = Router::new().fallback(receive).with_state(shared);
        Ok(Self { server: Server::start(router, tls).await?, scheme, requests, answer })
    }

    /// The address, without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address())
    }

    /// The address as `host:port`, for a proxy in between.
    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Changes the answer to requests from now on.
    pub fn answer_with(&self, answer: SinkAnswer) {
        *self.answer.lock() = answer;
    }

    /// What came so far.
    pub fn requests(&self) -> &Recorder<ReceivedRequest> {
        &self.requests
    }
}

async fn receive(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let (method, headers) = (parts.method, parts.headers);
    let answer = shared.answer.lock().clone();
    shared.requests.push(ReceivedRequest {
        method,
        path,
        headers,
        body: body.to_bytes(),
        received: Instant::now(),
    });
    tokio::time::sleep(answer.delay).await;
    let headers = answer.headers.into_iter();
    let headers =
        headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    (answer.status, headers.collect::<HeaderMap>(), Body::from(answer.body)).into_response()
}
