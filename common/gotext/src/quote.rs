//! Text between quotation marks as Go writes it: in JSON, and for `%q`.

use std::fmt::Write as _;

use crate::character::{is_print, rune_pieces};

/// Whether `<`, `>` and `&` are escaped in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HtmlEscaping {
    /// As `json.Marshal` does.
    On,
    /// As an encoder does after `SetEscapeHTML(false)`.
    Off,
}

/// Appends `text` as a JSON string, quotation marks included, byte for byte as Go's `encoding/json` writes it.
pub fn push_json_string(output: &mut String, text: &str, html: HtmlEscaping) {
    output.push('"');
    for character in text.chars() {
        match character {
            '"' => output.push_str("\\\""),
            '\\' => output.push_str("\\\\"),
            '\n' => output.push_str("\\n"),
            '\r' => output.push_str("\\r"),
            '\t' => output.push_str("\\t"),
            '\u{8}' => output.push_str("\\b"),
            '\u{c}' => output.push_str("\\f"),
            '<' | '>' | '&' if html == HtmlEscaping::On => push_unicode(output, character),
            // the line separators that JavaScript does not take in strings
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => push_unicode(output, character),
            other => output.push(other),
        }
    }
    output.push('"');
}

fn push_unicode(output: &mut String, character: char) {
    // a String takes every write
    let _ = write!(output, "\\u{:04x}", u32::from(character));
}

/// `text` as Go's `strconv.Quote` and `%q` show it.
///
/// ```
/// assert_eq!(flux_gotext::quote("a\tb\"c"), r#""a\tb\"c""#);
/// ```
pub fn quote(text: &str) -> String {
    quote_bytes(text.as_bytes(), Shown::Printable)
}

/// Which characters of a quoted text stand for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// What Go's `strconv.IsPrint` takes.
    Printable,
    /// The printable ones of ASCII, as `%+q` has it.
    Ascii,
}

/// Bytes as Go's `strconv.Quote` shows a string; those that belong to no character as `\xff`.
pub fn quote_bytes(text: &[u8], shown: Shown) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for (character, bytes) in rune_pieces(text) {
        match character {
            Some(character) => push_quoted(&mut quoted, character, '"', shown),
            None => bytes.iter().for_each(|byte| {
                let _ = write!(quoted, "\\x{byte:02x}");
            }),
        }
    }
    quoted.push('"');
    quoted
}

/// A character as Go's `strconv.QuoteRune` and `%q` show it.
pub fn quote_rune(character: char, shown: Shown) -> String {
    let mut quoted = String::from("'");
    push_quoted(&mut quoted, character, '\'', shown);
    quoted.push('\'');
    quoted
}

/// Whether a text can stand between backquotes: Go's `strconv.CanBackquote`.
pub fn can_backquote(text: &[u8]) -> bool {
    rune_pieces(text).all(|(character, _)| {
        character.is_some_and(|c| !matches!(c, '\u{feff}' | '`' | '\u{7f}') && (c >= ' ' || c == '\t'))
    })
}

fn push_quoted(quoted: &mut String, character: char, mark: char, shown: Shown) {
    match character {
        '\\' => quoted.push_str("\\\\"),
        _ if character == mark => quoted.extend(['\\', character]),
        '\u{7}' => quoted.push_str("\\a"),
        '\u{8}' => quoted.push_str("\\b"),
        '\u{c}' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\u{b}' => quoted.push_str("\\v"),
        other if is_print(other) && (shown == Shown::Printable || other.is_ascii()) => quoted.push(other),
        other => {
            let code = u32::from(other);
            // a String takes every write
            let _ = match code {
                0..=0x7f => write!(quoted, "\\x{code:02x}"),
                0x80..=0xffff => write!(quoted, "\\u{code:04x}"),
                _ => write!(quoted, "\\U{code:08x}"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vectors below were recorded with Go 1.26.8.

    #[test]
    fn json_strings_are_those_of_go() {
        let json = |text: &str, html| {
            let mut output = String::new();
            push_json_string(&mut output, text, html);
            output
        };
        let text = "a\"b\\c/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}<>&é\u{2028}\u{2029}😀";
        let want = r#""a\"b\\c/\b\f\n\r\t\u0001\u001f"#.to_owned()
            + "\u{7f}"
            + r"\u003c\u003e\u0026é\u2028\u2029😀"
            + "\"";
        assert_eq!(json(text, HtmlEscaping::On), want);
        assert_eq!(json("<>&", HtmlEscaping::Off), "\"<>&\"");
    }

    /// Text, and what `%q`, `%+q` and `%#q` make of it.
    const QUOTED: &str = include_str!("quote/vectors.json");

    #[test]
    fn quoted_texts_are_those_of_go() {
        let rows: Vec<[String; 4]> = serde_json::from_str(QUOTED).expect("recorded vectors");
        for [text, quoted, ascii, raw] in &rows {
            let text = crate::tests::bytes(text);
            assert_eq!(quote_bytes(&text, Shown::Printable), *quoted);
            assert_eq!(quote_bytes(&text, Shown::Ascii), *ascii);
            assert_eq!(can_backquote(&text), raw.starts_with('`'), "{raw}");
        }
        assert_eq!(quote_rune('\'', Shown::Printable), r"'\''");
        assert_eq!(quote_rune('"', Shown::Printable), "'\"'");
        assert_eq!(quote_rune('é', Shown::Ascii), r"'\u00e9'");
    }
}
