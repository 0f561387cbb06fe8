//! Deleting what is no longer desired.

use crate::change::{Action, Change, ChangeSet};
use crate::error::ObjectError;
use crate::inventory::Inventory;
use crate::object::{ObjectId, join_api_version};
use crate::order;
use crate::proof::Proofs;
use crate::rules;
use flux_kube::{Delete, Error, ObjectName, Resource, Target};
use serde_json::Value;

/// Whose objects may be deleted: the owner labels must name it.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Name of the Kustomization.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
}

/// What a prune did, and what it could not do.
#[derive(Debug)]
pub struct Pruned {
    /// Every object with what became of it, in deletion order.
    pub changes: ChangeSet,
    /// What failed; the objects stay in the inventory.
    pub errors: Vec<ObjectError>,
}

impl Pruned {
    /// Adds what was done after it.
    pub fn extend(&mut self, later: Self) {
        self.changes.extend(later.changes.iter().cloned());
        self.errors.extend(later.errors);
    }
}

/// Deletes the objects of an inventory in reverse apply order, with background propagation; all are attempted.
///
/// An object that is gone counts as deleted. One that the owner labels do not give to `owner`, or that is marked to be
/// kept, is skipped.
pub async fn prune(target: &Target, stale: &Inventory, owner: Owner<'_>, proofs: &Proofs) -> Pruned {
    let mut objects: Vec<_> = stale.iter().collect();
    objects.sort_by(|(a, _), (b, _)| order::compare(b, a));
    let (mut changes, mut errors) = (ChangeSet::default(), Vec::new());
    for (id, version) in objects {
        proofs.forget(id);
        let action = match prune_object(target, id, version, owner).await {
            Ok(action) => action,
            Err(error) => {
                errors.push(error);
                Action::Unknown
            }
        };
        changes.push(Change {
            id: id.clone(),
            version: version.to_owned(),
            action,
            resource_version: 0,
            health: None,
        });
    }
    Pruned { changes, errors }
}

async fn prune_object(
    target: &Target,
    id: &ObjectId,
    version: &str,
    owner: Owner<'_>,
) -> Result<Action, ObjectError> {
    let query = |source| ObjectError::Query { subject: id.subject(), source };
    let (resource, name) = match locate(target, id, version).await {
        // without its definition no object of the kind is left
        Err(Error::UnknownKind { .. }) => return Ok(Action::Deleted),
        located => located.map_err(query)?,
    };
    let live = match target.get_as::<Value>(&resource, &name).await {
        Err(error) if error.is_not_found() => return Ok(Action::Deleted),
        live => live.map_err(query)?,
    };
    if !rules::prunable(&live, owner.name, owner.namespace) {
        return Ok(Action::Skipped);
    }
    let uid = crate::object::text_at(&live, "/metadata/uid");
    match target.delete(&resource, &name, &Delete { uid: Some(uid), ..Delete::default() }).await {
        Ok(_) => Ok(Action::Deleted),
        Err(error) if error.is_not_found() => Ok(Action::Deleted),
        Err(source) => Err(ObjectError::Prune { subject: id.subject(), source }),
    }
}

/// Whether an object is still there; what cannot be read counts as there.
pub async fn exists(target: &Target, id: &ObjectId, version: &str) -> bool {
    match locate(target, id, version).await {
        Ok((resource, name)) => {
            !target.get_metadata(&resource, &name).await.is_err_and(|error| error.is_not_found())
        }
        Err(error) => !matches!(error, Error::UnknownKind { .. }),
    }
}

async fn locate(target: &Target, id: &ObjectId, version: &str) -> Result<(Resource, ObjectName), Error> {
    let resource = target.resource(&join_api_version(&id.group, version), &id.kind).await?;
    let name = resource.name(&id.namespace, &id.name);
    Ok((resource, name))
}
