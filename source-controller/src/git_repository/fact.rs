//! What a run finds out, and what it is at.

use flux_api::ConditionStatus;
use flux_driver::ConditionChange;

pub(super) const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
pub(super) const FETCH_FAILED: &str = "FetchFailed";
pub(super) const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
pub(super) const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
pub(super) const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
pub(super) const SOURCE_VERIFIED: &str = "SourceVerified";

/// What a run finds out. Source: Flux 2.9, conditions of sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The run has begun: what the storage said last time no longer counts, nor does what an earlier spec asked for.
    Begun,
    /// There is no artifact, or no longer.
    ArtifactGone,
    /// The server has a revision that is not the stored one.
    NewRevision(String),
    /// The server's objects are here.
    Fetched,
    /// The artifact of this revision is in the storage.
    Stored(String),
}

impl flux_driver::Fact for Fact {
    fn changes(&self) -> Vec<ConditionChange> {
        let (is_true, remove) = (ConditionStatus::True, ConditionChange::remove);
        match self {
            Self::Begun => {
                vec![remove(STORAGE_OPERATION_FAILED), remove(SOURCE_VERIFIED), remove(INCLUDE_UNAVAILABLE)]
            }
            Self::ArtifactGone => vec![remove(ARTIFACT_IN_STORAGE)],
            Self::NewRevision(revision) => {
                let message = format!("new upstream revision '{revision}'");
                vec![ConditionChange::set(ARTIFACT_OUTDATED, is_true, "NewRevision", message)]
            }
            Self::Fetched => vec![remove(FETCH_FAILED)],
            Self::Stored(revision) => {
                let message = format!("stored artifact for revision '{revision}'");
                let stored = ConditionChange::set(ARTIFACT_IN_STORAGE, is_true, "Succeeded", message);
                vec![remove(ARTIFACT_OUTDATED), stored]
            }
        }
    }
}

/// What a run is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There was no artifact yet.
    Building,
    /// There was one, but its file is gone or damaged.
    Rebuilding,
    /// The artifact of a new revision is being made.
    BuildingRevision(String),
}

impl flux_driver::Phase for Phase {
    fn message(&self) -> String {
        match self {
            Self::Building => "building artifact".to_owned(),
            Self::Rebuilding => "building artifact: disappeared from storage".to_owned(),
            Self::BuildingRevision(revision) => {
                format!("building artifact: new upstream revision '{revision}'")
            }
        }
    }
}
