//! The queue of a kind: which object is looked at next, and when each one is due again. Pure: one task owns it, and time
//! comes in from outside.
//!
//! Every object has exactly one of these: it waits in a lane, it runs, it has a due time, or it rests because nothing but
//! a change of it helps. While it runs it has a due time as well, past the run's deadline, so that a lost run is noticed.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use flux_kube::ObjectName;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::planted::{self, Planted};
use crate::trigger::{Lane, Trigger};

/// Triggers that are kept for one run; more of them say nothing new.
const TRIGGERS: usize = 16;

/// What identifies the state of an object that a run has to have seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fingerprint {
    pub(crate) uid: String,
    pub(crate) generation: i64,
    pub(crate) requested_at: Option<String>,
    pub(crate) deleting: bool,
}

/// What becomes of an object after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Look again after this time; backoff is reset.
    Delay(Duration, Lane),
    /// Look again after the next backoff delay.
    Backoff,
    /// Nothing but a change helps.
    Rest,
    /// The object is gone.
    Gone,
}

/// A run to start.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) name: ObjectName,
    pub(crate) lane: Lane,
    pub(crate) triggers: Vec<Trigger>,
    /// How long it waited in its lane.
    pub(crate) waited: Duration,
    /// When the newest trigger came, or when the run fell due.
    pub(crate) since: Instant,
}

