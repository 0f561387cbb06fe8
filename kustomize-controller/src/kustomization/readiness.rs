//! Waiting until what was applied, or what the spec names, is healthy.

use super::error::Error;
use super::health::{Subject, Viewer, Vigil};
use super::plan::{Awaits, Plan, is_itself};
use super::run::{Actor, Applied, Revision, actor, phase};
use super::{Fact, Kustomizations, Newer, own_name, printed};
use flux_api::{GoDuration, find_condition};
use flux_apply::wait::FailFast;
use flux_driver::{Notice, NoticeType, Run, Settled, Trigger};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument as _, info_span};

pub(super) async fn wait_for_readiness(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
    revision: &Revision,
    applied: &Applied,
) -> Result<(), Error> {
    let own = own_name(run.object());
    let subjects: Vec<Subject> = match &plan.awaits {
        Awaits::Nothing => Vec::new(),
        Awaits::Applied => Subject::applied(&applied.changes, |id| applied.vanishing.contains(id))
            .into_iter()
            .filter(|subject| !is_itself(&own, &subject.id))
            .collect(),
        Awaits::References(references) => {
            references.iter().map(|(id, version)| Subject::referenced(id.clone(), version.clone())).collect()
        }
    };
    if subjects.is_empty() {
        run.fact(&Fact::NothingAwaited);
        return Ok(());
    }
    run.progress(&phase("Running health checks", plan, revision));
    run.fact(&Fact::HealthAwaited { revision: revision.published.revision.clone(), timeout: plan.timeout });
    let started = Instant::now();
    let actor = actor(kind, run, plan)?;
    let span = revision.step(info_span!(parent: None, "wait for readiness"));
    let request = (subjects, kind.settings.fail_fast, plan.timeout.to_std());
    let settled = keep_vigil(kind, run, &actor, request).instrument(span).await.map_err(Error::superseded)?;
    let elapsed = printed(started.elapsed());
    match settled {
        Ok(()) => {
            tell_health(run, revision, applied, elapsed);
            run.fact(&Fact::Healthy(elapsed));
            Ok(())
        }
        Err(cause) => {
            run.fact(&Fact::Unhealthy(cause.clone()));
            Err(Error::Unhealthy { elapsed, cause })
        }
    }
}

/// Waits at most for the limit; the inner error is the text about the objects, the outer one what ended the wait.
pub(super) async fn keep_vigil(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    actor: &Actor,
    (subjects, fail_fast, limit): (Vec<Subject>, FailFast, Duration),
) -> Result<Result<(), String>, Trigger> {
    let vigil = Vigil::new(&subjects);
    if vigil.is_over() {
        return Ok(Ok(()));
    }
    let viewer = Viewer {
        hub: kind.hub.clone(),
        reviews: Arc::clone(&kind.reviews),
        identity: actor.identity.clone(),
        target: actor.target.clone(),
    };
    let kept = vigil.clone().keep(viewer, subjects, fail_fast);
    let settled = match kind.settings.newer {
        Newer::Cancels => run.wait(limit, kept).await,
        Newer::Waits => run.wait_through(limit, kept).await,
    };
    match settled {
        Settled::Done(result) => Ok(result),
        Settled::TimedOut => Ok(Err(vigil.timed_out())),
        Settled::Superseded(trigger) => Err(trigger),
    }
}

/// Health is told when it is news: it was not good before, or something new was applied.
fn tell_health(run: &Run<'_, Kustomizations>, revision: &Revision, applied: &Applied, elapsed: GoDuration) {
    let before = run.object().status.clone().unwrap_or_default();
    let was_healthy = find_condition(&before.conditions, "Healthy")
        .is_some_and(|condition| condition.status == flux_api::ConditionStatus::True);
    let is_new = before.last_applied_revision.as_deref() != Some(&revision.published.revision);
    if !was_healthy || (is_new && applied.changes.iter().any(|change| change.action.is_change())) {
        let message = format!("Health check passed in {elapsed}");
        run.notify(Notice::new(NoticeType::Normal, "Progressing", message));
    }
}
