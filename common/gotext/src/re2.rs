//! Go's regular expressions (RE2 syntax, as `regexp.Compile` takes it) on the `regex` crate.
//!
//! Both match in linear time and prefer the same match, but they read patterns differently: Go's `\d`, `\w` and `\s` are
//! ASCII, it knows `\Q...\E` and octal escapes, its classes have neither nesting nor set operations, and `{` is a
//! character where it is no count. The pattern is translated piece by piece; what Go refuses is refused.

use regex::{Regex, RegexBuilder, bytes};

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
    RegexBuilder::new(&translated).size_limit(SIZE_LIMIT).build().map_err(|error| refused(pattern, error))
}

/// Compiles a regular expression of Go's for texts that need not be UTF-8. There, a byte that belongs to no character
/// matches nothing, while Go takes it for U+FFFD.
///
/// # Errors
/// [`Re2Error`].
pub fn compile_re2_bytes(pattern: &[u8]) -> Result<bytes::Regex, Re2Error> {
    if pattern.len() > MAX_PATTERN {
        return Err(Re2Error::TooLarge);
    }
    let lossy = String::from_utf8_lossy;
    let pattern =
        std::str::from_utf8(pattern).map_err(|_| Re2Error::syntax("invalid UTF-8", lossy(pattern)))?;
    let translated = translate(pattern)?;
    bytes::RegexBuilder::new(&translated)
        .size_limit(SIZE_LIMIT)
        .build()
        .map_err(|error| refused(pattern, error))
}

fn refused(pattern: &str, error: regex::Error) -> Re2Error {
    if let Some(class) = escape::unknown_property(pattern) {
        return Re2Error::syntax("invalid character class range", class);
    }
    let is_too_large = matches!(error, regex::Error::CompiledTooBig(_));
    if is_too_large { Re2Error::TooLarge } else { Re2Error::Compile(last_line(&error.to_string())) }
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
    /// Nothing yet, in this group or alternative.
    Nothing,
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
    let mut last = Piece::Nothing;
    // where the last repetition starts, and how many groups are open
    let (mut repetition, mut depth) = (pattern, 0_usize);
    while let Some(character) = scanner.rest.chars().next() {
        let before = scanner.rest;
        scanner.next();
        let mut piece = Piece::Unit;
        match character {
            '\\' => escape::outside(&mut scanner, &mut output)?,
            '[' => class::translate(&mut scanner, &mut output)?,
            '(' => {
                depth += 1;
                piece = Piece::Nothing;
                if group(&mut scanner, &mut output, pattern)? == Group::Flags {
                    depth -= 1;
                    piece = last;
                }
            }
            ')' => {
                depth = depth.checked_sub(1).ok_or_else(|| Re2Error::syntax("unexpected )", pattern))?;
                output.push(')');
            }
            '|' => {
                piece = Piece::Nothing;
                output.push('|');
            }
            '{' => piece = count(&mut scanner, &mut output)?,
            '*' | '+' | '?' => {
                let is_lazy = character == '?' && last == Piece::Repetition;
                piece = if is_lazy { Piece::Lazy } else { Piece::Repetition };
                output.push(character);
            }
            '}' | ']' | '&' | '-' | '~' | '#' => output.extend(['\\', character]),
            other => output.push(other),
        }
        if piece == Piece::Repetition {
            repeated(last, repetition, before, &scanner)?;
            repetition = before;
        }
        last = piece;
    }
    if depth > 0 {
        return Err(Re2Error::syntax("missing closing )", pattern));
    }
    Ok(output)
}

/// Whether what stands before a repetition can be repeated. The `regex` crate repeats repetitions, Go does not.
fn repeated(last: Piece, repetition: &str, before: &str, scanner: &Scanner<'_>) -> Result<(), Re2Error> {
    let text = |start: &str| {
        let mut after = Scanner { rest: scanner.rest };
        after.take("?");
        start.get(..start.len() - after.rest.len()).unwrap_or_default().to_owned()
    };
    match last {
        Piece::Unit => Ok(()),
        Piece::Nothing => Err(Re2Error::syntax("missing argument to repetition operator", text(before))),
        Piece::Repetition | Piece::Lazy => {
            Err(Re2Error::syntax("invalid nested repetition operator", text(repetition)))
        }
    }
}

/// What an opening parenthesis begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// A group, which is to be closed.
    Open,
    /// `(?i)`, which closes itself.
    Flags,
}

/// What follows an opening parenthesis: nothing, a name, or flags.
fn group(scanner: &mut Scanner<'_>, output: &mut String, pattern: &str) -> Result<Group, Re2Error> {
    output.push('(');
    let start = pattern.len() - scanner.rest.len() - 1;
    let part = |end: &str| pattern.get(start..pattern.len() - end.len()).unwrap_or_default().to_owned();
    if !scanner.take("?") {
        return Ok(Group::Open);
    }
    if scanner.take("P<") || scanner.take("<") {
        let whole = scanner.rest;
        let name = scanner.until(">");
        let is_word =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_word || !whole.contains('>') {
            return Err(Re2Error::syntax("invalid named capture", part(scanner.rest)));
        }
        // a name may begin with a digit in Go; here it is only counted
        let prefix = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        output.extend(["?P<", prefix, name, ">"]);
        return Ok(Group::Open);
    }
    let flags = scanner.rest;
    let (mut is_off, mut has_letter) = (false, false);
    loop {
        match scanner.next() {
            Some('i' | 'm' | 's' | 'U') => has_letter = true,
            Some('-') if !is_off => (is_off, has_letter) = (true, false),
            Some(end @ (':' | ')')) if has_letter || !is_off => {
                let flags = flags.get(..flags.len() - scanner.rest.len() - 1).unwrap_or_default();
                let is_group = end == ':';
                // no flags at all change nothing
                output.push_str(if flags.is_empty() && !is_group { "?:" } else { "?" });
                output.push_str(flags);
                output.push(end);
                return Ok(if is_group { Group::Open } else { Group::Flags });
            }
            None => return Err(Re2Error::syntax("missing closing )", part(""))),
            Some(_) => {
                return Err(Re2Error::syntax("invalid or unsupported Perl syntax", part(scanner.rest)));
            }
        }
    }
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
