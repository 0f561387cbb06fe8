//! Escapes with percent signs.

use super::ParseUrlError;

/// Part of a URL that a text stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Host,
    Zone,
    UserPassword,
    Fragment,
}

/// Whether a byte may stand for itself in a part.
fn is_plain(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return true;
    }
    match part {
        Part::Host | Part::Zone => b"!$&'()*+,;=:[]<>\"".contains(&byte),
        Part::Path => b"$&+,/:;=@".contains(&byte),
        Part::UserPassword => b"$&+,;=".contains(&byte),
        Part::Fragment => b"$&+,/:;=?@!()*".contains(&byte),
    }
}

pub(super) fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut output = Vec::with_capacity(text.len());
    for byte in text {
        if is_plain(*byte, part) {
            output.push(*byte);
        } else {
            output.extend(format!("%{byte:02X}").bytes());
        }
    }
    output
}

fn hex_byte(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// The text with its escapes resolved.
pub(super) fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, ParseUrlError> {
    let mut output = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            if matches!(part, Part::Host | Part::Zone) && byte.is_ascii() && !is_plain(*byte, part) {
                return Err(ParseUrlError::HostCharacter(*byte));
            }
            output.push(*byte);
            continue;
        }
        let written: Vec<u8> = std::iter::once(b'%').chain(after.iter().copied().take(2)).collect();
        let Some(value) = hex_byte(&written) else { return Err(ParseUrlError::Escape(written)) };
        let is_percent = value == b'%';
        let is_refused = match part {
            // in hosts only what is not ASCII is escaped
            Part::Host => value.is_ascii() && !is_percent,
            Part::Zone => !is_percent && value != b' ' && !is_plain(value, Part::Host),
            Part::Path | Part::UserPassword | Part::Fragment => false,
        };
        if is_refused {
            return Err(ParseUrlError::Escape(written));
        }
        output.push(value);
        rest = after.get(2..).unwrap_or_default();
    }
    Ok(output)
}

/// Whether name and password have only characters that may stand there.
pub(super) fn is_valid(user_info: &[u8]) -> bool {
    user_info.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte))
}
