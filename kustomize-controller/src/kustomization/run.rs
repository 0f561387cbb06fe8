//! A run, step by step.

use super::error::Error;
use super::fetch::{build_manifests_to_objects, fetch_artifact_for_revision};
use super::objects::reconcile_objects;
use super::plan::Plan;
use super::readiness::wait_for_readiness;
use super::source::Published;
use super::{
    ExternalArtifacts, FULL_CHECK_EVERY, Fact, Kustomizations, Memory, Phase, References, SourceReads,
    printed,
};
use super::{dependency, history, source};
use flux_api::NamespacedName;
use flux_api::kustomize::{Kustomization, KustomizationSourceKind};
use flux_apply::apply::Check;
use flux_apply::change::ChangeSet;
use flux_apply::object::ObjectId;
use flux_driver::{Kind as _, Next, Outcome, Run};
use flux_kube::{Identity, ObjectName, Target};
use flux_process::Rollout;
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{Span, info, info_span};

/// The revision that a run works on.
pub(super) struct Revision {
    pub(super) published: Published,
    pub(super) started: Instant,
    rollout: Rollout,
}

impl Revision {
    /// Makes the span of a step, not entered yet, a part of the revision's trace.
    pub(super) fn step(&self, span: Span) -> Span {
        self.rollout.join(&span);
        span
    }
}

/// Who acts, and on what it acts as.
pub(super) struct Actor {
    pub(super) identity: Identity,
    pub(super) target: Target,
    pub(super) memory: Arc<Memory>,
}

/// What a run applied.
pub(super) struct Applied {
    pub(super) changes: ChangeSet,
    pub(super) digest: String,
    /// Jobs that delete themselves.
    pub(super) vanishing: HashSet<ObjectId>,
}

/// Carries the steps out.
pub(super) async fn reconcile(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
) -> Result<Outcome, Error> {
    let revision = notify_about_new_revision(kind, run, plan).await?;
    check_dependencies(kind, run, plan, &revision).await?;
    run.fact(&Fact::Begun);
    let applied = {
        // the tree and the manifests end here: nothing large is alive while health is awaited
        let tree = fetch_artifact_for_revision(kind, run, plan, &revision).await?;
        run.status(|status| status.last_attempted_revision = Some(revision.published.revision.clone()));
        let built = build_manifests_to_objects(kind, run, plan, &revision, tree).await?;
        let digest = built.digest.clone();
        let result = reconcile_objects(kind, run, plan, &revision, built).await;
        kind.arrivals.await_any(run.name(), result.as_ref().err().map(Error::missing).unwrap_or_default());
        history::note_failure(run, &revision, &digest, &result);
        result?
    };
    let result = wait_for_readiness(kind, run, plan, &revision, &applied).await;
    history::note_failure(run, &revision, &applied.digest, &result);
    result?;
    history::note(run, &revision, &applied.digest, "ReconciliationSucceeded");
    run.status(|status| {
        status.last_applied_revision = Some(revision.published.revision.clone());
        status.last_applied_origin_revision =
            Some(revision.published.origin_revision.clone()).filter(|text| !text.is_empty());
    });
    run.fact(&Fact::Applied(revision.published.revision.clone()));
    Ok(Outcome::Done(Next::Interval))
}

/// The source has told of a revision: the run becomes a part of its trace.
async fn notify_about_new_revision(
    kind: &Kustomizations,
    run: &Run<'_, Kustomizations>,
    plan: &Plan,
) -> Result<Revision, Error> {
    let (published, source_uid) = resolve_source(kind, run, plan).await?;
    let name = run.name();
    let span = info_span!(parent: None, "notify about new revision",
        kind = "Kustomization", namespace = %name.namespace, name = %name.name, revision = %published.revision);
    let rollout = Rollout::of(&source_uid, &published.revision);
    rollout.join(&span);
    span.in_scope(|| {
        run.belongs_to(rollout);
        run.annotate("revision", &published.revision);
        run.annotate("originRevision", &published.origin_revision);
    });
    Ok(Revision { published, rollout, started: Instant::now() })
}

