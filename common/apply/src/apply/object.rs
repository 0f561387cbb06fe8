//! One object: what would apply do to it, and doing that.

use super::glimpse::Glimpses;
use super::{ApiVersions, Applier, Check, Desired, Interest, State};
use crate::change::{Action, Change};
use crate::drift;
use crate::error::{NoNamespace, ObjectError};
use crate::ignore::{IgnoreRule, keep_live_values, without_ignored};
use crate::managed_fields::{MANAGER, cleanup_patch, last_applied, migration_patch};
use crate::object::{join_api_version, text_at};
use crate::proof::LiveIdentity;
use crate::rules;
use bytes::Bytes;
use flux_kube::{Apply, DryRun, Error, Merge, ObjectName, Resource, Scope};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::time::Duration;

/// Times are told in whole seconds, both that of a change and that of the answer.
const ROUNDING: SignedDuration = SignedDuration::from_secs(2);

/// What a check found to be done.
#[derive(Debug)]
pub(super) enum Plan {
    /// Nothing to write; the object is in this state.
    Keep(Action, State),
    /// Write this payload; `None` is the object as desired.
    Write { action: Action, place: Place, payload: Option<Bytes> },
}

/// Where an object is served.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) resource: Resource,
    pub(super) name: ObjectName,
}

/// Whether managed fields were moved to another version of their API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fields {
    InPlace,
    Moved,
}

/// What a dry-run says.
struct Merged {
    object: Value,
    date: Option<Timestamp>,
    took: Duration,
}

impl Merged {
    /// Whether the object does not exist yet.
    fn creates(&self) -> bool {
        text_at(&self.object, "/metadata/resourceVersion").is_empty()
    }

    /// Whether the server's own book-keeping shows that the apply changes nothing: it dates a change of ours with the
    /// time of the request, and this date is older than the request.
    fn changes_nothing(&self) -> bool {
        let age = self.date.zip(last_applied(&self.object)).map(|(now, then)| now.duration_since(then));
        let took = SignedDuration::try_from(self.took).unwrap_or(SignedDuration::MAX);
        age.is_some_and(|age| age > took.saturating_add(ROUNDING))
    }
}

