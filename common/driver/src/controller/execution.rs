//! One run of one object, from the cached object to the stored status and the told notices.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flux_api::well_known::REQUESTED_AT;
use flux_api::{Condition, Reason};
use futures::FutureExt as _;
use rand::RngExt as _;
use serde_json::Value;
use tokio::time::Instant;
use tracing::{Instrument as _, info, warn};

use super::Shared;
use crate::dispatcher::{Completion, RunEnding, RunStart};
use crate::failure::{Class, Failure, Report, Verdict};
use crate::finalise::Failed;
use crate::kind::{Course, Deletion, Ending, Kind, Measured, Next, Outcome, Rules, Schedule, Suspend};
use crate::notice::{Notice, NoticeType};
use crate::queue::After;
use crate::run::{Run, Slot, decode_status};
use crate::session::{CommitError, Session};
use crate::trigger::Lane;

/// A run's deadline past the user's timeout: for steps that have no timeout of their own.
const DEADLINE_MARGIN: Duration = Duration::from_mins(30);

/// How the steps of a run ended, before conditions are made of it.
enum Steps {
    Succeeded(Outcome),
    Failed {
        failed: Failed,
        event: String,
        report: Report,
    },
    Panicked(String),
    TimedOut,
    /// The object is gone, or the process stops.
    Abandoned,
}

impl Steps {
    fn failed<E: Failure>(error: &E) -> Self {
        let Verdict { class, reason, condition, report } = error.verdict();
        let failed =
            Failed { class, reason: reason.to_owned(), condition, message: error.condition_message() };
        Self::Failed { failed, event: error.event_message(), report }
    }
}

pub(super) async fn run<K: Kind>(shared: Arc<Shared<K>>, run: RunStart) -> Completion {
    let done = Completion { after: After::Gone, ending: RunEnding::Succeeded };
    let name = run.start.name.clone();
    let Some(object) = shared.store.get(&name) else { return done };
    let typed: K::Object = match serde_json::from_slice(&object.json) {
        Ok(typed) => typed,
        Err(error) => {
            warn!(kind = %K::PROFILE.resource.kind, object = %name, %error, "skipped an object that cannot be decoded");
            return Completion { after: After::Rest, ending: RunEnding::Succeeded };
        }
    };
    let span = tracing::info_span!(
        "reconcile",
        controller = K::PROFILE.queue_name(),
        controllerGroup = %K::PROFILE.resource.group,
        controllerKind = %K::PROFILE.resource.kind,
        namespace = %name.namespace,
        name = %name.name,
        generation = object.metadata.generation,
        lane = run.start.lane.as_str(),
        reconcileID = %uuid::Uuid::new_v4(),
        revision = tracing::field::Empty,
    );
    let target = shared.services.cluster.controller();
    let outbox = shared.services.outbox.clone();
    let session = Session::new(K::PROFILE, object, (target, outbox), Arc::clone(&shared.store));
    let execution = Execution { shared: &shared, session: &session, object: &typed, started: Instant::now() };
    execution.execute(run).instrument(span).await
}

struct Execution<'r, K: Kind> {
    shared: &'r Shared<K>,
    session: &'r Session,
    object: &'r K::Object,
    started: Instant,
}

