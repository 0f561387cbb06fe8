//! Texts cut, filled and cased word by word: what Sprig takes from `strings`, `goutils` 1.1.1 and `xstrings` 1.5.0.
//!
//! Texts are bytes. Some of these functions count bytes, and cut characters in two; that is theirs to do.

mod case;
mod fit;

pub(super) use case::{
    kebab_case, lower, pascal_case, shuffle_order, snake_case, swap_case, title, uncapitalize, upper,
};
pub(super) use fit::{abbreviate, abbreviate_both, indent, initials, remove_space, wrap, wrap_hard};

use flux_gotext::{REPLACEMENT, runes};

/// Appends a character in UTF-8.
fn push(output: &mut Vec<u8>, character: char) {
    output.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The text with each character changed. What is no character becomes U+FFFD.
fn map(text: &[u8], change: impl FnMut(char) -> char) -> Vec<u8> {
    let mut output = Vec::with_capacity(text.len());
    for character in runes(text).map(change) {
        push(&mut output, character);
    }
    output
}

/// A byte as the character of Latin-1.
fn latin(byte: u8) -> char {
    char::from(byte)
}

/// The characters of a text, with U+FFFD for what is none.
fn characters(text: &[u8]) -> Vec<char> {
    runes(text).collect()
}

/// Whether a character is U+FFFD, by itself or in place of a byte.
const fn is_replacement(character: char) -> bool {
    matches!(character, REPLACEMENT)
}

#[cfg(test)]
mod tests;
