//! Lists with several keys, or with elements that lack theirs: upstream's steps one by one.

use flux_yaml::{Entry, Kind, List, Node, Text};

use super::super::{Merger, Outcome, Patch, is_null};
use super::is_nothing;
use crate::error::Result;
use crate::field::quote_if_ambiguous;
use crate::schema::Type;
use crate::transform::wrong_kind;

/// Merges the elements of a list.
pub(super) fn merge<'s>(
    merger: &mut Merger<'s>,
    items: List<Node>,
    patch: Patch<'_>,
    keys: &[&str],
    known: Option<Type<'s>>,
) -> Result<List<Node>> {
    let mut nodes: Vec<Node> = items.into_iter().collect();
    let own: Vec<usize> = (0..nodes.len()).collect();
    let patches = match patch {
        Patch::Node(node) => {
            nodes.extend(node.items().iter().cloned());
            Some((own.len()..nodes.len()).collect())
        }
        Patch::Absent => Some(Vec::new()),
        Patch::Same => None,
    };
    let keys = if keys.is_empty() { &[""] } else { keys };
    let mut lists = Lists { nodes, own, patches, merged: Vec::new(), keys };
    let tuples = lists.tuples();
    let valid: Vec<bool> = validity(&tuples, keys.len());
    for tuple in &tuples {
        lists.merge_tuple(merger, tuple, &valid, known)?;
    }
    if tuples.is_empty() {
        return Ok(lists.take(&lists.own.clone()));
    }
    let valid_keys: Vec<&str> =
        keys.iter().zip(&valid).filter(|(_, valid)| **valid).map(|(key, _)| *key).collect();
    for element in lists.own.clone() {
        lists.append(element, &valid_keys)?;
    }
    Ok(lists.take(&lists.merged.clone()))
}

/// Both lists and the one that comes of them, as places among all nodes: one node can be in several lists.
struct Lists<'k> {
    nodes: Vec<Node>,
    own: Vec<usize>,
    /// `None` if the patch's list is the resource's own.
    patches: Option<Vec<usize>>,
    merged: Vec<usize>,
    keys: &'k [&'k str],
}

/// What the patch has for an element.
#[derive(Debug, Clone, Copy)]
enum Theirs {
    /// The resource's own element: both lists are one.
    Same,
    /// Nothing.
    Absent,
    /// The element at this place.
    Element(usize),
}

