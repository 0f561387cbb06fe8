//! Width.

use flux_gotext::is_space;

use super::{latin, push};

const ELLIPSIS: &[u8] = b"...";

fn head(text: &[u8], length: usize) -> &[u8] {
    text.get(..length).unwrap_or(text)
}

fn tail(text: &[u8], start: usize) -> &[u8] {
    text.get(start..).unwrap_or_default()
}

/// At most `width` bytes, an ellipsis at the end among them.
pub(crate) fn abbreviate(width: i64, text: &[u8]) -> Vec<u8> {
    abbreviated(0, width, text)
}

/// At most `right` bytes from about `left` on, with an ellipsis where something is left out.
pub(crate) fn abbreviate_both(left: i64, right: i64, text: &[u8]) -> Vec<u8> {
    abbreviated(left, right, text)
}

fn abbreviated(offset: i64, width: i64, text: &[u8]) -> Vec<u8> {
    if width < 4 || (offset > 0 && width < 7) {
        return text.to_vec();
    }
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if length <= width {
        return text.to_vec();
    }
    // both fit, since the text is longer than them
    let shown = usize::try_from(width - 3).unwrap_or_default();
    let offset = offset.min(length).min(length - (width - 3));
    if offset <= 4 {
        return [head(text, shown), ELLIPSIS].concat();
    }
    if offset + width - 3 < length {
        let rest = tail(text, usize::try_from(offset).unwrap_or_default());
        return [ELLIPSIS, &abbreviated(0, width - 3, rest)].concat();
    }
    [ELLIPSIS, tail(text, text.len().saturating_sub(shown))].concat()
}

/// Bytes as characters of Latin-1, white space left out; without any, the text itself.
pub(crate) fn remove_space(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|byte| is_space(latin(*byte))) {
        return text.to_vec();
    }
    let mut output = Vec::with_capacity(text.len());
    for character in text.iter().map(|byte| latin(*byte)).filter(|character| !is_space(*character)) {
        push(&mut output, character);
    }
    output
}

/// The first byte of each word, as a character of Latin-1.
pub(crate) fn initials(text: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    let mut after_gap = true;
    for character in text.iter().map(|byte| latin(*byte)) {
        if is_space(character) {
            after_gap = true;
        } else if std::mem::take(&mut after_gap) {
            push(&mut output, character);
        }
    }
    output
}

/// Line breaks at blanks, such that lines have at most `width` bytes; longer words stay whole.
pub(crate) fn wrap(width: i64, text: &[u8]) -> Vec<u8> {
    wrapped(width, b"\n", text, LongWords::Whole)
}

/// `separator` at blanks, such that lines have at most `width` bytes; longer words are cut.
pub(crate) fn wrap_hard(width: i64, separator: &[u8], text: &[u8]) -> Vec<u8> {
    let separator = if separator.is_empty() { b"\n" } else { separator };
    wrapped(width, separator, text, LongWords::Cut)
}

/// What becomes of words that are longer than a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LongWords {
    Whole,
    Cut,
}

fn wrapped(width: i64, separator: &[u8], text: &[u8], long_words: LongWords) -> Vec<u8> {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let mut output = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
            continue;
        }
        let blank = head(rest, width + 1).iter().rposition(|byte| *byte == b' ');
        let blank = match long_words {
            LongWords::Whole => {
                blank.or_else(|| Some(width + tail(rest, width).iter().position(|byte| *byte == b' ')?))
            }
            LongWords::Cut => blank,
        };
        let (line, after) = match (blank, long_words) {
            (Some(blank), _) => (head(rest, blank), tail(rest, blank + 1)),
            (None, LongWords::Cut) => (head(rest, width), tail(rest, width)),
            (None, LongWords::Whole) => break,
        };
        output.extend_from_slice(line);
        output.extend_from_slice(separator);
        rest = after;
    }
    output.extend_from_slice(rest);
    output
}

/// `pad` before each line.
pub(crate) fn indent(pad: &[u8], text: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(text.len() + pad.len());
    output.extend_from_slice(pad);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            output.push(b'\n');
            output.extend_from_slice(pad);
        }
        output.extend_from_slice(line);
    }
    output
}
