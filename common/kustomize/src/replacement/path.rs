//! Paths of fields as kyaml reads them: names, `[key=value]`, `[=value]`, indexes, `-` and `*`.

use flux_yaml::{Entry, Kind, Limits, Lists, Node, Tag};
use regex::Regex;

use crate::error::{Error, Result};
use crate::patch::compile;
use crate::transform::{split_path, wrong_kind};

/// What happens where a path leads to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Nothing.
    Existing,
    /// Nodes are created; the last one is of this kind.
    Create(Kind),
}

/// A part of a path.
enum Part<'p> {
    Index(i64),
    Last,
    Every,
    Element(&'p str, &'p str),
    Name(&'p str),
}

impl<'p> Part<'p> {
    fn of(text: &'p str) -> Result<Self> {
        if let Ok(index) = text.parse() {
            return Ok(Self::Index(index));
        }
        Ok(match text {
            "-" => Self::Last,
            "*" => Self::Every,
            _ => match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
                None => Self::Name(text),
                Some(inner) => {
                    let (key, value) = inner.split_once('=').ok_or_else(|| {
                        Error::invalid(
                            "list path element must contain fieldName=fieldValue for element to match",
                        )
                    })?;
                    Self::Element(key, value)
                }
            },
        })
    }
}

/// Splits a path at its dots; `\.` is a dot, and dots within brackets do not count. Brackets without `=` only protect a
/// name.
pub(crate) fn smart_split(path: &str) -> Vec<String> {
    let mut parts = split_path(path, '.').into_iter();
    let mut joined = Vec::new();
    while let Some(mut part) = parts.next() {
        if part.starts_with('[') && !part.ends_with(']') {
            for next in parts.by_ref() {
                part.push('.');
                part.push_str(&next);
                if next.ends_with(']') {
                    break;
                }
            }
            if !part.contains('=') {
                let name = part.trim_matches(['[', ']']).to_owned();
                part = name;
            }
        }
        joined.push(part);
    }
    joined
}

/// Null, or an empty collection.
pub(crate) fn is_nothing(node: &Node) -> bool {
    node.tag() == Tag::Null || (!node.is_scalar() && node.is_empty())
}

fn is_null(node: &Node) -> bool {
    node.tag() == Tag::Null
}

