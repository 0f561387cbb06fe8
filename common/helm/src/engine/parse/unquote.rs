//! Go's string and character constants.

use flux_gotext::{REPLACEMENT, decode_rune};

/// What a constant fails with.
pub(super) const INVALID: &str = "invalid syntax";

/// Adds the text of a quoted string, as `strconv.Unquote` reads it; whether that is more than to take off the quotes. If
/// not, nothing is added.
pub(super) fn unquote(quoted: &[u8], into: &mut Vec<u8>) -> Result<bool, &'static str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).ok_or(INVALID)?;
    if quoted.first() == Some(&b'`') {
        if memchr::memchr(b'\r', inner).is_none() {
            return Ok(false);
        }
        into.extend(inner.iter().filter(|byte| **byte != b'\r'));
        return Ok(true);
    }
    let (mut rest, mut is_plain) = (inner, true);
    while let Some(plain) = memchr::memchr2(b'\\', b'"', rest) {
        let (piece, escape) = rest.split_at_checked(plain).ok_or(INVALID)?;
        into.extend_from_slice(piece);
        rest = unquote_one(escape, b'"', into)?.1;
        is_plain = false;
    }
    if !is_plain {
        into.extend_from_slice(rest);
    }
    Ok(!is_plain)
}

/// The character that a constant begins with, after its quote: its code, and what follows.
pub(super) fn unquote_char(rest: &[u8]) -> Result<(u32, &[u8]), &'static str> {
    unquote_one(rest, b'\'', &mut Vec::new())
}

fn unquote_one<'a>(rest: &'a [u8], quote: u8, into: &mut Vec<u8>) -> Result<(u32, &'a [u8]), &'static str> {
    let first = *rest.first().ok_or(INVALID)?;
    if first == quote {
        return Err(INVALID);
    }
    if first != b'\\' {
        let (character, length) = decode_rune(rest);
        let (bytes, rest) = rest.split_at_checked(length).ok_or(INVALID)?;
        into.extend(bytes);
        return Ok((character.unwrap_or(REPLACEMENT).into(), rest));
    }
    let (escape, rest) = rest.get(1..).and_then(<[u8]>::split_first).ok_or(INVALID)?;
    let simple = |byte: u8, into: &mut Vec<u8>| {
        into.push(byte);
        Ok((u32::from(byte), rest))
    };
    match escape {
        b'a' => simple(7, into),
        b'b' => simple(8, into),
        b'f' => simple(12, into),
        b'n' => simple(b'\n', into),
        b'r' => simple(b'\r', into),
        b't' => simple(b'\t', into),
        b'v' => simple(11, into),
        b'\\' => simple(b'\\', into),
        b'\'' | b'"' if *escape == quote => simple(quote, into),
        b'x' | b'u' | b'U' => {
            let length = match escape {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let (code, rest) = digits(rest, length, 16)?;
            if *escape == b'x' {
                into.push(u8::try_from(code).map_err(|_| INVALID)?);
            } else {
                push(code, into)?;
            }
            Ok((code, rest))
        }
        b'0'..=b'7' => {
            let first = u32::from(escape - b'0');
            let (others, rest) = digits(rest, 2, 8)?;
            let code = first * 64 + others;
            into.push(u8::try_from(code).map_err(|_| INVALID)?);
            Ok((code, rest))
        }
        _ => Err(INVALID),
    }
}

fn digits(rest: &[u8], length: usize, base: u32) -> Result<(u32, &[u8]), &'static str> {
    let (found, rest) = rest.split_at_checked(length).ok_or(INVALID)?;
    let code = found.iter().try_fold(0_u32, |code, byte| {
        let digit = char::from(*byte).to_digit(base)?;
        code.checked_mul(base)?.checked_add(digit)
    });
    Ok((code.ok_or(INVALID)?, rest))
}

fn push(code: u32, into: &mut Vec<u8>) -> Result<(), &'static str> {
    let character = char::from_u32(code).ok_or(INVALID)?;
    into.extend(character.encode_utf8(&mut [0; 4]).bytes());
    Ok(())
}
