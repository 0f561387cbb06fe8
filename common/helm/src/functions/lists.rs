//! Lists.

use super::arguments::Arguments;
use super::defaults::is_empty;
use super::format::to_text;
use super::numbers::to_int;
use super::reflection::deep_equal;
use super::{Error, Function, Render, Type};
use crate::value::{List, ListType, Text, Value};

use Type::{Any, Int, String};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("list", &[], Any, |render, arguments| new_list(render, arguments.all().to_vec())),
    Function::variadic("tuple", &[], Any, |render, arguments| new_list(render, arguments.all().to_vec())),
    Function::new("append", &[Any, Any], |render, arguments| {
        append(render, arguments.any(0), arguments.any(1))
    }),
    Function::new("push", &[Any, Any], |render, arguments| {
        append(render, arguments.any(0), arguments.any(1))
    }),
    Function::new("mustAppend", &[Any, Any], |render, arguments| {
        append(render, arguments.any(0), arguments.any(1))
    }),
    Function::new("mustPush", &[Any, Any], |render, arguments| {
        append(render, arguments.any(0), arguments.any(1))
    }),
    Function::new("prepend", &[Any, Any], |render, arguments| {
        prepend(render, arguments.any(0), arguments.any(1))
    }),
    Function::new("mustPrepend", &[Any, Any], |render, arguments| {
        prepend(render, arguments.any(0), arguments.any(1))
    }),
    Function::variadic("concat", &[], Any, |render, arguments| concat(render, arguments.all())),
    Function::new("first", &[Any], |render, arguments| first(render, arguments.any(0))),
    Function::new("mustFirst", &[Any], |render, arguments| first(render, arguments.any(0))),
    Function::new("last", &[Any], |render, arguments| last(render, arguments.any(0))),
    Function::new("mustLast", &[Any], |render, arguments| last(render, arguments.any(0))),
    Function::new("rest", &[Any], |render, arguments| rest(render, arguments.any(0))),
    Function::new("mustRest", &[Any], |render, arguments| rest(render, arguments.any(0))),
    Function::new("initial", &[Any], |render, arguments| initial(render, arguments.any(0))),
    Function::new("mustInitial", &[Any], |render, arguments| initial(render, arguments.any(0))),
    Function::new("reverse", &[Any], |render, arguments| reverse(render, arguments.any(0))),
    Function::new("mustReverse", &[Any], |render, arguments| reverse(render, arguments.any(0))),
    Function::new("uniq", &[Any], |render, arguments| uniq(render, arguments.any(0))),
    Function::new("mustUniq", &[Any], |render, arguments| uniq(render, arguments.any(0))),
    Function::new("compact", &[Any], |render, arguments| compact(render, arguments.any(0))),
    Function::new("mustCompact", &[Any], |render, arguments| compact(render, arguments.any(0))),
    Function::variadic("without", &[Any], Any, |render, arguments| {
        without(render, arguments.any(0), arguments.from(1))
    }),
    Function::variadic("mustWithout", &[Any], Any, |render, arguments| {
        without(render, arguments.any(0), arguments.from(1))
    }),
    Function::new("has", &[Any, Any], |render, arguments| has(render, arguments.any(0), arguments.any(1))),
    Function::new("mustHas", &[Any, Any], |render, arguments| {
        has(render, arguments.any(0), arguments.any(1))
    }),
    Function::variadic("slice", &[Any], Any, |render, arguments| {
        slice(render, arguments.any(0), arguments.from(1))
    }),
    Function::variadic("mustSlice", &[Any], Any, |render, arguments| {
        slice(render, arguments.any(0), arguments.from(1))
    }),
    Function::new("chunk", &[Int, Any], |render, arguments| {
        chunk(render, arguments.int(0), arguments.any(1))
    }),
    Function::new("mustChunk", &[Int, Any], |render, arguments| {
        chunk(render, arguments.int(0), arguments.any(1))
    }),
    Function::new("toStrings", &[Any], |render, arguments| Ok(strings(render, arguments.any(0))?.into())),
    Function::new("sortAlpha", &[Any], |render, arguments| sort_alpha(render, arguments.any(0))),
    Function::new("join", &[String, Any], |render, arguments| {
        let list = strings(render, arguments.any(1))?;
        join(render, arguments.text(0), list)
    }),
];

