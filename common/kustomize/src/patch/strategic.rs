//! Strategic merge: what kyaml's merge of a patch into a resource does, steered by the schema.
//!
//! A walk over resource and patch together. What the patch does not mention is walked as well: nulls without text vanish,
//! plain texts of open type that read as numbers become strings, and lists that merge by keys lose what has no key.

mod list;

use std::collections::HashMap;

use flux_yaml::{Entry, Kind, Node, Tag, Text};

use crate::error::{Error, Result};
use crate::field::quote_if_ambiguous;
use crate::schema::{Schema, Type};
use crate::transform::wrong_kind;

/// The field of a patch that says how it is to be merged.
const DIRECTIVE: &str = "$patch";
/// From this many fields on, a patch's fields are looked up by hash.
const MANY_FIELDS: usize = 16;

/// Merges a patch into a resource.
///
/// Returns `None` if the patch deletes the resource.
///
/// # Errors
/// Resource and patch have different kinds of nodes at one place, an unknown directive, or an element of a list that
/// cannot be looked up by its key.
pub(crate) fn merge(mut resource: Node, patch: &Node, schema: &Schema) -> Result<Option<Node>> {
    let mut merger = Merger { schema, changed: Vec::new() };
    match merger.value(&mut resource, Patch::Node(patch), None)? {
        // the directive to replace the whole resource has no effect upstream
        Outcome::Keep | Outcome::Replace(_) => {}
        Outcome::Remove => return Ok(None),
    }
    merger.changed.iter().for_each(|model| resource.spread_share(model));
    Ok(Some(resource))
}

/// What the patch has at the place of a value.
#[derive(Debug, Clone, Copy)]
enum Patch<'p> {
    /// Nothing.
    Absent,
    /// The very node that the resource has there, because it came from the patch as a whole.
    Same,
    /// Another node.
    Node(&'p Node),
}

/// What becomes of a value of the resource.
#[derive(Debug)]
enum Outcome {
    /// It stays, changed in place.
    Keep,
    /// It goes.
    Remove,
    /// The patch's node takes its place.
    Replace(Node),
}

/// What a patch says of how to merge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Delete,
    Replace,
    Merge,
}

struct Merger<'s> {
    schema: &'s Schema,
    /// Shared scalars of the resource that got a new value.
    changed: Vec<Node>,
}

impl<'s> Merger<'s> {
    /// Merges into a value that the resource has.
    fn value(&mut self, value: &mut Node, patch: Patch<'_>, known: Option<Type<'s>>) -> Result<Outcome> {
        if is_null(value) {
            return Ok(match self.missing(Some(value), patch, known)? {
                Some(node) => Outcome::Replace(node),
                None => Outcome::Remove,
            });
        }
        if let Patch::Node(node) = patch
            && !is_null(node)
            && node.kind() != value.kind()
        {
            return Err(wrong_kind(node, value.kind()));
        }
        let known = known.or_else(|| self.embedded(value)).or_else(|| match patch {
            Patch::Node(node) => self.embedded(node),
            Patch::Absent | Patch::Same => None,
        });
        match value.kind() {
            Kind::Mapping => self.mapping(value, patch, known),
            Kind::Sequence => self.sequence(value, patch, known),
            Kind::Scalar => Ok(self.scalar(value, patch)),
            Kind::Alias => Ok(Outcome::Remove),
        }
    }

    /// Merges where the resource has nothing, or null.
    fn missing(
        &mut self,
        null: Option<&Node>,
        patch: Patch<'_>,
        known: Option<Type<'s>>,
    ) -> Result<Option<Node>> {
        let patch = match patch {
            Patch::Node(node) if !is_null(node) => node,
            Patch::Node(_) | Patch::Same => return Ok(None),
            // a null that is spelt out stays
            Patch::Absent => {
                let text = null.and_then(Node::text).filter(|text| !text.is_empty());
                return Ok(text.map(|text| Node::tagged(text.clone(), Tag::Null)));
            }
        };
        let known = known.or_else(|| self.embedded(patch));
        let mut node = patch.clone();
        match node.kind() {
            Kind::Mapping => {
                // an unknown directive is not noticed here, and stays
                match mapping_directive(&node) {
                    Ok(Some(Directive::Delete)) => return Ok(None),
                    Ok(Some(_)) => drop(node.remove(DIRECTIVE)),
                    Ok(None) | Err(_) => {}
                }
                self.fields(&mut node, Patch::Same, known)?;
            }
            Kind::Sequence => {
                if let Some(keys) = known.and_then(Type::merge_keys) {
                    let elements = known.and_then(Type::elements);
                    self.elements(&mut node, Patch::Same, &keys.0, elements)?;
                }
            }
            Kind::Scalar => {}
            Kind::Alias => return Ok(None),
        }
        Ok(Some(node))
    }

