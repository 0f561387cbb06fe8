//! What conditions, observedGeneration and lastHandledReconcileAt are at the start and at the end of a run. Pure.

use flux_api::{ConditionStatus, Reason};
use jiff::Timestamp;

use crate::conditions::{Conditions, Setting};
use crate::failure::Class;
use crate::kind::{Rules, Summary};

/// The object that a run is about, as far as conditions need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) rules: Rules,
    pub(crate) generation: i64,
    /// `status.observedGeneration` at the start; -1 if absent.
    pub(crate) observed: i64,
    pub(crate) now: Timestamp,
}

/// How a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) class: Class,
    pub(crate) reason: String,
    pub(crate) condition: Option<&'static str>,
    pub(crate) message: String,
}

impl Subject {
    /// Before the first step.
    pub(crate) fn begin(&self, conditions: &mut Conditions) {
        let Rules::Summary(_) = self.rules else { return };
        let message = if self.generation == self.observed {
            "reconciliation in progress".to_owned()
        } else {
            format!("processing object: new generation {} -> {}", self.observed, self.generation)
        };
        let reason = Reason::Progressing.as_str();
        conditions.mark_reconciling(reason, &message, self.generation, self.now);
        if conditions.is("Ready", ConditionStatus::Unknown) {
            let ready = Setting {
                condition_type: "Ready",
                status: ConditionStatus::Unknown,
                reason,
                message: &message,
            };
            conditions.set(ready, self.generation, self.now);
        }
    }

    /// A step has begun.
    pub(crate) fn progress(&self, conditions: &mut Conditions, reason: &str, message: &str) {
        if matches!(self.rules, Rules::None) {
            return;
        }
        conditions.mark_reconciling(reason, message, self.generation, self.now);
        // sources tell a step only if what is stored is not, or no longer, what should be
        let Rules::Summary(_) = self.rules else { return };
        let ready = Setting { condition_type: "Ready", status: ConditionStatus::Unknown, reason, message };
        conditions.set(ready, self.generation, self.now);
    }

    /// After the last step of a run that succeeded. Gives the new observedGeneration.
    ///
    /// The error is for a run that says it succeeded, but whose conditions do not let the object be Ready.
    pub(crate) fn succeed(&self, conditions: &mut Conditions) -> Result<Option<i64>, Failed> {
        match self.rules {
            Rules::None => Ok(None),
            Rules::Direct => {
                if !conditions.is("Ready", ConditionStatus::True) {
                    self.retry_reason(conditions);
                    return Ok(None);
                }
                conditions.remove("Reconciling");
                Ok(Some(self.generation))
            }
            Rules::Summary(summary) => {
                conditions.remove("Reconciling");
                conditions.remove("Stalled");
                self.summarise(conditions, &summary);
                match conditions.get("Ready") {
                    Some(ready) if ready.status != ConditionStatus::True => Err(Failed {
                        class: Class::Transient,
                        reason: ready.reason.clone(),
                        condition: None,
                        message: ready.message.clone(),
                    }),
                    Some(_) | None => Ok((!conditions.as_slice().is_empty()).then_some(self.generation)),
                }
            }
        }
    }

    /// After a failed step. Gives the new observedGeneration, if it advances.
    pub(crate) fn fail(&self, conditions: &mut Conditions, failed: &Failed) -> Option<i64> {
        let Failed { class, reason, message, .. } = failed;
        match self.rules {
            Rules::None => return None,
            Rules::Direct => {
                conditions.set(Setting::is_false("Ready", reason, message), self.generation, self.now);
                if class.is_stalled() {
                    conditions.mark_stalled(reason, message, self.generation, self.now);
                }
                self.retry_reason(conditions);
            }
            Rules::Summary(summary) => {
                if let Some(condition) = failed.condition {
                    conditions.set(Setting::is_true(condition, reason, message), self.generation, self.now);
                }
                if class.is_stalled() {
                    conditions.mark_stalled(reason, message, self.generation, self.now);
                } else {
                    conditions.remove("Stalled");
                    self.retry_reason(conditions);
                }
                self.summarise(conditions, &summary);
            }
        }
        class.is_stalled().then_some(self.generation)
    }

