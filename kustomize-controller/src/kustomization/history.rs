//! The history in a Kustomization's status: its last five distinct outcomes, newest first.

use super::error::Error;
use super::run::Revision;
use super::source::Published;
use super::{Kustomizations, printed};
use flux_api::kustomize::KustomizationStatus;
use flux_api::{GoDuration, HistoryEntry, Time};
use flux_driver::Run;
use std::collections::BTreeMap;

/// Entries that are kept.
const KEPT: usize = 5;

/// The outcome of one run.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// `sha256:<hex>` of the built manifests.
    pub digest: String,
    /// Reason of the Ready condition.
    pub status: String,
    /// When the run ended.
    pub time: Time,
    /// How long it took.
    pub duration: GoDuration,
    /// Revision, and origin revision where it is known.
    pub metadata: BTreeMap<String, String>,
}

/// Adds an outcome: a repeated one is counted and moved to the front.
pub fn record(history: &mut Vec<HistoryEntry>, outcome: RunOutcome) {
    let RunOutcome { digest, status, time, duration, metadata } = outcome;
    let known = history
        .iter()
        .position(|entry| entry.digest == digest && entry.last_reconciled_status == status)
        .map(|position| history.remove(position));
    let (first_reconciled, total) = known
        .map_or_else(|| (time.clone(), 0), |entry| (entry.first_reconciled, entry.total_reconciliations));
    let entry = HistoryEntry {
        digest,
        first_reconciled,
        last_reconciled: time,
        last_reconciled_duration: duration.to_string(),
        last_reconciled_status: status,
        metadata,
        total_reconciliations: total.saturating_add(1),
    };
    history.insert(0, entry);
    history.truncate(KEPT);
}

/// Adds how a run ended. A failure from the apply on is an outcome that the history counts; a run that something newer
/// ended has none.
pub(super) fn note_failure<T>(
    run: &Run<'_, Kustomizations>,
    revision: &Revision,
    digest: &str,
    result: &Result<T, Error>,
) {
    if let Err(error) = result
        && !matches!(error, Error::Superseded(_) | Error::Overtaken(_))
    {
        use flux_driver::Failure as _;
        note(run, revision, digest, error.verdict().reason);
    }
}

pub(super) fn note(run: &Run<'_, Kustomizations>, revision: &Revision, digest: &str, reason: &str) {
    let Published { revision: current, origin_revision, .. } = &revision.published;
    let facts = [("revision", current), ("originRevision", origin_revision)];
    let metadata: BTreeMap<String, String> = facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    let outcome = RunOutcome {
        digest: digest.to_owned(),
        status: reason.to_owned(),
        time: Time(whole_seconds()),
        duration: printed(revision.started.elapsed()),
        metadata,
    };
    run.status(|status: &mut KustomizationStatus| record(&mut status.history, outcome));
}

fn whole_seconds() -> jiff::Timestamp {
    jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(digest: &str, status: &str, second: i64) -> RunOutcome {
        RunOutcome {
            digest: digest.into(),
            status: status.into(),
            time: serde_json::from_value(serde_json::json!(format!("2026-01-01T00:00:0{second}Z"))).unwrap(),
            duration: GoDuration::from_secs(1),
            metadata: BTreeMap::new(),
        }
    }

    fn shown(history: &[HistoryEntry]) -> Vec<String> {
        let show = |e: &HistoryEntry| {
            format!("{} {} {}", e.digest, e.last_reconciled_status, e.total_reconciliations)
        };
        history.iter().map(show).collect()
    }

    #[test]
    fn repeated_outcomes_are_counted_and_come_first() {
        let mut history = Vec::new();
        record(&mut history, outcome("a", "ReconciliationSucceeded", 1));
        record(&mut history, outcome("b", "HealthCheckFailed", 2));
        record(&mut history, outcome("a", "ReconciliationSucceeded", 3));
        record(&mut history, outcome("b", "ReconciliationSucceeded", 4));
        assert_eq!(
            shown(&history),
            ["b ReconciliationSucceeded 1", "a ReconciliationSucceeded 2", "b HealthCheckFailed 1"]
        );
        assert_ne!(history[1].first_reconciled, history[1].last_reconciled);
    }

    #[test]
    fn five_are_kept() {
        let mut history = Vec::new();
        for digest in ["a", "b", "c", "d", "e", "f"] {
            record(&mut history, outcome(digest, "ReconciliationSucceeded", 1));
        }
        assert_eq!(history.len(), 5);
        assert_eq!(history[0].digest, "f");
    }
}
