//! What becomes of the objects when their Kustomization is deleted.

use super::Kustomizations;
use super::error::Error;
use super::plan::{OnDeletion, on_deletion, timeout};
use super::pruning::{all_gone, delete_in_order, deleted};
use flux_api::kustomize::Kustomization;
use flux_apply::inventory::Inventory;
use flux_driver::{Deletion, Notice, NoticeType, Run, Settled};
use flux_kube::{Identity, ObjectName, Resource, Target};
use std::time::Duration;
use tracing::{info, warn};

/// Deletes the objects, if the deletion policy wants it. Source: contract 15.4 (Flux 2.9).
pub(super) async fn delete(
    kind: &Kustomizations,
    run: &mut Run<'_, Kustomizations>,
) -> Result<Deletion, Error> {
    let object = run.object();
    let policy = on_deletion(&object.spec);
    let inventory = inventory(object);
    let name = run.name().clone();
    kind.arrivals.await_any(&name, Vec::new());
    if object.spec.suspend || policy == OnDeletion::Orphan || inventory.is_empty() {
        kind.memories.lock().remove(&name);
        return Ok(Deletion::Done);
    }
    let status = object.status.clone().unwrap_or_default();
    run.annotate("revision", status.last_applied_revision.unwrap_or_default());
    run.annotate("originRevision", status.last_applied_origin_revision.unwrap_or_default());
    let limit = timeout(&object.spec).to_std();
    if let Some(target) = target(kind, run, &inventory).await? {
        let memory = kind.memory(&name);
        let pruned = match delete_in_order(run, &target, &memory, &inventory, limit).await {
            // whatever came is no reason to stop, but to begin again
            Err(Error::Overtaken(_)) => return Ok(Deletion::Pending(Duration::ZERO)),
            pruned => pruned?,
        };
        if !pruned.errors.is_empty() {
            return Err(Error::Finalization);
        }
        info!("garbage collection completed: {}", pruned.changes.all_lines());
        run.notify(Notice::new(NoticeType::Normal, "Progressing", pruned.changes.all_lines()));
        if policy == OnDeletion::DeleteAndWait {
            let deleted = deleted(&pruned).cloned().collect();
            if let Settled::TimedOut = run.wait(limit, all_gone(target, deleted)).await {
                warn!("failed to wait for resources termination");
                let message = "failed to wait for resources termination";
                run.notify(Notice::new(NoticeType::Warning, "Progressing", message));
            }
        }
    }
    kind.memories.lock().remove(&name);
    Ok(Deletion::Done)
}

fn inventory(object: &Kustomization) -> Inventory {
    let entries = object.status.clone().unwrap_or_default().inventory.unwrap_or_default().entries;
    Inventory::parse_lossy(entries.iter().map(|entry| (entry.id.as_str(), entry.v.as_str())))
}

/// The cluster as the Kustomization's account sees it; `None` if the account is gone, which leaves the objects behind.
async fn target(
    kind: &Kustomizations,
    run: &Run<'_, Kustomizations>,
    inventory: &Inventory,
) -> Result<Option<Target>, Error> {
    let named = run.object().spec.service_account_name.as_deref().filter(|name| !name.is_empty());
    let account = named.unwrap_or(&kind.settings.default_account);
    if account.is_empty() {
        return run.target(&Identity::Controller).map(Some).map_err(Error::Client);
    }
    let namespace = &run.name().namespace;
    let own = run.target(&Identity::Controller).map_err(Error::Client)?;
    let name = ObjectName::new(namespace, account);
    match own.get_metadata(&Resource::SERVICE_ACCOUNT, &name).await {
        Ok(_) => run.target(&Identity::account(namespace, account)).map(Some).map_err(Error::Client),
        Err(error) if error.is_not_found() => {
            let lines: Vec<_> = inventory.iter().map(|(id, _)| id.subject()).collect();
            let message = format!("unable to prune objects: \n{}", lines.join("\n"));
            run.notify(Notice::new(NoticeType::Warning, "Progressing", message));
            Ok(None)
        }
        Err(error) => Err(Error::Client(error)),
    }
}
