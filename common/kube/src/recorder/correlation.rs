//! Which events are written, counted up or dropped. Pure: time comes in from outside.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::time::Instant;

use super::{EventType, Recorded, Regarding};
use crate::name::ObjectName;

/// Similar events (same but for the message) past this number in the window become one series.
const SIMILAR: usize = 10;
const WINDOW: Duration = Duration::from_mins(10);
/// Events about one object that may be written at once, and how long one more takes to become due.
const BURST: f64 = 25.0;
const REFILL: Duration = Duration::from_mins(5);
const AGGREGATED: &str = "(combined from similar events): ";

/// Identity of a series of events.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey {
    regarding: Regarding,
    event_type: EventType,
    reason: String,
    /// Absent for an aggregate of similar events.
    message: Option<String>,
}

/// What to do with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing.
    Drop,
    /// Write a new Event object.
    Create { key: SeriesKey, message: String },
    /// Count up the Event object of the series.
    Repeat { name: ObjectName, key: SeriesKey, count: u32 },
}

struct Series {
    name: ObjectName,
    count: u32,
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

struct Similar {
    messages: Vec<String>,
    last: Instant,
}

/// Remembers the latest events of a limited number of objects.
pub(super) struct Correlator {
    limit: NonZeroUsize,
    series: HashMap<SeriesKey, Series>,
    order: VecDeque<SeriesKey>,
    buckets: HashMap<Regarding, Bucket>,
    similar: HashMap<SeriesKey, Similar>,
}

impl Correlator {
    pub(super) fn new(limit: NonZeroUsize) -> Self {
        Self {
            limit,
            series: HashMap::new(),
            order: VecDeque::new(),
            buckets: HashMap::new(),
            similar: HashMap::new(),
        }
    }

    pub(super) fn decide(&mut self, event: &Recorded, now: Instant) -> Decision {
        let key = self.key(event, now);
        if !self.take_token(&key.regarding, now) {
            return Decision::Drop;
        }
        if let Some(series) = self.series.get_mut(&key) {
            series.count = series.count.saturating_add(1);
            return Decision::Repeat { name: series.name.clone(), count: series.count, key };
        }
        Decision::Create { message: self.message(&key, event), key }
    }

    /// Text of an event in its series.
    #[expect(clippy::unused_self, reason = "the text of a series is the correlator's to say")]
    pub(super) fn message(&self, key: &SeriesKey, event: &Recorded) -> String {
        match key.message {
            Some(_) => event.message.clone(),
            None => format!("{AGGREGATED}{}", event.message),
        }
    }

    /// Remembers the object that was written for a series.
    pub(super) fn written(&mut self, key: SeriesKey, name: ObjectName) {
        if let Some(series) = self.series.get_mut(&key) {
            series.name = name;
        } else {
            self.order.push_back(key.clone());
            self.series.insert(key, Series { name, count: 1 });
        }
        while self.order.len() > self.limit.get() {
            if let Some(oldest) = self.order.pop_front() {
                self.series.remove(&oldest);
            }
        }
    }

    /// The series of an event: its own, or the aggregate once too many similar ones came.
    fn key(&mut self, event: &Recorded, now: Instant) -> SeriesKey {
        // the version is no part of what an event says
        let regarding = Regarding { resource_version: String::new(), ..event.regarding.clone() };
        let aggregate = SeriesKey {
            regarding,
            event_type: event.event_type,
            reason: event.reason.clone(),
            message: None,
        };
        if self.similar.len() >= self.limit.get() {
            self.similar.retain(|_, similar| now.duration_since(similar.last) < WINDOW);
        }
        let similar = self
            .similar
            .entry(aggregate.clone())
            .or_insert_with(|| Similar { messages: Vec::new(), last: now });
        if now.duration_since(similar.last) > WINDOW {
            similar.messages.clear();
        }
        similar.last = now;
        if !similar.messages.contains(&event.message) && similar.messages.len() <= SIMILAR {
            similar.messages.push(event.message.clone());
        }
        if similar.messages.len() > SIMILAR {
            return aggregate;
        }
        SeriesKey { message: Some(event.message.clone()), ..aggregate }
    }

    fn take_token(&mut self, regarding: &Regarding, now: Instant) -> bool {
        if self.buckets.len() >= self.limit.get() {
            let full_after = REFILL.mul_f64(BURST);
            self.buckets.retain(|_, bucket| now.duration_since(bucket.filled) < full_after);
        }
        let bucket = self.buckets.entry(regarding.clone()).or_insert(Bucket { tokens: BURST, filled: now });
        let refilled = now.duration_since(bucket.filled).as_secs_f64() / REFILL.as_secs_f64();
        bucket.tokens = (bucket.tokens + refilled).min(BURST);
        bucket.filled = now;
        let due = bucket.tokens >= 1.0;
        if due {
            bucket.tokens -= 1.0;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str) -> Recorded {
        Recorded {
            regarding: Regarding { name: "app".into(), ..Regarding::default() },
            event_type: EventType::Normal,
            reason: "Succeeded".into(),
            message: message.into(),
            annotations: std::collections::BTreeMap::default(),
        }
    }

    fn correlator() -> Correlator {
        Correlator::new(NonZeroUsize::new(64).unwrap())
    }

    fn write(correlator: &mut Correlator, message: &str, now: Instant) -> Decision {
        let decision = correlator.decide(&event(message), now);
        if let Decision::Create { key, .. } = &decision {
            correlator.written(key.clone(), ObjectName::new("n", message));
        }
        decision
    }

    #[test]
    fn identical_events_are_counted_up() {
        let (mut correlator, now) = (correlator(), Instant::now());
        assert!(matches!(write(&mut correlator, "a", now), Decision::Create { .. }));
        for count in 2..=20 {
            let Decision::Repeat { count: got, .. } = write(&mut correlator, "a", now) else {
                panic!("not counted")
            };
            assert_eq!(got, count);
        }
    }

    #[test]
    fn similar_events_become_one_series() {
        let (mut correlator, now) = (correlator(), Instant::now());
        let texts: Vec<_> = (0..12)
            .filter_map(|index| match write(&mut correlator, &format!("m{index}"), now) {
                Decision::Create { message, .. } => Some(message),
                Decision::Drop | Decision::Repeat { .. } => None,
            })
            .collect();
        assert_eq!(texts.len(), 11);
        assert_eq!(texts.last().unwrap(), "(combined from similar events): m10");
    }

    #[test]
    fn a_flood_is_dropped_until_the_bucket_refills() {
        let (mut correlator, now) = (correlator(), Instant::now());
        let written = (0..40).filter(|_| write(&mut correlator, "a", now) != Decision::Drop).count();
        assert_eq!(written, 25);
        assert_eq!(write(&mut correlator, "a", now + Duration::from_mins(4)), Decision::Drop);
        assert_ne!(write(&mut correlator, "a", now + Duration::from_mins(6)), Decision::Drop);
    }
}
