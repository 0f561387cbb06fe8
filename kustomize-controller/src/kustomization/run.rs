//! A run, step by step.

use super::error::Error;
use super::health::{Subject, Viewer, Vigil};
use super::history::{RunOutcome, record};
use super::manifests::{Manifests, Recipe, Substitution, manifests};
use super::plan::{Awaits, Plan, Stale, is_itself};
use super::source::{Published, resource};
use super::{
    ExternalArtifacts, FULL_CHECK_EVERY, Fact, Kustomizations, Memory, Phase, References, own_name, printed,
};
use super::{dependency, variables};
use flux_api::kustomize::{Kustomization, KustomizationSourceKind, KustomizationStatus};
use flux_api::{GoDuration, InventoryEntry, ResourceInventory, Time, find_condition};
use flux_apply::apply::{Applier, Check, Desired, Settings as ApplySettings};
use flux_apply::change::{Action, ChangeSet};
use flux_apply::inventory::Inventory;
use flux_apply::object::ObjectId;
use flux_apply::order::Stage;
use flux_apply::prune::{Owner, prune};
use flux_apply::wait::FailFast;
use flux_artifact::{FetchError, FetchedArtifact, UnpackLimits};
use flux_driver::{Kind as _, Next, Notice, NoticeType, Outcome, Run, Settled};
use flux_kube::{Identity, ObjectName, Target};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument as _, info, info_span};

/// Objects of a stage that others stand on get this long to become healthy.
const STAGE_LIMIT: Duration = Duration::from_mins(1);

/// The revision that a run works on.
struct Revision {
    published: Published,
    source_uid: String,
    started: Instant,
}

/// Who acts, and on what it acts as.
struct Actor {
    identity: Identity,
    target: Target,
    memory: Arc<Memory>,
}

/// What a run applied.
struct Applied {
    changes: ChangeSet,
    digest: String,
    vanishing: HashSet<ObjectId>,
}

/// Carries the steps out.
pub(super) async fn reconcile(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
) -> Result<Outcome, Error> {
    let revision = resolve_source(kind, run, plan)?;
    let name = run.name().clone();
    let span = info_span!(parent: None, "notify about new revision",
        kind = "Kustomization", namespace = %name.namespace, name = %name.name,
        revision = %revision.published.revision);
    let rollout = flux_process::Rollout::of(&revision.source_uid, &revision.published.revision);
    rollout.join(&span);
    run.belongs_to(rollout);
    steps(kind, run, plan, revision).instrument(span).await
}

async fn steps(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
    revision: Revision,
) -> Result<Outcome, Error> {
    check_dependencies(kind, run, plan, &revision).await?;
    run.fact(&Fact::Begun);
    let applied = {
        // the tree and the manifests end here: nothing large is alive while health is awaited
        let artifact = fetch_artifact_for_revision(kind, run, plan, &revision).await?;
        run.status(|status| status.last_attempted_revision = Some(revision.published.revision.clone()));
        let built = build_manifests_to_objects(kind, run, plan, &revision, artifact).await?;
        let digest = built.digest.clone();
        let result = reconcile_objects(kind, run, plan, &revision, built).await;
        note_failure(run, &revision, &digest, &result);
        result?
    };
    let result = wait_for_readiness(kind, run, plan, &revision, &applied).await;
    if !matches!(result, Err(Error::Superseded(_))) {
        note_failure(run, &revision, &applied.digest, &result);
    }
    result?;
    note_outcome(run, &revision, &applied.digest, "ReconciliationSucceeded");
    run.status(|status| {
        status.last_applied_revision = Some(revision.published.revision.clone());
        status.last_applied_origin_revision =
            Some(revision.published.origin_revision.clone()).filter(|text| !text.is_empty());
    });
    run.fact(&Fact::Applied(revision.published.revision.clone()));
    Ok(Outcome::Done(Next::Interval))
}

/// Finds the artifact, as far as the references may go. Source: contract 10.1 (Flux 2.9).
fn resolve_source(
    kind: &Kustomizations,
    run: &Run<'_, Kustomizations>,
    plan: &Plan,
) -> Result<Revision, Error> {
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
    let found = run.source(source.kind.as_str(), &ObjectName::new(namespace, name)).ok_or_else(|| {
        let plural =
            resource(source.kind.as_str()).map(|resource| resource.plural.into_owned()).unwrap_or_default();
        Error::SourceNotFound(format!("{plural}.source.toolkit.fluxcd.io \"{name}\" not found"))
    })?;
    let published: Published = serde_json::from_value(found.value.clone())
        .map_err(|_| Error::NoArtifact(printed(kind.settings.requeue_dependency)))?;
    run.annotate("revision", &published.revision);
    run.annotate("originRevision", &published.origin_revision);
    Ok(Revision { published, source_uid: found.uid.clone(), started: Instant::now() })
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
    let target = run.target(&Identity::Controller).map_err(Error::Client)?;
    for name in &plan.dependencies {
        let key = ObjectName::new(name.namespace(), name.name());
        let read = target.get_as::<Kustomization>(&Kustomizations::PROFILE.resource, &key).await;
        let dependency =
            read.map_err(|source| Error::DependencyNotFound { name: name.to_string(), source, delay })?;
        dependency::check(name, &dependency, &plan.source, &revision.published.revision)
            .map_err(|reason| Error::Dependency { reason, delay })?;
    }
    info!("All dependencies are ready, proceeding with reconciliation");
    Ok(())
}

