//! Texts.

use super::arguments::Arguments;
use super::format::to_text;
use super::{Error, Function, Render, Type, words};
use crate::value::{ListType, MapType, Text, Value};

use flux_gotext::{Shown, is_space, quote_bytes, rune_pieces};

use Type::{Any, Int, String};

const TWO: &[Type] = &[String, String];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("trim", &[String], |_, arguments| Ok(trim_space(arguments.text(0)).into())),
    Function::new("trimAll", TWO, |_, arguments| Ok(trim(arguments.text(0), arguments.text(1)).into())),
    Function::new("trimall", TWO, |_, arguments| Ok(trim(arguments.text(0), arguments.text(1)).into())),
    Function::new("trimPrefix", TWO, |_, arguments| {
        let text = arguments.text(1);
        Ok(text.strip_prefix(arguments.text(0)).unwrap_or(text).to_vec().into())
    }),
    Function::new("trimSuffix", TWO, |_, arguments| {
        let text = arguments.text(1);
        Ok(text.strip_suffix(arguments.text(0)).unwrap_or(text).to_vec().into())
    }),
    Function::new("upper", &[String], |render, arguments| mapped(render, arguments.text(0), words::upper)),
    Function::new("lower", &[String], |render, arguments| mapped(render, arguments.text(0), words::lower)),
    Function::new("title", &[String], |render, arguments| mapped(render, arguments.text(0), words::title)),
    Function::new("untitle", &[String], |render, arguments| {
        mapped(render, arguments.text(0), words::uncapitalize)
    }),
    Function::new("swapcase", &[String], |render, arguments| {
        mapped(render, arguments.text(0), words::swap_case)
    }),
    Function::new("snakecase", &[String], |render, arguments| {
        mapped(render, arguments.text(0), words::snake_case)
    }),
    Function::new("kebabcase", &[String], |render, arguments| {
        mapped(render, arguments.text(0), words::kebab_case)
    }),
    Function::new("camelcase", &[String], |render, arguments| {
        mapped(render, arguments.text(0), words::pascal_case)
    }),
    Function::new("nospace", &[String], |render, arguments| {
        mapped(render, arguments.text(0), words::remove_space)
    }),
    Function::new("initials", &[String], |render, arguments| {
        mapped(render, arguments.text(0), words::initials)
    }),
    Function::new("shuffle", &[String], |render, arguments| {
        mapped(render, arguments.text(0), |text| {
            words::shuffle_order(text, |below| rand::random_range(0..below))
        })
    }),
    Function::new("abbrev", &[Int, String], |render, arguments| {
        mapped(render, arguments.text(1), |text| words::abbreviate(arguments.int(0), text))
    }),
    Function::new("abbrevboth", &[Int, Int, String], |render, arguments| {
        mapped(render, arguments.text(2), |text| {
            words::abbreviate_both(arguments.int(0), arguments.int(1), text)
        })
    }),
    Function::new("wrap", &[Int, String], |render, arguments| {
        mapped(render, arguments.text(1), |text| words::wrap(arguments.int(0), text))
    }),
    Function::new("wrapWith", &[Int, String, String], |render, arguments| {
        let text = arguments.text(2);
        render.budget.text(text.len().saturating_mul(arguments.text(1).len()))?;
        mapped(render, text, |text| words::wrap_hard(arguments.int(0), arguments.text(1), text))
    }),
    Function::new("trunc", &[Int, String], |_, arguments| {
        Ok(truncate(arguments.int(0), arguments.text(1)).to_vec().into())
    }),
    Function::new("substr", &[Int, Int, String], |_, arguments| {
        substring(arguments.int(0), arguments.int(1), arguments.text(2)).map(|text| text.to_vec().into())
    }),
    Function::new("repeat", &[Int, String], |render, arguments| {
        let text = arguments.text(1);
        let count =
            usize::try_from(arguments.int(0)).map_err(|_| Error::new("strings: negative Repeat count"))?;
        render.budget.text(text.len().saturating_mul(count))?;
        Ok(text.repeat(if text.is_empty() { 0 } else { count }).into())
    }),
    Function::new("contains", TWO, |_, arguments| {
        Ok(find(arguments.text(1), arguments.text(0)).is_some().into())
    }),
    Function::new("hasPrefix", TWO, |_, arguments| {
        Ok(arguments.text(1).starts_with(arguments.text(0)).into())
    }),
    Function::new("hasSuffix", TWO, |_, arguments| Ok(arguments.text(1).ends_with(arguments.text(0)).into())),
    Function::new("replace", &[String, String, String], |render, arguments| {
        replace(render, arguments.text(0), arguments.text(1), arguments.text(2))
    }),
    Function::new("indent", &[Int, String], |render, arguments| {
        Ok(indent(render, arguments.int(0), arguments.text(1))?.into())
    }),
    Function::new("nindent", &[Int, String], |render, arguments| {
        let indented = indent(render, arguments.int(0), arguments.text(1))?;
        Ok([b"\n", indented.as_slice()].concat().into())
    }),
    Function::variadic("quote", &[], Any, |render, arguments| {
        joined(render, arguments.all(), |render, value| {
            let text = to_text(render, value)?;
            Ok(quote_bytes(&text, Shown::Printable).into_bytes())
        })
    }),
    Function::variadic("squote", &[], Any, |render, arguments| {
        joined(render, arguments.all(), |render, value| {
            let text = super::print(render, std::slice::from_ref(value))?;
            Ok([b"'", text.as_bytes(), b"'"].concat())
        })
    }),
    Function::variadic("cat", &[], Any, |render, arguments| {
        joined(render, arguments.all(), |render, value| {
            Ok(super::print(render, std::slice::from_ref(value))?.to_vec())
        })
    }),
    Function::new("plural", &[String, String, Int], |_, arguments| {
        Ok(arguments.any(usize::from(arguments.int(2) != 1)).clone())
    }),
    Function::new("toString", &[Any], |render, arguments| match arguments.any(0) {
        Value::String(text) => Ok(text.clone().into()),
        value => Ok(to_text(render, value)?.into_owned().into()),
    }),
    Function::new("splitList", TWO, |render, arguments| {
        let parts = parts(render, arguments.text(1), arguments.text(0), -1)?;
        Ok(render.arena.add_list(ListType::String, parts).into())
    }),
    Function::new("split", TWO, |render, arguments| {
        numbered(render, arguments.text(0), -1, arguments.text(1))
    }),
    Function::new("splitn", &[String, Int, String], |render, arguments| {
        numbered(render, arguments.text(0), arguments.int(1), arguments.text(2))
    }),
    Function::new("randAlphaNum", &[Int], |render, arguments| {
        random(render, arguments.int(0), |byte| byte.is_ascii_alphanumeric())
    }),
    Function::new("randAlpha", &[Int], |render, arguments| {
        random(render, arguments.int(0), |byte| byte.is_ascii_alphabetic())
    }),
    Function::new("randNumeric", &[Int], |render, arguments| {
        random(render, arguments.int(0), |byte| byte.is_ascii_digit())
    }),
    Function::new("randAscii", &[Int], |render, arguments| {
        random(render, arguments.int(0), |byte| (b' '..=b'~').contains(&byte))
    }),
];