impl<K: Kind> Execution<'_, K> {
    async fn execute(&self, run: RunStart) -> Completion {
        let slot = Slot::new(Arc::clone(&self.shared.slots), run.place, self.shared.stop.clone());
        let run = Run {
            session: self.session,
            object: self.object,
            services: &self.shared.services,
            sources: &self.shared.sources,
            triggers: &run.start.triggers,
            since: run.start.since,
            commands: &self.shared.commands,
            interrupt: run.interrupt,
            taken: &run.taken,
            slot: &slot,
            span: tracing::Span::current(),
        };
        if let Some(requested) = run.requested_at() {
            flux_process::Rollout::of_request(requested).link(run.span());
        }
        let completion = if self.session.object.metadata.deletion_timestamp.is_some() {
            self.delete(run).await
        } else {
            self.reconcile(run).await
        };
        self.measure(completion);
        completion
    }

    async fn reconcile(&self, run: Run<'_, K>) -> Completion {
        if let Some(finalizer) = K::PROFILE.finalizer {
            let added = self.session.set_finalizers(|finalizers| {
                if !finalizers.iter().any(|each| each == finalizer) {
                    finalizers.push(finalizer.to_owned());
                }
            });
            if let Err(error) = added.await {
                return unwritten(&error);
            }
        }
        let before = Before::<K>::of(self.session);
        if self.is_suspended() {
            info!("reconciliation is suspended for this object");
            let subject = self.session.subject();
            let observed = self.session.with_state(|state| subject.suspend(&mut state.conditions));
            self.stamp(observed);
            self.tell(&before, Course::Suspended, None);
            return self.store(After::Rest, RunEnding::Succeeded).await;
        }
        let plan = match self.shared.kind.plan(self.object) {
            Ok(plan) => plan,
            Err(error) => return self.finish(&before, Steps::failed(&error), None).await,
        };
        let schedule = self.shared.kind.schedule(&plan);
        let subject = self.session.subject();
        self.session.with_state(|state| subject.begin(&mut state.conditions));
        self.session.progressed();
        let steps = self.steps(run, Work::Reconcile(&plan), schedule.timeout).await;
        self.finish(&before, steps, Some(schedule)).await
    }

    /// Carries the steps out beside the writer of progress, within the deadline, and catches their panic.
    async fn steps(&self, mut run: Run<'_, K>, work: Work<'_, K>, timeout: Duration) -> Steps {
        let slot = run.slot;
        let deadline = timeout.saturating_mul(2).saturating_add(DEADLINE_MARGIN);
        let kind = &self.shared.kind;
        let steps = async {
            let caught = AssertUnwindSafe(async {
                match work {
                    Work::Reconcile(plan) => kind.reconcile(&mut run, plan).await,
                    Work::Delete => kind.delete(&mut run).await.map(|deletion| {
                        Outcome::Done(match deletion {
                            Deletion::Done => Next::Never,
                            Deletion::Pending(delay) => Next::After(delay),
                        })
                    }),
                }
            })
            .catch_unwind();
            let steps = tokio::select! {
                biased;
                result = tokio::time::timeout(deadline, caught) => match result {
                    Ok(Ok(Ok(outcome))) => Steps::Succeeded(outcome),
                    Ok(Ok(Err(error))) => Steps::failed(&error),
                    Ok(Err(panic)) => Steps::Panicked(panic_text(panic.as_ref())),
                    Err(_) => Steps::TimedOut,
                },
                () = slot.abandoned() => Steps::Abandoned,
            };
            self.session.close();
            steps
        };
        let (steps, ()) = tokio::join!(steps, self.session.flush());
        steps
    }

    /// Makes conditions of how the steps ended, tells it, stores it, and says what follows.
    async fn finish(&self, before: &Before<K>, steps: Steps, schedule: Option<Schedule>) -> Completion {
        let subject = self.session.subject();
        match steps {
            Steps::Abandoned => Completion { after: After::Rest, ending: RunEnding::Succeeded },
            Steps::Succeeded(outcome) => {
                match self.session.with_state(|state| subject.succeed(&mut state.conditions)) {
                    Ok(observed) => {
                        self.stamp(observed);
                        self.tell(before, Course::Succeeded(outcome), schedule);
                        self.store(self.after(outcome, schedule), RunEnding::Succeeded).await
                    }
                    Err(failed) => {
                        let event = failed.message.clone();
                        self.fail(before, failed, Told { event, report: Report::Warning }, schedule).await
                    }
                }
            }
            Steps::Failed { failed, event, report } => {
                self.fail(before, failed, Told { event, report }, schedule).await
            }
            Steps::Panicked(text) => {
                let message = format!("panic: {text} [recovered]");
                let completion =
                    self.fail(before, internal(message.clone()), Told::warning(message), schedule).await;
                Completion { ending: RunEnding::Panicked, ..completion }
            }
            Steps::TimedOut => {
                let message = "the run passed its deadline".to_owned();
                let completion =
                    self.fail(before, internal(message.clone()), Told::warning(message), schedule).await;
                Completion { ending: RunEnding::TimedOut, ..completion }
            }
        }
    }

    async fn fail(
        &self,
        before: &Before<K>,
        failed: Failed,
        told: Told,
        schedule: Option<Schedule>,
    ) -> Completion {
        let at_once = After::Delay(Duration::ZERO, Lane::Changed);
        if failed.class == Class::Overtaken {
            info!("{}", failed.message);
            return self.store(at_once, RunEnding::Succeeded).await;
        }
        let subject = self.session.subject();
        let observed = self.session.with_state(|state| subject.fail(&mut state.conditions, &failed));
        self.stamp(observed);
        let notice_type = match told.report {
            Report::Warning => Some(NoticeType::Warning),
            Report::Normal => Some(NoticeType::Normal),
            Report::Trace => Some(NoticeType::Trace),
            Report::Silent => None,
        };
        if let Some(notice_type) = notice_type {
            self.notify(Notice::new(notice_type, failed.reason.clone(), told.event));
        }
        self.tell(before, Course::Failed, schedule);
        let retry = schedule.map(|schedule| schedule.retry.unwrap_or(schedule.interval));
        let (after, ending) = match failed.class {
            Class::Transient => (After::Backoff, RunEnding::Failed),
            Class::Retry => {
                (retry.map_or(After::Backoff, |delay| After::Delay(delay, Lane::Retry)), RunEnding::Succeeded)
            }
            Class::Waiting(delay) => (After::Delay(delay, Lane::Retry), RunEnding::Waiting),
            Class::Superseded | Class::Overtaken => (at_once, RunEnding::Succeeded),
            Class::Stalled => (After::Rest, RunEnding::Succeeded),
            Class::Terminal => (After::Rest, RunEnding::Terminal),
        };
        info!(error = %failed.message, reason = %failed.reason, "reconciliation failed");
        self.store(after, ending).await
    }

    async fn delete(&self, run: Run<'_, K>) -> Completion {
        let gone = Completion { after: After::Gone, ending: RunEnding::Succeeded };
        let Some(finalizer) = K::PROFILE.finalizer.or(K::FORMER_FINALIZER) else { return gone };
        if !self.session.object.metadata.finalizers.iter().any(|each| each == finalizer) {
            return gone;
        }
        let before = Before::<K>::of(self.session);
        let timeout = self.shared.kind.plan(self.object).map(|plan| self.shared.kind.schedule(&plan).timeout);
        match self.steps(run, Work::Delete, timeout.unwrap_or_default()).await {
            Steps::Abandoned => Completion { after: After::Rest, ending: RunEnding::Succeeded },
            Steps::Succeeded(Outcome::Done(Next::After(delay))) => {
                self.stamp(None);
                self.store(After::Delay(delay, Lane::Retry), RunEnding::Succeeded).await
            }
            Steps::Succeeded(_) => {
                self.tell(&before, Course::Deleting, None);
                match self.session.release_object(finalizer).await {
                    Ok(()) | Err(CommitError::Gone) => {
                        self.shared.metrics.forget(&self.session.name.namespace, &self.session.name.name);
                        gone
                    }
                    Err(error) => unwritten(&error),
                }
            }
            steps @ (Steps::Failed { .. } | Steps::Panicked(_) | Steps::TimedOut) => {
                self.finish(&before, steps, None).await
            }
        }
    }

    fn after(&self, outcome: Outcome, schedule: Option<Schedule>) -> After {
        let (Outcome::Done(next) | Outcome::Unchanged(next)) = outcome else { return After::Backoff };
        match (next, schedule) {
            (Next::Interval, Some(schedule)) => {
                let jitter = self.shared.services.settings.jitter;
                let delay = jitter.apply(schedule.interval, self.shared.uniform());
                After::Delay(delay, Lane::Interval)
            }
            (Next::After(delay), _) => After::Delay(delay, Lane::Interval),
            (Next::Interval | Next::Never, _) => After::Rest,
        }
    }

    /// Writes what every run writes: that the request was handled, and the generation if it is done with.
    fn stamp(&self, observed: Option<i64>) {
        if matches!(K::PROFILE.rules, Rules::None) {
            return;
        }
        let requested = self.session.object.metadata.annotations.get(REQUESTED_AT).cloned();
        self.session.with_state(|state| {
            if let Some(requested) = requested {
                state.status.insert("lastHandledReconcileAt".to_owned(), Value::String(requested));
            }
            if let Some(observed) = observed {
                state.status.insert("observedGeneration".to_owned(), observed.into());
            }
        });
    }

    /// Stores the status; a failure to do so is a failure of the run.
    async fn store(&self, after: After, ending: RunEnding) -> Completion {
        let span = match self.session.with_state(|state| state.rollout) {
            Some(rollout) => {
                let name = &self.session.name;
                let span = tracing::info_span!(
                    parent: None,
                    "update status for revision",
                    kind = %K::PROFILE.resource.kind,
                    namespace = %name.namespace,
                    name = %name.name,
                );
                rollout.join(&span);
                span
            }
            None => tracing::Span::none(),
        };
        match self.session.persist().instrument(span).await {
            Ok(()) => Completion { after, ending },
            Err(error) => unwritten(&error),
        }
    }

    /// The kind's own notices about how the run ended.
    fn tell(&self, before: &Before<K>, course: Course, schedule: Option<Schedule>) {
        let (status, conditions) =
            self.session.with_state(|state| (state.status.clone(), state.conditions.as_slice().to_vec()));
        let status: K::Status = decode_status(&status);
        let ending = Ending {
            object: self.object,
            status_before: &before.status,
            status: &status,
            conditions_before: &before.conditions,
            conditions: &conditions,
            course,
            elapsed: self.started.elapsed(),
            schedule,
        };
        for notice in self.shared.kind.notices(&ending) {
            self.notify(notice);
        }
    }

    fn notify(&self, notice: Notice) {
        self.shared.services.tell(self.session, notice);
    }

    fn is_suspended(&self) -> bool {
        match K::PROFILE.suspend {
            Suspend::Never => false,
            Suspend::Annotation(key) => {
                self.session.object.metadata.annotations.get(key).is_some_and(|value| value == "disabled")
            }
            Suspend::Spec => {
                let value = self.session.object.value().unwrap_or_default();
                value.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false)
            }
        }
    }

    fn measure(&self, completion: Completion) {
        if K::PROFILE.measured == Measured::Yes && completion.after != After::Gone {
            let name = &self.session.name;
            self.shared.metrics.measure(&name.namespace, &name.name, self.started.elapsed());
        }
    }
}

