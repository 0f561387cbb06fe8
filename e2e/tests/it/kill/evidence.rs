//! What was under way when, as seen from outside the controllers.

use std::time::{Duration, SystemTime};

use flux_lab::{AuditEntry, GitRequest, ReceivedRequest};

use super::world::{CHAT, GIT, NETWORK, Victim};

/// What a kill can interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The source-controller asks the Git server.
    Pull,
    /// It has the commit, and makes or has made an artifact that no status shows yet.
    Store,
    /// A status is on its way to the API server, or the answer on its way back.
    Status,
    /// An object is.
    Apply,
    /// A deletion of an object is.
    Prune,
    /// An event is on its way to the notification-controller, or from there to the chat.
    Send,
}

impl Phase {
    pub(super) const ALL: [Self; 6] =
        [Self::Pull, Self::Store, Self::Status, Self::Apply, Self::Prune, Self::Send];
}

/// A time in which a controller was in a phase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    pub(super) phase: Phase,
    pub(super) victim: Victim,
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
}

impl Interval {
    pub(super) fn holds(&self, time: SystemTime) -> bool {
        self.start <= time && time <= self.end
    }

    fn around(phase: Phase, victim: Victim, time: SystemTime, network: Duration) -> Self {
        Self { phase, victim, start: time - network, end: time + network }
    }
}

/// From the Git server's requests.
pub(super) fn of_pull(requests: &[GitRequest]) -> Vec<Interval> {
    let (phase, victim) = (Phase::Pull, Victim::Source);
    let interval = |request: &GitRequest| {
        let (start, end) = (request.started - GIT, request.ended + GIT);
        Interval { phase, victim, start, end }
    };
    requests.iter().map(interval).collect()
}

/// From the end of the last request to the Git server to the status.
pub(super) fn of_store(requests: &[GitRequest], writes: &[Interval]) -> Option<Interval> {
    let (phase, victim) = (Phase::Store, Victim::Source);
    let start = requests.iter().map(|request| request.ended + GIT).max()?;
    let status = writes.iter().filter(|write| write.phase == Phase::Status && write.victim == victim);
    let end = status.map(|write| write.start).filter(|end| *end > start).min()?;
    Some(Interval { phase, victim, start, end })
}

/// From the audit log.
pub(super) fn of_write(entry: &AuditEntry) -> Option<Interval> {
    let victim = Victim::ALL.into_iter().find(|victim| entry.user == victim.user())?;
    let phase = match (entry.verb.as_str(), entry.resource.as_str()) {
        ("update", "gitrepositories/status" | "kustomizations/status") => Phase::Status,
        ("patch", "configmaps") if !entry.is_dry_run() => Phase::Apply,
        ("delete", "configmaps") => Phase::Prune,
        _ => return None,
    };
    let received: jiff::Timestamp = entry.received.parse().expect("a time in the audit log");
    Some(Interval::around(phase, victim, received.into(), NETWORK))
}

/// From what went out to the notification-controller: there and back.
pub(super) fn of_event(victim: Victim, sent: SystemTime) -> Interval {
    Interval { phase: Phase::Send, victim, start: sent, end: sent + NETWORK + NETWORK }
}

/// From what the chat got: it is slow to answer.
pub(super) fn of_alert(request: &ReceivedRequest) -> Interval {
    let ago = request.received.elapsed();
    let start = SystemTime::now().checked_sub(ago).expect("a time since 1970");
    Interval { phase: Phase::Send, victim: Victim::Notification, start, end: start + CHAT }
}
