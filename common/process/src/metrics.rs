//! The registry of metrics and its endpoint (platform contract, sections 4.4 and 6.2).

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::{StatusCode, header};
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Encoder as _, Gauge, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TEXT_FORMAT, TextEncoder,
};

/// A metric cannot be made or registered twice.
#[derive(Debug, thiserror::Error)]
#[error("failed to register metrics")]
pub struct MetricsError(#[source] prometheus::Error);

/// The metrics of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    heap: Gauge,
    leader: IntGaugeVec,
}

impl Metrics {
    /// A registry with the metrics that every controller has: those of the process, and Go's names that dashboards query.
    ///
    /// # Errors
    /// [`MetricsError`]; none in practice, since the registry is new.
    pub fn new(version: &str) -> Result<Self, MetricsError> {
        Self::build(version).map_err(MetricsError)
    }

    fn build(version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let add = |collector: Box<dyn Collector>| registry.register(collector);
        add(Box::new(ProcessCollector::for_self()))?;
        let info = IntGaugeVec::new(Opts::new("go_info", "Information about the build."), &["version"])?;
        info.with_label_values(&[version]).set(1);
        add(Box::new(info))?;
        let heap = Gauge::new("go_memstats_alloc_bytes", "Number of bytes allocated and still in use.")?;
        add(Box::new(heap.clone()))?;
        let leader = IntGaugeVec::new(
            Opts::new(
                "leader_election_master_status",
                "Whether this process leads, by the name of the lease.",
            ),
            &["name"],
        )?;
        add(Box::new(leader.clone()))?;
        let slow =
            Opts::new("leader_election_slowpath_total", "Renewals of the lease that needed a read first.");
        add(Box::new(IntCounterVec::new(slow, &["name"])?))?;
        for (name, help) in [
            ("certwatcher_read_certificate_total", "Number of certificates read; none is watched."),
            ("certwatcher_read_certificate_errors_total", "Number of certificates that could not be read."),
        ] {
            add(Box::new(IntCounter::new(name, help)?))?;
        }
        Ok(Self { registry, heap, leader })
    }

    /// Where further metrics are registered.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Records whether this process leads.
    pub(crate) fn set_leading(&self, lease: &str, leads: Leading) {
        self.leader.with_label_values(&[lease]).set(i64::from(leads == Leading::Yes));
    }

    /// The text that Prometheus scrapes.
    ///
    /// # Errors
    /// prometheus's own, for a metric that is not consistent.
    pub fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        if let Some(bytes) = anonymous_memory() {
            self.heap.set(bytes);
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// `/metrics`, and the profiler's paths, which are answered by 501: no client of Flux reads them.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/metrics", get(move || async move { self.respond() }))
            .route("/debug/pprof/", any(|| async { StatusCode::NOT_IMPLEMENTED }))
            .route("/debug/pprof/{*profile}", any(|| async { StatusCode::NOT_IMPLEMENTED }))
    }

    fn respond(&self) -> Response {
        match self.text() {
            Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

/// Whether this process holds the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leading {
    Yes,
    No,
}

/// Memory that belongs to the process alone, in bytes: the heap and the stacks.
fn anonymous_memory() -> Option<f64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashboards_find_their_metrics() {
        let metrics = Metrics::new("v1.2.3").unwrap();
        metrics.set_leading("x-leader-election", Leading::Yes);
        let text = String::from_utf8(metrics.text().unwrap()).unwrap();
        for line in [
            "go_info{version=\"v1.2.3\"} 1",
            "leader_election_master_status{name=\"x-leader-election\"} 1",
            "certwatcher_read_certificate_total 0",
        ] {
            assert!(text.lines().any(|present| present == line), "{line} is not in\n{text}");
        }
        for name in ["process_resident_memory_bytes", "process_cpu_seconds_total", "go_memstats_alloc_bytes"]
        {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not in\n{text}");
        }
    }

    #[tokio::test]
    async fn the_profilers_paths_are_answered() {
        use tower::ServiceExt as _;

        let router = Metrics::new("v1").unwrap().router();
        let status = async |path: &str| {
            let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap().status()
        };
        let profiles = [
            "",
            "cmdline",
            "profile",
            "symbol",
            "trace",
            "heap",
            "goroutine",
            "threadcreate",
            "block",
            "mutex",
        ];
        for profile in profiles {
            assert_eq!(
                status(&format!("/debug/pprof/{profile}")).await,
                StatusCode::NOT_IMPLEMENTED,
                "{profile}"
            );
        }
        assert_eq!(status("/metrics").await, StatusCode::OK);
        assert_eq!(status("/debug/nothing").await, StatusCode::NOT_FOUND);
    }
}
