//! What an apply or a prune did to each object, as events and messages list it.

use crate::health::Health;
use crate::inventory::Inventory;
use crate::object::ObjectId;
use std::fmt;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It did not exist.
    Created,
    /// It existed and was changed.
    Configured,
    /// It was as desired.
    Unchanged,
    /// It was deleted, or was gone already.
    Deleted,
    /// A label or annotation of it says to leave it alone.
    Skipped,
    /// The attempt failed; what the object is like is not known.
    Unknown,
}

impl Action {
    /// Wire text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }

    /// Whether an event reports it after an apply.
    pub fn is_change(self) -> bool {
        !matches!(self, Self::Skipped | Self::Unchanged)
    }
}

/// One object of a change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Identity.
    pub id: ObjectId,
    /// Version part of `apiVersion`.
    pub version: String,
    /// What happened.
    pub action: Action,
    /// resourceVersion after it, as far as it is known: older states of the object say nothing about this run.
    pub resource_version: u64,
    /// Its health as the API server's answer shows it; `None` where there was no answer with the whole object.
    pub health: Option<Health>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id.subject(), self.action.as_str())
    }
}

/// Changes in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    changes: Vec<Change>,
}

impl ChangeSet {
    /// Adds a change at the end.
    pub fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// The changes in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Change> {
        self.changes.iter()
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Lines of the entries that an apply event reports; empty if nothing changed.
    pub fn changed_lines(&self) -> String {
        lines(self.changes.iter().filter(|change| change.action.is_change()))
    }

    /// Lines of all entries.
    pub fn all_lines(&self) -> String {
        lines(self.changes.iter())
    }

    /// The inventory of everything listed, also of what was unchanged or skipped.
    pub fn inventory(&self) -> Inventory {
        self.changes.iter().map(|change| (change.id.clone(), change.version.clone())).collect()
    }
}

impl<'a> IntoIterator for &'a ChangeSet {
    type Item = &'a Change;
    type IntoIter = std::slice::Iter<'a, Change>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Extend<Change> for ChangeSet {
    fn extend<I: IntoIterator<Item = Change>>(&mut self, changes: I) {
        self.changes.extend(changes);
    }
}

impl FromIterator<Change> for ChangeSet {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self { changes: changes.into_iter().collect() }
    }
}

fn lines<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    changes.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_list_only_what_changed() {
        let change = |name: &str, action| Change {
            id: format!("a_{name}__ConfigMap").parse().unwrap(),
            version: "v1".into(),
            action,
            resource_version: 0,
            health: None,
        };
        let set: ChangeSet = [
            change("one", Action::Created),
            change("two", Action::Unchanged),
            change("three", Action::Skipped),
            change("four", Action::Configured),
        ]
        .into_iter()
        .collect();
        assert_eq!(set.changed_lines(), "ConfigMap/a/one created\nConfigMap/a/four configured");
        assert_eq!(set.inventory().len(), 4);
    }
}
