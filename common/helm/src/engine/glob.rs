//! Patterns of `.Files.Glob`.

/// A pattern: `*`, `**`, `?`, classes, alternatives. A malformed one matches everything.
#[derive(Debug)]
pub(super) struct Glob(Option<regex::bytes::Regex>);

/// Longest pattern that is looked at.
const LONGEST: usize = 4096;

impl Glob {
    /// Reads a pattern.
    pub(super) fn new(pattern: &[u8]) -> Self {
        let pattern = str::from_utf8(pattern).ok().filter(|pattern| pattern.len() <= LONGEST);
        let translated = pattern.and_then(translate);
        Self(
            translated.and_then(|pattern| {
                regex::bytes::RegexBuilder::new(&pattern).size_limit(1 << 20).build().ok()
            }),
        )
    }

    /// Whether a whole path fits.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        self.0.as_ref().is_none_or(|regex| regex.is_match(path))
    }
}

/// The same as a regular expression.
fn translate(pattern: &str) -> Option<String> {
    let mut regex = String::from("(?s)^");
    let mut characters = pattern.chars().peekable();
    let mut depth = 0_usize;
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.peek() == Some(&'*') => {
                while characters.peek() == Some(&'*') {
                    characters.next();
                }
                regex.push_str(".*");
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '{' => {
                depth += 1;
                regex.push_str("(?:");
            }
            ',' if depth > 0 => regex.push('|'),
            '}' if depth > 0 => {
                depth -= 1;
                regex.push(')');
            }
            '[' => {
                regex.push('[');
                if characters.peek() == Some(&'!') {
                    characters.next();
                    regex.push('^');
                }
                let mut length = 0;
                loop {
                    match characters.next()? {
                        ']' if length > 0 => break,
                        ']' => return None,
                        '\\' => regex.push_str(&regex::escape(&characters.next()?.to_string())),
                        '-' => regex.push('-'),
                        inner => regex.push_str(&regex::escape(&inner.to_string())),
                    }
                    length += 1;
                }
                regex.push(']');
            }
            '\\' => regex.push_str(&regex::escape(&characters.next()?.to_string())),
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    regex.push('$');
    (depth == 0).then_some(regex)
}