impl Applier<'_> {
    /// Compares an object with the cluster, without writing anything but the clean-up of former managers and the
    /// deletion that a forced change of an immutable field needs.
    pub(super) async fn check(&self, desired: &Desired, glimpses: &Glimpses) -> Result<Plan, ObjectError> {
        let place = self.place(desired).await?;
        if let Some(state) = self.proved(desired, &place, glimpses).await {
            return Ok(Plan::Keep(Action::Unchanged, state));
        }
        let object: Value = serde_json::from_slice(&desired.json)
            .map_err(|source| ObjectError::Answer { subject: desired.id.subject(), source })?;
        let migrates = self.settings.api_versions == ApiVersions::Migrate;
        let early = if migrates || rules::needs_live_state(&object) {
            self.live(desired, &place).await?
        } else {
            None
        };
        if rules::skip(&object, early.as_ref()).is_some() {
            return Ok(Plan::Keep(Action::Skipped, State::default()));
        }
        let fields = match &early {
            Some(live) if migrates => self.migrate(desired, live, &place).await?,
            Some(_) | None => Fields::InPlace,
        };
        match self.dry_run(desired, &place).await {
            Ok(merged) if merged.creates() => {
                Ok(Plan::Write { action: Action::Created, place, payload: None })
            }
            Ok(merged) => {
                let glance = match fields {
                    Fields::Moved => None,
                    Fields::InPlace => self.at_a_glance(desired, &object, (&merged, &place)),
                };
                match glance {
                    Some(Action::Unchanged) => Ok(self.keep(desired, &place, &merged.object)),
                    Some(action) => Ok(Plan::Write { action, place, payload: None }),
                    None => self.compare(desired, object, (merged.object, place), fields).await,
                }
            }
            Err(error) => self.refused(desired, &object, place, error).await,
        }
    }

    async fn place(&self, desired: &Desired) -> Result<Place, ObjectError> {
        let api_version = join_api_version(&desired.id.group, &desired.version);
        let resource = self
            .target
            .resource(&api_version, &desired.id.kind)
            .await
            .map_err(|error| ObjectError::dry_run(desired.id.subject(), error))?;
        let name = resource.name(&desired.id.namespace, &desired.id.name);
        if resource.scope == Scope::Namespaced && name.namespace.is_empty() {
            return Err(ObjectError::NamespaceMissing { subject: desired.id.subject(), source: NoNamespace });
        }
        Ok(Place { resource, name })
    }

    /// Decides by the dry-run alone, where that is certain: what was last applied or proved tells whether this apply
    /// changes something.
    fn at_a_glance(
        &self,
        desired: &Desired,
        object: &Value,
        (merged, place): (&Merged, &Place),
    ) -> Option<Action> {
        let Merged { object: answer, .. } = merged;
        let marked = rules::skip(object, Some(answer)).is_some() || rules::merged(object, Some(answer));
        if marked || cleanup_patch(answer, &self.settings.overridden_managers).is_some() {
            return None;
        }
        let identity = LiveIdentity::of(answer);
        let stamp = self.epoch.stamp(&place.resource);
        let proved = self.check == Check::Proved
            && self.proofs.expects(&desired.id, desired.hash, stamp) == Some(identity);
        // the server keeps no books of what admission changes
        let untouched = || merged.changes_nothing() && !self.epoch.mutates(&place.resource);
        if proved || untouched() {
            return Some(Action::Unchanged);
        }
        let changed = self.proofs.outgrown(&desired.id, desired.hash, identity);
        (changed && self.settings.ignore.is_empty()).then_some(Action::Configured)
    }

    /// Compares the dry-run with the live object.
    async fn compare(
        &self,
        desired: &Desired,
        object: Value,
        (merged, place): (Value, Place),
        fields: Fields,
    ) -> Result<Plan, ObjectError> {
        let Some(live) = self.live(desired, &place).await? else {
            return Ok(Plan::Write { action: Action::Created, place, payload: None });
        };
        if rules::skip(&object, Some(&live)).is_some() {
            return Ok(Plan::Keep(Action::Skipped, State::default()));
        }
        let cleaned = self.clean_up(desired, &object, &live, &place).await?;
        let rules: Vec<&IgnoreRule> =
            self.settings.ignore.iter().map(AsRef::as_ref).filter(|rule| rule.selects(&merged)).collect();
        if drifted(&live, &merged, &rules) {
            let payload = (!rules.is_empty()).then(|| {
                let mut payload = object;
                keep_live_values(&mut payload, &live, &merged, &rules);
                Bytes::from(payload.to_string())
            });
            return Ok(Plan::Write { action: Action::Configured, place, payload });
        }
        if cleaned || fields == Fields::Moved {
            return Ok(Plan::Write { action: Action::Configured, place, payload: None });
        }
        Ok(self.keep(desired, &place, &live))
    }

    /// After a refused dry-run: skips what is marked, makes anew what may be, and fails otherwise.
    async fn refused(
        &self,
        desired: &Desired,
        object: &Value,
        place: Place,
        error: Error,
    ) -> Result<Plan, ObjectError> {
        let refusal = |error| ObjectError::dry_run(desired.id.subject(), error);
        match self.live(desired, &place).await.ok().flatten() {
            Some(live) if rules::skip(object, Some(&live)).is_some() => {
                Ok(Plan::Keep(Action::Skipped, State::default()))
            }
            Some(live) if self.recreates(object, &live, &error) => {
                self.delete_and_wait(desired, &place, &live).await?;
                self.dry_run(desired, &place).await.map_err(refusal)?;
                Ok(Plan::Write { action: Action::Created, place, payload: None })
            }
            Some(_) | None => Err(refusal(error)),
        }
    }

    fn keep(&self, desired: &Desired, place: &Place, live: &Value) -> Plan {
        self.prove(desired, place, live);
        Plan::Keep(Action::Unchanged, State::of(live))
    }

    fn prove(&self, desired: &Desired, place: &Place, live: &Value) {
        let proof = (desired.hash, LiveIdentity::of(live));
        self.proofs.record(&desired.id, proof, self.epoch.stamp(&place.resource));
    }

    /// Carries out what the check found.
    pub(super) async fn write(&self, desired: &Desired, plan: &Plan) -> Result<Change, ObjectError> {
        let (action, place, payload) = match plan {
            Plan::Keep(action, state) => return Ok(desired.change(*action, *state)),
            Plan::Write { action, place, payload } => (*action, place, payload),
        };
        let body = payload.as_ref().unwrap_or(&desired.json).clone();
        let apply = Apply { field_manager: MANAGER, force: true, dry_run: DryRun::No };
        let answer = self
            .target
            .apply(&place.resource, &place.name, body, &apply)
            .await
            .map_err(|source| ObjectError::Apply { subject: desired.id.subject(), source })?;
        let stored = parse(desired, &answer)?;
        self.prove(desired, place, &stored);
        Ok(desired.change(action, State::of(&stored)))
    }

    /// The object's state, if a proof of an earlier run still holds by the live object's metadata.
    ///
    /// Only for the controller itself: an account may have lost the right to change the object, which its dry-run
    /// tells, and that says as much as a look at the metadata.
    async fn proved(
        &self,
        desired: &Desired,
        Place { resource, name }: &Place,
        glimpses: &Glimpses,
    ) -> Option<State> {
        if self.check == Check::Full || self.target.user().is_some() {
            return None;
        }
        let expected = self.proofs.expects(&desired.id, desired.hash, self.epoch.stamp(resource))?;
        let id = &desired.id;
        if let Some((identity, state)) = glimpses.get(id) {
            return (*identity == expected).then_some(*state);
        }
        let whole = self.settings.interest == Interest::Health
            && !crate::health::is_always_current(&id.group, &id.kind);
        let answer = if whole {
            self.target.get(resource, name).await
        } else {
            self.target.get_metadata(resource, name).await
        };
        let live: Value = serde_json::from_slice(&answer.ok()?).ok()?;
        let state = || if whole { State::of(&live) } else { State::of_plain(&live, id) };
        (LiveIdentity::of(&live) == expected).then(state)
    }

    async fn dry_run(&self, desired: &Desired, place: &Place) -> Result<Merged, Error> {
        let apply = Apply { field_manager: MANAGER, force: true, dry_run: DryRun::All };
        let Place { resource, name } = place;
        let answer = self.target.apply_dated(resource, name, desired.json.clone(), &apply).await?;
        let object = serde_json::from_slice(&answer.body).map_err(Error::Decode)?;
        Ok(Merged { object, date: answer.date, took: answer.took })
    }

    pub(super) async fn live(&self, desired: &Desired, place: &Place) -> Result<Option<Value>, ObjectError> {
        match self.target.get(&place.resource, &place.name).await {
            Ok(answer) => parse(desired, &answer).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(source) => Err(ObjectError::Query { subject: desired.id.subject(), source }),
        }
    }

    /// Moves managed fields to the manifest's version.
    async fn migrate(&self, desired: &Desired, live: &Value, place: &Place) -> Result<Fields, ObjectError> {
        let api_version = join_api_version(&desired.id.group, &desired.version);
        let Some(patch) = migration_patch(live, &api_version) else { return Ok(Fields::InPlace) };
        self.patch(place, &patch)
            .await
            .map_err(|source| ObjectError::Migration { subject: desired.id.subject(), source })?;
        Ok(Fields::Moved)
    }

    /// Folds former managers in; true if the object was changed.
    async fn clean_up(
        &self,
        desired: &Desired,
        object: &Value,
        live: &Value,
        place: &Place,
    ) -> Result<bool, ObjectError> {
        if rules::merged(object, Some(live)) {
            return Ok(false);
        }
        let Some(patch) = cleanup_patch(live, &self.settings.overridden_managers) else { return Ok(false) };
        self.patch(place, &patch)
            .await
            .map_err(|source| ObjectError::Cleanup { subject: desired.id.subject(), source })?;
        Ok(true)
    }

    async fn patch(&self, Place { resource, name }: &Place, patch: &Value) -> Result<(), Error> {
        let merge = Merge { field_manager: MANAGER, ..Merge::default() };
        self.target.json_patch(resource, name, patch, &merge).await.map(|_| ())
    }
}

