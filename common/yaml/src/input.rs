//! Bytes to characters: encodings, and what YAML does not allow at all.

use std::borrow::Cow;

use crate::error::Error;

/// The text of an input in UTF-8 or, with a byte order mark, UTF-16; without the mark.
///
/// # Errors
/// [`Error::Syntax`] for a broken encoding and for control characters.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(utf8(rest)?),
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)?),
        _ => Cow::Borrowed(utf8(bytes)?),
    };
    // in runs, each without an early exit: so the compiler compares many bytes at a time
    let clean = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let clean_run = |run: &[u8]| run.iter().fold(true, |all, byte| all & clean(*byte));
    let clean_ascii = text.as_bytes().chunks(256).all(clean_run);
    if clean_ascii || text.chars().all(is_allowed) {
        Ok(text)
    } else {
        Err(Error::syntax("control characters are not allowed"))
    }
}

/// Whether go-yaml's reader takes the character.
pub(crate) const fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let rest = bytes.get(error.valid_up_to()..).unwrap_or_default();
        let width = match rest.first() {
            Some(0xc0..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf7) => 4,
            _ => return Error::syntax("invalid leading UTF-8 octet"),
        };
        if rest.len() < width {
            return Error::syntax("incomplete UTF-8 octet sequence");
        }
        if rest.iter().take(width).skip(1).any(|byte| byte & 0xc0 != 0x80) {
            return Error::syntax("invalid trailing UTF-8 octet");
        }
        match rest {
            // surrogates, and beyond U+10FFFF
            [0xed | 0xf4..=0xf7, ..] => Error::syntax("invalid Unicode character"),
            _ => Error::syntax("invalid length of a UTF-8 sequence"),
        }
    })
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String, Error> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::syntax("incomplete UTF-16 character"));
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| Error::syntax("unexpected low surrogate area"))
}
