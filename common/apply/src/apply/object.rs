//! One object: what would apply do to it, and doing that.

use super::{Applier, Check, Desired, Force, State};
use crate::change::{Action, Change};
use crate::drift;
use crate::error::{Missing, ObjectError};
use crate::ignore::{IgnoreRule, keep_live_values, without_ignored};
use crate::managed_fields::{MANAGER, cleanup_patch};
use crate::object::{join_api_version, text_at};
use crate::proof::LiveIdentity;
use crate::rules;
use bytes::Bytes;
use flux_kube::{Apply, Delete, DryRun, Error, Merge, ObjectName, Resource, Scope};
use serde_json::Value;
use std::time::Duration;

/// How long an object that is made anew may take to go.
const DELETION_LIMIT: Duration = Duration::from_mins(1);
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Texts by which the API server says that a field cannot be changed; validation errors have no code of their own.
const IMMUTABLE: [&str; 6] = [
    "is immutable",
    "immutable field",
    "updates to statefulset spec for fields other than",
    "cannot change roleRef",
    "may not be changed",
    "may not change once set",
];

/// What a check found to be done.
#[derive(Debug)]
pub(super) enum Plan {
    /// Nothing to write; the object is in this state.
    Keep(Action, State),
    /// Write this payload; `None` is the object as desired.
    Write { action: Action, resource: Resource, payload: Option<Bytes> },
}