fn parse(desired: &Desired, answer: &[u8]) -> Result<Value, ObjectError> {
    serde_json::from_slice(answer)
        .map_err(|source| ObjectError::Answer { subject: desired.id.subject(), source })
}

fn drifted(live: &Value, merged: &Value, rules: &[&IgnoreRule]) -> bool {
    if rules.is_empty() {
        return drift::differs(live, merged);
    }
    drift::differs(&without_ignored(live, rules), &without_ignored(merged, rules))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(applied: &str, date: Option<&str>) -> Merged {
        let own = json!({"manager": MANAGER, "operation": "Apply", "time": applied});
        Merged {
            object: json!({"metadata": {"resourceVersion": "1", "managedFields": [own]}}),
            date: date.map(|date| date.parse().unwrap()),
            took: Duration::from_secs(5),
        }
    }

    #[test]
    fn only_an_old_date_says_that_nothing_changes() {
        let now = Some("2026-01-01T00:10:00Z");
        assert!(merged("2026-01-01T00:09:52Z", now).changes_nothing());
        assert!(!merged("2026-01-01T00:09:53Z", now).changes_nothing());
        assert!(!merged("2026-01-01T00:10:00Z", now).changes_nothing());
        assert!(!merged("2026-01-01T00:08:00Z", None).changes_nothing());
        assert!(!merged("", now).changes_nothing());
    }
}
