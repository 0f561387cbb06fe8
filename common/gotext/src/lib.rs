//! Go's text conventions: Masterminds `SemVer`, RE2, durations, path matching, JSON escaping.
//!
//! Everything here is pure: text in, values or text out; no clock, no environment, no global state.

mod duration;

pub use duration::{GoDuration, ParseDurationError};