    /// A suspended object. Gives the new observedGeneration, if it advances.
    pub(crate) fn suspend(&self, conditions: &mut Conditions) -> Option<i64> {
        match self.rules {
            Rules::None => None,
            Rules::Direct => {
                // the generation that suspends is as ready as the one before it
                let ready = conditions.is("Ready", ConditionStatus::True);
                if ready {
                    conditions.remove("Reconciling");
                }
                ready.then_some(self.generation)
            }
            Rules::Summary(_) => {
                conditions.remove("Stalled");
                (!conditions.as_slice().is_empty()).then_some(self.generation)
            }
        }
    }

    /// Reconciling keeps its message, which names the step that failed.
    fn retry_reason(&self, conditions: &mut Conditions) {
        let Some(message) = conditions.get("Reconciling").map(|condition| condition.message.clone()) else {
            return;
        };
        let reason = Reason::ProgressingWithRetry.as_str();
        conditions.set(Setting::is_true("Reconciling", reason, &message), self.generation, self.now);
    }

    /// Ready becomes the summary of the others: bad news first, then by the order of types.
    fn summarise(&self, conditions: &mut Conditions, summary: &Summary) {
        let ranked = summary.order.iter().filter_map(|condition_type| conditions.get(condition_type));
        let negative = |condition_type: &str| summary.negative.contains(&condition_type);
        // the first of equal rank wins: min_by_key keeps it
        let decisive =
            ranked.min_by_key(|condition| match (condition.status, negative(&condition.condition_type)) {
                (ConditionStatus::True, true) => 0,
                (ConditionStatus::False, false) => 1,
                (ConditionStatus::True, false) => 2,
                (ConditionStatus::False, true) => 3,
                (ConditionStatus::Unknown, _) => 4,
            });
        let vetoed = summary.veto.and_then(|veto| conditions.get(veto));
        let decisive = vetoed.filter(|condition| condition.status == ConditionStatus::False).or(decisive);
        let Some(decisive) = decisive.cloned() else { return };
        let status = match (decisive.status, negative(&decisive.condition_type)) {
            (ConditionStatus::True, true) | (ConditionStatus::False, false) => ConditionStatus::False,
            (ConditionStatus::True, false) | (ConditionStatus::False, true) => ConditionStatus::True,
            (ConditionStatus::Unknown, _) => ConditionStatus::Unknown,
        };
        let (reason, message) = (&decisive.reason, &decisive.message);
        conditions.set(
            Setting { condition_type: "Ready", status, reason, message },
            self.generation,
            self.now,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIT: Summary = Summary {
        order: &[
            "StorageOperationFailed",
            "FetchFailed",
            "ArtifactOutdated",
            "ArtifactInStorage",
            "SourceVerified",
            "Stalled",
            "Reconciling",
        ],
        negative: &["StorageOperationFailed", "FetchFailed", "ArtifactOutdated", "Stalled", "Reconciling"],
        veto: Some("SourceVerified"),
    };

    fn subject(rules: Rules) -> Subject {
        Subject { rules, generation: 2, observed: 1, now: Timestamp::from_second(7).unwrap() }
    }

    fn failed(class: Class) -> Failed {
        Failed { class, reason: "Broken".into(), condition: None, message: "no".into() }
    }

    fn shown(conditions: &Conditions) -> Vec<String> {
        let text = |condition: &flux_api::Condition| {
            let status = condition.status.as_str();
            format!("{}={status} {}: {}", condition.condition_type, condition.reason, condition.message)
        };
        conditions.as_slice().iter().map(text).collect()
    }

    #[test]
    fn a_new_source_is_unknown_while_it_is_processed() {
        let mut conditions = Conditions::default();
        subject(Rules::Summary(GIT)).begin(&mut conditions);
        assert_eq!(
            shown(&conditions),
            [
                "Reconciling=True Progressing: processing object: new generation 1 -> 2",
                "Ready=Unknown Progressing: processing object: new generation 1 -> 2"
            ]
        );
    }

    #[test]
    fn a_fetch_failure_decides_ready_and_is_retried() {
        let mut conditions = Conditions::default();
        let subject = subject(Rules::Summary(GIT));
        subject.begin(&mut conditions);
        conditions.set(Setting::is_true("ArtifactInStorage", "Succeeded", "stored"), 2, subject.now);
        let failed = Failed { condition: Some("FetchFailed"), ..failed(Class::Transient) };
        assert_eq!(subject.fail(&mut conditions, &failed), None);
        assert_eq!(
            shown(&conditions),
            [
                "Reconciling=True ProgressingWithRetry: processing object: new generation 1 -> 2",
                "Ready=False Broken: no",
                "ArtifactInStorage=True Succeeded: stored",
                "FetchFailed=True Broken: no",
            ]
        );
    }

    #[test]
    fn a_stored_artifact_makes_a_source_ready() {
        let mut conditions = Conditions::default();
        let subject = subject(Rules::Summary(GIT));
        subject.begin(&mut conditions);
        conditions.set(Setting::is_true("ArtifactInStorage", "Succeeded", "stored"), 2, subject.now);
        assert_eq!(subject.succeed(&mut conditions).unwrap(), Some(2));
        assert_eq!(
            shown(&conditions),
            ["Ready=True Succeeded: stored", "ArtifactInStorage=True Succeeded: stored"]
        );
    }

    #[test]
    fn a_failed_verification_vetoes() {
        let mut conditions = Conditions::default();
        let subject = subject(Rules::Summary(GIT));
        conditions.set(Setting::is_true("ArtifactInStorage", "Succeeded", "stored"), 2, subject.now);
        conditions.set(Setting::is_false("SourceVerified", "VerificationError", "bad"), 2, subject.now);
        let failed = subject.succeed(&mut conditions).unwrap_err();
        assert_eq!((failed.reason.as_str(), failed.message.as_str()), ("VerificationError", "bad"));
    }

    #[test]
    fn stalled_and_reconciling_exclude_each_other() {
        for rules in [Rules::Direct, Rules::Summary(GIT)] {
            let mut conditions = Conditions::default();
            let subject = subject(rules);
            subject.begin(&mut conditions);
            subject.progress(&mut conditions, "Progressing", "building");
            assert_eq!(subject.fail(&mut conditions, &failed(Class::Stalled)), Some(2));
            assert_eq!(shown(&conditions), ["Stalled=True Broken: no", "Ready=False Broken: no"]);
        }
    }

    #[test]
    fn a_direct_failure_keeps_the_last_progress_message() {
        let mut conditions = Conditions::default();
        let subject = subject(Rules::Direct);
        subject.progress(&mut conditions, "Progressing", "Building manifests");
        assert_eq!(subject.fail(&mut conditions, &failed(Class::Retry)), None);
        assert_eq!(
            shown(&conditions),
            ["Reconciling=True ProgressingWithRetry: Building manifests", "Ready=False Broken: no"]
        );
    }

    #[test]
    fn a_failure_before_the_first_step_leaves_stalled() {
        let mut conditions = Conditions::default();
        let subject = subject(Rules::Direct);
        conditions.mark_stalled("AccessDenied", "denied", 1, subject.now);
        subject.fail(&mut conditions, &failed(Class::Waiting(std::time::Duration::from_secs(1))));
        assert_eq!(shown(&conditions), ["Stalled=True AccessDenied: denied", "Ready=False Broken: no"]);
    }
}