impl<K: Kind> Shared<K> {
    /// The next random number of [0, 1).
    fn uniform(&self) -> f64 {
        self.random.lock().random()
    }
}

/// A failure to write is a failure of the run, unless the object is gone.
fn unwritten(error: &CommitError) -> Completion {
    if matches!(error, CommitError::Gone) {
        return Completion { after: After::Gone, ending: RunEnding::Succeeded };
    }
    warn!(error = %crate::message(error), "Reconciler error");
    Completion { after: After::Backoff, ending: RunEnding::Failed }
}

/// What the steps work on.
enum Work<'w, K: Kind> {
    Reconcile(&'w K::Plan),
    Delete,
}

/// Status and conditions at the start.
struct Before<K: Kind> {
    status: K::Status,
    conditions: Vec<Condition>,
}

impl<K: Kind> Before<K> {
    fn of(session: &Session) -> Self {
        session.with_state(|state| Self {
            status: decode_status(&state.status),
            conditions: state.conditions.as_slice().to_vec(),
        })
    }
}

/// The event of a failure.
struct Told {
    event: String,
    report: Report,
}

impl Told {
    const fn warning(event: String) -> Self {
        Self { event, report: Report::Warning }
    }
}

/// A failure of ours, not of the object.
fn internal(message: String) -> Failed {
    Failed { class: Class::Transient, reason: Reason::Failed.to_string(), condition: None, message }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".to_owned())
}