/// The node that a path leads to.
///
/// # Errors
/// The path has a `*`, or leads through a node of the wrong kind.
pub(crate) fn lookup<'n>(node: &'n Node, path: &[String]) -> Result<Option<&'n Node>> {
    let mut found = node;
    for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        let Some(place) = place(found, &Part::of(part)?)? else { return Ok(None) };
        let next = match found.kind() {
            Kind::Mapping => found.entries().get(place).map(|entry| &entry.value),
            Kind::Sequence => found.items().get(place),
            Kind::Scalar | Kind::Alias => None,
        };
        match next {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// The node that a path leads to, to change it.
///
/// # Errors
/// As [`lookup`].
pub(crate) fn lookup_or_create<'n>(
    node: &'n mut Node,
    path: &[String],
    mode: Lookup,
) -> Result<Option<&'n mut Node>> {
    let parts: Vec<&str> = path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    let mut found = node;
    for (index, text) in parts.iter().enumerate() {
        let part = Part::of(text)?;
        let place = match (place(found, &part)?, mode) {
            (Some(place), _) => place,
            (None, Lookup::Existing) => return Ok(None),
            (None, Lookup::Create(leaf)) => {
                let kind = kind_before(parts.get(index + 1).copied(), leaf);
                match create(found, &part, kind) {
                    Some(place) => place,
                    None => return Ok(None),
                }
            }
        };
        match child(found, place) {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// Where in a node a part leads to.
#[expect(clippy::wildcard_enum_match_arm, reason = "guards on every other part")]
fn place(node: &Node, part: &Part<'_>) -> Result<Option<usize>> {
    let wanted = if matches!(part, Part::Name(_)) { Kind::Mapping } else { Kind::Sequence };
    match part {
        Part::Every => return Err(Error::invalid("wildcard is not supported in PathGetter")),
        Part::Index(index) if *index < 0 => {
            return Err(Error::invalid(format!("array index {index} cannot be negative")));
        }
        _ if is_null(node) => return Ok(None),
        _ if node.kind() != wanted => return Err(wrong_kind(node, wanted)),
        _ => {}
    }
    Ok(match part {
        Part::Name(name) => node.position(name),
        Part::Index(index) => usize::try_from(*index).ok().filter(|index| *index < node.len()),
        Part::Last => {
            let panic = || Error::Panic("runtime error: index out of range [-1]".to_owned());
            Some(node.len().checked_sub(1).ok_or_else(panic)?)
        }
        Part::Every => None,
        Part::Element(key, value) => node.items().iter().position(|item| match *key {
            "" => item.as_str().unwrap_or_default() == *value,
            key => item.get(key).is_some_and(|field| field.as_str().unwrap_or_default() == *value),
        }),
    })
}

fn child(node: &mut Node, place: usize) -> Option<&mut Node> {
    match node.kind() {
        Kind::Mapping => node.entries_mut()?.get_mut(place).map(|entry| &mut entry.value),
        Kind::Sequence => node.items_mut()?.get_mut(place),
        Kind::Scalar | Kind::Alias => None,
    }
}

/// Appends what a part names; its place. Elements that are named by an index are not created.
fn create(node: &mut Node, part: &Part<'_>, kind: Kind) -> Option<usize> {
    match part {
        Part::Name(name) => {
            let entries = node.entries_mut()?;
            entries.push(Entry { key: Node::scalar(*name), value: empty(kind) });
            Some(entries.len() - 1)
        }
        Part::Element(key, value) => {
            let items = node.items_mut()?;
            items.push(element(key, value));
            Some(items.len() - 1)
        }
        Part::Index(_) | Part::Last | Part::Every => None,
    }
}

/// The element that `[key=value]` names.
fn element(key: &str, value: &str) -> Node {
    if key.is_empty() {
        Node::scalar(value)
    } else {
        Node::mapping_of([(Node::scalar(key), Node::scalar(value))])
    }
}

fn empty(kind: Kind) -> Node {
    match kind {
        Kind::Mapping => Node::mapping(),
        Kind::Sequence => Node::sequence(),
        Kind::Scalar | Kind::Alias => Node::scalar(""),
    }
}

/// The kind that a created node must have for the next part to make sense.
fn kind_before(next: Option<&str>, leaf: Kind) -> Kind {
    match next {
        None | Some("") => leaf,
        Some(next) if next.starts_with('[') && next.ends_with(']') => Kind::Sequence,
        Some(next) if next.parse::<i64>().is_ok_and(|index| index >= 0) => Kind::Sequence,
        Some(_) => Kind::Mapping,
    }
}

/// Calls `visit` on every node that a path leads to, and counts them. `[key=value]` matches elements by an unanchored
/// regular expression here, and with `create` what is missing is created, the last node of that kind.
///
/// # Errors
/// The path leads through a node of the wrong kind, or past the end of a list.
pub(crate) fn each(
    node: &mut Node,
    path: &[String],
    create: Option<Kind>,
    visit: &mut dyn FnMut(&mut Node),
) -> Result<usize> {
    let Some((part, rest)) = path.split_first() else {
        visit(node);
        return Ok(1);
    };
    let next = rest.first().map(String::as_str);
    match Part::of(part)? {
        Part::Index(index) if index >= 0 => {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            let length = sequence_length(node)?;
            if index == length
                && let Some(leaf) = create
            {
                node.push(empty(kind_before(next, leaf)));
            }
            let length = node.len();
            match child(node, index) {
                Some(item) => each(item, rest, create, visit),
                None => {
                    Err(Error::invalid(format!("index {index} specified but only {length} elements found")))
                }
            }
        }
        Part::Every => {
            sequence_length(node)?;
            let items = node.items_mut().into_iter().flatten();
            items.map(|item| each(item, rest, create, visit)).sum()
        }
        Part::Element(key, pattern) => {
            let regex = compile(pattern)?;
            sequence_length(node)?;
            let found = each_element(node, (key, &regex), (rest, create), visit)?;
            if found > 0 || create.is_none() {
                return Ok(found);
            }
            node.push(element(key, pattern));
            each_element(node, (key, &regex), (rest, create), visit)
        }
        Part::Name(_) | Part::Last | Part::Index(_) => each_field(node, part, (rest, create), visit),
    }
}

fn sequence_length(node: &Node) -> Result<usize> {
    if node.is_sequence() || is_null(node) { Ok(node.len()) } else { Err(wrong_kind(node, Kind::Sequence)) }
}

fn each_element(
    list: &mut Node,
    (key, regex): (&str, &Regex),
    (rest, create): (&[String], Option<Kind>),
    visit: &mut dyn FnMut(&mut Node),
) -> Result<usize> {
    let mut found = 0;
    for item in list.items_mut().into_iter().flatten() {
        if key.is_empty() {
            // what follows in the path does not matter then
            if regex.is_match(&written(item)) {
                visit(item);
                found += 1;
            }
        } else if item.get(key).is_some_and(|field| regex.is_match(&written(field))) {
            found += each(item, rest, create, visit)?;
        }
    }
    Ok(found)
}

/// A node as it is written, with its quotes.
fn written(node: &Node) -> String {
    flux_yaml::to_styled_yaml(node, Lists::Compact).trim().to_owned()
}

fn each_field(
    node: &mut Node,
    name: &str,
    (rest, create): (&[String], Option<Kind>),
    visit: &mut dyn FnMut(&mut Node),
) -> Result<usize> {
    if is_null(node) {
        return Ok(0);
    }
    if !node.is_mapping() {
        return Err(wrong_kind(node, Kind::Mapping));
    }
    if node.position(name).is_none()
        && let Some(leaf) = create
        && let Some(entries) = node.entries_mut()
    {
        let kind = kind_before(rest.first().map(String::as_str), leaf);
        entries.push(Entry { key: Node::scalar(name), value: empty(kind) });
    }
    let Some(field) = node.get_mut(name) else { return Ok(0) };
    if field.is_scalar() && !rest.is_empty() {
        // upstream looks into the text, but throws away what it changes there
        let Some(mut inner) = parse_text(field.as_str().unwrap_or_default())? else { return Ok(0) };
        return each(&mut inner, rest, create, visit);
    }
    each(field, rest, create, visit)
}

/// The tree in a text; nothing if there is none.
///
/// # Errors
/// The text does not parse.
pub(super) fn parse_text(text: &str) -> Result<Option<Node>> {
    let invalid = |error: flux_yaml::Error| Error::invalid(error.to_string());
    let limits = Limits::default();
    Ok(flux_yaml::parse_commented(text.as_bytes(), &limits).map_err(invalid)?.into_iter().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_dots_outside_of_brackets() {
        for (path, expected) in [
            ("a.b", &["a", "b"][..]),
            (r"a.b\.c", &["a", "b.c"]),
            ("a.[b.c/d].e", &["a", "b.c/d", "e"]),
            ("a.[n=b.c].e", &["a", "[n=b.c]", "e"]),
            ("a.[=x].0.*", &["a", "[=x]", "0", "*"]),
            ("[a].b", &["[a]", "b"]),
        ] {
            assert_eq!(smart_split(path), expected, "{path}");
        }
    }
}
