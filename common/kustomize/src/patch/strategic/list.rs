//! Lists whose elements are merged by their keys, or by their values if they are scalars.
//!
//! Upstream builds a new list: first what patch and resource have in common or the patch adds, in the patch's order; then
//! it appends the resource's own elements, replacing what has the same keys. How it treats elements without a key is odd
//! but visible, so it is done in the same steps here; lists in which every element has its key take a shorter way.

mod irregular;

use std::collections::{HashMap, HashSet};

use flux_yaml::{List, Node, Tag, Text};

use super::{DIRECTIVE, Directive, Merger, Outcome, Patch, is_null};
use crate::error::Result;
use crate::schema::Type;

/// What the first element with a directive and nothing else says of the whole list.
pub(super) fn directive(list: &Node) -> Result<Option<Directive>> {
    let found = list.items().iter().find_map(|item| Some((item, item.get(DIRECTIVE)?)));
    match found {
        Some((item, value)) if item.len() == 1 => Directive::of(value).map(Some),
        _ => Ok(None),
    }
}

/// Removes the elements with this directive, and whatever is empty.
pub(super) fn elide(list: &mut Node, directive: Directive) {
    let Some(items) = list.items_mut() else { return };
    items.retain(|item| !is_nothing(item) && item.get_str(DIRECTIVE) != Some(directive.as_str()));
}

impl<'s> Merger<'s> {
    /// Merges the elements of a list by these keys; without keys, by their values.
    pub(super) fn elements(
        &mut self,
        list: &mut Node,
        patch: Patch<'_>,
        keys: &[&str],
        known: Option<Type<'s>>,
    ) -> Result<()> {
        let Some(items) = list.items_mut() else { return Ok(()) };
        let patches: &[Node] = match patch {
            Patch::Node(node) => node.items(),
            Patch::Absent | Patch::Same => &[],
        };
        match keys {
            [key] if items.iter().chain(patches).all(|item| key_text(item, key).is_some()) => {
                self.keyed(items, patch, key, known)
            }
            [] if items.iter().chain(patches).all(is_value) => {
                values(items, patches);
                Ok(())
            }
            _ => {
                let merged = irregular::merge(self, std::mem::take(items), patch, keys, known)?;
                *items = merged;
                Ok(())
            }
        }
    }

    /// Merges elements that all have the one key.
    fn keyed(
        &mut self,
        items: &mut List<Node>,
        patch: Patch<'_>,
        key: &str,
        known: Option<Type<'s>>,
    ) -> Result<()> {
        let patches: &[Node] = match patch {
            Patch::Node(node) => node.items(),
            Patch::Absent | Patch::Same => &[],
        };
        let alone = match patch {
            Patch::Same => Patch::Same,
            Patch::Absent | Patch::Node(_) => Patch::Absent,
        };
        let mut olds = Olds::of(items, key);
        let mut merged =
            Merged { items: Vec::with_capacity(items.len() + patches.len()), places: HashMap::new() };
        let mut seen: HashSet<&str> = HashSet::with_capacity(patches.len());
        for node in patches {
            let text = key_text(node, key).cloned().unwrap_or_default();
            if !seen.insert(key_text(node, key).map(Text::as_str).unwrap_or_default()) {
                continue;
            }
            match olds.first(&text).and_then(|place| items.get_mut(place)) {
                Some(old) => match self.value(old, Patch::Node(node), known)? {
                    Outcome::Keep if !is_nothing(old) => merged.reserve(text),
                    Outcome::Replace(new) if !is_nothing(&new) => merged.reserve(text),
                    Outcome::Keep | Outcome::Remove | Outcome::Replace(_) => olds.remove(&text),
                },
                None => {
                    if let Some(new) = self.missing(None, Patch::Node(node), known)?
                        && !is_nothing(&new)
                    {
                        merged.put(text, new);
                    }
                }
            }
        }
        for place in 0..items.len() {
            let Some(item) = items.get_mut(place) else { continue };
            let text = key_text(item, key).cloned().unwrap_or_default();
            if !olds.is_first(&text, place) || merged.places.contains_key(&text) {
                continue;
            }
            match self.value(item, alone, known)? {
                Outcome::Keep if !is_nothing(item) => merged.reserve(text),
                Outcome::Keep | Outcome::Remove | Outcome::Replace(_) => olds.remove(&text),
            }
        }
        // of several elements with one key the last one stays, in the place of the first
        for item in std::mem::take(items) {
            let text = key_text(&item, key).cloned().unwrap_or_default();
            if !olds.is_removed(&text) {
                merged.put(text, item);
            }
        }
        *items = merged.items.into_iter().flatten().collect();
        Ok(())
    }
}