    /// The type of an object that stands where the schema knows of none.
    fn embedded(&self, node: &Node) -> Option<Type<'s>> {
        let text = |key: &str| node.get(key).filter(|node| !is_null(node)).and_then(Node::as_str);
        let (api_version, kind) = (text("apiVersion")?, text("kind")?);
        self.schema.resource(api_version, kind)
    }

    fn scalar(&mut self, value: &mut Node, patch: Patch<'_>) -> Outcome {
        match patch {
            Patch::Node(node) if is_null(node) => return Outcome::Remove,
            Patch::Node(node) => {
                value.set_text(node.text().cloned().unwrap_or_default());
                if node.tag() == Tag::Other {
                    value.set_explicit_tag(node.tag_text());
                } else {
                    value.set_tag(node.tag());
                }
            }
            Patch::Absent | Patch::Same => {
                quote_if_ambiguous(value);
                return Outcome::Keep;
            }
        }
        if value.share() != 0 {
            self.changed.push(value.clone());
        }
        Outcome::Keep
    }

    fn mapping(&mut self, value: &mut Node, patch: Patch<'_>, known: Option<Type<'s>>) -> Result<Outcome> {
        let directive = match patch {
            Patch::Absent => None,
            Patch::Same => {
                let directive = mapping_directive(value)?;
                if directive.is_some() {
                    value.remove(DIRECTIVE);
                }
                directive
            }
            Patch::Node(node) if is_null(node) => return Ok(Outcome::Remove),
            Patch::Node(node) => mapping_directive(node)?,
        };
        match (directive, patch) {
            (Some(Directive::Delete), _) => Ok(Outcome::Remove),
            (Some(Directive::Replace), Patch::Node(node)) => {
                let mut node = node.clone();
                node.remove(DIRECTIVE);
                self.fields(&mut node, Patch::Same, known)?;
                Ok(Outcome::Replace(node))
            }
            _ => {
                if let Patch::Node(node) = patch
                    && value.is_empty()
                {
                    value.set_style(node.style());
                }
                self.fields(value, patch, known)?;
                Ok(Outcome::Keep)
            }
        }
    }

    /// Merges the fields of a mapping; the patch's own directive has been heeded.
    fn fields(&mut self, mapping: &mut Node, patch: Patch<'_>, known: Option<Type<'s>>) -> Result<()> {
        let patched = match patch {
            Patch::Node(node) => Some(Fields::of(node)),
            Patch::Absent | Patch::Same => None,
        };
        let Some(entries) = mapping.entries_mut() else { return Ok(()) };
        let mut removed = Vec::new();
        let names = Names::of(entries);
        for place in 0..entries.len() {
            // only the first of several fields of one name takes part
            if names.place(entries, place) != Some(place) {
                continue;
            }
            let Some(Entry { key, value }) = entries.get_mut(place) else { continue };
            let name = key.as_str().unwrap_or_default();
            let patch = match (&patched, patch) {
                (Some(fields), _) => fields.get(name).map_or(Patch::Absent, Patch::Node),
                (None, patch) => patch,
            };
            let field_type = known.and_then(|known| known.field(name));
            match self.value(value, patch, field_type)? {
                Outcome::Keep => {}
                Outcome::Remove => removed.push(place),
                Outcome::Replace(mut node) => {
                    node.set_style(value.style());
                    *value = node;
                }
            }
        }
        let old = entries.len();
        if let Some(fields) = &patched {
            for (name, node) in fields.iter() {
                if names.find(entries.get(..old).unwrap_or_default(), name).is_some() {
                    continue;
                }
                let field_type = known.and_then(|known| known.field(name));
                if let Some(mut value) = self.missing(None, Patch::Node(node), field_type)? {
                    quote_if_ambiguous(&mut value);
                    entries.push(Entry { key: Node::scalar(name), value });
                }
            }
        }
        if !removed.is_empty() {
            let mut removed = removed.into_iter().peekable();
            let mut place = 0;
            entries.retain(|_| {
                let keep = removed.next_if_eq(&place).is_none();
                place += 1;
                keep
            });
        }
        Ok(())
    }

    fn sequence(&mut self, value: &mut Node, patch: Patch<'_>, known: Option<Type<'s>>) -> Result<Outcome> {
        let keys = known.and_then(Type::merge_keys);
        let node = match patch {
            Patch::Node(node) if is_null(node) => return Ok(Outcome::Remove),
            Patch::Node(node) => Some(node),
            Patch::Absent | Patch::Same => None,
        };
        let Some(keys) = keys else {
            return Ok(node.map_or(Outcome::Keep, |node| Outcome::Replace(node.clone())));
        };
        let elements = known.and_then(Type::elements);
        let directive = match patch {
            Patch::Absent => None,
            Patch::Same => list::directive(value)?,
            Patch::Node(node) => list::directive(node)?,
        };
        let elided;
        let patch = match (directive, node) {
            (None, _) => patch,
            (Some(Directive::Delete), _) => return Ok(Outcome::Remove),
            (Some(directive), None) => {
                list::elide(value, directive);
                patch
            }
            (Some(Directive::Replace), Some(node)) => {
                let mut node = node.clone();
                list::elide(&mut node, Directive::Replace);
                self.elements(&mut node, Patch::Same, &keys.0, elements)?;
                return Ok(Outcome::Replace(node));
            }
            (Some(Directive::Merge), Some(node)) => {
                let mut node = node.clone();
                list::elide(&mut node, Directive::Merge);
                elided = node;
                Patch::Node(&elided)
            }
        };
        if let Patch::Node(node) = patch
            && value.is_empty()
        {
            value.set_style(node.style());
        }
        self.elements(value, patch, &keys.0, elements)?;
        Ok(Outcome::Keep)
    }
}