/// Downloads the artifact, or takes the copy that is here already.
async fn fetch_artifact_for_revision(
    kind: &Kustomizations,
    run: &Run<'_, Kustomizations>,
    plan: &Plan,
    revision: &Revision,
) -> Result<FetchedArtifact, Error> {
    run.progress(&phase("Fetching manifests", plan, revision));
    let Published { url, digest, .. } = &revision.published;
    let fetched = kind.reader.fetch(url, digest).instrument(info_span!("fetch artifact for revision")).await;
    fetched.map_err(|error| {
        if matches!(error, FetchError::NotFound) {
            Error::ArtifactNotFound(printed(kind.settings.requeue_dependency))
        } else {
            Error::Fetch(error)
        }
    })
}

/// Builds on a blocking thread, since it is CPU work.
async fn build_manifests_to_objects(
    kind: &Kustomizations,
    run: &Run<'_, Kustomizations>,
    plan: &Plan,
    revision: &Revision,
    artifact: FetchedArtifact,
) -> Result<Manifests, Error> {
    run.progress(&phase("Building manifests", plan, revision));
    let recipe = recipe(kind, run).await?;
    let span = info_span!("build manifests to objects");
    let work = async {
        let reservation = run.reserve(artifact.size().saturating_mul(16)).await.share();
        let permit = run.cpu().await;
        permit
            .run(move || {
                let tree = artifact.to_memory(UnpackLimits::default()).map_err(Error::Unpack)?;
                let built = manifests(tree, &recipe);
                drop(reservation);
                built
            })
            .await
    };
    work.instrument(span).await
}

/// The parts of the object that shape a build, with its variables read.
async fn recipe(kind: &Kustomizations, run: &Run<'_, Kustomizations>) -> Result<Recipe, Error> {
    let (object, name) = (run.object(), run.name());
    let substitution = match &object.spec.post_build {
        None => None,
        Some(post_build) => Some(Substitution {
            variables: variables::read(run, post_build).await?,
            strategy: variables::strategy(post_build),
            unset: kind.settings.unset_variables,
        }),
    };
    Ok(Recipe {
        owner: (name.name.clone(), name.namespace.clone()),
        path: object.spec.path.clone().unwrap_or_default(),
        spec: serde_json::to_vec(&object.spec).map_err(|error| Error::Build(error.to_string()))?,
        metadata: object.spec.common_metadata.clone(),
        substitution,
    })
}

/// Stores the intent, applies stage by stage, and prunes what is stale.
async fn reconcile_objects(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
    revision: &Revision,
    built: Manifests,
) -> Result<Applied, Error> {
    run.progress(&phase("Detecting drift", plan, revision));
    let actor = actor(kind, run, plan)?;
    let old = inventory(run)?;
    let new: Inventory =
        built.objects.iter().map(|desired| (desired.id.clone(), desired.version.clone())).collect();
    let intent = old.union(&new);
    if intent != old {
        run.status(|status| status.inventory = Some(stored(&intent)));
        run.commit().await.map_err(Error::Commit)?;
    }
    let Manifests { objects, digest, vanishing } = built;
    let span = info_span!("reconcile objects");
    let changes = apply_stages(kind, run, plan, &actor, objects).instrument(span).await?;
    let lines = changes.changed_lines();
    info!(revision = %revision.published.revision, changed = lines.lines().count(), "server-side apply completed");
    if !lines.is_empty() {
        run.notify(Notice::new(NoticeType::Normal, "Progressing", lines));
    }
    prune_stale(run, plan, &actor, &old, &changes).await?;
    Ok(Applied { changes, digest, vanishing })
}

async fn apply_stages(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
    actor: &Actor,
    objects: Vec<Desired>,
) -> Result<ChangeSet, Error> {
    let settings = ApplySettings {
        force: plan.force,
        overridden_managers: kind.settings.overridden_managers.clone(),
        ignore: plan.ignore.clone(),
        concurrency: kind.settings.concurrent_ssa,
    };
    let check = check(run, &actor.memory);
    let applier = Applier { target: &actor.target, settings: &settings, proofs: &actor.memory.proofs, check };
    let mut stages: HashMap<Stage, Vec<Desired>> = HashMap::new();
    for object in objects {
        stages.entry(Stage::of(&object.id, &kind.settings.custom_stage)).or_default().push(object);
    }
    let mut changes = ChangeSet::default();
    for stage in Stage::ALL {
        let Some(objects) = stages.remove(&stage) else { continue };
        let applied = applier.apply_stage(objects).await;
        let applied = applied.map_err(|error| Error::Apply { error, changed: changes.changed_lines() })?;
        changes.extend(applied.iter().cloned());
        if stage.is_awaited() {
            let subjects = Subject::applied(&applied, |_| false);
            let waited = keep_vigil(kind, run, actor, (subjects, FailFast::No, STAGE_LIMIT)).await?;
            waited.map_err(|cause| Error::Stage { cause, changed: changes.changed_lines() })?;
            if applied
                .iter()
                .any(|change| change.id.kind == "CustomResourceDefinition" && change.action.is_change())
            {
                // the kinds that the next stages may hold are served from now on
                actor.target.cluster().mapper().invalidate().await;
            }
        }
    }
    Ok(changes)
}

