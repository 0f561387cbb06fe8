//! Regular expressions.

use std::sync::Arc;
use std::time::Instant;

use flux_gotext::{Re2Error, Shown, can_backquote, decode_rune, is_digit, is_letter, quote_bytes};
use regex::bytes::{Captures, Match, Regex};

use super::arguments::Arguments;
use super::strings::grow;
use super::{Error, Function, Render, Type};
use crate::value::{List, ListType, Text, Value};

use Type::{Int, String};

const TWO: &[Type] = &[String, String];
const THREE: &[Type] = &[String, String, String];
const COUNTED: &[Type] = &[String, String, Int];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", TWO, |render, arguments| match compile(render, arguments) {
        Err(Failure::Pattern(_)) => Ok(false.into()),
        Err(Failure::Other(error)) => Err(error),
        Ok(regex) => Ok(regex.is_match(arguments.text(1)).into()),
    }),
    Function::new("mustRegexMatch", TWO, |render, arguments| {
        Ok(compile(render, arguments)?.is_match(arguments.text(1)).into())
    }),
    Function::new("regexFind", TWO, |render, arguments| {
        let regex = checked(render, arguments)?;
        Ok(find(&regex, arguments))
    }),
    Function::new("mustRegexFind", TWO, |render, arguments| {
        let regex = compile(render, arguments)?;
        Ok(find(&regex, arguments))
    }),
    Function::new("regexFindAll", COUNTED, |render, arguments| {
        let regex = checked(render, arguments)?;
        find_all(render, &regex, arguments)
    }),
    Function::new("mustRegexFindAll", COUNTED, |render, arguments| {
        let regex = compile(render, arguments)?;
        find_all(render, &regex, arguments)
    }),
    Function::new("regexReplaceAll", THREE, |render, arguments| {
        let regex = checked(render, arguments)?;
        replace(render, &regex, arguments, expand)
    }),
    Function::new("mustRegexReplaceAll", THREE, |render, arguments| {
        let regex = compile(render, arguments)?;
        replace(render, &regex, arguments, expand)
    }),
    Function::new("regexReplaceAllLiteral", THREE, |render, arguments| {
        let regex = checked(render, arguments)?;
        replace(render, &regex, arguments, |output, template, _| output.extend_from_slice(template))
    }),
    Function::new("mustRegexReplaceAllLiteral", THREE, |render, arguments| {
        let regex = compile(render, arguments)?;
        replace(render, &regex, arguments, |output, template, _| output.extend_from_slice(template))
    }),
    Function::new("regexSplit", COUNTED, |render, arguments| {
        let regex = checked(render, arguments)?;
        split(render, &regex, arguments)
    }),
    Function::new("mustRegexSplit", COUNTED, |render, arguments| {
        let regex = compile(render, arguments)?;
        split(render, &regex, arguments)
    }),
    Function::new("regexQuoteMeta", &[String], |render, arguments| {
        let text = arguments.text(0);
        render.budget.text(text.len().saturating_mul(2))?;
        let is_special = |byte: &u8| br"\.+*?()|[]{}^$".contains(byte);
        let quoted =
            text.iter().flat_map(|byte| is_special(byte).then_some(b'\\').into_iter().chain([*byte]));
        Ok(quoted.collect::<Vec<u8>>().into())
    }),
];

/// Why there is no expression.
enum Failure {
    Pattern(Re2Error),
    Other(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Pattern(error) => Self::new(error),
            Failure::Other(error) => error,
        }
    }
}

fn compile(render: &mut Render, arguments: &[Value]) -> Result<Arc<Regex>, Failure> {
    let pattern = arguments.text(0);
    let length = pattern.len().saturating_add(arguments.text(1).len());
    render.budget.steps(length / 64).map_err(|error| Failure::Other(error.into()))?;
    let start = Instant::now();
    let regex = render.pattern(pattern).map_err(Failure::Pattern)?;
    render.budget.spent(start.elapsed()).map_err(|error| Failure::Other(error.into()))?;
    Ok(regex)
}

/// Functions without an error of their own panic with the pattern.
fn checked(render: &mut Render, arguments: &[Value]) -> Result<Arc<Regex>, Error> {
    compile(render, arguments).map_err(|failure| match failure {
        Failure::Pattern(error) => {
            let pattern = arguments.text(0);
            let quoted = if can_backquote(pattern) {
                format!("`{}`", std::string::String::from_utf8_lossy(pattern))
            } else {
                quote_bytes(pattern, Shown::Printable)
            };
            Error::new(format!("regexp: Compile({quoted}): {error}"))
        }
        Failure::Other(error) => error,
    })
}

fn find(regex: &Regex, arguments: &[Value]) -> Value {
    let found = regex.find(arguments.text(1)).map(|found| found.as_bytes());
    Value::String(found.unwrap_or_default().into())
}