/// The fields of a patch that count: the first of each name, without the directive.
struct Fields<'p> {
    entries: &'p [Entry],
    by_name: Option<HashMap<&'p str, usize>>,
}

impl<'p> Fields<'p> {
    fn of(node: &'p Node) -> Self {
        let entries = node.entries();
        let by_name = (entries.len() > MANY_FIELDS).then(|| {
            let mut places = HashMap::with_capacity(entries.len());
            for (place, entry) in entries.iter().enumerate() {
                places.entry(entry.name().unwrap_or_default()).or_insert(place);
            }
            places
        });
        Self { entries, by_name }
    }

    fn get(&self, name: &str) -> Option<&'p Node> {
        if name == DIRECTIVE {
            return None;
        }
        match &self.by_name {
            Some(places) => {
                places.get(name).and_then(|place| self.entries.get(*place)).map(|entry| &entry.value)
            }
            None => self.entries.iter().find(|entry| entry.is(name)).map(|entry| &entry.value),
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&'p str, &'p Node)> {
        self.entries.iter().filter_map(|entry| Some((entry.name()?, &entry.value))).filter(|(name, value)| {
            // of several fields with one name, only the first
            self.get(name).is_some_and(|first| std::ptr::eq(first, *value))
        })
    }
}

/// Where the fields of a mapping are, by their names.
struct Names(Option<HashMap<Text, usize>>);

impl Names {
    fn of(entries: &[Entry]) -> Self {
        Self((entries.len() > MANY_FIELDS).then(|| {
            let mut places = HashMap::with_capacity(entries.len());
            for (place, entry) in entries.iter().enumerate() {
                places.entry(entry.key.text().cloned().unwrap_or_default()).or_insert(place);
            }
            places
        }))
    }

    /// Place of the first field of this name.
    fn find(&self, entries: &[Entry], name: &str) -> Option<usize> {
        match &self.0 {
            Some(places) => places.get(name).copied(),
            None => entries.iter().position(|entry| entry.name().unwrap_or_default() == name),
        }
    }

    /// Place of the first field that has the name of the one at `place`.
    fn place(&self, entries: &[Entry], place: usize) -> Option<usize> {
        self.find(entries, entries.get(place)?.name().unwrap_or_default())
    }
}

/// What a mapping of a patch says of itself.
fn mapping_directive(mapping: &Node) -> Result<Option<Directive>> {
    mapping.get(DIRECTIVE).map(Directive::of).transpose()
}

impl Directive {
    fn of(value: &Node) -> Result<Self> {
        match value.as_str().unwrap_or_default() {
            "delete" => Ok(Self::Delete),
            "replace" => Ok(Self::Replace),
            "merge" => Ok(Self::Merge),
            other => Err(Error::invalid(format!("unknown patch strategy '{other}'"))),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

fn is_null(node: &Node) -> bool {
    node.tag() == Tag::Null
}

#[cfg(test)]
mod tests;
