//! Applying what was built, stage by stage, and pruning what is stale.

use super::Kustomizations;
use super::error::Error;
use super::health::Subject;
use super::manifests::Manifests;
use super::plan::{Awaits, Plan, Stale, ignored};
use super::pruning::delete_in_order;
use super::readiness::keep_vigil;
use super::run::{Actor, Applied, Revision, actor, check, phase};
use flux_api::{InventoryEntry, ResourceInventory};
use flux_apply::apply::{Applier, Checked, Desired, Interest, Settings};
use flux_apply::change::{Action, Change, ChangeSet};
use flux_apply::intent::Intent;
use flux_apply::inventory::Inventory;
use flux_apply::object::{ObjectId, join_api_version};
use flux_apply::order::Stage;
use flux_apply::rules::GROUP;
use flux_apply::wait::FailFast;
use flux_driver::{Notice, NoticeType, Run};
use flux_kube::{Cluster, ObjectName};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tracing::{Instrument as _, info, info_span};

/// Objects of a stage that others stand on get this long to become healthy.
const STAGE_LIMIT: Duration = Duration::from_mins(1);
/// Kinds whose definitions are established get this long to be served.
const SERVED_WITHIN: Duration = Duration::from_secs(10);
/// Time between two looks whether they are; it doubles up to the second figure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// Stores the intent, applies stage by stage, and prunes what is stale.
pub(super) async fn reconcile_objects(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
    revision: &Revision,
    built: Manifests,
) -> Result<Applied, Error> {
    run.progress(&phase("Detecting drift", plan, revision));
    let actor = actor(kind, run, plan)?;
    let new: Inventory =
        built.objects.iter().map(|desired| (desired.id.clone(), desired.version.clone())).collect();
    let mut intent = Intent::new(inventory(run)?, &new);
    intent.list_all(&new);
    if intent.take_change() {
        list(run, intent.listed());
        run.commit().await.map_err(Error::Commit)?;
    }
    let Manifests { objects, digest, vanishing } = built;
    let span = revision.step(info_span!(parent: None, "reconcile objects"));
    let work = (objects, &mut intent);
    let changes = apply_stages(kind, run, plan, &actor, work).instrument(span).await?;
    let lines = changes.changed_lines();
    let output_json = kind.settings.change_log.of(&changes);
    info!(revision = %revision.published.revision, output_json, "server-side apply completed");
    if !lines.is_empty() {
        run.notify(Notice::new(NoticeType::Normal, "Progressing", lines));
    }
    prune_stale(run, plan, &actor, intent.listed(), &changes).await?;
    Ok(Applied { changes, digest, vanishing })
}

async fn apply_stages(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
    actor: &Actor,
    (objects, intent): (Vec<Desired>, &mut Intent),
) -> Result<ChangeSet, Error> {
    let settings = Settings {
        force: plan.force,
        overridden_managers: kind.settings.overridden_managers.clone(),
        ignore: ignored(&run.object().spec).map_err(Error::Ignore)?,
        concurrency: kind.settings.concurrent_ssa,
        api_versions: kind.settings.api_versions,
        selector: selector(run),
        interest: if plan.awaits == Awaits::Applied { Interest::Health } else { Interest::Identity },
    };
    let check = check(run, &actor.memory);
    let (target, proofs, epoch) = (&actor.target, &actor.memory.proofs, kind.epochs.now().await);
    let applier = Applier { target, settings: &settings, proofs, check, epoch };
    let mut stages: HashMap<Stage, Vec<Desired>> = HashMap::new();
    for object in objects {
        stages.entry(Stage::of(&object.id, &kind.settings.custom_stage)).or_default().push(object);
    }
    let mut changes = ChangeSet::default();
    for stage in Stage::ALL {
        let Some(objects) = stages.remove(&stage) else { continue };
        let checked = applier.check_stage(objects).await;
        let checked = checked.map_err(|error| Error::Apply { error, changed: changes.changed_lines() })?;
        let mut applied = ChangeSet::default();
        let mut left = checked;
        while !left.is_empty() {
            let portion = next_portion(run, plan, actor, intent, &mut left).await?;
            let written = applier.write_stage(&portion).await;
            let written =
                written.map_err(|error| Error::Apply { error, changed: changes.changed_lines() })?;
            changes.extend(written.iter().cloned());
            applied.extend(written.iter().cloned());
        }
        if stage.is_awaited() {
            let subjects = Subject::applied(&applied, |_| false);
            let waited = keep_vigil(kind, run, actor, (subjects, FailFast::No, STAGE_LIMIT)).await;
            let waited = waited.map_err(Error::overtaken)?;
            waited.map_err(|cause| Error::Stage { cause, changed: changes.changed_lines() })?;
            let coming = defined(&applied, stages.values().flatten());
            let served = until_served(actor.target.cluster(), &coming);
            // a kind that no definition has is told of by its own stage
            let _ = tokio::time::timeout(SERVED_WITHIN, served).await;
        }
    }
    Ok(changes)
}

