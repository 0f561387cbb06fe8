//! GitRepository: an artifact made from a Git commit.
//!
//! The steps of a run:
//! 1. check the stored artifact, and clear away what is superseded;
//! 2. read the credentials;
//! 3. list references, at most once for all who ask the same server in the same way; if the commit is the stored one and
//!    nothing else changed, that was all;
//! 4. `git pull`;
//! 5. `build artifact for revision`.
//!
//! The driver then updates the status and emits events.

use std::num::NonZeroUsize;
use std::sync::Arc;

use flux_api::source::{GitRepository, GitRepositoryStatus};
use flux_api::well_known::{FINALIZER, SOURCE_GROUP};
use flux_artifact::Storage;
use flux_driver::{
    Deletion, Ending, Kind, Measured, Next, Notice, Outcome, Profile, Reference, Rules, Run, Schedule,
    SourceWatch, Summary, Suspend,
};
use flux_git::{GitClient, Patience};
use flux_kube::Resource;
use flux_net::ClientPool;
use lru::LruCache;
use parking_lot::Mutex;

mod artifact;
mod credentials;
mod error;
mod fact;
mod notice;
mod plan;
mod pull;
mod secrets;
mod storage;
mod turns;

use error::Error;
use fact::{Fact, Phase};
use plan::Plan;
pub(crate) use secrets::SecretSelection;
pub(crate) use turns::RemoteTurns;

/// Commits whose first line is remembered for the event about their artifact.
const MAX_SUBJECTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// What all runs share.
pub(crate) struct GitRepositories {
    storage: Arc<Storage>,
    git: GitClient,
    clients: ClientPool,
    secrets: SecretSelection,
    /// First line of a commit's message, by its hash.
    subjects: Mutex<LruCache<String, String>>,
}

impl GitRepositories {
    pub(crate) fn new(
        storage: Arc<Storage>,
        git: GitClient,
        clients: ClientPool,
        secrets: SecretSelection,
    ) -> Self {
        Self { storage, git, clients, secrets, subjects: Mutex::new(LruCache::new(MAX_SUBJECTS)) }
    }
}

static PROFILE: Profile = Profile {
    resource: Resource::namespaced(SOURCE_GROUP, "v1", "GitRepository", "gitrepositories"),
    controller: "source-controller",
    field_manager: "source-controller",
    finalizer: Some(FINALIZER),
    suspend: Suspend::Spec,
    rules: Rules::Summary(Summary {
        order: &[
            fact::STORAGE_OPERATION_FAILED,
            fact::FETCH_FAILED,
            fact::INCLUDE_UNAVAILABLE,
            fact::ARTIFACT_OUTDATED,
            fact::ARTIFACT_IN_STORAGE,
            fact::SOURCE_VERIFIED,
            "Stalled",
            "Reconciling",
        ],
        negative: &[
            fact::STORAGE_OPERATION_FAILED,
            fact::FETCH_FAILED,
            fact::INCLUDE_UNAVAILABLE,
            fact::ARTIFACT_OUTDATED,
            "Stalled",
            "Reconciling",
        ],
        veto: Some(fact::SOURCE_VERIFIED),
    }),
    owned: &[
        fact::STORAGE_OPERATION_FAILED,
        fact::FETCH_FAILED,
        fact::INCLUDE_UNAVAILABLE,
        fact::ARTIFACT_OUTDATED,
        fact::ARTIFACT_IN_STORAGE,
        fact::SOURCE_VERIFIED,
    ],
    measured: Measured::Yes,
};

impl Kind for GitRepositories {
    type Object = GitRepository;
    type Status = GitRepositoryStatus;
    type Plan = Plan;
    type Fact = Fact;
    type Phase = Phase;
    type Error = Error;
    const PROFILE: &'static Profile = &PROFILE;

    fn watches(&self) -> Vec<SourceWatch<Self>> {
        vec![self.secrets.watch()]
    }

    fn references(&self, object: &GitRepository) -> Vec<Reference> {
        secrets::references(object)
    }

    fn plan(&self, object: &GitRepository) -> Result<Plan, Error> {
        Plan::of(&object.spec)
    }

    fn schedule(&self, plan: &Plan) -> Schedule {
        Schedule { interval: plan.interval, retry: None, timeout: plan.timeout }
    }

    async fn reconcile(&self, run: &mut Run<'_, Self>, plan: &Plan) -> Result<Outcome, Error> {
        run.fact(&Fact::Begun);
        let stored = self.check_storage(run).await;
        let access = self.read_credentials(run, plan).await?;
        let mut patience = Patience::new(plan.timeout);
        let resolved = self.list_references(run, plan, &access, (stored.as_ref(), &mut patience)).await?;
        if let Some(artifact) =
            stored.filter(|artifact| plan.is_satisfied_by(run.object(), artifact, &resolved))
        {
            Self::keep_artifact(run, plan, &artifact);
            return Ok(Outcome::Unchanged(Next::Interval));
        }
        let checkout = self.git_pull(run, &access, resolved, &mut patience).await?;
        self.build_artifact_for_revision(run, plan, checkout).await?;
        Ok(Outcome::Done(Next::Interval))
    }

    async fn delete(&self, run: &mut Run<'_, Self>) -> Result<Deletion, Error> {
        self.git.forget(&run.name().to_string());
        self.remove_artifacts(run).await?;
        Ok(Deletion::Done)
    }

    fn notices(&self, ending: &Ending<'_, Self>) -> Vec<Notice> {
        notice::of_ending(ending, |commit| self.subjects.lock().get(commit).cloned())
    }
}
