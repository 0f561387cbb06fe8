//! How long to wait: exponential backoff per object, and jitter of intervals. Pure.

use std::time::Duration;

/// Delays between the tries of an object that fails: `start * 2^n`, at most `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// First delay (`--min-retry-delay`, default 750 ms).
    pub start: Duration,
    /// Longest delay (`--max-retry-delay`, default 15 min).
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { start: Duration::from_millis(750), cap: Duration::from_mins(15) }
    }
}

impl Backoff {
    /// Delay after the `attempt`th failure in a row, counted from 0.
    pub fn delay(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt).filter(|factor| *factor > 0).unwrap_or(u32::MAX);
        self.start.saturating_mul(factor).min(self.cap)
    }
}

/// Spread of intervals: percent up and down (`--interval-jitter-percentage`, default 5, below 100).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter(u8);

/// The percentage is 100 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the interval jitter percentage must be less than 100, got {0}")]
pub struct InvalidJitter(u8);

impl Jitter {
    /// No jitter.
    pub const NONE: Self = Self(0);

    /// A jitter of so many percent.
    ///
    /// # Errors
    /// [`InvalidJitter`] for 100 and more.
    pub const fn new(percent: u8) -> Result<Self, InvalidJitter> {
        if percent < 100 { Ok(Self(percent)) } else { Err(InvalidJitter(percent)) }
    }

    /// The interval times `1 + p * (2u - 1)`, where `uniform` is `u` of [0, 1).
    pub fn apply(self, interval: Duration, uniform: f64) -> Duration {
        interval.mul_f64(1.0 + f64::from(self.0) / 100.0 * (2.0 * uniform - 1.0))
    }

    /// The longest that [`Self::apply`] can give.
    pub fn longest(self, interval: Duration) -> Duration {
        self.apply(interval, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap() {
        let backoff = Backoff::default();
        let delays: Vec<_> = (0..3).map(|attempt| backoff.delay(attempt).as_millis()).collect();
        assert_eq!(delays, [750, 1500, 3000]);
        for attempt in [11, 31, 32, 1000] {
            assert_eq!(backoff.delay(attempt), Duration::from_mins(15), "{attempt}");
        }
    }

    #[test]
    fn jitter_stays_in_its_bounds_and_spreads() {
        let (jitter, interval) = (Jitter::new(5).unwrap(), Duration::from_mins(10));
        assert_eq!(jitter.apply(interval, 0.0), Duration::from_secs(570));
        assert_eq!(jitter.apply(interval, 0.5), interval);
        assert_eq!(jitter.longest(interval), Duration::from_secs(630));
        assert!(Jitter::new(100).is_err());
    }
}