impl Applier<'_> {
    /// Compares an object with the cluster, without writing anything but the clean-up of former managers and the
    /// deletion that a forced change of an immutable field needs.
    pub(super) async fn check(&self, desired: &Desired) -> Result<Plan, ObjectError> {
        let subject = || desired.id.subject();
        let api_version = join_api_version(&desired.id.group, &desired.version);
        let resource = self
            .target
            .resource(&api_version, &desired.id.kind)
            .await
            .map_err(|error| ObjectError::dry_run(subject(), error))?;
        let name = resource.name(&desired.id.namespace, &desired.id.name);
        if resource.scope == Scope::Namespaced && name.namespace.is_empty() {
            return Err(ObjectError::NamespaceMissing { subject: subject(), source: Missing });
        }
        if let Some(state) = self.proved(desired, &resource, &name).await {
            return Ok(Plan::Keep(Action::Unchanged, state));
        }
        let object: Value = serde_json::from_slice(&desired.json)
            .map_err(|source| ObjectError::Answer { subject: subject(), source })?;
        let early =
            if rules::needs_live_state(&object) { self.live(desired, &resource, &name).await? } else { None };
        if rules::skip(&object, early.as_ref()).is_some() {
            return Ok(Plan::Keep(Action::Skipped, State::default()));
        }
        let (merged, live) = match self.dry_run(desired, &resource, &name).await {
            Ok(merged) if text_at(&merged, "/metadata/resourceVersion").is_empty() => (merged, None),
            Ok(merged) => (merged, self.live(desired, &resource, &name).await?),
            Err(error) => match self.live(desired, &resource, &name).await.ok().flatten() {
                Some(live) if rules::skip(&object, Some(&live)).is_some() => {
                    return Ok(Plan::Keep(Action::Skipped, State::default()));
                }
                Some(live) if self.recreates(&object, &live, &error) => {
                    self.delete_and_wait(desired, &resource, &name, &live).await?;
                    (
                        self.dry_run(desired, &resource, &name)
                            .await
                            .map_err(|e| ObjectError::dry_run(subject(), e))?,
                        None,
                    )
                }
                _ => return Err(ObjectError::dry_run(subject(), error)),
            },
        };
        let Some(live) = live else {
            return Ok(Plan::Write { action: Action::Created, resource, payload: None });
        };
        if rules::skip(&object, Some(&live)).is_some() {
            return Ok(Plan::Keep(Action::Skipped, State::default()));
        }
        let cleaned = self.clean_up(desired, &object, &live, (&resource, &name)).await?;
        let rules: Vec<&IgnoreRule> =
            self.settings.ignore.iter().map(AsRef::as_ref).filter(|rule| rule.selects(&merged)).collect();
        if drifted(&live, &merged, &rules) {
            let payload = (!rules.is_empty()).then(|| {
                let mut payload = object;
                keep_live_values(&mut payload, &live, &merged, &rules);
                Bytes::from(payload.to_string())
            });
            return Ok(Plan::Write { action: Action::Configured, resource, payload });
        }
        if cleaned {
            return Ok(Plan::Write { action: Action::Configured, resource, payload: None });
        }
        self.proofs.record(&desired.id, desired.hash, LiveIdentity::of(&live));
        Ok(Plan::Keep(Action::Unchanged, State::of(&live)))
    }

    /// Carries out what the check found.
    pub(super) async fn write(&self, desired: &Desired, plan: &Plan) -> Result<Change, ObjectError> {
        let (action, resource, payload) = match plan {
            Plan::Keep(action, state) => return Ok(desired.change(*action, *state)),
            Plan::Write { action, resource, payload } => (*action, resource, payload),
        };
        let name = resource.name(&desired.id.namespace, &desired.id.name);
        let body = payload.as_ref().unwrap_or(&desired.json).clone();
        let apply = Apply { field_manager: MANAGER, force: true, dry_run: DryRun::No };
        let answer = self
            .target
            .apply(resource, &name, body, &apply)
            .await
            .map_err(|source| ObjectError::Apply { subject: desired.id.subject(), source })?;
        let stored = self.parse(desired, &answer)?;
        self.proofs.record(&desired.id, desired.hash, LiveIdentity::of(&stored));
        Ok(desired.change(action, State::of(&stored)))
    }

    /// The object's state, if a proof of an earlier run still holds by the live object's metadata.
    async fn proved(&self, desired: &Desired, resource: &Resource, name: &ObjectName) -> Option<State> {
        if self.check == Check::Full {
            return None;
        }
        let expected = self.proofs.expects(&desired.id, desired.hash)?;
        let metadata = self.target.get_metadata(resource, name).await.ok()?;
        let metadata: Value = serde_json::from_slice(&metadata).ok()?;
        (LiveIdentity::of(&metadata) == expected).then(|| State::of_metadata(&metadata))
    }

    async fn dry_run(
        &self,
        desired: &Desired,
        resource: &Resource,
        name: &ObjectName,
    ) -> Result<Value, Error> {
        let apply = Apply { field_manager: MANAGER, force: true, dry_run: DryRun::All };
        let answer = self.target.apply(resource, name, desired.json.clone(), &apply).await?;
        serde_json::from_slice(&answer).map_err(Error::Decode)
    }

    async fn live(
        &self,
        desired: &Desired,
        resource: &Resource,
        name: &ObjectName,
    ) -> Result<Option<Value>, ObjectError> {
        match self.target.get(resource, name).await {
            Ok(answer) => self.parse(desired, &answer).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(source) => Err(ObjectError::Query { subject: desired.id.subject(), source }),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as a step of the others")]
    fn parse(&self, desired: &Desired, answer: &[u8]) -> Result<Value, ObjectError> {
        serde_json::from_slice(answer)
            .map_err(|source| ObjectError::Answer { subject: desired.id.subject(), source })
    }

    fn recreates(&self, desired: &Value, live: &Value, error: &Error) -> bool {
        let forced = self.settings.force == Force::Always || rules::forced(desired, Some(live));
        forced
            && error.status().is_some_and(|status| IMMUTABLE.iter().any(|text| status.message.contains(text)))
    }

    async fn delete_and_wait(
        &self,
        desired: &Desired,
        resource: &Resource,
        name: &ObjectName,
        live: &Value,
    ) -> Result<(), ObjectError> {
        let subject = || desired.id.subject();
        self.proofs.forget(&desired.id);
        let uid = text_at(live, "/metadata/uid");
        match self.target.delete(resource, name, &Delete { uid: Some(uid), ..Delete::default() }).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => return Ok(()),
            Err(source) => return Err(ObjectError::Delete { subject: subject(), source }),
        }
        let gone = async {
            let mut pause = FIRST_LOOK;
            while let Some(live) = self.live(desired, resource, name).await? {
                if text_at(&live, "/metadata/uid") != uid {
                    break;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Ok(())
        };
        tokio::time::timeout(DELETION_LIMIT, gone)
            .await
            .unwrap_or_else(|_| Err(ObjectError::NotDeleted { subject: subject() }))
    }

    /// Folds former managers in; true if the object was changed.
    async fn clean_up(
        &self,
        desired: &Desired,
        object: &Value,
        live: &Value,
        (resource, name): (&Resource, &ObjectName),
    ) -> Result<bool, ObjectError> {
        if rules::merged(object, Some(live)) {
            return Ok(false);
        }
        let Some(patch) = cleanup_patch(live, &self.settings.overridden_managers) else { return Ok(false) };
        let merge = Merge { field_manager: MANAGER, ..Merge::default() };
        match self.target.json_patch(resource, name, &patch, &merge).await {
            Ok(_) => Ok(true),
            Err(source) => Err(ObjectError::Cleanup { subject: desired.id.subject(), source }),
        }
    }
}

fn drifted(live: &Value, merged: &Value, rules: &[&IgnoreRule]) -> bool {
    if rules.is_empty() {
        return drift::differs(live, merged);
    }
    drift::differs(&without_ignored(live, rules), &without_ignored(merged, rules))
}
