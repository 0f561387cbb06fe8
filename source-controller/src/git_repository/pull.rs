//! From the credentials to the objects of a commit.

use flux_api::Artifact;
use flux_driver::{Notice, NoticeType, Run, Trigger, TriggerObject};
use flux_git::{Access, Checkout, Freshness, ListRequest, Patience, Resolved};
use flux_kube::ObjectName;
use flux_process::Rollout;
use tracing::{Instrument as _, info_span, instrument};

use super::error::Error;
use super::fact::{Fact, Phase};
use super::plan::Plan;
use super::{GitRepositories, credentials};

impl GitRepositories {
    /// Reads the Secrets that the spec names.
    #[instrument(name = "read credentials", skip_all)]
    pub(super) async fn read_credentials(&self, run: &Run<'_, Self>, plan: &Plan) -> Result<Access, Error> {
        let settings = credentials::read(run, plan).await?;
        let client =
            self.clients.client(&settings.client).map_err(|error| Error::Credentials(error.into()))?;
        Ok(Access {
            url: plan.url.clone(),
            client,
            responder: settings.client.fingerprint(),
            credentials: settings.credentials,
        })
    }

    /// Asks the server which commit the reference stands for, together with all who ask it in the same way, and wakes
    /// those of them whose reference moved. `stored` is what this run would keep.
    #[instrument(name = "list references", skip_all)]
    pub(super) async fn list_references(
        &self,
        run: &Run<'_, Self>,
        plan: &Plan,
        access: &Access,
        (stored, patience): (Option<&Artifact>, &mut Patience),
    ) -> Result<Resolved, Error> {
        let selector = plan.reference.as_ref().map_err(|error| Error::Reference(error.clone()))?;
        let user = run.name().to_string();
        let request = ListRequest {
            user: &user,
            access,
            selector,
            interval: plan.interval,
            freshness: freshness(run, stored),
        };
        let remote = access.remote();
        let listing = run.blocked(&remote, self.git.list(&request, patience)).await?;
        let moved: Vec<ObjectName> =
            self.git.moved(&listing, &user).iter().filter_map(|name| object_name(name)).collect();
        if !moved.is_empty() {
            run.wake(moved).await;
        }
        Ok(run.blocked(&remote, self.git.resolve(access, &listing, selector, patience)).await?)
    }

    /// The stored artifact is still what the server and the spec ask for.
    pub(super) fn keep_artifact(run: &Run<'_, Self>, plan: &Plan, artifact: &Artifact) {
        run.fact(&Fact::Fetched);
        run.fact(&Fact::Stored(artifact.revision.clone()));
        let revision = &artifact.revision;
        let notice = if plan.has_remote_head {
            let message = format!("no changes since last reconciliation: observed revision '{revision}'");
            Notice::new(NoticeType::Trace, "GitOperationSucceeded", message)
        } else {
            let message = format!("artifact up-to-date with remote revision: '{revision}'");
            Notice::new(NoticeType::Trace, "ArtifactUpToDate", message)
        };
        run.notify(notice);
    }

    /// Fetches the commit. Its span is the root of the rollout's trace.
    pub(super) async fn git_pull(
        &self,
        run: &Run<'_, Self>,
        access: &Access,
        resolved: Resolved,
        patience: &mut Patience,
    ) -> Result<Checkout, Error> {
        let revision = resolved.revision.to_string();
        let span = info_span!(parent: None, "git pull", revision);
        let rollout = Rollout::of(&run.raw().metadata.uid, &revision);
        rollout.begin(&span);
        run.belongs_to(rollout);
        let remote = access.remote();
        let pulled = run.blocked(&remote, self.git.checkout(&resolved, patience));
        let checkout = pulled.instrument(span).await?;
        run.fact(&Fact::Fetched);
        let stored = run.status(|status| status.artifact.as_ref().map(|artifact| artifact.revision.clone()));
        if stored.as_ref() != Some(&revision) {
            if stored.is_some() {
                run.fact(&Fact::NewRevision(revision.clone()));
            }
            run.progress(&Phase::BuildingRevision(revision));
        }
        Ok(checkout)
    }
}

/// Which listing a run needs. Whatever set it off may have to do with the server's references, so only a listing begun
/// after that counts; but the interval alone, of an object that is well, asks for no more than what is known.
fn freshness(run: &Run<'_, GitRepositories>, stored: Option<&Artifact>) -> Freshness {
    let own = run.name();
    let is_wake = |trigger: &Trigger| {
        let kind = &super::PROFILE.resource.kind;
        let other = |object: &TriggerObject| {
            object.kind == **kind && (&object.namespace, &object.name) != (&own.namespace, &own.name)
        };
        trigger.object.as_ref().is_some_and(other)
    };
    let triggers = run.triggers();
    if !triggers.is_empty() && triggers.iter().all(is_wake) {
        return Freshness::Woken(run.since());
    }
    let conditions = run.object().status.as_ref().map(|status| status.conditions.as_slice());
    let is_well = flux_api::find_condition(conditions.unwrap_or_default(), "Ready")
        .is_some_and(|condition| condition.status == flux_api::ConditionStatus::True);
    if triggers.is_empty() && is_well && stored.is_some() {
        Freshness::Interval
    } else {
        Freshness::Since(run.since())
    }
}

/// The object behind the name of a user of listings.
fn object_name(user: &str) -> Option<ObjectName> {
    let (namespace, name) = user.split_once('/')?;
    Some(ObjectName::new(namespace, name))
}