/// Finds the artifact, as far as the references may go, and the source's uid. Source: contract 10.1 (Flux 2.9).
async fn resolve_source(
    kind: &Kustomizations,
    run: &Run<'_, Kustomizations>,
    plan: &Plan,
) -> Result<(Published, String), Error> {
    let source = &plan.source;
    let (namespace, name) = (source.name.namespace(), source.name.name());
    let full = || format!("{}/{namespace}/{name}", source.kind);
    if kind.settings.references == References::OwnNamespace && namespace != run.name().namespace {
        return Err(Error::CrossNamespace(full()));
    }
    if source.kind == KustomizationSourceKind::ExternalArtifact
        && kind.settings.external_artifacts == ExternalArtifacts::Refused
    {
        return Err(Error::GateClosed(full()));
    }
    let key = ObjectName::new(namespace, name);
    let missing = || {
        info!("Source '{}' not found", source.text);
        Error::SourceNotFound(source::not_found(source.kind, name))
    };
    let published = |value: &Value| {
        Published::deserialize(value)
            .map_err(|_| Error::NoArtifact(printed(kind.settings.requeue_dependency)))
    };
    match kind.settings.source_reads {
        SourceReads::Live => {
            let (value, uid) = source::read(run, source.kind, &key).await?;
            Ok((published(&value)?, uid))
        }
        SourceReads::Cached => {
            let found = run.source(source.kind.as_str(), &key).ok_or_else(missing)?;
            Ok((published(&found.value)?, found.uid.clone()))
        }
    }
}

async fn check_dependencies(
    kind: &Kustomizations,
    run: &Run<'_, Kustomizations>,
    plan: &Plan,
    revision: &Revision,
) -> Result<(), Error> {
    if plan.dependencies.is_empty() {
        return Ok(());
    }
    let delay = printed(kind.settings.requeue_dependency);
    for name in &plan.dependencies {
        let dependency = read_dependency(run, name).await.map_err(|source| Error::DependencyNotFound {
            name: name.to_string(),
            source,
            delay,
        })?;
        dependency::check(name, &dependency, &plan.source, &revision.published.revision)
            .map_err(|reason| Error::Dependency { reason, delay })?;
    }
    info!("All dependencies are ready, proceeding with reconciliation");
    Ok(())
}

/// A dependency as the watch has told it. One that it has not told may be of another shard or namespace than those that
/// are watched, or a moment old: the server knows.
async fn read_dependency(
    run: &Run<'_, Kustomizations>,
    name: &NamespacedName,
) -> Result<Kustomization, flux_kube::Error> {
    let key = ObjectName::new(name.namespace(), name.name());
    if let Some(known) = run.peer(&key) {
        return serde_json::from_slice(&known.json).map_err(flux_kube::Error::Decode);
    }
    run.target(&Identity::Controller)?.get_as(&Kustomizations::PROFILE.resource, &key).await
}

/// Who acts for a Kustomization: the account of its spec, else the default one, else the controller.
pub(super) fn actor(
    kind: &Kustomizations,
    run: &Run<'_, Kustomizations>,
    plan: &Plan,
) -> Result<Actor, Error> {
    let account = plan.account.as_deref().unwrap_or(&kind.settings.default_account);
    let identity = if account.is_empty() {
        Identity::Controller
    } else {
        Identity::account(&run.name().namespace, account)
    };
    let target = run.target(&identity).map_err(Error::Client)?;
    Ok(Actor { identity, target, memory: kind.memory(run.name()) })
}

/// Proofs are trusted but for every sixth run, for those that a person asked for, and where the spec is new: it may
/// ignore other drift.
pub(super) fn check(run: &Run<'_, Kustomizations>, memory: &Memory) -> Check {
    let mut trusting = memory.trusting.lock();
    *trusting += 1;
    let observed = run.object().status.as_ref().and_then(|status| status.observed_generation);
    let is_new = observed != Some(run.generation());
    if is_new || run.requested_at().is_some() || *trusting >= FULL_CHECK_EVERY {
        *trusting = 0;
        return Check::Full;
    }
    Check::Proved
}

pub(super) fn phase(step: &'static str, plan: &Plan, revision: &Revision) -> Phase {
    Phase { step, revision: revision.published.revision.clone(), timeout: plan.timeout }
}
