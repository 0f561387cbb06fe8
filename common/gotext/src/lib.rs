//! Go's text conventions: Masterminds `SemVer`, RE2, durations, path matching, JSON escaping.
//!
//! Everything here is pure: text in, values or text out; no clock, no environment, no global state.

mod character;
mod clock;
mod duration;
mod float;
mod path_match;
mod quote;
mod re2;
mod semver;

pub use character::{
    REPLACEMENT, decode_rune, is_digit, is_letter, is_lower, is_number, is_print, is_punctuation, is_space,
    is_title, is_upper, rune_count, rune_pieces, runes, to_lower, to_title, to_upper,
};
pub use clock::{GoTime, ParseTimeError, Zone};
pub use duration::{GoDuration, ParseDurationError};
pub use float::{FloatFormat, LetterCase, format_float};
pub use path_match::{BadPattern, PathPattern};
pub use quote::{HtmlEscaping, Shown, can_backquote, push_json_string, quote, quote_bytes, quote_rune};
pub use re2::{Re2Error, compile_re2, compile_re2_bytes};
pub use semver::{Constraint, ParseConstraintError, ParseVersionError, Version};

#[cfg(test)]
mod tests {
    /// A text of a recorded table: one that begins with `hex:` is bytes that are no UTF-8.
    pub(crate) fn bytes(text: &str) -> Vec<u8> {
        let Some(digits) = text.strip_prefix("hex:") else { return text.as_bytes().to_vec() };
        let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex digits"));
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex digits")).collect()
    }
}