impl Lists<'_> {
    fn node(&self, place: usize) -> Option<&Node> {
        self.nodes.get(place)
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn take(&mut self, places: &[usize]) -> List<Node> {
        // an element that is twice in the list has to be copied
        places.iter().filter_map(|place| self.node(*place).cloned()).collect()
    }

    /// The values of the keys of all elements, the patch's first; each combination once. Keys that an element lacks are
    /// empty; of combinations that differ only in what one of them lacks, both become the fuller one.
    fn tuples(&self) -> Vec<Vec<Text>> {
        let mut tuples: Vec<Vec<Text>> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for place in self.patches.iter().flatten().chain(&self.own) {
            let Some(node) = self.node(*place) else { continue };
            let tuple: Vec<Text> = self.keys.iter().map(|key| key_value(node, key)).collect();
            if seen.insert(tuple.clone()) {
                tuples.push(tuple);
            }
        }
        if self.keys.len() > 1 && tuples.iter().any(|tuple| tuple.iter().any(Text::is_empty)) {
            unify(&mut tuples);
        }
        tuples
    }

    fn merge_tuple<'s>(
        &mut self,
        merger: &mut Merger<'s>,
        tuple: &[Text],
        valid: &[bool],
        known: Option<Type<'s>>,
    ) -> Result<()> {
        let keys: Vec<&str> =
            self.keys.iter().zip(valid).filter(|(_, valid)| **valid).map(|(key, _)| *key).collect();
        let values: Vec<&str> =
            tuple.iter().zip(valid).filter(|(_, valid)| **valid).map(|(value, _)| value.as_str()).collect();
        let own = self.first(&self.own, &keys, &values);
        let patch = match &self.patches {
            None => Theirs::Same,
            Some(patches) => self.first(patches, &keys, &values).map_or(Theirs::Absent, Theirs::Element),
        };
        let Some(merged) = self.merge_elements(merger, own, patch, known)? else {
            // upstream deletes once for each key
            self.own = self.set(&self.own, None, &keys, &values)?;
            return Ok(());
        };
        if let Some(node) = self.nodes.get_mut(merged) {
            complete(node, &keys, &values)?;
        }
        self.merged = self.set(&self.merged, Some(merged), &keys, &values)?;
        Ok(())
    }

    /// Merges one element of each list; the place of the result, if there is one.
    fn merge_elements<'s>(
        &mut self,
        merger: &mut Merger<'s>,
        own: Option<usize>,
        patch: Theirs,
        known: Option<Type<'s>>,
    ) -> Result<Option<usize>> {
        let element = match patch {
            Theirs::Element(place) => self.node(place).cloned(),
            Theirs::Same | Theirs::Absent => None,
        };
        let patch = match (patch, &element) {
            (Theirs::Same, _) => Patch::Same,
            (_, Some(node)) => Patch::Node(node),
            (_, None) => Patch::Absent,
        };
        let Some(own) = own else {
            let node =
                if matches!(patch, Patch::Same) { None } else { merger.missing(None, patch, known)? };
            return Ok(node.filter(|node| !is_nothing(node)).map(|node| self.add(node)));
        };
        let Some(node) = self.nodes.get_mut(own) else { return Ok(None) };
        let result = match merger.value(node, patch, known)? {
            Outcome::Keep => Some(own),
            Outcome::Remove => None,
            Outcome::Replace(node) => Some(self.add(node)),
        };
        Ok(result.filter(|place| self.node(*place).is_some_and(|node| !is_nothing(node))))
    }

    /// The first element of which the keys have these values; keys without a value do not count, unless all have none.
    fn first(&self, list: &[usize], keys: &[&str], values: &[&str]) -> Option<usize> {
        let any = values.iter().any(|value| !value.is_empty());
        let wanted = || keys.iter().zip(values).filter(|(_, value)| !any || !value.is_empty());
        let matches = |node: &Node| match keys.first() {
            None | Some(&"") => text_of(node) == values.first().copied().unwrap_or_default(),
            Some(_) => {
                node.is_mapping()
                    && wanted()
                        .all(|(key, value)| node.get(key).is_some_and(|field| text_of(field) == *value))
            }
        };
        list.iter().copied().find(|place| self.node(*place).is_some_and(matches))
    }

    /// Puts an element where those with its keys are, or at the end; without an element, removes those. Whatever is empty
    /// goes as well. A key without a value matches any value; a list of values that is too short leaves out its last keys.
    fn set(
        &self,
        list: &[usize],
        element: Option<usize>,
        keys: &[&str],
        values: &[&str],
    ) -> Result<Vec<usize>> {
        let for_mappings = keys.first().is_some_and(|key| !key.is_empty())
            && values.first().is_some_and(|value| !value.is_empty());
        let mut new = Vec::with_capacity(list.len() + 1);
        let mut found = false;
        for place in list {
            let Some(node) = self.node(*place).filter(|node| !is_nothing(node)) else { continue };
            if !node.is_mapping() && for_mappings {
                new.push(*place);
            } else if !matches(node, keys, values)? {
                // upstream forgets elements when it has nothing to compare with
                if !values.is_empty() {
                    new.push(*place);
                }
            } else {
                found = true;
                new.extend(element);
            }
        }
        let element = element.filter(|place| self.node(*place).is_some_and(|node| !is_null(node)));
        if !found {
            new.extend(element);
        }
        Ok(new)
    }

    /// Appends one of the resource's own elements to the merged list, or puts it in the place of its like.
    fn append(&mut self, element: usize, keys: &[&str]) -> Result<()> {
        let Some(node) = self.node(element) else { return Ok(()) };
        if keys.first().is_none_or(|key| key.is_empty()) {
            let text = text_of(node).to_owned();
            self.merged = self.set(&self.merged, Some(element), &[""], &[&text])?;
            return Ok(());
        }
        let mut values: Vec<Text> = Vec::with_capacity(keys.len());
        let mut missing = 0;
        if !is_null(node) && !node.is_mapping() {
            return Err(wrong_kind(node, Kind::Mapping));
        }
        for key in keys {
            match node.get(key) {
                Some(value) => values.push(text_of(value).into()),
                None => missing += 1,
            }
        }
        self.merged.extend(std::iter::repeat_n(element, missing));
        let values: Vec<&str> = values.iter().map(Text::as_str).collect();
        if keys.len() > 1 {
            self.merged = self.set(&self.merged, None, keys, &values)?;
        }
        self.merged = self.set(&self.merged, Some(element), keys, &values)?;
        Ok(())
    }
}

