//! Go's regular expressions (RE2 syntax, as `regexp.Compile` takes it) on the `regex` crate.
//!
//! Both match in linear time and prefer the same match, but they read patterns differently: Go's `\d`, `\w` and `\s` are
//! ASCII, it knows `\Q...\E` and octal escapes, its classes have neither nesting nor set operations, and `{` is a
//! character where it is no count. The pattern is translated piece by piece; what Go refuses is refused.

use regex::{Regex, RegexBuilder};

mod class;
mod escape;

/// Highest count in a repetition.
const MAX_COUNT: u32 = 1000;
/// Longest pattern that is read, in bytes.
const MAX_PATTERN: usize = 64 * 1024;
/// Largest compiled program, in bytes.
const SIZE_LIMIT: usize = 10 * 1024 * 1024;

/// Why a text is not a regular expression of Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Re2Error {
    /// Malformed; the texts of the first part are Go's.
    #[error("error parsing regexp: {reason}: `{part}`")]
    Syntax {
        /// What is wrong.
        reason: &'static str,
        /// The part that is.
        part: String,
    },
    /// More than 64 KiB, or a program of more than 10 MiB.
    #[error("error parsing regexp: expression too large")]
    TooLarge,
    /// Refused by the `regex` crate.
    #[error("error parsing regexp: {0}")]
    Compile(String),
}

impl Re2Error {
    fn syntax(reason: &'static str, part: impl Into<String>) -> Self {
        Self::Syntax { reason, part: part.into() }
    }
}

/// Compiles a regular expression of Go's.
///
/// ```
/// let pattern = flux_gotext::compile_re2(r"^v\d+$")?;
/// assert!(pattern.is_match("v1"));
/// assert!(!pattern.is_match("v१"), "digits are those of ASCII");
/// # Ok::<(), flux_gotext::Re2Error>(())
/// ```
///
/// # Errors
/// [`Re2Error`].
pub fn compile_re2(pattern: &str) -> Result<Regex, Re2Error> {
    if pattern.len() > MAX_PATTERN {
        return Err(Re2Error::TooLarge);
    }
    let translated = translate(pattern)?;
    RegexBuilder::new(&translated).size_limit(SIZE_LIMIT).build().map_err(|error| {
        let is_too_large = matches!(error, regex::Error::CompiledTooBig(_));
        if is_too_large { Re2Error::TooLarge } else { Re2Error::Compile(last_line(&error.to_string())) }
    })
}

/// The error of the `regex` crate shows the whole pattern first and says what is wrong at the end.
fn last_line(text: &str) -> String {
    let line = text.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// What is left of a pattern.
struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        Some(character)
    }

    fn take(&mut self, text: &str) -> bool {
        let after = self.rest.strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// All before `end`, which is skipped; the whole rest where there is none.
    fn until(&mut self, end: &str) -> &'a str {
        let (before, after) = self.rest.split_once(end).unwrap_or((self.rest, ""));
        self.rest = after;
        before
    }
}

/// What the last piece of a pattern was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// Something that can be repeated.
    Unit,
    /// `*`, `+`, `?` or a count.
    Repetition,
    /// The `?` behind one of them.
    Lazy,
}

/// The same pattern in the syntax of the `regex` crate.
fn translate(pattern: &str) -> Result<String, Re2Error> {
    let mut scanner = Scanner { rest: pattern };
    let mut output = String::with_capacity(pattern.len() + 16);
    let mut last = Piece::Unit;
    while let Some(character) = scanner.next() {
        let mut piece = Piece::Unit;
        match character {
            '\\' => escape::outside(&mut scanner, &mut output)?,
            '[' => class::translate(&mut scanner, &mut output)?,
            '(' => group(&mut scanner, &mut output)?,
            '{' => piece = count(&mut scanner, &mut output)?,
            '*' | '+' | '?' => {
                piece = if character == '?' && last == Piece::Repetition {
                    Piece::Lazy
                } else {
                    Piece::Repetition
                };
                output.push(character);
            }
            '}' | ']' | '&' | '-' | '~' | '#' => output.extend(['\\', character]),
            other => output.push(other),
        }
        // the `regex` crate repeats repetitions, Go does not
        if piece == Piece::Repetition && last != Piece::Unit {
            return Err(Re2Error::syntax("invalid nested repetition operator", character));
        }
        last = piece;
    }
    Ok(output)
}

/// What follows an opening parenthesis: nothing, a name, or flags.
fn group(scanner: &mut Scanner<'_>, output: &mut String) -> Result<(), Re2Error> {
    output.push('(');
    if !scanner.take("?") {
        return Ok(());
    }
    if scanner.take("P<") || scanner.take("<") {
        let whole = scanner.rest;
        let name = scanner.until(">");
        let is_word =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_word || !whole.contains('>') {
            return Err(Re2Error::syntax("invalid named capture", format!("(?P<{name}>")));
        }
        // a name may begin with a digit in Go; here it is only counted
        let prefix = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        output.extend(["?P<", prefix, name, ">"]);
        return Ok(());
    }
    let end = scanner.rest.find([':', ')']).unwrap_or(scanner.rest.len());
    let (flags, after) = scanner.rest.split_at(end);
    let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
    let is_known = |flags: &str| flags.bytes().all(|flag| b"imsU".contains(&flag));
    if after.is_empty() || !is_known(on) || !is_known(off) || flags.ends_with('-') {
        return Err(Re2Error::syntax("invalid or unsupported Perl syntax", format!("(?{flags}")));
    }
    // no flags at all change nothing
    output.push_str(if flags.is_empty() && after.starts_with(')') { "?:" } else { "?" });
    output.push_str(flags);
    scanner.rest = after;
    Ok(())
}

/// `{2}`, `{2,}` and `{2,3}` are counts; any other brace is a character.
fn count(scanner: &mut Scanner<'_>, output: &mut String) -> Result<Piece, Re2Error> {
    let Some((inside, after)) = scanner.rest.split_once('}') else {
        output.push_str("\\{");
        return Ok(Piece::Unit);
    };
    let is_number =
        |text: &str| !text.is_empty() && text.len() < 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (low, high) = inside.split_once(',').map_or((inside, None), |(low, high)| (low, Some(high)));
    let is_count = is_number(low) && high.is_none_or(|high| high.is_empty() || is_number(high));
    if !is_count {
        output.push_str("\\{");
        return Ok(Piece::Unit);
    }
    let number = |text: &str| text.parse::<u32>().unwrap_or(MAX_COUNT + 1);
    let high_number = high.filter(|high| !high.is_empty()).map(number);
    if number(low) > MAX_COUNT || high_number.is_some_and(|high| high > MAX_COUNT || high < number(low)) {
        return Err(Re2Error::syntax("invalid repeat count", format!("{{{inside}}}")));
    }
    output.extend(["{", inside, "}"]);
    scanner.rest = after;
    Ok(Piece::Repetition)
}

#[cfg(test)]
mod tests;