/// The inventory becomes what was applied; what is no longer in it goes, or stays by the spec's will.
async fn prune_stale(
    run: &Run<'_, Kustomizations>,
    plan: &Plan,
    actor: &Actor,
    old: &Inventory,
    changes: &ChangeSet,
) -> Result<(), Error> {
    let mut inventory = changes.inventory();
    let stale = old.stale(&inventory);
    actor.memory.proofs.retain(inventory.iter().map(|(id, _)| id));
    let store = |inventory: &Inventory| run.status(|status| status.inventory = Some(stored(inventory)));
    if stale.is_empty() || plan.stale == Stale::Keep {
        store(&inventory);
        return Ok(());
    }
    let ObjectName { namespace, name } = run.name();
    let pruned = prune(&actor.target, &stale, Owner { name, namespace }, &actor.memory.proofs).await;
    let kept = pruned.changes.iter().filter(|change| change.action == Action::Unknown);
    kept.for_each(|change| inventory.insert(change.id.clone(), change.version.clone()));
    store(&inventory);
    let gone: ChangeSet =
        pruned.changes.iter().filter(|change| change.action != Action::Unknown).cloned().collect();
    if !gone.is_empty() {
        run.notify(Notice::new(NoticeType::Normal, "Progressing", gone.all_lines()));
    }
    match pruned.errors {
        None => Ok(()),
        Some(errors) => {
            let texts: Vec<_> = errors.errors().iter().map(|error| flux_driver::message(error)).collect();
            Err(Error::Prune(texts.join(";") + ";"))
        }
    }
}

async fn wait_for_readiness(
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
    let span = info_span!("wait for readiness");
    let request = (subjects, kind.settings.fail_fast, plan.timeout.to_std());
    let settled = keep_vigil(kind, run, &actor, request).instrument(span).await?;
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

/// Waits at most for the limit; the inner error is the text about the objects.
async fn keep_vigil(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    actor: &Actor,
    (subjects, fail_fast, limit): (Vec<Subject>, FailFast, Duration),
) -> Result<Result<(), String>, Error> {
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
    match run.wait(limit, vigil.clone().keep(viewer, subjects, fail_fast)).await {
        Settled::Done(result) => Ok(result),
        Settled::TimedOut => Ok(Err(vigil.timed_out())),
        Settled::Superseded(trigger) => {
            let object = trigger.object.map_or_else(|| "a request".to_owned(), |object| object.to_string());
            Err(Error::Superseded(object))
        }
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

fn actor(kind: &Kustomizations, run: &Run<'_, Kustomizations>, plan: &Plan) -> Result<Actor, Error> {
    let account = plan.account.as_deref().unwrap_or(&kind.settings.default_account);
    let identity = if account.is_empty() {
        Identity::Controller
    } else {
        Identity::account(&run.name().namespace, account)
    };
    let target = run.target(&identity).map_err(Error::Client)?;
    Ok(Actor { identity, target, memory: kind.memory(run.name()) })
}

/// Proofs are trusted but for every sixth run and for those that a person asked for.
fn check(run: &Run<'_, Kustomizations>, memory: &Memory) -> Check {
    let mut trusting = memory.trusting.lock();
    *trusting += 1;
    if run.requested_at().is_some() || *trusting >= FULL_CHECK_EVERY {
        *trusting = 0;
        return Check::Full;
    }
    Check::Proved
}

fn inventory(run: &Run<'_, Kustomizations>) -> Result<Inventory, Error> {
    let entries = run.status(|status| status.inventory.clone()).unwrap_or_default().entries;
    Ok(Inventory::parse(entries.iter().map(|entry| (entry.id.as_str(), entry.v.as_str())))?)
}

fn stored(inventory: &Inventory) -> ResourceInventory {
    let entry =
        |(id, version): (&ObjectId, &str)| InventoryEntry { id: id.to_string(), v: version.to_owned() };
    ResourceInventory { entries: inventory.iter().map(entry).collect() }
}

fn phase(step: &'static str, plan: &Plan, revision: &Revision) -> Phase {
    Phase { step, revision: revision.published.revision.clone(), timeout: plan.timeout }
}

/// A failure from the apply on is an outcome that the history counts.
fn note_failure<T>(
    run: &Run<'_, Kustomizations>,
    revision: &Revision,
    digest: &str,
    result: &Result<T, Error>,
) {
    if let Err(error) = result {
        use flux_driver::Failure as _;
        note_outcome(run, revision, digest, error.verdict().reason);
    }
}

fn note_outcome(run: &Run<'_, Kustomizations>, revision: &Revision, digest: &str, reason: &str) {
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