/// Asks for so many bytes more of a text.
pub(super) fn grow(render: &mut Render, length: usize, more: usize) -> Result<(), Error> {
    let total = length.saturating_add(more);
    let is_within = total <= render.budget.limits().text;
    Ok(render.budget.text(if is_within { more } else { total })?)
}

/// A text changed to one of at most about the same length.
fn mapped(render: &mut Render, text: &[u8], change: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<Value, Error> {
    render.budget.text(text.len().saturating_mul(3))?;
    Ok(change(text).into())
}

fn trim_where(text: &[u8], is_cut: impl Fn(Option<char>, &[u8]) -> bool) -> Vec<u8> {
    let pieces: Vec<_> = rune_pieces(text).collect();
    let start = pieces.iter().position(|(character, piece)| !is_cut(*character, piece));
    let end = pieces.iter().rposition(|(character, piece)| !is_cut(*character, piece));
    let kept = start.zip(end).and_then(|(start, end)| pieces.get(start..=end)).unwrap_or_default();
    kept.iter().flat_map(|(_, piece)| piece.iter().copied()).collect()
}

/// `strings.TrimSpace`
fn trim_space(text: &[u8]) -> Vec<u8> {
    trim_where(text, |character, _| character.is_some_and(is_space))
}

/// `strings.Trim`: bytes that are no character count as U+FFFD.
fn trim(cut: &[u8], text: &[u8]) -> Vec<u8> {
    let cut: Vec<char> = flux_gotext::runes(cut).collect();
    trim_where(text, |character, _| cut.contains(&character.unwrap_or(flux_gotext::REPLACEMENT)))
}

fn truncate(count: i64, text: &[u8]) -> &[u8] {
    let Ok(magnitude) = usize::try_from(count.unsigned_abs()) else { return text };
    if count < 0 {
        let start = text.len().checked_sub(magnitude).filter(|start| *start > 0);
        return start.and_then(|start| text.get(start..)).unwrap_or(text);
    }
    text.get(..magnitude).unwrap_or(text)
}

fn substring(start: i64, end: i64, text: &[u8]) -> Result<&[u8], Error> {
    let length = text.len();
    let end_index = usize::try_from(end).ok();
    let out_of_range =
        |bounds: std::string::String| Error::runtime(format!("slice bounds out of range {bounds}"));
    let Ok(start_index) = usize::try_from(start) else {
        let Some(end_index) = end_index else { return Err(out_of_range(format!("[:{end}]"))) };
        return text.get(..end_index).ok_or_else(|| out_of_range(format!("[:{end}] with length {length}")));
    };
    match end_index.filter(|end| *end <= length) {
        None => text.get(start_index..).ok_or_else(|| out_of_range(format!("[{start}:{length}]"))),
        Some(end_index) => {
            text.get(start_index..end_index).ok_or_else(|| out_of_range(format!("[{start}:{end}]")))
        }
    }
}

/// Where a text is found first.
pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}

