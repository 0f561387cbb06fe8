//! Go's text conventions: Masterminds `SemVer`, RE2, durations, path matching, JSON escaping.
//!
//! Everything here is pure: text in, values or text out; no clock, no environment, no global state.

mod duration;
mod path_match;
mod semver;

pub use duration::{GoDuration, ParseDurationError};
pub use path_match::{BadPattern, PathPattern};
pub use semver::{Constraint, ParseConstraintError, ParseVersionError, Version};