/// The elements of the resource's list by their keys.
struct Olds {
    places: HashMap<Text, Option<usize>>,
}

impl Olds {
    fn of(items: &[Node], key: &str) -> Self {
        let mut places = HashMap::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            places.entry(key_text(item, key).cloned().unwrap_or_default()).or_insert(Some(place));
        }
        Self { places }
    }

    fn first(&self, text: &str) -> Option<usize> {
        self.places.get(text).copied().flatten()
    }

    fn is_first(&self, text: &str, place: usize) -> bool {
        self.first(text) == Some(place)
    }

    fn remove(&mut self, text: &str) {
        if let Some(place) = self.places.get_mut(text) {
            *place = None;
        }
    }

    fn is_removed(&self, text: &str) -> bool {
        self.first(text).is_none()
    }
}

/// The new list: elements, or places kept for them, by their keys.
struct Merged {
    items: Vec<Option<Node>>,
    places: HashMap<Text, usize>,
}

impl Merged {
    fn reserve(&mut self, text: Text) {
        self.places.entry(text).or_insert_with(|| {
            self.items.push(None);
            self.items.len() - 1
        });
    }

    fn put(&mut self, text: Text, item: Node) {
        self.reserve(text.clone());
        if let Some(slot) = self.places.get(&text).and_then(|place| self.items.get_mut(*place)) {
            *slot = Some(item);
        }
    }
}

/// Merges scalars: the patch's values first, then the others; each once.
fn values(items: &mut List<Node>, patches: &[Node]) {
    let mut merged =
        Merged { items: Vec::with_capacity(items.len() + patches.len()), places: HashMap::new() };
    let own = std::mem::take(items);
    let text = |node: &Node| node.text().cloned().unwrap_or_default();
    let patched: HashSet<&str> = patches.iter().filter_map(Node::as_str).collect();
    for node in patches {
        // of equal values in the patch, the first one counts
        if !merged.places.contains_key(node.as_str().unwrap_or_default()) {
            merged.put(text(node), open(node.clone()));
        }
    }
    for node in own {
        // the resource's own node stays as it is only where the patch has the value, too
        let is_patched = node.as_str().is_some_and(|text| patched.contains(text));
        merged.put(text(&node), if is_patched { node } else { open(node) });
    }
    *items = merged.items.into_iter().flatten().collect();
}

/// Upstream sets a value to its own text, whereby the tag is lost.
fn open(mut node: Node) -> Node {
    if node.as_str().is_some_and(|text| !text.is_empty()) {
        node.set_tag(Tag::None);
    }
    node
}

/// Text of the key of an element that has one.
fn key_text<'n>(item: &'n Node, key: &str) -> Option<&'n Text> {
    let value = item.get(key).filter(|value| !is_null(value))?;
    value.text().filter(|text| !text.is_empty())
}

/// Whether an element of a list of scalars is one.
fn is_value(item: &Node) -> bool {
    item.is_scalar() && !is_null(item)
}

/// Null, or a mapping without fields.
fn is_nothing(node: &Node) -> bool {
    is_null(node) || (node.is_mapping() && node.is_empty())
}