fn new_list(render: &mut Render, items: Vec<Value>) -> Result<Value, Error> {
    render.budget.items(items.len())?;
    Ok(render.arena.add_list(ListType::Any, items).into())
}

/// The items of a slice; `refused` is what Go says of other types, without their kind.
fn items(render: &mut Render, value: &Value, refused: &str) -> Result<Vec<Value>, Error> {
    let length = length(render, value, refused)?;
    render.budget.steps(length)?;
    render.budget.items(length)?;
    Ok(match value {
        Value::Bytes(bytes) => bytes.iter().map(|byte| Value::Uint8(*byte)).collect(),
        Value::List(list) => render.arena.items(*list).to_vec(),
        _ => Vec::new(),
    })
}

fn length(render: &Render, value: &Value, refused: &str) -> Result<usize, Error> {
    match value {
        Value::Nil => Err(Error::nil_pointer()),
        Value::Bytes(bytes) => Ok(bytes.len()),
        Value::List(list) => Ok(list.len()),
        value => Err(Error::new(format!("{refused} {}", value.kind(&render.arena)))),
    }
}

fn item(render: &Render, value: &Value, index: usize) -> Value {
    match value {
        Value::Bytes(bytes) => bytes.get(index).map(|byte| Value::Uint8(*byte)).unwrap_or_default(),
        Value::List(list) => render.arena.items(*list).get(index).cloned().unwrap_or_default(),
        _ => Value::Nil,
    }
}

fn append(render: &mut Render, list: &Value, value: &Value) -> Result<Value, Error> {
    let mut items = items(render, list, "Cannot push on type")?;
    items.push(value.clone());
    new_list(render, items)
}

fn prepend(render: &mut Render, list: &Value, value: &Value) -> Result<Value, Error> {
    let mut items = items(render, list, "Cannot prepend on type")?;
    items.insert(0, value.clone());
    new_list(render, items)
}

fn concat(render: &mut Render, lists: &[Value]) -> Result<Value, Error> {
    let mut all = Vec::new();
    for list in lists {
        match list {
            Value::Nil | Value::Bytes(_) | Value::List(_) => all.extend(items(render, list, "")?),
            other => {
                let kind = other.kind(&render.arena);
                return Err(Error::new(format!("Cannot concat type {kind} as list")));
            }
        }
    }
    if all.is_empty() {
        return Ok(List::nil(ListType::Any).into());
    }
    new_list(render, all)
}

fn first(render: &mut Render, list: &Value) -> Result<Value, Error> {
    length(render, list, "Cannot find first on type")?;
    Ok(item(render, list, 0))
}

fn last(render: &mut Render, list: &Value) -> Result<Value, Error> {
    let length = length(render, list, "Cannot find last on type")?;
    Ok(item(render, list, length.wrapping_sub(1)))
}

fn rest(render: &mut Render, list: &Value) -> Result<Value, Error> {
    let mut items = items(render, list, "Cannot find rest on type")?;
    if items.is_empty() {
        return Ok(List::nil(ListType::Any).into());
    }
    items.remove(0);
    new_list(render, items)
}

fn initial(render: &mut Render, list: &Value) -> Result<Value, Error> {
    let mut items = items(render, list, "Cannot find initial on type")?;
    if items.pop().is_none() {
        return Ok(List::nil(ListType::Any).into());
    }
    new_list(render, items)
}

fn reverse(render: &mut Render, list: &Value) -> Result<Value, Error> {
    let mut items = items(render, list, "Cannot find reverse on type")?;
    items.reverse();
    new_list(render, items)
}

