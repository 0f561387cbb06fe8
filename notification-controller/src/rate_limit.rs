//! Duplicates within a window (contract, section 4.3): windows of one event each, aligned to the first event of a key.

use std::collections::HashMap;
use std::time::Duration;

use flux_api::Event;
use flux_api::event::metadata::{ORIGIN_REVISION, REVISION, TOKEN};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::metadata::group;

/// Keys that are remembered; past this, the quarter whose windows began first is forgotten.
const KEYS: usize = 64 * 1024;

/// Keys of the events that were seen, with their windows.
#[derive(Debug)]
pub struct RateLimit {
    interval: Duration,
    windows: Mutex<Windows>,
}

#[derive(Debug)]
struct Windows {
    keys: HashMap<[u8; 32], Window>,
    swept: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start: Timestamp,
    /// The window in which the last event passed.
    tick: i64,
}

/// Whether an event passes, and when the next equal one will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether this one passes.
    pub passes: bool,
    /// End of the current window.
    pub reset: Timestamp,
}

impl RateLimit {
    /// A limit of one event in each `interval`; `now` is when the process started.
    pub fn new(interval: Duration, now: Timestamp) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        Self { interval, windows: Mutex::new(Windows { keys: HashMap::new(), swept: now }) }
    }

    /// Takes the token of an event's key, if there is one left in its window.
    pub fn take(&self, event: &Event, now: Timestamp) -> Decision {
        let key = key(event);
        let mut windows = self.windows.lock();
        if nanoseconds(windows.swept, now) >= self.nanoseconds() {
            let stale = 2 * self.nanoseconds();
            windows.keys.retain(|_, window| nanoseconds(self.begin(*window), now) <= stale);
            windows.swept = now;
        }
        if windows.keys.len() >= KEYS && !windows.keys.contains_key(&key) {
            let mut begins: Vec<_> = windows.keys.values().map(|window| self.begin(*window)).collect();
            let (_, last, _) = begins.select_nth_unstable(KEYS / 4);
            let last = *last;
            windows.keys.retain(|_, window| self.begin(*window) > last);
        }
        let fresh = Window { start: now, tick: -1 };
        let window = windows.keys.entry(key).or_insert(fresh);
        if now < window.start {
            // the clock went back
            *window = fresh;
        }
        let tick = nanoseconds(window.start, now) / self.nanoseconds();
        let passes = tick > window.tick;
        window.tick = tick;
        let reset = self.begin(Window { start: window.start, tick: tick.saturating_add(1) });
        Decision { passes, reset }
    }

    fn nanoseconds(&self) -> i64 {
        i64::try_from(self.interval.as_nanos()).unwrap_or(i64::MAX / 4)
    }

    fn begin(&self, window: Window) -> Timestamp {
        let after = SignedDuration::from_nanos(window.tick.saturating_mul(self.nanoseconds()));
        window.start.checked_add(after).unwrap_or(Timestamp::MAX)
    }
}

fn nanoseconds(from: Timestamp, to: Timestamp) -> i64 {
    i64::try_from(to.duration_since(from).as_nanos()).unwrap_or(i64::MAX)
}

/// What makes events equal: object, message, revisions and token; not severity, reason or other metadata.
fn key(event: &Event) -> [u8; 32] {
    let object = &event.involved_object;
    let mut parts = vec![
        "event".to_owned(),
        format!("name={}", object.name),
        format!("namespace={}", object.namespace),
        format!("kind={}", object.kind),
        format!("message={}", event.message),
    ];
    for suffix in [ORIGIN_REVISION, REVISION, TOKEN] {
        if let Some(value) = event.metadata.get(&format!("{}/{suffix}", group(event))) {
            parts.push(format!("{suffix}={value}"));
        }
    }
    Sha256::digest(parts.join("/").as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::event;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn windows_stay_aligned_to_the_first_event() {
        let limit = RateLimit::new(Duration::from_mins(5), at(0));
        let event = event(&[]);
        assert_eq!(limit.take(&event, at(1000)), Decision { passes: true, reset: at(1300) });
        assert_eq!(limit.take(&event, at(1299)), Decision { passes: false, reset: at(1300) });
        assert_eq!(limit.take(&event, at(1590)), Decision { passes: true, reset: at(1600) });
        assert_eq!(limit.take(&event, at(1601)), Decision { passes: true, reset: at(1900) });
    }

    #[test]
    fn severity_and_reason_do_not_tell_events_apart_but_revision_and_token_do() {
        let limit = RateLimit::new(Duration::from_mins(5), at(0));
        let first = event(&[("kustomize.toolkit.fluxcd.io/revision", "1")]);
        assert!(limit.take(&first, at(1)).passes);
        let mut same = first;
        "error".clone_into(&mut same.severity);
        "Other".clone_into(&mut same.reason);
        assert!(!limit.take(&same, at(2)).passes);
        assert!(limit.take(&event(&[("kustomize.toolkit.fluxcd.io/revision", "2")]), at(2)).passes);
        assert!(limit.take(&event(&[("kustomize.toolkit.fluxcd.io/token", "t")]), at(2)).passes);
    }

    #[test]
    fn keys_are_the_contracts() {
        let named = |name: &str, metadata: &[(&str, &str)]| {
            let mut event = event(metadata);
            let object = &mut event.involved_object;
            (object.name, object.namespace) = (name.to_owned(), name.to_owned());
            "Health check passed".clone_into(&mut event.message);
            hex::encode(key(&event))
        };
        let plain = named("1", &[]);
        assert_eq!(plain, "acafa3267ee162f37eea965bd741c1447004be52ce8991161b716747ddcb4762");
        let revised = named(
            "4",
            &[
                ("kustomize.toolkit.fluxcd.io/originRevision", "o"),
                ("kustomize.toolkit.fluxcd.io/revision", "r"),
                ("kustomize.toolkit.fluxcd.io/token", "t"),
                ("kustomize.toolkit.fluxcd.io/digest", "d"),
            ],
        );
        assert_eq!(revised, "023d604571ea9c476bdc8b1fe854cb91704c850668f769b06eb3f0be39ba8a6a");
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_the_newest_stay() {
        let limit = RateLimit::new(Duration::from_mins(5), at(0));
        let numbered = |number: i64| event(&[("kustomize.toolkit.fluxcd.io/token", &number.to_string())]);
        let count = i64::try_from(KEYS).unwrap() + 10;
        let moment = |number: i64| Timestamp::from_millisecond(number).unwrap();
        for number in 0..count {
            assert!(limit.take(&numbered(number), moment(number)).passes);
        }
        assert!(limit.windows.lock().keys.len() <= KEYS);
        assert!(!limit.take(&numbered(count - 1), moment(count)).passes, "the newest is remembered");
        assert!(limit.take(&numbered(0), moment(count)).passes, "the oldest is forgotten");
    }

    #[test]
    fn old_keys_are_forgotten_and_a_clock_that_goes_back_starts_anew() {
        let limit = RateLimit::new(Duration::from_secs(10), at(0));
        limit.take(&event(&[]), at(100));
        assert!(limit.take(&event(&[]), at(50)).passes);
        limit.take(&event(&[("kustomize.toolkit.fluxcd.io/token", "t")]), at(1000));
        assert_eq!(limit.windows.lock().keys.len(), 1);
    }
}
