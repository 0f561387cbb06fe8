//! Aliases and merge keys, as kyaml resolves them right after parsing.

use std::collections::HashMap;

use crate::compose::Limits;
use crate::error::Error;
use crate::node::{Entry, List, Node, Tag};

impl Node {
    /// Replaces aliases by copies of what they refer to, merges `<<` keys, and removes anchors.
    ///
    /// Of several merged mappings the earlier one wins, and a key of the mapping itself wins over all of them. A mapping
    /// that has a null key gets it twice, as upstream, and hence fails at output.
    ///
    /// # Errors
    /// [`Error::RecursiveAnchor`], [`Error::ExcessiveAliasing`] beyond the node limit, [`Error::TooDeep`], and
    /// [`Error::Merge`].
    pub fn expand(&mut self, limits: &Limits) -> Result<(), Error> {
        if !self.needs_expansion() {
            return Ok(());
        }
        let mut expansion = Expansion::new(limits);
        let root = std::mem::take(self);
        *self = expansion.node(root, 0)?;
        Ok(())
    }

    /// Replaces aliases by copies of what they refer to and removes anchors; merge keys stay.
    ///
    /// # Errors
    /// As [`Self::expand`], but for merges.
    pub fn expand_aliases(&mut self, limits: &Limits) -> Result<(), Error> {
        if self.needs_expansion() {
            let mut expansion = Expansion { merges: Merges::Keep, ..Expansion::new(limits) };
            *self = expansion.node(std::mem::take(self), 0)?;
        }
        Ok(())
    }

    /// Whether there is an alias, an anchor, a merge key or a null key anywhere.
    fn needs_expansion(&self) -> bool {
        if self.alias_of().is_some() || !self.anchor().is_empty() {
            return true;
        }
        let odd_key = |key: &Self| {
            key.tag() == Tag::Null
                || !key.anchor().is_empty()
                || key.as_str().is_none_or(|text| text == MERGE_KEY)
        };
        self.items().iter().any(Self::needs_expansion)
            || self.entries().iter().any(|entry| odd_key(&entry.key) || entry.value.needs_expansion())
    }
}

/// The key whose value is merged.
const MERGE_KEY: &str = "<<";

/// From how many nodes on Go's guard tolerates fewer of them to come from aliases, and up to how many.
const RATIO_FROM: usize = 400_000;
const RATIO_TO: usize = 4_000_000;

struct Expansion {
    /// Finished values of the anchors so far; `None` while the anchored node is being expanded.
    anchors: HashMap<String, Option<Node>>,
    nodes: usize,
    /// Those of them that are copies.
    copies: usize,
    limits: Limits,
    merges: Merges,
}

/// What happens to merge keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merges {
    Apply,
    Keep,
}

impl Expansion {
    fn new(limits: &Limits) -> Self {
        Self { anchors: HashMap::new(), nodes: 0, copies: 0, limits: *limits, merges: Merges::Apply }
    }

