//! When a wait for healthy objects is over, and what it says if they are not.

use crate::health::Health;
use crate::object::ObjectId;

/// Whether one failed object ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailFast {
    /// It does.
    Yes,
    /// The others are awaited as well.
    No,
}

/// What is known of an awaited object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing yet.
    Nothing,
    /// Its state.
    Health(Health),
    /// Why it could not be read.
    Error(String),
}

/// An awaited object.
#[derive(Debug, Clone)]
pub struct Awaited {
    /// Identity.
    pub id: ObjectId,
    /// What is known of it.
    pub seen: Seen,
    /// Whether its absence is success: a Job that deletes itself.
    pub may_vanish: bool,
}

/// How a wait stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is as it should be.
    Current,
    /// Not yet.
    Pending,
    /// It will not get there; the text names the failed objects.
    Failed(String),
}

impl Awaited {
    /// An object of which nothing is known yet.
    pub fn new(id: ObjectId) -> Self {
        Self { id, seen: Seen::Nothing, may_vanish: false }
    }

    fn is_current(&self) -> bool {
        match self.seen {
            Seen::Health(Health::Current) => true,
            Seen::Health(Health::NotFound) => self.may_vanish,
            Seen::Health(_) | Seen::Nothing | Seen::Error(_) => false,
        }
    }

    fn is_failed(&self) -> bool {
        self.seen == Seen::Health(Health::Failed)
    }

    fn item(&self) -> String {
        let subject = self.id.subject();
        match &self.seen {
            Seen::Nothing => format!("can't determine status for {subject}"),
            Seen::Health(health) => format!("{subject} status: '{}'", health.as_str()),
            Seen::Error(error) => format!("{subject} status: '{}': {error}", Health::Unknown.as_str()),
        }
    }
}

/// Decides whether a wait is over. Source: kustomize-controller contract 16.2 (Flux 2.9).
pub fn verdict(objects: &[Awaited], fail_fast: FailFast) -> Verdict {
    let failed = objects.iter().any(Awaited::is_failed);
    let settled = objects.iter().all(|object| object.is_current() || object.is_failed());
    if !failed {
        return if settled { Verdict::Current } else { Verdict::Pending };
    }
    if settled || fail_fast == FailFast::Yes { Verdict::Failed(stalled(objects)) } else { Verdict::Pending }
}

fn stalled(objects: &[Awaited]) -> String {
    format!("failed early due to stalled resources: [{}]", items(objects, Awaited::is_failed))
}

/// The text of a wait whose time is up: every object that is not current.
pub fn timed_out(objects: &[Awaited]) -> String {
    format!("timeout waiting for: [{}]", items(objects, |object| !object.is_current()))
}

fn items(objects: &[Awaited], which: impl Fn(&Awaited) -> bool) -> String {
    objects.iter().filter(|object| which(object)).map(Awaited::item).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn awaited(name: &str, seen: Seen) -> Awaited {
        Awaited { seen, ..Awaited::new(format!("a_{name}_apps_Deployment").parse().unwrap()) }
    }

    #[test]
    fn all_must_be_current() {
        let current = || awaited("x", Seen::Health(Health::Current));
        assert_eq!(verdict(&[], FailFast::Yes), Verdict::Current);
        assert_eq!(verdict(&[current()], FailFast::Yes), Verdict::Current);
        for seen in [Seen::Nothing, Seen::Health(Health::NotFound), Seen::Error("e".into())] {
            assert_eq!(verdict(&[current(), awaited("y", seen)], FailFast::Yes), Verdict::Pending);
        }
    }

    #[test]
    fn a_failure_ends_the_wait_unless_told_otherwise() {
        let objects =
            [awaited("x", Seen::Health(Health::Failed)), awaited("y", Seen::Health(Health::InProgress))];
        let text = "failed early due to stalled resources: [Deployment/a/x status: 'Failed']";
        assert_eq!(verdict(&objects, FailFast::Yes), Verdict::Failed(text.into()));
        assert_eq!(verdict(&objects, FailFast::No), Verdict::Pending);
        let settled = [objects[0].clone(), awaited("y", Seen::Health(Health::Current))];
        assert_eq!(verdict(&settled, FailFast::No), Verdict::Failed(text.into()));
    }

    #[test]
    fn a_timeout_lists_everything_that_is_not_current() {
        let objects = [
            awaited("w", Seen::Health(Health::Current)),
            awaited("x", Seen::Health(Health::InProgress)),
            awaited("y", Seen::Error("forbidden".into())),
            awaited("z", Seen::Nothing),
        ];
        assert_eq!(
            timed_out(&objects),
            "timeout waiting for: [Deployment/a/x status: 'InProgress', \
             Deployment/a/y status: 'Unknown': forbidden, can't determine status for Deployment/a/z]"
        );
    }

    #[test]
    fn a_job_that_deletes_itself_may_be_gone() {
        let mut job = awaited("x", Seen::Health(Health::NotFound));
        assert_eq!(verdict(std::slice::from_ref(&job), FailFast::Yes), Verdict::Pending);
        job.may_vanish = true;
        assert_eq!(verdict(&[job], FailFast::Yes), Verdict::Current);
    }
}
