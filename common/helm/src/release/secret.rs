//! How records are named and found in the cluster.

use std::collections::BTreeMap;

use super::{Release, Status};

/// Type of the Secrets that hold records.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";

const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// Labels of the user's that Helm keeps for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "user supplied labels contains system reserved label name. System labels: [name owner status version createdAt \
     modifiedAt]"
)]
pub struct InvalidLabels;

/// Name of the Secret with the record of a revision; its one key is `release`.
pub fn secret_name(release: &str, version: u32) -> String {
    format!("sh.helm.release.v1.{release}.v{version}")
}

/// Labels of the Secret: the user's own, and those that lists select by. The time of creation (`createdAt`) or change
/// (`modifiedAt`), in seconds since 1970, is the caller's to add.
///
/// # Errors
/// [`InvalidLabels`].
pub fn labels(
    release: &Release,
    own: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, InvalidLabels> {
    if SYSTEM_LABELS.iter().any(|label| own.contains_key(*label)) {
        return Err(InvalidLabels);
    }
    let mut labels = own.clone();
    labels.insert("name".to_owned(), release.name.clone());
    labels.insert("owner".to_owned(), "helm".to_owned());
    labels.insert("status".to_owned(), release.info.status.to_string());
    labels.insert("version".to_owned(), release.version.to_string());
    Ok(labels)
}

/// Revisions to delete before another one is stored, so that at most `limit` remain (0: no limit): the oldest, but never
/// the newest that is deployed.
pub fn surplus(history: &[(u32, Status)], limit: usize) -> Vec<u32> {
    let Some(kept) = limit.checked_sub(1) else { return Vec::new() };
    let mut history = history.to_vec();
    history.sort_unstable_by_key(|(version, _)| *version);
    let excess = history.len().saturating_sub(kept);
    let deployed = history.iter().rev().find(|(_, status)| *status == Status::Deployed).map(|found| found.0);
    let old = history.iter().map(|(version, _)| *version).filter(|version| Some(*version) != deployed);
    old.take(excess).collect()
}
