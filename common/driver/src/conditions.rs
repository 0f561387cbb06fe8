//! A list of conditions, by the rules of platform.md 8.1 and 8.2. Pure; time comes in from outside.

use flux_api::{Condition, ConditionStatus, Time};
use jiff::Timestamp;

/// Longer messages are cut.
const MESSAGE_LIMIT: usize = 32768;

/// The conditions of one object of a generation.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Conditions {
    list: Vec<Condition>,
}

impl Conditions {
    pub(crate) fn new(list: Vec<Condition>) -> Self {
        Self { list }
    }

    pub(crate) fn as_slice(&self) -> &[Condition] {
        &self.list
    }

    pub(crate) fn get(&self, condition_type: &str) -> Option<&Condition> {
        flux_api::find_condition(&self.list, condition_type)
    }

    pub(crate) fn is(&self, condition_type: &str, status: ConditionStatus) -> bool {
        self.status(condition_type) == status
    }

    /// An absent condition reads as Unknown.
    pub(crate) fn status(&self, condition_type: &str) -> ConditionStatus {
        self.get(condition_type).map_or(ConditionStatus::Unknown, |condition| condition.status)
    }

    pub(crate) fn remove(&mut self, condition_type: &str) {
        self.list.retain(|condition| condition.condition_type != condition_type);
    }

    /// Sets a condition; its time changes only if status, reason or message do.
    pub(crate) fn set(&mut self, new: Setting<'_>, generation: i64, now: Timestamp) {
        let message = cut(new.message);
        let kept = self
            .get(new.condition_type)
            .filter(|old| old.status == new.status && old.reason == new.reason && old.message == message);
        let time = kept.map_or_else(|| whole_seconds(now), |old| old.last_transition_time.clone());
        let condition = Condition {
            last_transition_time: time,
            message,
            observed_generation: Some(generation),
            reason: new.reason.to_owned(),
            status: new.status,
            condition_type: new.condition_type.to_owned(),
        };
        self.remove(new.condition_type);
        self.list.push(condition);
        self.sort();
    }

    pub(crate) fn mark_reconciling(&mut self, reason: &str, message: &str, generation: i64, now: Timestamp) {
        self.remove("Stalled");
        self.set(Setting::is_true("Reconciling", reason, message), generation, now);
    }

    pub(crate) fn mark_stalled(&mut self, reason: &str, message: &str, generation: i64, now: Timestamp) {
        self.remove("Reconciling");
        self.set(Setting::is_true("Stalled", reason, message), generation, now);
    }

    /// Gives a condition the time it had in `before`, if it says the same again: what was never stored did not happen.
    pub(crate) fn keep_times(&mut self, before: &[Condition]) {
        for condition in &mut self.list {
            let Some(old) = flux_api::find_condition(before, &condition.condition_type) else { continue };
            if old.status == condition.status
                && old.reason == condition.reason
                && old.message == condition.message
            {
                condition.last_transition_time = old.last_transition_time.clone();
            }
        }
    }

    /// Replaces the conditions that `owned` does not name by those of `theirs`.
    pub(crate) fn take_foreign(&mut self, theirs: &[Condition], owned: impl Fn(&str) -> bool) {
        self.list.retain(|condition| owned(&condition.condition_type));
        self.list.extend(theirs.iter().filter(|condition| !owned(&condition.condition_type)).cloned());
        self.sort();
    }

    /// Stalled, Reconciling, Ready, then the newest generation first, then by type.
    fn sort(&mut self) {
        let rank = |condition: &Condition| match condition.condition_type.as_str() {
            "Stalled" => 0,
            "Reconciling" => 1,
            "Ready" => 2,
            _ => 3,
        };
        self.list.sort_by(|one, other| {
            rank(one).cmp(&rank(other)).then_with(|| {
                if rank(one) < 3 {
                    return std::cmp::Ordering::Equal;
                }
                let newest = other.observed_generation.cmp(&one.observed_generation);
                newest.then_with(|| one.condition_type.cmp(&other.condition_type))
            })
        });
    }
}

/// A condition to be set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) condition_type: &'a str,
    pub(crate) status: ConditionStatus,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

impl<'a> Setting<'a> {
    pub(crate) fn is_true(condition_type: &'a str, reason: &'a str, message: &'a str) -> Self {
        Self { condition_type, status: ConditionStatus::True, reason, message }
    }

    pub(crate) fn is_false(condition_type: &'a str, reason: &'a str, message: &'a str) -> Self {
        Self { condition_type, status: ConditionStatus::False, reason, message }
    }
}

fn whole_seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

fn cut(message: &str) -> String {
    if message.len() <= MESSAGE_LIMIT {
        return message.to_owned();
    }
    let end = (0..=MESSAGE_LIMIT - 3).rev().find(|&end| message.is_char_boundary(end)).unwrap_or(0);
    format!("{}...", message.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn set(conditions: &mut Conditions, condition_type: &str, message: &str, generation: i64, now: i64) {
        conditions.set(Setting::is_true(condition_type, "R", message), generation, at(now));
    }

    #[test]
    fn order_is_stalled_reconciling_ready_then_newest() {
        let mut conditions = Conditions::default();
        for (condition_type, generation) in
            [("B", 1), ("A", 1), ("C", 2), ("Ready", 2), ("Reconciling", 2), ("Stalled", 2)]
        {
            set(&mut conditions, condition_type, "", generation, 0);
        }
        let order: Vec<_> =
            conditions.as_slice().iter().map(|condition| condition.condition_type.as_str()).collect();
        assert_eq!(order, ["Stalled", "Reconciling", "Ready", "C", "A", "B"]);
    }

    #[test]
    fn a_message_moves_the_time_and_a_generation_does_not() {
        let mut conditions = Conditions::default();
        set(&mut conditions, "Ready", "a", 1, 10);
        set(&mut conditions, "Ready", "a", 2, 20);
        let ready = conditions.get("Ready").unwrap();
        assert_eq!((ready.last_transition_time.0, ready.observed_generation), (at(10), Some(2)));
        set(&mut conditions, "Ready", "b", 2, 30);
        assert_eq!(conditions.get("Ready").unwrap().last_transition_time.0, at(30));
    }

    #[test]
    fn a_long_message_is_cut_to_the_limit() {
        let mut conditions = Conditions::default();
        set(&mut conditions, "Ready", &"x".repeat(40_000), 1, 0);
        let message = &conditions.get("Ready").unwrap().message;
        assert!(message.len() == 32768 && message.ends_with("x..."));
    }

    #[test]
    fn what_was_never_stored_did_not_happen() {
        let mut conditions = Conditions::default();
        set(&mut conditions, "Ready", "a", 1, 10);
        let stored = conditions.as_slice().to_vec();
        set(&mut conditions, "Ready", "busy", 1, 20);
        set(&mut conditions, "Ready", "a", 1, 30);
        conditions.keep_times(&stored);
        assert_eq!(conditions.as_slice(), stored);
    }
}
