//! What an expression does with the value of its variable.

use super::glob::Glob;
use super::template::TemplateError;

/// Most bytes that a replacement may give.
const MAX_REPLACED: usize = 64 << 20;

/// A function of a variable's value, with its arguments.
pub(super) enum Function {
    Value,
    Length,
    LowerFirst,
    Lower,
    UpperFirst,
    Upper,
    /// The text for an empty value.
    Default(Vec<u8>),
    /// Offset and length.
    Substring(Vec<u8>, Option<Vec<u8>>),
    ShortestPrefix(Vec<u8>),
    LongestPrefix(Vec<u8>),
    ShortestSuffix(Vec<u8>),
    LongestSuffix(Vec<u8>),
    ReplaceFirst(Vec<u8>, Vec<u8>),
    ReplaceAll(Vec<u8>, Vec<u8>),
    ReplacePrefix(Vec<u8>, Option<Vec<u8>>),
    ReplaceSuffix(Vec<u8>, Option<Vec<u8>>),
}

impl Function {
    /// The result for the value of the variable `name`.
    pub(super) fn apply(self, name: &str, value: &str) -> Result<Vec<u8>, TemplateError> {
        let bytes = value.as_bytes();
        Ok(match self {
            Self::Length => bytes.len().to_string().into_bytes(),
            Self::LowerFirst => first(value, lower),
            Self::Lower => value.chars().map(lower).collect::<String>().into_bytes(),
            Self::UpperFirst => first(value, upper),
            Self::Upper => value.chars().map(upper).collect::<String>().into_bytes(),
            Self::Default(text) => {
                if value.is_empty() {
                    text
                } else {
                    bytes.to_vec()
                }
            }
            Self::Substring(offset, length) => substring(name, bytes, &offset, length.as_deref())?.to_vec(),
            Self::ShortestPrefix(pattern) => {
                without(value, glob(&pattern).and_then(|glob| glob.shortest(value)))
            }
            Self::LongestPrefix(pattern) => {
                without(value, glob(&pattern).and_then(|glob| glob.longest(value)))
            }
            Self::ShortestSuffix(pattern) => suffix(value, &pattern, Glob::shortest),
            Self::LongestSuffix(pattern) => suffix(value, &pattern, Glob::longest),
            Self::ReplaceFirst(from, to) => replace(bytes, &from, &to, 1)?,
            Self::ReplaceAll(from, to) => replace(bytes, &from, &to, usize::MAX)?,
            Self::ReplacePrefix(from, Some(to)) => match bytes.strip_prefix(from.as_slice()) {
                Some(rest) => [&to, rest].concat(),
                None => bytes.to_vec(),
            },
            Self::ReplaceSuffix(from, Some(to)) => match bytes.strip_suffix(from.as_slice()) {
                Some(rest) => [rest, &to].concat(),
                None => bytes.to_vec(),
            },
            Self::Value | Self::ReplacePrefix(_, None) | Self::ReplaceSuffix(_, None) => bytes.to_vec(),
        })
    }
}

/// Go maps one character to one.
fn lower(c: char) -> char {
    let mut mapped = c.to_lowercase();
    match (c, mapped.next(), mapped.next()) {
        ('İ', ..) => 'i',
        (_, Some(one), None) => one,
        _ => c,
    }
}

fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn first(value: &str, map: fn(char) -> char) -> Vec<u8> {
    let mut characters = value.chars();
    match characters.next() {
        Some(c) => format!("{}{}", map(c), characters.as_str()).into_bytes(),
        None => Vec::new(),
    }
}

/// A number as Go's `Atoi` reads it.
fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn substring<'a>(
    name: &str,
    value: &'a [u8],
    offset: &[u8],
    length: Option<&[u8]>,
) -> Result<&'a [u8], TemplateError> {
    let Some(offset) = number(offset) else { return Ok(value) };
    let distance = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
    let start = if offset < 0 { value.len().saturating_sub(distance) } else { distance };
    let rest = value.get(start..).unwrap_or_default();
    let Some(length) = length else { return Ok(rest) };
    match number(length) {
        None => Ok(value),
        Some(length) if length < 0 => Err(TemplateError::NegativeLength(name.to_owned())),
        Some(length) => Ok(rest.get(..usize::try_from(length).unwrap_or(usize::MAX)).unwrap_or(rest)),
    }
}

fn glob(pattern: &[u8]) -> Option<Glob> {
    Glob::parse(std::str::from_utf8(pattern).ok()?)
}

fn without(value: &str, prefix: Option<usize>) -> Vec<u8> {
    value.as_bytes().get(prefix.unwrap_or(0)..).unwrap_or_default().to_vec()
}

/// Upstream matches a suffix as a prefix of the reversed value, by the reversed text of the pattern.
fn suffix(value: &str, pattern: &[u8], find: fn(&Glob, &str) -> Option<usize>) -> Vec<u8> {
    let reversed: String = value.chars().rev().collect();
    let pattern: String = String::from_utf8_lossy(pattern).chars().rev().collect();
    let length = Glob::parse(&pattern).and_then(|glob| find(&glob, &reversed)).unwrap_or(0);
    value.as_bytes().get(..value.len() - length).unwrap_or_default().to_vec()
}

/// Go's `strings.Replace`: an empty text is found before each character and at the end.
fn replace(value: &[u8], from: &[u8], to: &[u8], most: usize) -> Result<Vec<u8>, TemplateError> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    if from.is_empty() {
        let text = String::from_utf8_lossy(value);
        let places = text.char_indices().map(|(place, _)| place).chain(std::iter::once(text.len()));
        if text.len().saturating_mul(to.len()) > MAX_REPLACED {
            return Err(TemplateError::TooLarge);
        }
        let mut done = 0;
        for place in places.take(most) {
            out.extend_from_slice(text.as_bytes().get(done..place).unwrap_or_default());
            out.extend_from_slice(to);
            done = place;
        }
        out.extend_from_slice(text.as_bytes().get(done..).unwrap_or_default());
        return Ok(out);
    }
    for _ in 0..most {
        let Some(at) = find(rest, from) else { break };
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        out.extend_from_slice(to);
        rest = after.get(from.len()..).unwrap_or_default();
        if out.len() > MAX_REPLACED {
            return Err(TemplateError::TooLarge);
        }
    }
    out.extend_from_slice(rest);
    Ok(out)
}

fn find(value: &[u8], wanted: &[u8]) -> Option<usize> {
    // both are UTF-8 nearly always, and then the search takes linear time
    match (std::str::from_utf8(value), std::str::from_utf8(wanted)) {
        (Ok(value), Ok(wanted)) => value.find(wanted),
        _ => value.windows(wanted.len()).position(|window| window == wanted),
    }
}
