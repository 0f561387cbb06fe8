//! Go's regular expressions.

use regex::{Regex, RegexBuilder};

use crate::error::{Error, Result};

/// A pattern that a whole text has to match.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// The empty pattern: matches everything.
    Any,
    /// A pattern without special characters.
    Literal(String),
    /// Any other pattern.
    Regex(Regex),
}

impl Pattern {
    /// A pattern of Go's syntax, anchored at both ends.
    ///
    /// # Errors
    /// It is no regular expression.
    pub(crate) fn anchored(pattern: &str) -> Result<Self> {
        if pattern.is_empty() {
            return Ok(Self::Any);
        }
        if is_literal(pattern) {
            return Ok(Self::Literal(pattern.to_owned()));
        }
        Ok(Self::Regex(compile(&format!("^(?:{pattern})$"))?))
    }

    /// Whether the pattern matches the text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => literal == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// The only text that the pattern matches, if there is but one.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Any | Self::Regex(_) => None,
        }
    }

    /// Whether the pattern is empty.
    pub(crate) fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }
}

/// Whether a pattern only matches its own text.
pub(crate) fn is_literal(pattern: &str) -> bool {
    pattern
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b':' | b'@' | b'='))
}

/// Compiles a regular expression of Go's syntax.
///
/// # Errors
/// It is none, or too large.
pub(crate) fn compile(pattern: &str) -> Result<Regex> {
    RegexBuilder::new(&translate(pattern)).size_limit(1 << 20).build().map_err(|error| {
        let text = error.to_string();
        let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Error::invalid(format!("error parsing regexp: {why}: `{pattern}`"))
    })
}

/// The same expression in the syntax of the `regex` crate: Go's classes `\d`, `\w`, `\s` and its `\b` are ASCII, a brace
/// that starts no repetition is itself, and within brackets so are brackets and doubled operators.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let tail = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '\\' => escape(tail, &mut out),
            '[' if !in_class => {
                in_class = true;
                open_class(tail, &mut out)
            }
            '[' if tail.starts_with(':') => match tail.split_once(":]") {
                Some((name, after)) => {
                    out.push('[');
                    out.push_str(name);
                    out.push_str(":]");
                    after
                }
                None => {
                    out.push_str("\\[");
                    tail
                }
            },
            '[' | '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
                tail
            }
            ']' if in_class => {
                in_class = false;
                out.push(c);
                tail
            }
            '{' if !in_class && !is_repetition(tail) => {
                out.push_str("\\{");
                tail
            }
            _ => {
                out.push(c);
                tail
            }
        };
    }
    out
}

/// What follows a backslash.
fn escape<'p>(tail: &'p str, out: &mut String) -> &'p str {
    let Some(c) = tail.chars().next() else {
        out.push('\\');
        return tail;
    };
    let after = tail.get(c.len_utf8()..).unwrap_or_default();
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\f\\r ]"),
        'S' => out.push_str("[^\\t\\n\\f\\r ]"),
        'b' => out.push_str("(?-u:\\b)"),
        'Q' => {
            let (literal, after) = after.split_once("\\E").unwrap_or((after, ""));
            out.push_str(&regex::escape(literal));
            return after;
        }
        _ => {
            out.push('\\');
            out.push(c);
        }
    }
    after
}

/// The start of a class: a bracket that closes comes first if it is meant itself.
fn open_class<'p>(tail: &'p str, out: &mut String) -> &'p str {
    out.push('[');
    let tail = match tail.strip_prefix('^') {
        Some(tail) => {
            out.push('^');
            tail
        }
        None => tail,
    };
    match tail.strip_prefix(']') {
        Some(tail) => {
            out.push_str("\\]");
            tail
        }
        None => tail,
    }
}

/// Whether a brace before this starts `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(tail: &str) -> bool {
    let Some((inner, _)) = tail.split_once('}') else { return false };
    let (low, high) = inner.split_once(',').unwrap_or((inner, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_anchored_and_of_go_syntax() {
        for (pattern, text, expected) in [
            ("", "anything", true),
            ("web", "web", true),
            ("web", "web-2", false),
            ("web|api", "api", true),
            ("web.*", "web-2", true),
            (r"web-\d", "web-2", true),
            (r"web-\d", "web-\u{663}", false),
            (r"\w+", "\u{e9}", false),
            (r"[\d.]+", "1.2", true),
            ("[[a]+", "[a", true),
            ("[]a]+", "]a", true),
            ("[[:alpha:]]+", "ab", true),
            ("a{", "a{", true),
            ("a{2}", "aa", true),
            (r"\Qa.b\E.", "a.bc", true),
            ("[a&&b]+", "a&b", true),
        ] {
            assert_eq!(Pattern::anchored(pattern).unwrap().matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_an_error() {
        let message = Pattern::anchored("a(").unwrap_err().message();
        assert!(message.starts_with("error parsing regexp: "), "{message}");
    }
}