    fn node(&mut self, mut node: Node, depth: usize) -> Result<Node, Error> {
        if let Some(anchor) = node.alias_of() {
            return self.alias(anchor, depth);
        }
        if depth > self.limits.depth {
            return Err(Error::TooDeep(self.limits.depth));
        }
        self.count(1)?;
        let anchor = node.anchor().to_owned();
        if !anchor.is_empty() {
            self.anchors.insert(anchor.clone(), None);
            node.set_anchor("");
        }
        if let Some(items) = node.items_mut() {
            for item in items.iter_mut() {
                *item = self.node(std::mem::take(item), depth + 1)?;
            }
        }
        if let Some(entries) = node.entries_mut() {
            *entries = self.entries(std::mem::take(entries), depth)?;
        }
        if !anchor.is_empty() {
            self.anchors.insert(anchor, Some(node.clone()));
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: &str, depth: usize) -> Result<Node, Error> {
        match self.anchors.get(anchor) {
            Some(Some(node)) => {
                let (nodes, height) = extent(node);
                if depth + height > self.limits.depth {
                    return Err(Error::TooDeep(self.limits.depth));
                }
                self.copies += nodes;
                let node = node.clone();
                self.count(nodes)?;
                Ok(node)
            }
            Some(None) => Err(Error::RecursiveAnchor(anchor.to_owned())),
            None => Err(Error::UnknownAnchor(anchor.to_owned())),
        }
    }

    fn is_no_mapping(&self, anchor: &str) -> bool {
        matches!(self.anchors.get(anchor), Some(Some(node)) if !node.is_mapping())
    }

    fn count(&mut self, nodes: usize) -> Result<(), Error> {
        self.nodes += nodes;
        let excessive = self.copies > 100 && self.nodes > 1000 && self.is_mostly_copies();
        if excessive || self.nodes > self.limits.nodes { Err(Error::ExcessiveAliasing) } else { Ok(()) }
    }

    /// Go's ratio: up to 99 % copies in small documents, falling to 10 % in those of 4 million nodes.
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    fn is_mostly_copies(&self) -> bool {
        let beyond = self.nodes.clamp(RATIO_FROM, RATIO_TO) - RATIO_FROM;
        let allowed = 0.99 - 0.89 * beyond as f64 / (RATIO_TO - RATIO_FROM) as f64;
        self.copies as f64 / self.nodes as f64 > allowed
    }

    fn entries(&mut self, entries: List<Entry>, depth: usize) -> Result<List<Entry>, Error> {
        if self.merges == Merges::Keep {
            let expanded = entries.into_iter().map(|Entry { key, value }| {
                Ok(Entry { key: self.node(key, depth + 1)?, value: self.node(value, depth + 1)? })
            });
            return expanded.collect();
        }
        let mut merged: Option<Node> = None;
        let mut own = List::with_capacity(entries.len());
        for Entry { key, value } in entries {
            if key.tag() == Tag::Merge && value.alias_of().is_some_and(|anchor| self.is_no_mapping(anchor)) {
                return Err(Error::Merge("invalid map merge: received alias for a non-map value"));
            }
            let key = self.node(key, depth + 1)?;
            let value = self.node(value, depth + 1)?;
            if key.tag() == Tag::Merge {
                if merged.replace(value).is_some() {
                    return Err(Error::Merge("duplicate merge key"));
                }
                continue;
            }
            if key.as_str() == Some(MERGE_KEY) {
                continue; // upstream clears the key by its text, whether it merged the value or not
            }
            if key.is_null() {
                own.push(Entry { key: key.clone(), value: value.clone() });
            }
            own.push(Entry { key, value });
        }
        match merged {
            Some(source) => merge(own, source),
            None => Ok(own),
        }
    }
}

fn merge(mut own: List<Entry>, source: Node) -> Result<List<Entry>, Error> {
    let sources = if source.is_mapping() {
        vec![source]
    } else if source.is_sequence() {
        if source.items().iter().any(Node::is_sequence) {
            return Err(Error::Merge("invalid map merge: received a nested sequence"));
        }
        source.items().to_vec()
    } else {
        return Err(Error::Merge("map merge requires map or sequence of maps as the value"));
    };
    for source in sources {
        if !source.is_mapping() {
            return Err(Error::Merge("invalid map merge: received alias for a non-map value"));
        }
        for entry in source.entries() {
            if !own.iter().any(|known| known.key.as_str() == entry.key.as_str()) {
                own.push(entry.clone());
            }
        }
    }
    Ok(own)
}

/// Number of nodes and height of a tree.
fn extent(node: &Node) -> (usize, usize) {
    let children =
        node.items().iter().chain(node.entries().iter().flat_map(|entry| [&entry.key, &entry.value]));
    let (nodes, height) =
        children.map(extent).fold((0, 0), |(nodes, height), (more, other)| (nodes + more, height.max(other)));
    (nodes + 1, height + 1)
}
