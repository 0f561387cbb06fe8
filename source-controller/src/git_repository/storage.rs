//! The stored artifact: is it whole, and what of it is superseded?

use std::time::Duration;

use flux_api::Artifact;
use flux_artifact::{InvalidLocation, ObjectLocation};
use flux_driver::{Notice, NoticeType, Run};
use tracing::{debug, instrument};

use super::error::Error;
use super::fact::{Fact, Phase};
use super::{GitRepositories, PROFILE};

/// Longest time that clearing away may take in a run.
const COLLECT_TIMEOUT: Duration = Duration::from_secs(5);

impl GitRepositories {
    /// The recorded artifact, if its file is whole; its URL is brought up to the present host.
    #[instrument(name = "check storage", skip_all)]
    pub(super) async fn check_storage(&self, run: &Run<'_, Self>) -> Option<Artifact> {
        let recorded = run.status(|status| status.artifact.clone());
        let Some(artifact) = recorded else {
            run.fact(&Fact::ArtifactGone);
            run.progress(&Phase::Building);
            return None;
        };
        self.collect_garbage(run, &artifact).await;
        let (storage, path, digest) =
            (std::sync::Arc::clone(&self.storage), artifact.path.clone(), artifact.digest.clone());
        let checked = run.cpu().await.run(move || storage.verify(&path, &digest)).await;
        if let Err(error) = checked {
            if !matches!(error, flux_artifact::VerifyError::Missing) {
                let message = flux_driver::message(&error);
                let message = format!("failed to verify integrity of artifact: {message}");
                run.notify(Notice::new(NoticeType::Warning, "ArtifactVerificationFailed", message));
                let (storage, path) = (std::sync::Arc::clone(&self.storage), artifact.path.clone());
                let removed = run.cpu().await.run(move || storage.remove(&path)).await;
                if let Err(error) = removed {
                    debug!(%error, "failed to remove a damaged artifact");
                }
            }
            run.status(|status| status.artifact = None);
            run.fact(&Fact::ArtifactGone);
            run.progress(&Phase::Rebuilding);
            return None;
        }
        let artifact = Artifact { url: self.storage.url(&artifact.path), ..artifact };
        run.status(|status| status.artifact = Some(artifact.clone()));
        Some(artifact)
    }

    /// Removes superseded artifacts; that it may fail is of no consequence.
    async fn collect_garbage(&self, run: &Run<'_, Self>, artifact: &Artifact) {
        let Ok(location) = location(run) else { return };
        let (storage, current) = (std::sync::Arc::clone(&self.storage), artifact.path.clone());
        let permit = run.cpu().await;
        let collecting = permit.run(move || storage.collect_garbage(&location, &current));
        match tokio::time::timeout(COLLECT_TIMEOUT, collecting).await {
            Ok(Ok(removed)) if !removed.is_empty() => {
                let message = format!("garbage collected {} artifacts", removed.len());
                run.notify(Notice::new(NoticeType::Trace, "GarbageCollectionSucceeded", message));
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => debug!(%error, "failed to collect garbage"),
            Err(_) => debug!("collecting garbage takes too long"),
        }
    }

    /// Removes all artifacts of an object that is being deleted.
    #[instrument(name = "remove artifacts", skip_all)]
    pub(super) async fn remove_artifacts(&self, run: &Run<'_, Self>) -> Result<(), Error> {
        let location = location(run).map_err(|error| Error::Remove(std::io::Error::other(error)))?;
        let storage = std::sync::Arc::clone(&self.storage);
        let removed = run.cpu().await.run(move || storage.remove_all(&location)).await;
        if removed.map_err(Error::Remove)? {
            let message = "garbage collected artifacts for deleted resource";
            run.notify(Notice::new(NoticeType::Trace, "GarbageCollectionSucceeded", message));
        }
        Ok(())
    }
}

/// Where the artifacts of the run's object lie.
pub(super) fn location(run: &Run<'_, GitRepositories>) -> Result<ObjectLocation, InvalidLocation> {
    let name = run.name();
    ObjectLocation::new(&PROFILE.resource.kind, &name.namespace, &name.name)
}
