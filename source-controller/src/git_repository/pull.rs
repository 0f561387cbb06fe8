//! From the credentials to the objects of a commit.

use std::time::Duration;

use flux_api::Artifact;
use flux_driver::{Notice, NoticeType, Run};
use flux_git::{Access, Checkout, Resolved};
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

    /// Asks the server which commit the reference stands for.
    #[instrument(name = "list references", skip_all)]
    pub(super) async fn list_references(
        &self,
        run: &Run<'_, Self>,
        plan: &Plan,
        access: &Access,
    ) -> Result<Resolved, Error> {
        let selector = plan.reference.as_ref().map_err(|error| Error::Reference(error.clone()))?;
        // the time that a place at the server is waited for is not the user's
        let listing = async { tokio::time::timeout(plan.timeout, self.git.resolve(access, selector)).await };
        match run.remote(&access.remote(), listing).await {
            Ok(resolved) => Ok(resolved?),
            Err(_) => Err(Error::Timeout(plan.url.to_string())),
        }
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

    /// Fetches the commit; `used` of the user's time has gone into finding it. Its span is the root of the rollout's
    /// trace.
    pub(super) async fn git_pull(
        &self,
        run: &Run<'_, Self>,
        plan: &Plan,
        resolved: Resolved,
        used: Duration,
    ) -> Result<Checkout, Error> {
        let revision = resolved.revision.to_string();
        let span = info_span!(parent: None, "git pull", revision);
        let rollout = Rollout::of(&run.raw().metadata.uid, &revision);
        rollout.begin(&span);
        run.belongs_to(rollout);
        let pulled = async {
            let limit = plan.timeout.saturating_sub(used);
            let fetch = async { tokio::time::timeout(limit, self.git.checkout(&resolved)).await };
            match run.remote(&resolved.remote(), fetch).await {
                Ok(checkout) => Ok(checkout?),
                Err(_) => Err(Error::Timeout(plan.url.to_string())),
            }
        };
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