/// Splits off the objects that may be written next, since the stored status lists them. Where it has no room for any,
/// stale objects go first.
async fn next_portion(
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
    actor: &Actor,
    intent: &mut Intent,
    left: &mut Checked,
) -> Result<Checked, Error> {
    let mut count = intent.list(left.objects());
    while count == 0 {
        let burden = intent.burden();
        let leftover = match plan.stale {
            Stale::Keep => Leftover::default(),
            Stale::Prune => delete_stale(run, plan, actor, &burden).await?,
        };
        intent.forget(burden.iter().map(|(id, _)| id).filter(|id| !leftover.objects.contains(id)));
        list(run, intent.listed());
        leftover.error()?;
        count = intent.list(left.objects());
    }
    if intent.take_change() {
        list(run, intent.listed());
        run.commit().await.map_err(Error::Commit)?;
    }
    let rest = left.split_off(count);
    Ok(std::mem::replace(left, rest))
}

/// Selector of the labels that all objects of a Kustomization have.
fn selector(run: &Run<'_, Kustomizations>) -> String {
    let ObjectName { namespace, name } = run.name();
    format!("{GROUP}/name={name},{GROUP}/namespace={namespace}")
}

/// The kinds that definitions of a stage give to the objects of later stages, as `apiVersion` and kind. An unchanged
/// definition may have come a moment ago, by a run that was cut short.
fn defined<'a>(applied: &ChangeSet, later: impl Iterator<Item = &'a Desired>) -> BTreeSet<(String, String)> {
    let definitions = applied.iter().filter(|change| change.id.kind == "CustomResourceDefinition");
    let groups: BTreeSet<&str> =
        definitions.filter_map(|change| change.id.name.split_once('.').map(|(_, group)| group)).collect();
    later
        .filter(|desired| groups.contains(desired.id.group.as_str()))
        .map(|desired| (join_api_version(&desired.id.group, &desired.version), desired.id.kind.clone()))
        .collect()
}

/// Resolves when discovery shows all of the kinds, each given as `apiVersion` and kind.
async fn until_served(cluster: &Cluster, kinds: &BTreeSet<(String, String)>) {
    let mut pause = FIRST_PAUSE;
    for (api_version, kind) in kinds {
        while cluster.controller().resource(api_version, kind).await.is_err() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
            cluster.mapper().invalidate().await;
        }
    }
}

/// The inventory becomes what was applied; what is no longer in it goes, or stays by the spec's will.
async fn prune_stale(
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
    actor: &Actor,
    listed: &Inventory,
    changes: &ChangeSet,
) -> Result<(), Error> {
    let mut inventory = changes.inventory();
    let stale = listed.stale(&inventory);
    actor.memory.proofs.retain(inventory.iter().map(|(id, _)| id));
    let leftover = if stale.is_empty() || plan.stale == Stale::Keep {
        Leftover::default()
    } else {
        delete_stale(run, plan, actor, &stale).await?
    };
    inventory = inventory.union(&leftover.objects);
    list(run, &inventory);
    leftover.error()
}

/// Stale objects whose deletion failed, and why.
#[derive(Default)]
struct Leftover {
    objects: Inventory,
    errors: Vec<String>,
}

impl Leftover {
    fn error(self) -> Result<(), Error> {
        if self.errors.is_empty() { Ok(()) } else { Err(Error::Prune(self.errors.join(";") + ";")) }
    }
}

/// Deletes stale objects, and tells of it.
async fn delete_stale(
    run: &mut Run<'_, Kustomizations>,
    plan: &Plan,
    actor: &Actor,
    stale: &Inventory,
) -> Result<Leftover, Error> {
    let limit = plan.timeout.to_std();
    let pruned = delete_in_order(run, &actor.target, &actor.memory, stale, limit).await?;
    let (kept, gone): (Vec<&Change>, Vec<&Change>) =
        pruned.changes.iter().partition(|change| change.action == Action::Unknown);
    let gone: ChangeSet = gone.into_iter().cloned().collect();
    if !gone.is_empty() {
        info!("garbage collection completed: {}", gone.all_lines());
        run.notify(Notice::new(NoticeType::Normal, "Progressing", gone.all_lines()));
    }
    Ok(Leftover {
        objects: kept.into_iter().map(|change| (change.id.clone(), change.version.clone())).collect(),
        errors: pruned.errors.iter().map(|error| flux_driver::message(error)).collect(),
    })
}

/// What the status is to list.
fn list(run: &Run<'_, Kustomizations>, inventory: &Inventory) {
    run.status(|status| status.inventory = Some(stored(inventory)));
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
