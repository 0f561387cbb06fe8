//! The server that controllers send their events to (contract, section 4).

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flux_api::Event;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use tracing::{debug, info};

use crate::dispatch::Notifications;
use crate::http_metrics::HttpMetrics;
use crate::metadata;
use crate::queue::Queues;
use crate::rate_limit::{Decision, RateLimit};
use crate::request::{Handler, router};

/// What the handler needs.
#[derive(Debug)]
pub(crate) struct EventServer {
    pub(crate) notifications: Notifications,
    pub(crate) queues: Queues<Notifications>,
    pub(crate) limit: RateLimit,
    pub(crate) metrics: HttpMetrics,
}

impl EventServer {
    /// Takes events on any path, by any method.
    pub(crate) fn router(self) -> Router {
        let metrics = self.metrics.clone();
        router(self, metrics)
    }
}

impl Handler for EventServer {
    async fn handle(&self, parts: Parts, body: Bytes) -> Response {
        let Ok(mut event) = serde_json::from_slice::<Event>(&body) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        drop(body);
        let traceparent = parts.headers.get("traceparent").and_then(|value| value.to_str().ok());
        metadata::clean(&mut event);
        let decision = self.limit.take(&event, Timestamp::now());
        let object = &event.involved_object;
        if !decision.passes {
            debug!(
                logger = "event-server",
                "reconciler kind" = object.kind,
                name = object.name,
                namespace = object.namespace,
                "discarding event, rate limiting duplicate events"
            );
            let mut response = (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n").into_response();
            add_limit_headers(response.headers_mut(), decision);
            return response;
        }
        metadata::drop_token(&mut event);
        info!(
            logger = "event-server",
            "reconciler kind" = event.involved_object.kind,
            name = event.involved_object.name,
            namespace = event.involved_object.namespace,
            "dispatching event"
        );
        self.notifications.dispatch(&event, traceparent, &self.queues).await;
        let mut response = StatusCode::ACCEPTED.into_response();
        add_limit_headers(response.headers_mut(), decision);
        response
    }
}

fn add_limit_headers(headers: &mut HeaderMap, decision: Decision) {
    headers.insert("x-ratelimit-limit", HeaderValue::from_static("1"));
    headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
    let reset = decision.reset.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
    if let Ok(reset) = HeaderValue::from_str(&reset) {
        if !decision.passes {
            headers.insert(header::RETRY_AFTER, reset.clone());
        }
        headers.insert("x-ratelimit-reset", reset);
    }
}
