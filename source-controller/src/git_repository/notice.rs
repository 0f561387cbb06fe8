//! The event about a success.

use flux_api::{Condition, ConditionStatus};
use flux_artifact::Revision;
use flux_driver::{Course, Ending, Notice, NoticeType};

use super::GitRepositories;
use super::fact::{FETCH_FAILED, INCLUDE_UNAVAILABLE, STORAGE_OPERATION_FAILED};

/// Characters of a commit's first line that are shown.
const MAX_SUBJECT: usize = 50;

/// A new artifact, or a recovery, is told; `subject` knows the first lines of commits fetched lately.
pub(super) fn of_ending(
    ending: &Ending<'_, GitRepositories>,
    subject: impl Fn(&str) -> Option<String>,
) -> Vec<Notice> {
    let (Course::Succeeded(_), Some(artifact)) = (ending.course, &ending.status.artifact) else {
        return Vec::new();
    };
    let digest_before = ending.status_before.artifact.as_ref().map(|artifact| &artifact.digest);
    let reason = if digest_before != Some(&artifact.digest) {
        "NewArtifact"
    } else if has_failed(ending.conditions_before) && !has_failed(ending.conditions) {
        "Succeeded"
    } else {
        return Vec::new();
    };
    let revision: Option<Revision> = artifact.revision.parse().ok();
    let subject = revision.as_ref().and_then(Revision::digest_hex).and_then(subject);
    let shown = subject.map_or_else(|| artifact.revision.clone(), |subject| shorten(&subject));
    let notice = Notice::new(NoticeType::Normal, reason, format!("stored artifact for commit '{shown}'"))
        .with("revision", &artifact.revision)
        .with("digest", &artifact.digest);
    vec![notice]
}

fn has_failed(conditions: &[Condition]) -> bool {
    [FETCH_FAILED, STORAGE_OPERATION_FAILED, INCLUDE_UNAVAILABLE].iter().any(|condition_type| {
        flux_api::find_condition(conditions, condition_type)
            .is_some_and(|condition| condition.status == ConditionStatus::True)
    })
}

fn shorten(subject: &str) -> String {
    match subject.char_indices().nth(MAX_SUBJECT) {
        Some((end, _)) => format!("{}...", subject.get(..end).unwrap_or_default()),
        None => subject.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_subjects_are_cut_at_50_characters() {
        assert_eq!(shorten(&"é".repeat(50)), "é".repeat(50));
        assert_eq!(shorten(&"é".repeat(51)), format!("{}...", "é".repeat(50)));
    }
}
