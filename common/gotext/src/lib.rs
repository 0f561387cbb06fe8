//! Go's text conventions: Masterminds `SemVer`, RE2, durations, path matching, JSON escaping.
//!
//! Everything here is pure: text in, values or text out; no clock, no environment, no global state.

mod duration;
mod path_match;
mod quote;
mod re2;
mod semver;

pub use duration::{GoDuration, ParseDurationError};
pub use path_match::{BadPattern, PathPattern};
pub use quote::{HtmlEscaping, push_json_string, quote};
pub use re2::{Re2Error, compile_re2};
pub use semver::{Constraint, ParseConstraintError, ParseVersionError, Version};
