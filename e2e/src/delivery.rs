//! The steps of the delivery diagram, recognised in the spans of one push.

use std::time::Duration;

use anyhow::{Result, bail};
use flux_lab::{ReceivedSpan, Recorder};
use tokio::time::{Instant, timeout_at};

/// One step of the diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Who takes it: the exporting service.
    pub service: &'static str,
    /// What it is: the span's name.
    pub name: &'static str,
}

const fn step(service: &'static str, name: &'static str) -> Step {
    Step { service, name }
}

/// The diagram, in order.
pub const STEPS: [Step; 13] = [
    step("git", "git push"),
    step("source-controller", "git pull"),
    step("source-controller", "build artifact for revision"),
    step("source-controller", "update status for revision"),
    step("source-controller", "emit events"),
    step("kustomize-controller", "notify about new revision"),
    step("kustomize-controller", "fetch artifact for revision"),
    step("kustomize-controller", "build manifests to objects"),
    step("kustomize-controller", "reconcile objects"),
    step("kustomize-controller", "wait for readiness"),
    step("kustomize-controller", "update status for revision"),
    step("kustomize-controller", "emit events"),
    step("notification-controller", "send alerts for revision"),
];

/// A step that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The step.
    pub step: Step,
    /// Its span.
    pub span: ReceivedSpan,
    /// From the start of the push to the start of the step, in nanoseconds.
    pub started: u64,
    /// From the start of the push to the end of the step, in nanoseconds.
    pub ended: u64,
}

/// Follows one push through the spans after the first `from`; `on_step` gets each step as soon as it and all before it
/// have been seen.
///
/// # Errors
/// If a step is not seen within the time: the message names it and the spans that came.
pub async fn follow(
    spans: &Recorder<ReceivedSpan>,
    from: usize,
    within: Duration,
    mut on_step: impl FnMut(&Seen),
) -> Result<Vec<Seen>> {
    let deadline = Instant::now() + within;
    let mut seen: Vec<Seen> = Vec::new();
    loop {
        let count = spans.len();
        let received = spans.after(from);
        while let Some(step) = STEPS.get(seen.len()) {
            let Some(next) = find(*step, &received, &seen) else { break };
            on_step(&next);
            seen.push(next);
        }
        let Some(missing) = STEPS.get(seen.len()) else { return Ok(seen) };
        if timeout_at(deadline, spans.more_than(count)).await.is_err() {
            let others: Vec<_> =
                received.iter().map(|span| format!("{} {}", span.service, span.name)).collect();
            bail!(
                "{} did not '{}' in {within:?}; spans: {}",
                missing.service,
                missing.name,
                others.join(", ")
            );
        }
    }
}

/// The span of this step, after the steps seen so far.
fn find(step: Step, received: &[ReceivedSpan], seen: &[Seen]) -> Option<Seen> {
    let named = received.iter().filter(|span| span.service == step.service && span.name == step.name);
    let push = seen.first().map(|push| &push.span);
    let span = match push {
        None => named.min_by_key(|span| span.start),
        // The pull tells which trace the revision has; it cannot be older than the push.
        Some(push) if seen.len() == 1 => {
            named.filter(|span| span.start >= push.start).min_by_key(|span| span.start)
        }
        Some(_) => {
            let pull = seen.get(1)?;
            // Inside a controller each step comes after the one before; there are other events, of progress. Across them
            // the next controller is told by a status, and is not held up by the events about it; an alert comes after
            // its event.
            let own = seen.iter().rev().find(|earlier| earlier.step.service == step.service);
            let told = if step.service == "notification-controller" { seen.last() } else { own };
            let cause = told.unwrap_or(pull).span.start;
            named
                .filter(|span| span.trace_id == pull.span.trace_id && span.start >= cause)
                .min_by_key(|span| span.start)
        }
    }?;
    let origin = push.map_or(span.start, |push| push.start);
    let started = span.start.saturating_sub(origin);
    Some(Seen { step, span: span.clone(), started, ended: span.end.saturating_sub(origin) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(step: Step, trace: &str, start: u64) -> ReceivedSpan {
        ReceivedSpan {
            service: step.service.to_owned(),
            name: step.name.to_owned(),
            trace_id: trace.to_owned(),
            span_id: String::new(),
            parent_id: String::new(),
            start,
            end: start + 1,
            attributes: std::collections::BTreeMap::new(),
            links: Vec::new(),
            failed: false,
        }
    }

    /// The steps' spans, ten nanoseconds apart, the push in a trace of its own.
    fn rollout() -> Vec<ReceivedSpan> {
        let spans = STEPS.iter().zip(1_u64..);
        spans
            .map(|(step, number)| span(*step, if number == 1 { "push" } else { "rollout" }, number * 10))
            .collect()
    }

    fn found(received: &[ReceivedSpan]) -> Vec<Seen> {
        let mut seen = Vec::new();
        while let Some(next) = STEPS.get(seen.len()).and_then(|step| find(*step, received, &seen)) {
            seen.push(next);
        }
        seen
    }

    #[test]
    fn whole_rollout_is_found_in_any_order_of_arrival() {
        let mut received = rollout();
        received.reverse();
        let seen = found(&received);
        assert_eq!(seen.len(), STEPS.len());
        assert_eq!((seen[12].started, seen[12].ended), (120, 121));
    }

    #[test]
    fn spans_of_another_revision_do_not_count() {
        let mut received = rollout();
        received[8].trace_id = "older".to_owned();
        assert_eq!(found(&received).len(), 8);
    }

    #[test]
    fn pull_before_the_push_does_not_count() {
        let mut received = rollout();
        received[1].start = 5;
        assert_eq!(found(&received).len(), 1);
    }

    #[test]
    fn event_about_progress_is_not_the_one_about_the_end() {
        let mut received = rollout();
        let mut progress = received[11].clone();
        progress.start = 85;
        received.push(progress);
        assert_eq!(found(&received)[11].started, 110);
    }

    #[test]
    fn alert_for_the_source_is_not_the_last_step() {
        let mut received = rollout();
        received[12].start = 60;
        assert_eq!(found(&received).len(), 12);
    }
}
