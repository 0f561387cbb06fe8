//! Metrics of a server (contract, section 13).

use std::time::Instant;

use axum::body::HttpBody as _;
use axum::response::Response;
use http::Method;
use prometheus::{HistogramOpts, HistogramVec, IntGauge, IntGaugeVec, Opts, Registry, exponential_buckets};

/// Buckets of durations, in seconds.
const DURATIONS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What the label `handler` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathLabel {
    /// The route, the same for every request.
    Route,
    /// The path of the request.
    Full,
}

/// Durations, sizes and numbers of the requests of one server.
#[derive(Clone, Debug)]
pub(crate) struct HttpMetrics {
    route: &'static str,
    label: PathLabel,
    durations: HistogramVec,
    sizes: HistogramVec,
    in_flight: IntGaugeVec,
}

impl HttpMetrics {
    /// Registers `<prefix>_request_duration_seconds` and the others.
    pub(crate) fn register(
        registry: &Registry,
        prefix: &str,
        route: &'static str,
        label: PathLabel,
    ) -> Result<Self, prometheus::Error> {
        let labels = ["service", "handler", "method", "code"];
        let durations = HistogramOpts::new(
            format!("{prefix}_request_duration_seconds"),
            "The latency of the HTTP requests.",
        );
        let sizes =
            HistogramOpts::new(format!("{prefix}_response_size_bytes"), "The size of the HTTP responses.");
        let in_flight = Opts::new(
            format!("{prefix}_requests_inflight"),
            "The number of inflight requests being handled at the same time.",
        );
        let metrics = Self {
            route,
            label,
            durations: HistogramVec::new(durations.buckets(DURATIONS.to_vec()), &labels)?,
            sizes: HistogramVec::new(sizes.buckets(exponential_buckets(100.0, 10.0, 8)?), &labels)?,
            in_flight: IntGaugeVec::new(in_flight, &["service", "handler"])?,
        };
        registry.register(Box::new(metrics.durations.clone()))?;
        registry.register(Box::new(metrics.sizes.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        Ok(metrics)
    }

    /// Measures the handling of a request.
    pub(crate) async fn measure(
        &self,
        method: &Method,
        path: &str,
        handling: impl Future<Output = Response>,
    ) -> Response {
        let handler = match self.label {
            PathLabel::Route => self.route,
            PathLabel::Full => path,
        };
        let started = Instant::now();
        let response = {
            let _in_flight = InFlight::enter(self.in_flight.with_label_values(&["", handler]));
            handling.await
        };
        let code = response.status().as_u16().to_string();
        let labels = ["", handler, method_label(method), code.as_str()];
        self.durations.with_label_values(&labels).observe(started.elapsed().as_secs_f64());
        let size = response.body().size_hint().exact().unwrap_or(0);
        self.sizes
            .with_label_values(&labels)
            .observe(u32::try_from(size).map_or(f64::from(u32::MAX), f64::from));
        response
    }
}

/// Counts a request while it is handled, and no longer, even if the client goes away.
struct InFlight(IntGauge);

impl InFlight {
    fn enter(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Methods of HTTP by name; what clients make up counts as one, so that they cannot fill memory with labels.
fn method_label(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::HEAD
        | Method::OPTIONS
        | Method::CONNECT
        | Method::PATCH
        | Method::TRACE => method.as_str(),
        _ => "other",
    }
}
