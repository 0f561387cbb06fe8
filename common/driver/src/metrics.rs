//! The metrics of platform.md 6.1 and 6.2 that runs and queues know.

use std::time::Duration;

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

/// Families of metrics, registered once per process.
#[derive(Debug, Clone)]
pub struct Metrics {
    reconcile_duration: HistogramVec,
    reconcile_total: IntCounterVec,
    reconcile_errors: IntCounterVec,
    terminal_errors: IntCounterVec,
    panics: IntCounterVec,
    timeouts: IntCounterVec,
    reconcile_time: HistogramVec,
    max_concurrent: IntGaugeVec,
    active_workers: IntGaugeVec,
    depth: IntGaugeVec,
    adds: IntCounterVec,
    retries: IntCounterVec,
    queue_duration: HistogramVec,
    work_duration: HistogramVec,
    unfinished: GaugeVec,
    longest_running: GaugeVec,
    forgotten: IntCounterVec,
}

/// Ends of a run as `controller_runtime_reconcile_total` tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunResult {
    Success,
    Error,
    Requeue,
    RequeueAfter,
}

impl RunResult {
    const ALL: [Self; 4] = [Self::Success, Self::Error, Self::Requeue, Self::RequeueAfter];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Requeue => "requeue",
            Self::RequeueAfter => "requeue_after",
        }
    }
}

/// Buckets of `gotk_reconcile_duration_seconds`: ten from 10 ms to 30 min, evenly in the exponent.
fn duration_buckets() -> Vec<f64> {
    let factor = (1800.0_f64 / 0.01).powf(1.0 / 9.0);
    (0..10).map(|exponent| 0.01 * power(factor, exponent)).collect()
}

/// By squaring, whose rounding is that of Go; `powi` rounds as the compiler pleases.
fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left % 2 == 1 {
            result *= square;
        }
        square *= square;
        left /= 2;
    }
    result
}

/// Buckets of the queue's histograms: 10 ns to 1000 s.
fn queue_buckets() -> Vec<f64> {
    (0..12).map(|exponent| 1e-8 * 10_f64.powi(exponent)).collect()
}

const RUN_BUCKETS: [f64; 40] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25,
    1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0,
    50.0, 60.0,
];

const CONTROLLER: &[&str] = &["controller"];
const QUEUE: &[&str] = &["name", "controller"];

/// Registers families under names and help texts.
struct Families<'r>(&'r Registry);

impl Families<'_> {
    fn counter(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        let family = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(family.clone())).map(|()| family)
    }

    fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        let family = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(family.clone())).map(|()| family)
    }

    fn seconds(&self, name: &str, help: &str) -> Result<GaugeVec, prometheus::Error> {
        let family = GaugeVec::new(Opts::new(name, help), QUEUE)?;
        self.0.register(Box::new(family.clone())).map(|()| family)
    }

    fn histogram(&self, options: HistogramOpts, labels: &[&str]) -> Result<HistogramVec, prometheus::Error> {
        let family = HistogramVec::new(options, labels)?;
        self.0.register(Box::new(family.clone())).map(|()| family)
    }
}

