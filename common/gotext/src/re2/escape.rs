//! What follows a backslash.

use super::{Re2Error, Scanner};

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = "\\t\\n\\x0C\\r\\x20";

/// The members of a class such as `\d`, and whether the class is the rest.
pub(super) fn class_of(letter: char) -> Option<(&'static str, bool)> {
    Some(match letter {
        'd' => (DIGIT, false),
        'D' => (DIGIT, true),
        'w' => (WORD, false),
        'W' => (WORD, true),
        's' => (SPACE, false),
        'S' => (SPACE, true),
        _ => return None,
    })
}

/// An escape outside of classes; the backslash is already read.
pub(super) fn outside(scanner: &mut Scanner<'_>, output: &mut String) -> Result<(), Re2Error> {
    let start = scanner.rest;
    let Some(letter) = scanner.next() else {
        return Err(Re2Error::syntax("trailing backslash at end of expression", ""));
    };
    if let Some((members, negated)) = class_of(letter) {
        output.extend([if negated { "[^" } else { "[" }, members, "]"]);
        return Ok(());
    }
    match letter {
        'A' | 'z' => output.extend(['\\', letter]),
        'b' => output.push_str("(?-u:\\b)"),
        // between bytes that are no characters it would match as well, so the Unicode one has to do
        'B' => output.push_str("\\B"),
        'Q' => {
            let literal = scanner.until("\\E");
            output.push_str(&regex::escape(literal));
        }
        'p' | 'P' => property(letter, scanner, output)?,
        _ => {
            scanner.rest = start;
            output.push_str(&literal(character(scanner)?));
        }
    }
    Ok(())
}

/// `\pL`, `\p{Greek}`, `\p{^Greek}`.
pub(super) fn property(letter: char, scanner: &mut Scanner<'_>, output: &mut String) -> Result<(), Re2Error> {
    let invalid = |part: &str| Re2Error::syntax("invalid character class range", format!("\\{letter}{part}"));
    if !scanner.take("{") {
        let name = scanner.next().ok_or_else(|| invalid(""))?;
        output.extend(['\\', letter, name]);
        return Ok(());
    }
    let whole = scanner.rest;
    let name = scanner.until("}");
    let (negated, bare) = name.strip_prefix('^').map_or((false, name), |bare| (true, bare));
    let is_name = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name || !whole.contains('}') {
        return Err(invalid(&format!("{{{name}")));
    }
    let letter = match (letter, negated) {
        (other, false) => other,
        ('p', true) => 'P',
        (_, true) => 'p',
    };
    output.extend(['\\', letter, '{']);
    output.extend([bare, "}"]);
    Ok(())
}

/// The first `\p{...}` of a pattern that is no property of Unicode.
pub(super) fn unknown_property(pattern: &str) -> Option<String> {
    let mut rest = pattern;
    while let Some((_, after)) = rest.split_once('\\') {
        let class = after.strip_prefix(['p', 'P']).and_then(|name| name.strip_prefix('{')?.split_once('}'));
        if let Some((name, _)) = class {
            let letter = after.get(..1).unwrap_or_default();
            let bare = name.strip_prefix('^').unwrap_or(name);
            if regex::Regex::new(&format!("\\p{{{bare}}}")).is_err() {
                return Some(format!("\\{letter}{{{name}}}"));
            }
        }
        // what is escaped does not escape
        rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
    }
    None
}

/// A single character behind a backslash, which is already read.
pub(super) fn character(scanner: &mut Scanner<'_>) -> Result<char, Re2Error> {
    let trailing = || Re2Error::syntax("trailing backslash at end of expression", "");
    let letter = scanner.next().ok_or_else(trailing)?;
    let invalid = || Re2Error::syntax("invalid escape sequence", format!("\\{letter}"));
    Ok(match letter {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '1'..='7' if !scanner.rest.starts_with(|next: char| ('0'..='7').contains(&next)) => {
            return Err(invalid());
        }
        '0'..='7' => octal(letter, scanner).ok_or_else(invalid)?,
        'x' => hexadecimal(scanner).ok_or_else(invalid)?,
        other if other.is_ascii() && !other.is_ascii_alphanumeric() => other,
        _ => return Err(invalid()),
    })
}

/// Up to three octal digits, the first of which is read.
fn octal(first: char, scanner: &mut Scanner<'_>) -> Option<char> {
    let mut code = first.to_digit(8)?;
    for _ in 0..2 {
        let Some(digit) = scanner.rest.chars().next().and_then(|next| next.to_digit(8)) else { break };
        code = code * 8 + digit;
        scanner.next();
    }
    char::from_u32(code)
}

/// Two hexadecimal digits, or any number of them in braces.
fn hexadecimal(scanner: &mut Scanner<'_>) -> Option<char> {
    let digits = if scanner.take("{") {
        scanner.until("}")
    } else {
        let (digits, rest) = scanner.rest.split_at_checked(2)?;
        scanner.rest = rest;
        digits
    };
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)).flatten()
}

/// A character that stands for itself, inside and outside of classes.
pub(super) fn literal(character: char) -> String {
    let is_plain = character.is_alphanumeric() || character == '_';
    if is_plain { character.to_string() } else { format!("\\x{{{:X}}}", u32::from(character)) }
}