fn contains(render: &mut Render, list: &[Value], value: &Value) -> Result<bool, Error> {
    for item in list {
        if deep_equal(render, value, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(render: &mut Render, list: &Value) -> Result<Value, Error> {
    let mut found = Vec::new();
    for item in items(render, list, "Cannot find uniq on type")? {
        if !contains(render, &found, &item)? {
            found.push(item);
        }
    }
    new_list(render, found)
}

fn compact(render: &mut Render, list: &Value) -> Result<Value, Error> {
    let mut items = items(render, list, "Cannot compact on type")?;
    items.retain(|item| !is_empty(item, &render.arena));
    new_list(render, items)
}

fn without(render: &mut Render, list: &Value, omitted: &[Value]) -> Result<Value, Error> {
    let mut kept = Vec::new();
    for item in items(render, list, "Cannot find without on type")? {
        if !contains(render, omitted, &item)? {
            kept.push(item);
        }
    }
    new_list(render, kept)
}

fn has(render: &mut Render, value: &Value, list: &Value) -> Result<Value, Error> {
    if list.is_nil() {
        return Ok(false.into());
    }
    let items = items(render, list, "Cannot find has on type")?;
    Ok(contains(render, &items, value)?.into())
}

fn slice(render: &mut Render, list: &Value, bounds: &[Value]) -> Result<Value, Error> {
    let length = length(render, list, "list should be type of slice or array but")?;
    if length == 0 {
        return Ok(Value::Nil);
    }
    let start = bounds.first().map_or(0, to_int);
    let end = bounds.get(1).map_or(i64::try_from(length).unwrap_or(i64::MAX), to_int);
    let bounds = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let part = bounds.and_then(|(start, end)| match list {
        Value::Bytes(bytes) => bytes.get(start..end).map(|bytes| Value::Bytes(bytes.into())),
        Value::List(list) => list.slice(start, end).map(Value::List),
        _ => None,
    });
    part.ok_or_else(|| Error::new("reflect.Value.Slice: slice index out of bounds"))
}

fn chunk(render: &mut Render, size: i64, list: &Value) -> Result<Value, Error> {
    let items = items(render, list, "Cannot chunk type")?;
    if items.is_empty() && size > 0 {
        return Ok(render.arena.add_list(ListType::Lists, Vec::new()).into());
    }
    let out_of_range = || Error::runtime("makeslice: len out of range");
    let last = i64::try_from(items.len()).unwrap_or(i64::MAX) - 1;
    if size < 0 && last > 0 && last <= size.saturating_neg() {
        // Go counts no chunk then
        return Ok(render.arena.add_list(ListType::Lists, Vec::new()).into());
    }
    let size = usize::try_from(size).ok().filter(|size| *size > 0).ok_or_else(out_of_range)?;
    let mut chunks = Vec::new();
    for chunk in items.chunks(size) {
        chunks.push(new_list(render, chunk.to_vec())?);
    }
    Ok(render.arena.add_list(ListType::Lists, chunks).into())
}

/// Sprig's `strslice`: a list of strings as it is, others as texts without their nils; all else is one text.
pub(super) fn strings(render: &mut Render, value: &Value) -> Result<List, Error> {
    let values = match value {
        Value::List(list) if matches!(list.kind(), ListType::String) => return Ok(*list),
        Value::Nil => Vec::new(),
        Value::List(_) | Value::Bytes(_) => items(render, value, "")?,
        value => vec![value.clone()],
    };
    let mut texts = Vec::with_capacity(values.len());
    for value in values.iter().filter(|value| !value.is_nil()) {
        let text = match value {
            Value::String(text) => text.clone(),
            value => Text::from(to_text(render, value)?.into_owned()),
        };
        texts.push(Value::String(text));
    }
    render.budget.items(texts.len())?;
    Ok(render.arena.add_list(ListType::String, texts))
}

fn text_of(value: &Value) -> &[u8] {
    match value {
        Value::String(text) => text,
        _ => &[],
    }
}

/// Sorted bytewise; a list of strings is sorted itself.
fn sort_alpha(render: &mut Render, value: &Value) -> Result<Value, Error> {
    let list = strings(render, value)?;
    if matches!(value, Value::List(_) | Value::Bytes(_)) {
        render.budget.steps(list.len())?;
        render.arena.items_mut(list).sort_by(|one, other| text_of(one).cmp(text_of(other)));
        return Ok(list.into());
    }
    if value.is_nil() {
        let nil = render.arena.add_list(ListType::String, vec!["<nil>".into()]);
        return Ok(nil.into());
    }
    Ok(list.into())
}

fn join(render: &mut Render, separator: &[u8], list: List) -> Result<Value, Error> {
    let texts = render.arena.items(list);
    let length = texts.iter().map(|text| text_of(text).len().saturating_add(separator.len()));
    render.budget.text(length.fold(0, usize::saturating_add))?;
    let texts: Vec<&[u8]> = render.arena.items(list).iter().map(text_of).collect();
    Ok(texts.join(separator).into())
}