#[derive(Debug, Default)]
struct Entry {
    queued: Option<(Lane, Instant)>,
    running: Option<Instant>,
    due: Option<(Instant, Lane)>,
    resting: bool,
    /// Dropped once its run has ended.
    removed: bool,
    /// Waits for another object of the kind.
    waiting: bool,
    /// What the object may wait for has changed during the run.
    woken: Option<Trigger>,
    attempt: u32,
    triggers: Vec<Trigger>,
    /// When the newest of them came.
    triggered: Option<Instant>,
    /// What the last started run saw.
    seen: Fingerprint,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue {
    backoff: Backoff,
    entries: HashMap<ObjectName, Entry>,
    /// Names per lane; an entry that has moved to a better lane since is skipped when it comes up.
    lanes: [VecDeque<ObjectName>; Lane::ALL.len()],
    /// Entries per lane.
    depths: [usize; Lane::ALL.len()],
    due: BTreeSet<(Instant, ObjectName)>,
    /// What the last audit found.
    suspects: HashMap<ObjectName, Fingerprint>,
}

impl Queue {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            entries: HashMap::new(),
            lanes: Default::default(),
            depths: [0; Lane::ALL.len()],
            due: BTreeSet::new(),
            suspects: HashMap::new(),
        }
    }

    /// Something happened that the object has to be looked at for. True if a run is under way, which may want to know.
    pub(crate) fn trigger(&mut self, name: &ObjectName, trigger: Trigger, now: Instant) -> bool {
        let entry = self.entries.entry(name.clone()).or_default();
        entry.removed = false;
        entry.resting = false;
        let lane = trigger.lane;
        if entry.triggers.len() < TRIGGERS {
            entry.triggers.push(trigger);
        }
        entry.triggered = Some(now);
        if entry.running.is_some() {
            if planted::is(Planted::DeafRun) {
                entry.triggers.clear();
            }
            return true;
        }
        self.enqueue(name, lane, now);
        false
    }

    /// The object is gone. Its run, if any, goes on; nothing follows it.
    pub(crate) fn remove(&mut self, name: &ObjectName) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        if entry.running.is_some() {
            entry.removed = true;
            entry.triggers.clear();
            return;
        }
        self.forget(name);
    }

    /// Moves what is due into its lane. Gives the objects whose run should have ended by now.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<ObjectName> {
        let mut overdue = Vec::new();
        while self.due.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, name)) = self.due.pop_first() else { break };
            let Some(entry) = self.entries.get_mut(&name) else { continue };
            let Some((_, lane)) = entry.due.take() else { continue };
            if entry.running.is_some() {
                overdue.push(name);
            } else {
                self.enqueue(&name, lane, now);
            }
        }
        overdue
    }

    /// Takes the next object and marks it running; `deadline` is when the run has ended at the latest.
    pub(crate) fn start(&mut self, now: Instant, deadline: Duration) -> Option<Start> {
        let (name, lane, since) = self.pop()?;
        // a due time before the run: a run that gets lost is found by it
        self.schedule(&name, now + deadline, Lane::Retry);
        self.count(lane, |depth| depth.saturating_sub(1));
        let entry = self.entries.get_mut(&name)?;
        entry.queued = None;
        entry.running = Some(now);
        entry.waiting = false;
        entry.woken = None;
        Some(Start {
            triggers: std::mem::take(&mut entry.triggers),
            name,
            lane,
            waited: now.duration_since(since),
            since: entry.triggered.take().unwrap_or(since),
        })
    }

    /// Notes the state that the run works on.
    pub(crate) fn note_seen(&mut self, name: &ObjectName, seen: Fingerprint) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.seen = seen;
        }
    }

    /// Drops triggers that came during a run and tell nothing that it has not seen.
    pub(crate) fn drop_triggers(&mut self, name: &ObjectName, is_known: impl Fn(&Trigger) -> bool) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.triggers.retain(|trigger| !is_known(trigger));
        if entry.triggers.is_empty() {
            entry.triggered = None;
        }
    }

    /// A run has ended. Gives how long it took.
    pub(crate) fn finish(&mut self, name: &ObjectName, after: After, now: Instant) -> Option<Duration> {
        let entry = self.entries.get_mut(name)?;
        let took = now.duration_since(entry.running.take()?);
        if entry.removed || (after == After::Gone && entry.triggers.is_empty()) {
            self.forget(name);
            return Some(took);
        }
        match after {
            After::Delay(delay, lane) => {
                entry.attempt = 0;
                self.schedule(name, now + delay, lane);
            }
            After::Backoff => {
                let delay = self.backoff.delay(entry.attempt);
                entry.attempt = entry.attempt.saturating_add(1);
                self.schedule(name, now + delay, Lane::Retry);
            }
            After::Rest | After::Gone => {
                entry.attempt = 0;
                entry.resting = true;
                if let Some((due, _)) = entry.due.take() {
                    self.due.remove(&(due, name.clone()));
                }
            }
        }
        // triggers that came during the run
        let entry = self.entries.get_mut(name)?;
        if let Some(lane) = entry.triggers.iter().map(|trigger| trigger.lane).min() {
            entry.resting = false;
            self.enqueue(name, lane, now);
        }
        Some(took)
    }

    /// Notes that the object waits for another of its kind. Gives the change that it has missed, since that came while it
    /// was still looking.
    pub(crate) fn set_waiting(&mut self, name: &ObjectName) -> Option<Trigger> {
        let entry = self.entries.get_mut(name)?;
        entry.waiting = true;
        entry.woken.take()
    }

    /// Another object has changed. Whether this one waits for it; if it runs, its run may end in a wait.
    pub(crate) fn is_waiting(&mut self, name: &ObjectName, change: &Trigger) -> bool {
        let Some(entry) = self.entries.get_mut(name) else { return false };
        if entry.running.is_some() {
            entry.woken = Some(change.clone());
        }
        entry.waiting
    }

    /// When [`Self::tick`] has something to do next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(crate) fn has_ready(&self) -> bool {
        self.depths.iter().any(|&depth| depth > 0)
    }

    /// Objects per lane.
    pub(crate) fn depth(&self, lane: Lane) -> usize {
        Lane::ALL.iter().zip(&self.depths).find(|(each, _)| **each == lane).map_or(0, |(_, &depth)| depth)
    }

    /// Start of each run under way.
    pub(crate) fn running(&self) -> impl Iterator<Item = Instant> {
        self.entries.values().filter_map(|entry| entry.running)
    }

    /// Compares the queue with what exists, and heals what is missing: an object that the queue does not know, that has
    /// neither place nor due time, or that rests although it has changed since its run. Only what the audit before has
    /// found as well counts: a trigger may still be on its way. Gives the healed ones.
    pub(crate) fn audit<'a>(
        &mut self,
        existing: impl IntoIterator<Item = (&'a ObjectName, &'a Fingerprint)>,
        now: Instant,
    ) -> Vec<ObjectName> {
        let found: HashMap<ObjectName, Fingerprint> = existing
            .into_iter()
            .filter(|(name, fingerprint)| self.is_forgotten(name, fingerprint))
            .map(|(name, fingerprint)| (name.clone(), fingerprint.clone()))
            .collect();
        let forgotten: Vec<ObjectName> = found
            .iter()
            .filter(|(name, fingerprint)| self.suspects.get(*name) == Some(*fingerprint))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &forgotten {
            self.trigger(name, Trigger::new(Lane::Changed), now);
        }
        self.suspects = found;
        forgotten
    }

    fn is_forgotten(&self, name: &ObjectName, fingerprint: &Fingerprint) -> bool {
        let Some(entry) = self.entries.get(name) else { return true };
        if entry.queued.is_some() || entry.running.is_some() {
            return false;
        }
        (entry.due.is_none() && !entry.resting) || entry.seen != *fingerprint
    }

    fn pop(&mut self) -> Option<(ObjectName, Lane, Instant)> {
        for (lane, names) in Lane::ALL.into_iter().zip(&mut self.lanes) {
            while let Some(name) = names.pop_front() {
                let queued = self.entries.get(&name).and_then(|entry| entry.queued);
                if let Some((_, since)) = queued.filter(|(queued, _)| *queued == lane) {
                    return Some((name, lane, since));
                }
            }
        }
        None
    }

    fn enqueue(&mut self, name: &ObjectName, lane: Lane, now: Instant) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        let before = entry.queued;
        if before.is_some_and(|(better, _)| better <= lane) {
            return;
        }
        entry.queued = Some((lane, before.map_or(now, |(_, since)| since)));
        if let Some((worse, _)) = before {
            self.count(worse, |depth| depth.saturating_sub(1));
        }
        self.count(lane, |depth| depth + 1);
        if let Some((_, names)) = Lane::ALL.into_iter().zip(&mut self.lanes).find(|(each, _)| *each == lane) {
            names.push_back(name.clone());
        }
    }

    fn schedule(&mut self, name: &ObjectName, due: Instant, lane: Lane) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        if let Some((old, _)) = entry.due.replace((due, lane)) {
            self.due.remove(&(old, name.clone()));
        }
        self.due.insert((due, name.clone()));
    }

    fn forget(&mut self, name: &ObjectName) {
        let Some(entry) = self.entries.remove(name) else { return };
        if let Some((due, _)) = entry.due {
            self.due.remove(&(due, name.clone()));
        }
        if let Some((lane, _)) = entry.queued {
            self.count(lane, |depth| depth.saturating_sub(1));
        }
    }

    fn count(&mut self, lane: Lane, change: impl FnOnce(usize) -> usize) {
        let depth = Lane::ALL.iter().zip(&mut self.depths).find(|(each, _)| **each == lane);
        if let Some((_, depth)) = depth {
            *depth = change(*depth);
        }
    }
}

#[cfg(test)]
mod tests;