impl Metrics {
    /// Adds the families to `registry`.
    ///
    /// # Errors
    /// If the registry has a metric of one of the names already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let families = Families(registry);
        let durations =
            HistogramOpts::new("gotk_reconcile_duration_seconds", "Duration of a run, by object.");
        let times = HistogramOpts::new("controller_runtime_reconcile_time_seconds", "Duration of a run.");
        let waits =
            HistogramOpts::new("workqueue_queue_duration_seconds", "Time that an object waits in the queue.");
        let works =
            HistogramOpts::new("workqueue_work_duration_seconds", "Time that an object is worked on.");
        Ok(Self {
            reconcile_duration: families
                .histogram(durations.buckets(duration_buckets()), &["kind", "name", "namespace"])?,
            reconcile_total: families.counter(
                "controller_runtime_reconcile_total",
                "Runs by result.",
                &["controller", "result"],
            )?,
            reconcile_errors: families.counter(
                "controller_runtime_reconcile_errors_total",
                "Runs that failed.",
                CONTROLLER,
            )?,
            terminal_errors: families.counter(
                "controller_runtime_terminal_reconcile_errors_total",
                "Runs that failed and are not tried again.",
                CONTROLLER,
            )?,
            panics: families.counter(
                "controller_runtime_reconcile_panics_total",
                "Runs that panicked.",
                CONTROLLER,
            )?,
            timeouts: families.counter(
                "controller_runtime_reconcile_timeouts_total",
                "Runs that passed their deadline.",
                CONTROLLER,
            )?,
            reconcile_time: families.histogram(times.buckets(RUN_BUCKETS.to_vec()), CONTROLLER)?,
            max_concurrent: families.gauge(
                "controller_runtime_max_concurrent_reconciles",
                "Runs at work at a time.",
                CONTROLLER,
            )?,
            active_workers: families.gauge(
                "controller_runtime_active_workers",
                "Runs under way.",
                CONTROLLER,
            )?,
            depth: families.gauge(
                "workqueue_depth",
                "Objects that wait in the queue.",
                &["name", "controller", "priority"],
            )?,
            adds: families.counter("workqueue_adds_total", "Objects added to the queue.", QUEUE)?,
            retries: families.counter("workqueue_retries_total", "Objects tried again.", QUEUE)?,
            queue_duration: families.histogram(waits.buckets(queue_buckets()), QUEUE)?,
            work_duration: families.histogram(works.buckets(queue_buckets()), QUEUE)?,
            unfinished: families
                .seconds("workqueue_unfinished_work_seconds", "Seconds of work in all runs under way.")?,
            longest_running: families.seconds(
                "workqueue_longest_running_processor_seconds",
                "Seconds of the oldest run under way.",
            )?,
            forgotten: families.counter(
                "ferroflux_forgotten_objects_total",
                "Objects that the audit found without a place in the queue, and healed.",
                CONTROLLER,
            )?,
        })
    }

    /// The series of one kind; all start at 0.
    pub(crate) fn of_kind(&self, kind: &str) -> KindMetrics {
        let controller = kind.to_ascii_lowercase();
        let (one, two) = ([controller.as_str()], [controller.as_str(), controller.as_str()]);
        for result in RunResult::ALL {
            self.reconcile_total.with_label_values(&[controller.as_str(), result.as_str()]);
        }
        let depth = |priority: &str| self.depth.with_label_values(&[&controller, &controller, priority]);
        KindMetrics {
            reconcile_errors: self.reconcile_errors.with_label_values(&one),
            terminal_errors: self.terminal_errors.with_label_values(&one),
            panics: self.panics.with_label_values(&one),
            timeouts: self.timeouts.with_label_values(&one),
            reconcile_time: self.reconcile_time.with_label_values(&one),
            max_concurrent: self.max_concurrent.with_label_values(&one),
            active_workers: self.active_workers.with_label_values(&one),
            depth: depth("0"),
            depth_listed: depth("-100"),
            adds: self.adds.with_label_values(&two),
            retries: self.retries.with_label_values(&two),
            queue_duration: self.queue_duration.with_label_values(&two),
            work_duration: self.work_duration.with_label_values(&two),
            unfinished: self.unfinished.with_label_values(&two),
            longest_running: self.longest_running.with_label_values(&two),
            forgotten: self.forgotten.with_label_values(&one),
            families: self.clone(),
            kind: kind.to_owned(),
            controller,
        }
    }
}

/// The series of one kind.
#[derive(Debug, Clone)]
pub(crate) struct KindMetrics {
    families: Metrics,
    kind: String,
    controller: String,
    pub(crate) reconcile_errors: IntCounter,
    pub(crate) terminal_errors: IntCounter,
    pub(crate) panics: IntCounter,
    pub(crate) timeouts: IntCounter,
    pub(crate) reconcile_time: Histogram,
    pub(crate) max_concurrent: IntGauge,
    pub(crate) active_workers: IntGauge,
    pub(crate) depth: IntGauge,
    pub(crate) depth_listed: IntGauge,
    pub(crate) adds: IntCounter,
    pub(crate) retries: IntCounter,
    pub(crate) queue_duration: Histogram,
    pub(crate) work_duration: Histogram,
    pub(crate) unfinished: Gauge,
    pub(crate) longest_running: Gauge,
    pub(crate) forgotten: IntCounter,
}

impl KindMetrics {
    pub(crate) fn count(&self, result: RunResult) {
        self.families.reconcile_total.with_label_values(&[self.controller.as_str(), result.as_str()]).inc();
    }

    /// Measures a run of an object.
    pub(crate) fn measure(&self, namespace: &str, name: &str, elapsed: Duration) {
        let labels = [self.kind.as_str(), name, namespace];
        self.families.reconcile_duration.with_label_values(&labels).observe(elapsed.as_secs_f64());
    }

    /// Drops the series of an object that is gone; one that was never measured has none.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        let _ = self.families.reconcile_duration.remove_label_values(&[self.kind.as_str(), name, namespace]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_the_contract() {
        let buckets: Vec<String> = duration_buckets().iter().map(ToString::to_string).collect();
        let want = "0.01 0.038363583488692544 0.1471764538093883 0.5646216173286169 2.166090855590701 \
            8.309900738254731 31.879757075478317 122.30217221643493 469.19495946736544 1799.9999999999986";
        assert_eq!(buckets.join(" "), want);
        assert!(RUN_BUCKETS.is_sorted());
    }

    #[test]
    fn results_start_at_zero_and_series_go_with_their_object() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap().of_kind("Kustomization");
        let text = || prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for result in ["success", "error", "requeue", "requeue_after"] {
            let series = format!(
                r#"controller_runtime_reconcile_total{{controller="kustomization",result="{result}"}} 0"#
            );
            assert!(text().contains(&series), "{series}");
        }
        metrics.measure("apps", "web", Duration::from_secs(1));
        assert!(text().contains(
            r#"gotk_reconcile_duration_seconds_count{kind="Kustomization",name="web",namespace="apps"} 1"#
        ));
        metrics.forget("apps", "web");
        assert!(!text().contains("gotk_reconcile_duration_seconds_count"));
    }
}
