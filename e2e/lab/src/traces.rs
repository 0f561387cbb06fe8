//! A receiver of traces: OTLP over HTTP with protobuf bodies.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, StatusCode, header};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::record::Recorder;
use crate::server::Server;

const BODY_LIMIT: u64 = 64 << 20;

/// A span as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedSpan {
    /// The exporting service (`service.name`).
    pub service: String,
    /// The span's name: a step of a diagram.
    pub name: String,
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// 16 hex digits; empty for a root.
    pub parent_id: String,
    /// Start in nanoseconds since 1970.
    pub start: u64,
    /// End in nanoseconds since 1970.
    pub end: u64,
    /// The attributes, values as text.
    pub attributes: BTreeMap<String, String>,
    /// Trace ids of the links.
    pub links: Vec<String>,
    /// Whether its status is an error.
    pub failed: bool,
}

/// A server that keeps every span.
#[derive(Debug)]
pub struct TraceReceiver {
    server: Server,
    spans: Recorder<ReceivedSpan>,
}

impl TraceReceiver {
    /// Starts on a free port.
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start() -> Result<Self> {
        let spans = Recorder::default();
        let router = Router::new()
            .route("/v1/traces", post(receive))
            .layer(DefaultBodyLimit::max(usize::try_from(BODY_LIMIT).unwrap_or(usize::MAX)))
            .with_state(spans.clone());
        Ok(Self { server: Server::start(router, None).await?, spans })
    }

    /// The address for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The spans so far.
    pub fn spans(&self) -> &Recorder<ReceivedSpan> {
        &self.spans
    }

    /// The first span of this name, past or coming.
    ///
    /// # Errors
    /// If none came within the time.
    pub async fn span(&self, name: &str, within: Duration) -> Result<ReceivedSpan> {
        let found = self.spans.wait_for(within, |span| span.name == name).await;
        found.with_context(|| format!("failed to see span '{name}'"))
    }
}

async fn receive(
    State(spans): State<Recorder<ReceivedSpan>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<([(header::HeaderName, &'static str); 1], Vec<u8>), (StatusCode, String)> {
    let request = decode(&headers, &body).map_err(|error| (StatusCode::BAD_REQUEST, format!("{error:#}")))?;
    for resource in request.resource_spans {
        let attributes =
            resource.resource.map(|resource| attributes(resource.attributes)).unwrap_or_default();
        let service = attributes.get("service.name").cloned().unwrap_or_default();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(received(&service, span));
        }
    }
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    Ok(([(header::CONTENT_TYPE, "application/x-protobuf")], answer))
}

fn decode(headers: &HeaderMap, body: &[u8]) -> Result<ExportTraceServiceRequest> {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    if encoding != Some("gzip") {
        return ExportTraceServiceRequest::decode(body).context("failed to decode the spans");
    }
    let mut plain = Vec::new();
    GzDecoder::new(body)
        .take(BODY_LIMIT)
        .read_to_end(&mut plain)
        .context("failed to decompress the spans")?;
    ExportTraceServiceRequest::decode(plain.as_slice()).context("failed to decode the spans")
}

fn received(service: &str, span: Span) -> ReceivedSpan {
    // Code 2 of the protocol is Error.
    let failed = span.status.is_some_and(|status| status.code == 2);
    ReceivedSpan {
        service: service.to_owned(),
        name: span.name,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
        failed,
    }
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::DoubleValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(truth)) => truth.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
