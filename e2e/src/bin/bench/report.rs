//! Rows of the table.

use std::time::Duration;

/// One figure.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    figure: String,
    measured: String,
    target: String,
    held: &'static str,
}

impl Row {
    /// A figure that may be at most `limit`, both with `digits` after the point.
    pub(crate) fn at_most(figure: &str, value: f64, limit: f64, unit: &str) -> Self {
        let held = if value <= limit { "yes" } else { "**no**" };
        Self {
            figure: figure.to_owned(),
            measured: format!("{} {unit}", number(value)),
            target: format!("≤ {} {unit}", number(limit)),
            held,
        }
    }

    /// A figure that must be at least `limit`.
    pub(crate) fn at_least(figure: &str, value: f64, limit: f64, unit: &str) -> Self {
        let held = if value >= limit { "yes" } else { "**no**" };
        Self {
            figure: figure.to_owned(),
            measured: format!("{} {unit}", number(value)),
            target: format!("≥ {} {unit}", number(limit)),
            held,
        }
    }

    /// A figure without a target.
    pub(crate) fn plain(figure: &str, measured: impl Into<String>) -> Self {
        Self { figure: figure.to_owned(), measured: measured.into(), target: String::new(), held: "" }
    }

    /// A part that came to no figures.
    pub(crate) fn failed(cause: &str) -> Self {
        let cause = cause.lines().next().unwrap_or_default().replace('|', "\\|");
        Self { figure: "failed".to_owned(), measured: cause, target: String::new(), held: "**no**" }
    }

    /// The line of the table.
    pub(crate) fn line(&self, benchmark: &str) -> String {
        let Self { figure, measured, target, held } = self;
        format!("| {benchmark} | {figure} | {measured} | {target} | {held} |")
    }
}

/// As many digits as say something.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// Mebibytes of a number of bytes.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Milliseconds of a time.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The value below which this share of the sorted times lies.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    let position = (last as f64 * share).round() as usize;
    sorted.get(position).copied().unwrap_or_default()
}
