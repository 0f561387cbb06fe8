//! Characters as Go's `unicode` and `utf8` packages see them: their classes, their case, and how bytes make them.
//!
//! Go's Unicode version and its simple case mappings (one character to one) are not those of Rust's standard library, so
//! the tables are Go's own.

mod tables;

use std::cmp::Ordering;

use tables::{ALTERNATING, CASES, DIGIT, LETTER, LOWER, NUMBER, PRINTABLE, PUNCTUATION, UPPER};

/// What stands for bytes that are no character.
pub const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// The first character of a text and its length in bytes; a byte that belongs to no character is one of its own
/// (`None`). No bytes have none, of length 0.
///
/// ```
/// use flux_gotext::decode_rune;
/// assert_eq!(decode_rune("éa".as_bytes()), (Some('é'), 2));
/// assert_eq!(decode_rune(b"\xff\xfe"), (None, 1));
/// ```
pub fn decode_rune(text: &[u8]) -> (Option<char>, usize) {
    let Some(first) = text.first() else { return (None, 0) };
    let length = match first {
        0..=0x7f => return (Some(char::from(*first)), 1),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return (None, 1),
    };
    let character = text.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()?.chars().next());
    character.map_or((None, 1), |character| (Some(character), length))
}

/// The characters of a text; each byte that belongs to none gives [`REPLACEMENT`], as `range` over a string does in Go.
pub fn runes(text: &[u8]) -> impl Iterator<Item = char> + '_ {
    rune_pieces(text).map(|(character, _)| character.unwrap_or(REPLACEMENT))
}

/// The characters of a text with the bytes that they are made of; bytes that belong to none stand alone, with `None`.
pub fn rune_pieces(text: &[u8]) -> impl Iterator<Item = (Option<char>, &[u8])> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (character, length) = decode_rune(rest);
        let (piece, after) = rest.split_at_checked(length).filter(|_| length > 0)?;
        rest = after;
        Some((character, piece))
    })
}

/// How many characters a text has, as `utf8.RuneCount` counts.
pub fn rune_count(text: &[u8]) -> usize {
    runes(text).count()
}

/// The run of a table that a code is within, by the first and the last code of each.
fn run_of<T>(table: &[T], code: u32, ends: impl Fn(&T) -> (u32, u32)) -> Option<&T> {
    let found = table.binary_search_by(|run| {
        let (first, last) = ends(run);
        if last < code {
            Ordering::Less
        } else if first > code {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    });
    found.ok().and_then(|index| table.get(index))
}

fn contains(table: &[(u32, u32, u32)], code: u32) -> bool {
    let run = run_of(table, code, |(first, last, _)| (*first, *last));
    run.is_some_and(|(first, _, step)| (code - first).is_multiple_of(*step))
}

/// `unicode.IsSpace`.
pub const fn is_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the blank.
pub fn is_print(c: char) -> bool {
    if c.is_ascii() { !c.is_ascii_control() } else { contains(PRINTABLE, u32::from(c)) }
}

/// `unicode.IsLetter`.
pub fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { contains(LETTER, u32::from(c)) }
}

/// `unicode.IsUpper`.
pub fn is_upper(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_uppercase() } else { contains(UPPER, u32::from(c)) }
}

/// `unicode.IsLower`.
pub fn is_lower(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_lowercase() } else { contains(LOWER, u32::from(c)) }
}

/// `unicode.IsTitle`.
pub const fn is_title(c: char) -> bool {
    matches!(c, '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}' | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}')
}

/// `unicode.IsNumber`.
pub fn is_number(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { contains(NUMBER, u32::from(c)) }
}

/// `unicode.IsDigit`.
pub fn is_digit(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { contains(DIGIT, u32::from(c)) }
}

/// `unicode.IsPunct`.
pub fn is_punctuation(c: char) -> bool {
    // the rest of ASCII's punctuation are symbols
    let is_symbol = matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    if c.is_ascii() { c.is_ascii_punctuation() && !is_symbol } else { contains(PUNCTUATION, u32::from(c)) }
}

/// Which case to change a character to.
#[derive(Clone, Copy)]
enum Case {
    Upper,
    Lower,
    Title,
}

fn change(c: char, case: Case) -> char {
    let code = u32::from(c);
    let run = run_of(CASES, code, |(first, last, _)| (*first, *last));
    let Some((first, _, [upper, lower, title])) = run else { return c };
    let distance = match case {
        Case::Upper => *upper,
        Case::Lower => *lower,
        Case::Title => *title,
    };
    let changed = if distance == ALTERNATING {
        // upper case on even places of the run, lower case on odd ones
        let lower = u32::from(matches!(case, Case::Lower));
        Some(first + (((code - first) & !1) | lower))
    } else {
        code.checked_add_signed(distance)
    };
    changed.and_then(char::from_u32).unwrap_or(c)
}

/// `unicode.ToUpper`.
pub fn to_upper(c: char) -> char {
    if c.is_ascii() { c.to_ascii_uppercase() } else { change(c, Case::Upper) }
}

/// `unicode.ToLower`.
pub fn to_lower(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { change(c, Case::Lower) }
}

/// `unicode.ToTitle`.
pub fn to_title(c: char) -> char {
    if c.is_ascii() { c.to_ascii_uppercase() } else { change(c, Case::Title) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_cases_are_those_of_go() {
        // FNV-1a over the classes and cases of all characters, as Go 1.26.8 computes it
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |value: u64| hash = (hash ^ value).wrapping_mul(0x100_0000_01b3);
        for c in '\0'..=char::MAX {
            let classes: [fn(char) -> bool; 9] = [
                is_print,
                is_letter,
                is_upper,
                is_lower,
                is_title,
                is_number,
                is_digit,
                is_punctuation,
                is_space,
            ];
            add(classes.iter().fold(0, |bits, is| bits << 1 | u64::from(is(c))));
            for changed in [to_upper(c), to_lower(c), to_title(c)] {
                add(u64::from(u32::from(changed)));
            }
        }
        assert_eq!(hash, 0x3d4b_9b77_7187_5298);
    }

    #[test]
    fn bytes_that_are_no_character_stand_alone() {
        let text = b"a\xe4\xb8\xad\xe4\xb8\xff\xed\xa0\x80";
        let pieces: Vec<_> = rune_pieces(text).map(|(c, bytes)| (c, bytes.len())).collect();
        let none = (None, 1);
        assert_eq!(pieces, [(Some('a'), 1), (Some('中'), 3), none, none, none, none, none, none]);
        assert_eq!(rune_count(text), 8);
    }
}