/// Whether a match is not an empty one within a character, which Go's expressions do not look into.
fn is_whole(text: &[u8], found: &Match<'_>) -> bool {
    !found.is_empty() || text.get(found.start()).is_none_or(|byte| byte & 0xc0 != 0x80)
}

fn matches<'a>(regex: &'a Regex, text: &'a [u8]) -> impl Iterator<Item = Match<'a>> {
    regex.find_iter(text).filter(|found| is_whole(text, found))
}

fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn find_all(render: &mut Render, regex: &Regex, arguments: &[Value]) -> Result<Value, Error> {
    let mut all = Vec::new();
    for found in matches(regex, arguments.text(1)).take(limit(arguments.int(2))) {
        push(render, &mut all, found.as_bytes())?;
    }
    if all.is_empty() {
        return Ok(List::nil(ListType::String).into());
    }
    Ok(render.arena.add_list(ListType::String, all).into())
}

fn push(render: &mut Render, texts: &mut Vec<Value>, text: &[u8]) -> Result<(), Error> {
    render.budget.steps(1)?;
    render.budget.text(text.len() + size_of::<Value>())?;
    texts.push(Value::String(Text::from(text)));
    Ok(())
}

fn split(render: &mut Render, regex: &Regex, arguments: &[Value]) -> Result<Value, Error> {
    let (text, count) = (arguments.text(1), limit(arguments.int(2)));
    if count == 0 {
        return Ok(List::nil(ListType::String).into());
    }
    let mut parts = Vec::new();
    if text.is_empty() && !arguments.text(0).is_empty() {
        push(render, &mut parts, b"")?;
        return Ok(render.arena.add_list(ListType::String, parts).into());
    }
    let (mut start, mut end) = (0, 0);
    for found in matches(regex, text).take(count) {
        if parts.len() + 1 == count {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            push(render, &mut parts, text.get(start..end).unwrap_or_default())?;
        }
        start = found.end();
    }
    if end != text.len() {
        push(render, &mut parts, text.get(start..).unwrap_or_default())?;
    }
    Ok(render.arena.add_list(ListType::String, parts).into())
}

fn replace(
    render: &mut Render,
    regex: &Regex,
    arguments: &[Value],
    replacement: impl Fn(&mut Vec<u8>, &[u8], &Captures<'_>),
) -> Result<Value, Error> {
    let (text, template) = (arguments.text(1), arguments.text(2));
    render.budget.text(text.len())?;
    let mut output = Vec::with_capacity(text.len());
    let mut end = 0;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0).filter(|found| is_whole(text, found)) else { continue };
        output.extend_from_slice(text.get(end..whole.start()).unwrap_or_default());
        let before = output.len();
        replacement(&mut output, template, &captures);
        render.budget.steps(1)?;
        grow(render, before, output.len() - before)?;
        end = whole.end();
    }
    output.extend_from_slice(text.get(end..).unwrap_or_default());
    Ok(output.into())
}

/// Appends a template with `$1`, `${1}` and `${name}` filled in.
fn expand(output: &mut Vec<u8>, template: &[u8], captures: &Captures<'_>) {
    let mut rest = template;
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        output.extend_from_slice(rest.get(..dollar).unwrap_or_default());
        rest = rest.get(dollar + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(b"$") {
            output.push(b'$');
            rest = after;
            continue;
        }
        let Some((name, after)) = reference(rest) else {
            output.push(b'$');
            continue;
        };
        rest = after;
        let group = match number(name) {
            Some(number) => captures.get(number),
            None => std::str::from_utf8(name).ok().and_then(|name| captures.name(name)),
        };
        output.extend_from_slice(group.map(|group| group.as_bytes()).unwrap_or_default());
    }
    output.extend_from_slice(rest);
}

/// A name behind a dollar sign, perhaps in braces, and what follows it.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, has_brace) = match text.strip_prefix(b"{") {
        Some(inside) => (inside, true),
        None => (text, false),
    };
    let mut length = 0;
    while let Some(rest) = inside.get(length..) {
        match decode_rune(rest) {
            (Some(c), size) if c == '_' || is_letter(c) || is_digit(c) => length += size,
            _ => break,
        }
    }
    let (name, after) = inside.split_at_checked(length).filter(|_| length > 0)?;
    Some((name, if has_brace { after.strip_prefix(b"}")? } else { after }))
}

/// The number of a group: digits without leading noughts.
fn number(name: &[u8]) -> Option<usize> {
    let is_number = name.len() < 9
        && name.iter().all(u8::is_ascii_digit)
        && (name.len() == 1 || name.first() != Some(&b'0'));
    std::str::from_utf8(name).ok().filter(|_| is_number)?.parse().ok()
}
