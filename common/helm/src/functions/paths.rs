//! Slash-separated paths, as Go's `path` takes them apart.

use super::arguments::Arguments;
use super::{Function, Type};

use Type::String;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base", &[String], |_, arguments| Ok(base(arguments.text(0)).into())),
    Function::new("osBase", &[String], |_, arguments| Ok(base(arguments.text(0)).into())),
    Function::new("dir", &[String], |_, arguments| Ok(directory(arguments.text(0)).into())),
    Function::new("osDir", &[String], |_, arguments| Ok(directory(arguments.text(0)).into())),
    Function::new("clean", &[String], |_, arguments| Ok(clean(arguments.text(0)).into())),
    Function::new("osClean", &[String], |_, arguments| Ok(clean(arguments.text(0)).into())),
    Function::new("ext", &[String], |_, arguments| Ok(extension(arguments.text(0)).into())),
    Function::new("osExt", &[String], |_, arguments| Ok(extension(arguments.text(0)).into())),
    Function::new("isAbs", &[String], |_, arguments| Ok(arguments.text(0).starts_with(b"/").into())),
    Function::new("osIsAbs", &[String], |_, arguments| Ok(arguments.text(0).starts_with(b"/").into())),
];

fn last_slash(path: &[u8]) -> Option<usize> {
    path.iter().rposition(|byte| *byte == b'/')
}

/// `path.Base`: what follows the last slash, trailing ones left out.
fn base(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return b".".to_vec();
    }
    let trailing = path.iter().rev().take_while(|byte| **byte == b'/').count();
    let trimmed = path.get(..path.len() - trailing).unwrap_or_default();
    let name = last_slash(trimmed).and_then(|at| trimmed.get(at + 1..)).unwrap_or(trimmed);
    if name.is_empty() { b"/".to_vec() } else { name.to_vec() }
}

/// `path.Dir`: all before the last slash, cleaned.
fn directory(path: &[u8]) -> Vec<u8> {
    clean(last_slash(path).and_then(|at| path.get(..=at)).unwrap_or_default())
}

/// `path.Ext`: from the last dot of the last element on.
fn extension(path: &[u8]) -> Vec<u8> {
    let name = last_slash(path).and_then(|at| path.get(at + 1..)).unwrap_or(path);
    let dot = name.iter().rposition(|byte| *byte == b'.');
    dot.and_then(|at| name.get(at..)).unwrap_or_default().to_vec()
}

/// `path.Clean`: the shortest path of the same meaning, by its text alone.
fn clean(path: &[u8]) -> Vec<u8> {
    let is_rooted = path.first() == Some(&b'/');
    let mut elements: Vec<&[u8]> = Vec::new();
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if elements.last().is_some_and(|last| *last != b"..") => drop(elements.pop()),
            b".." if is_rooted => {}
            _ => elements.push(element),
        }
    }
    let mut output = if is_rooted { b"/".to_vec() } else { Vec::new() };
    output.extend_from_slice(&elements.join(&b'/'));
    if output.is_empty() { b".".to_vec() } else { output }
}