fn replace(render: &mut Render, old: &[u8], new: &[u8], text: &[u8]) -> Result<Value, Error> {
    render.budget.text(text.len())?;
    let mut output = Vec::with_capacity(text.len());
    if old.is_empty() {
        for (_, piece) in rune_pieces(text) {
            grow(render, output.len(), new.len())?;
            output.extend_from_slice(new);
            output.extend_from_slice(piece);
        }
        output.extend_from_slice(new);
        return Ok(output.into());
    }
    let mut rest = text;
    while let Some(at) = find(rest, old) {
        grow(render, output.len(), new.len())?;
        output.extend_from_slice(rest.get(..at).unwrap_or_default());
        output.extend_from_slice(new);
        rest = rest.get(at + old.len()..).unwrap_or_default();
    }
    output.extend_from_slice(rest);
    Ok(output.into())
}

fn indent(render: &mut Render, width: i64, text: &[u8]) -> Result<Vec<u8>, Error> {
    let width = usize::try_from(width).map_err(|_| Error::new("strings: negative Repeat count"))?;
    let lines = text.split(|byte| *byte == b'\n').count();
    render.budget.text(width.saturating_mul(lines).saturating_add(text.len()))?;
    Ok(words::indent(&vec![b' '; width], text))
}

/// Texts of all values but nil, with blanks between them.
fn joined(
    render: &mut Render,
    values: &[Value],
    text: impl Fn(&mut Render, &Value) -> Result<Vec<u8>, Error>,
) -> Result<Value, Error> {
    let mut output = Vec::new();
    for (index, value) in values.iter().filter(|value| !value.is_nil()).enumerate() {
        if index > 0 {
            output.push(b' ');
        }
        output.extend(text(render, value)?);
    }
    render.budget.text(output.len())?;
    Ok(output.into())
}

/// `strings.SplitN`: all parts for a negative count.
fn parts(render: &mut Render, text: &[u8], separator: &[u8], count: i64) -> Result<Vec<Value>, Error> {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts: Vec<Value> = Vec::new();
    if limit == 0 {
        return Ok(parts);
    }
    let mut add = |part: &[u8]| {
        render.budget.steps(1)?;
        render.budget.text(part.len() + size_of::<Value>())?;
        parts.push(Value::String(part.into()));
        Ok::<_, Error>(parts.len())
    };
    let mut rest = text;
    let mut done = 0;
    loop {
        let found = match separator {
            [] if rest.is_empty() => return Ok(parts),
            [] => Some((flux_gotext::decode_rune(rest).1, 0)).filter(|(length, _)| *length < rest.len()),
            separator => find(rest, separator).map(|at| (at, separator.len())),
        };
        let Some((length, skipped)) = found.filter(|_| done + 1 < limit) else {
            add(rest)?;
            return Ok(parts);
        };
        done = add(rest.get(..length).unwrap_or_default())?;
        rest = rest.get(length + skipped..).unwrap_or_default();
    }
}

/// Parts under `_0`, `_1` and so on.
fn numbered(render: &mut Render, separator: &[u8], count: i64, text: &[u8]) -> Result<Value, Error> {
    let parts = parts(render, text, separator, count)?;
    let entries = parts.into_iter().enumerate().map(|(index, part)| (Text::from(format!("_{index}")), part));
    let entries = entries.collect();
    Ok(render.arena.add_map(MapType::String, entries).into())
}

/// Random characters of ASCII.
fn random(render: &mut Render, count: i64, is_wanted: impl Fn(u8) -> bool) -> Result<Value, Error> {
    let count = usize::try_from(count).unwrap_or(0);
    render.budget.text(count)?;
    let choice: Vec<u8> = (0..=127).filter(|byte| is_wanted(*byte)).collect();
    let pick = |_| choice.get(rand::random_range(0..choice.len())).copied().unwrap_or(b'0');
    Ok((0..count).map(pick).collect::<Vec<u8>>().into())
}
