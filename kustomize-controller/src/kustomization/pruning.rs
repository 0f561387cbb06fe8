//! Deleting objects in the order in which nothing loses what it needs to end well.

use super::error::Error;
use super::{Kustomizations, Memory};
use flux_apply::change::{Action, Change};
use flux_apply::inventory::Inventory;
use flux_apply::prune::{Owner, Pruned, exists, prune};
use flux_driver::{Run, Settled};
use flux_kube::{ObjectName, Target};
use std::time::Duration;
use tracing::warn;

const FIRST_LOOK: Duration = Duration::from_millis(100);
const LAST_LOOK: Duration = Duration::from_secs(2);

/// Deletes the objects of an inventory: those of Flux first, whose end is awaited for at most `limit`, since they may
/// need accounts, roles, Secrets and namespaces of the same inventory to undo what they did; then the rest.
///
/// # Errors
/// [`Error::Overtaken`] if something newer came during the wait.
pub(super) async fn delete_in_order(
    run: &mut Run<'_, Kustomizations>,
    target: &Target,
    memory: &Memory,
    inventory: &Inventory,
    limit: Duration,
) -> Result<Pruned, Error> {
    let ObjectName { namespace, name } = run.name().clone();
    let owner = Owner { name: &name, namespace: &namespace };
    let (flux, rest) = inventory.split(|id| id.group.ends_with(".fluxcd.io"));
    let mut pruned = prune(target, &flux, owner, &memory.proofs).await;
    // one that is among its own objects ends last of all
    let itself = |change: &Change| change.id.name == name && change.id.namespace == namespace;
    let ending: Vec<Change> = deleted(&pruned).filter(|change| !itself(change)).cloned().collect();
    if !ending.is_empty() {
        match run.wait(limit, all_gone(target.clone(), ending)).await {
            Settled::Done(()) => {}
            Settled::TimedOut => warn!("failed to wait for the end of Flux objects"),
            Settled::Superseded(trigger) => return Err(Error::overtaken(trigger)),
        }
    }
    pruned.extend(prune(target, &rest, owner, &memory.proofs).await);
    Ok(pruned)
}

/// The objects whose deletion was accepted, or that were gone already.
pub(super) fn deleted(pruned: &Pruned) -> impl Iterator<Item = &Change> {
    pruned.changes.iter().filter(|change| change.action == Action::Deleted)
}

/// Resolves when none of the objects is left.
pub(super) async fn all_gone(target: Target, mut left: Vec<Change>) {
    let mut pause = FIRST_LOOK;
    while let Some(change) = left.last() {
        if exists(&target, &change.id, &change.version).await {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_LOOK);
        } else {
            left.pop();
        }
    }
}
