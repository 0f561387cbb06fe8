//! Text between quotation marks as Go writes it: in JSON, and for `%q`.

use std::fmt::Write as _;

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
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            other if is_printable(other) => quoted.push(other),
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
    quoted.push('"');
    quoted
}

/// Letters, marks, numbers, punctuation, symbols and the blank. Combining marks are printable in Go, while Rust escapes
/// them for `Debug`; by themselves they are told from what is not printable by their being alphanumeric or not blank.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    if character.is_control() || character.is_whitespace() {
        return false;
    }
    let is_shown = character.escape_debug().count() == 1;
    is_shown || is_combining(character)
}

/// The blocks of combining marks.
const fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1ace}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20f0}' | '\u{fe20}'..='\u{fe2f}' | '\u{fe00}'..='\u{fe0f}')
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

    #[test]
    fn quoted_texts_are_those_of_go() {
        let table = [
            ("", r#""""#),
            ("a'b", r#""a'b""#),
            ("\u{7}\u{8}\u{c}\n\r\t\u{b}\\\"", r#""\a\b\f\n\r\t\v\\\"""#),
            ("\u{0}\u{1b}\u{7f}", r#""\x00\x1b\x7f""#),
            ("é世😀", "\"é世😀\""),
            ("\u{a0}\u{ad}\u{200b}\u{feff}\u{2028}", r#""\u00a0\u00ad\u200b\ufeff\u2028""#),
            ("e\u{301}", "\"e\u{301}\""),
            ("\u{e000}\u{10ffff}", r#""\ue000\U0010ffff""#),
        ];
        for (text, want) in table {
            assert_eq!(quote(text), want);
        }
    }
}