/// Which keys have a value in any tuple; all of them if none has one.
fn validity(tuples: &[Vec<Text>], count: usize) -> Vec<bool> {
    let has_value =
        |index: usize| tuples.iter().any(|tuple| tuple.get(index).is_some_and(|value| !value.is_empty()));
    let valid: Vec<bool> = (0..count).map(has_value).collect();
    if valid.contains(&true) { valid } else { vec![true; count] }
}

/// Whether an element has these values at the keys. A value that is left out is taken to match like the one before it.
fn matches(node: &Node, keys: &[&str], values: &[&str]) -> Result<bool> {
    let mut last = false;
    for (index, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(index) {
            last = has_value(node, key, value)?;
        }
        if !last {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has_value(node: &Node, key: &str, value: &str) -> Result<bool> {
    if key.is_empty() {
        return if node.is_scalar() {
            Ok(text_of(node) == value)
        } else {
            Err(wrong_kind(node, Kind::Scalar))
        };
    }
    if !node.is_mapping() {
        return Err(wrong_kind(node, Kind::Mapping));
    }
    Ok(node.get(key).is_some_and(|field| value.is_empty() || text_of(field) == value))
}

/// Sets the keys that an element lacks.
fn complete(node: &mut Node, keys: &[&str], values: &[&str]) -> Result<()> {
    for (key, value) in keys.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
        if key.is_empty() {
            if !node.is_scalar() {
                return Err(wrong_kind(node, Kind::Scalar));
            }
            *node = super::open(std::mem::take(node));
        } else if node.get(key).is_none() {
            let Some(entries) = node.entries_mut() else { return Err(wrong_kind(node, Kind::Mapping)) };
            let mut value = Node::scalar(*value);
            quote_if_ambiguous(&mut value);
            entries.push(Entry { key: Node::scalar(*key), value });
        }
    }
    Ok(())
}

/// The value of a key of an element, as far as it is a scalar.
fn key_value(node: &Node, key: &str) -> Text {
    if key.is_empty() {
        return node.text().cloned().unwrap_or_default();
    }
    let value = node.get(key).filter(|value| !is_null(value));
    value.and_then(Node::text).cloned().unwrap_or_default()
}

fn text_of(node: &Node) -> &str {
    node.as_str().unwrap_or_default()
}

/// Makes equal what differs only where one side is empty, and agrees somewhere.
fn unify(tuples: &mut [Vec<Text>]) {
    for index in 0..tuples.len() {
        let Some(tuple) = tuples.get(index).cloned() else { continue };
        for other in 0..tuples.len() {
            let Some(united) = tuples.get(other).and_then(|other| union(&tuple, other)) else { continue };
            if let Some(slot) = tuples.get_mut(other) {
                slot.clone_from(&united);
            }
            if let Some(slot) = tuples.get_mut(index) {
                *slot = united;
            }
        }
    }
}

fn union(one: &[Text], other: &[Text]) -> Option<Vec<Text>> {
    let mut agrees = false;
    let mut united = Vec::with_capacity(one.len());
    for (a, b) in one.iter().zip(other) {
        if a == b {
            agrees = true;
        } else if !a.is_empty() && !b.is_empty() {
            return None;
        }
        united.push(if a.is_empty() { b.clone() } else { a.clone() });
    }
    agrees.then_some(united)
}
