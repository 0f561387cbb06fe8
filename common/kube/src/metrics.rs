use prometheus::{IntCounterVec, Opts, Registry};

/// `rest_client_requests_total`: every request to an API server, by code, method and host.
#[derive(Debug, Clone)]
pub struct RequestMetrics {
    requests: IntCounterVec,
}

impl RequestMetrics {
    /// Adds the counters to `registry`.
    ///
    /// # Errors
    /// If the registry has a metric of that name already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered()?;
        registry.register(Box::new(metrics.requests.clone()))?;
        Ok(metrics)
    }

    fn unregistered() -> Result<Self, prometheus::Error> {
        let options = Opts::new(
            "rest_client_requests_total",
            "Number of HTTP requests, partitioned by status code, method, and host.",
        );
        Ok(Self { requests: IntCounterVec::new(options, &["code", "method", "host"])? })
    }

    /// Counts one request; `code` is `<error>` where no answer came.
    pub(crate) fn count(&self, code: &str, method: &http::Method, host: &str) {
        self.requests.with_label_values(&[code, method.as_str(), host]).inc();
    }
}
