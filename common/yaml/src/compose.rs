//! Bytes to trees.

use crate::error::Error;
use crate::event::{Comments, Event, EventData, Properties};
use crate::input::decode;
use crate::node::{Entry, List, Node, Style, Tag, Text};
use crate::parser::Parser;
use crate::resolve::{Schema, resolve};

/// Bounds on what is read; beyond them an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest input, in bytes.
    pub bytes: usize,
    /// Deepest nesting of collections. Far below Go's 10 000, so that walks may recurse on any thread.
    pub depth: usize,
    /// Most nodes in the whole input, after expansion of aliases as well.
    pub nodes: usize,
}

impl Default for Limits {
    /// 64 MiB, depth 500, 8 million nodes.
    fn default() -> Self {
        Self { bytes: 64 << 20, depth: 500, nodes: 8_000_000 }
    }
}

/// All documents of a stream, with the default limits. A document without content is a null scalar; a stream without
/// documents gives none. Aliases stay ([`Node::expand`] resolves them).
///
/// # Errors
/// [`Error::Syntax`] in go-yaml's words; [`Error::UnknownAnchor`]; the limits' errors.
pub fn parse_documents(bytes: &[u8]) -> Result<Vec<Node>, Error> {
    parse_with(bytes, &Limits::default())
}

/// The first document of a stream, as Go's `Unmarshal` reads it: what follows the document is not even looked at. `None`
/// if there is none.
///
/// # Errors
/// As [`parse_documents`].
pub fn parse_document(bytes: &[u8]) -> Result<Option<Node>, Error> {
    let text = limited(bytes, &Limits::default())?;
    Composer::new(&text, Limits::default()).document()
}

/// All documents of a stream.
///
/// # Errors
/// As [`parse_documents`].
pub fn parse_with(bytes: &[u8], limits: &Limits) -> Result<Vec<Node>, Error> {
    let text = limited(bytes, limits)?;
    let mut composer = Composer::new(&text, *limits);
    let mut documents = Vec::new();
    while let Some(document) = composer.document()? {
        documents.push(document);
    }
    Ok(documents)
}

/// All documents of a stream with their comments, as go-yaml v3 attaches them to nodes. Comments about a document as a
/// whole go to its root.
///
/// # Errors
/// As [`parse_documents`].
pub fn parse_commented(bytes: &[u8], limits: &Limits) -> Result<Vec<Node>, Error> {
    let text = limited(bytes, limits)?;
    let mut composer = Composer::new(&text, *limits);
    composer.parser = Parser::new(&text).with_comments();
    let mut documents = Vec::new();
    while let Some(document) = composer.commented_document()? {
        documents.push(document);
    }
    Ok(documents)
}

fn limited<'a>(bytes: &'a [u8], limits: &Limits) -> Result<std::borrow::Cow<'a, str>, Error> {
    if bytes.len() > limits.bytes {
        return Err(Error::TooLarge { size: bytes.len(), limit: limits.bytes });
    }
    decode(bytes)
}

/// Builds trees from events.
struct Composer<'a> {
    parser: Parser<'a>,
    limits: Limits,
    nodes: usize,
    anchors: Vec<&'a str>,
    /// Children of the open collections; those of a collection are one run at the end.
    items: Vec<Node>,
    /// Entries of the open mappings, likewise.
    entries: Vec<Entry>,
    /// Long keys seen of late, by a hash of little effort: keys repeat, and clones share their text.
    keys: Vec<Text>,
}

/// Places for long keys.
const KEYS: usize = 128;

/// A collection that is being filled.
struct Open {
    node: Node,
    /// Where its run of children starts.
    start: usize,
    /// Key of a mapping that waits for its value.
    key: Option<Node>,
}

impl<'a> Composer<'a> {
    fn new(text: &'a str, limits: Limits) -> Self {
        let parser = Parser::new(text);
        Self {
            parser,
            limits,
            nodes: 0,
            anchors: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// The next document, if there is one.
    fn document(&mut self) -> Result<Option<Node>, Error> {
        self.document_start()?.map(|_| self.root()).transpose()
    }

    /// The next document with its comments; those of the document itself go to the root.
    fn commented_document(&mut self) -> Result<Option<Node>, Error> {
        let Some(start) = self.document_start()? else { return Ok(None) };
        let mut root = self.root()?;
        let end = self.parser.next_event()?;
        if let Some(comments) = start.comments {
            root.set_head_comment(format!("{}\n\n{}", comments.head, root.head_comment()));
        }
        if let Some(comments) = end.comments {
            let foot = [root.foot_comment(), &comments.foot].into_iter().filter(|text| !text.is_empty());
            let foot = foot.collect::<Vec<_>>().join("\n\n");
            root.set_foot_comment(foot);
        }
        Ok(Some(root))
    }

    fn document_start(&mut self) -> Result<Option<Event<'a>>, Error> {
        loop {
            let event = self.parser.next_event()?;
            match event.data {
                EventData::StreamEnd => return Ok(None),
                EventData::DocumentStart => {
                    self.anchors.clear();
                    self.items.clear();
                    self.entries.clear();
                    return Ok(Some(event));
                }
                EventData::DocumentEnd
                | EventData::Alias(_)
                | EventData::Scalar { .. }
                | EventData::SequenceStart { .. }
                | EventData::SequenceEnd
                | EventData::MappingStart { .. }
                | EventData::MappingEnd => {}
            }
        }
    }

    fn root(&mut self) -> Result<Node, Error> {
        let mut stack: Vec<Open> = Vec::new();
        loop {
            let Event { data, start, comments, .. } = self.parser.next_event()?;
            let mut node = match data {
                EventData::MappingStart { properties, style } => {
                    self.open(
                        &mut stack,
                        with_head(Node::mapping().styled(style), comments),
                        properties,
                        start.line,
                    )?;
                    continue;
                }
                EventData::SequenceStart { properties, style } => {
                    self.open(
                        &mut stack,
                        with_head(Node::sequence().styled(style), comments),
                        properties,
                        start.line,
                    )?;
                    continue;
                }
                EventData::MappingEnd | EventData::SequenceEnd => match stack.pop() {
                    Some(open) => self.close(open, comments.as_deref()),
                    None => continue,
                },
                EventData::Scalar { properties, text, style } => {
                    let tag = if style == Style::Plain { plain_tag(&text) } else { Tag::Str };
                    let is_key =
                        stack.last().is_some_and(|open| open.key.is_none() && open.node.is_mapping());
                    let text = if is_key { self.key(&text) } else { Text::from(text.as_ref()) };
                    let mut node = Node::tagged(text, tag).styled(style);
                    node.set_line(start.line + 1);
                    self.decorate(&mut node, properties);
                    set_comments(&mut node, comments.as_deref());
                    node
                }
                EventData::Alias(anchor) => {
                    if !self.anchors.contains(&anchor) {
                        return Err(Error::UnknownAnchor(anchor.to_owned()));
                    }
                    let mut node = Node::alias(anchor);
                    node.set_line(start.line + 1);
                    set_comments(&mut node, comments.as_deref());
                    node
                }
                EventData::StreamEnd | EventData::DocumentStart | EventData::DocumentEnd => {
                    return Ok(Node::null());
                }
            };
            self.count()?;
            let Some(parent) = stack.last_mut() else { return Ok(node) };
            if !parent.node.is_mapping() {
                self.items.push(node);
            } else if let Some(mut key) = parent.key.take() {
                if key.foot_comment().is_empty() && !node.foot_comment().is_empty() {
                    key.set_foot_comment(node.foot_comment());
                    node.set_foot_comment("");
                }
                self.entries.push(Entry { key, value: node });
            } else {
                // what stands below the entry before is found at the key that follows
                if parent.node.style() != Style::Flow
                    && !node.foot_comment().is_empty()
                    && let Some(before) = self.entries.get_mut(parent.start..).and_then(<[Entry]>::last_mut)
                {
                    before.key.set_foot_comment(node.foot_comment());
                    node.set_foot_comment("");
                }
                parent.key = Some(node);
            }
        }
    }

    /// The text of a key, shared with an equal one of late if it is not inline anyway.
    fn key(&mut self, text: &str) -> Text {
        let bytes = text.as_bytes();
        let (16.., Some(first), Some(last)) = (bytes.len(), bytes.first(), bytes.last()) else {
            return Text::from(text);
        };
        let middle = bytes.get(bytes.len() / 2).copied().unwrap_or_default();
        let hash = bytes.len() ^ usize::from(*first) ^ (usize::from(*last) << 1) ^ (usize::from(middle) << 2);
        if self.keys.is_empty() {
            self.keys.resize(KEYS, Text::new());
        }
        let Some(place) = self.keys.get_mut(hash % KEYS) else { return Text::from(text) };
        if place.as_str() != text {
            *place = Text::from(text);
        }
        place.clone()
    }

    fn count(&mut self) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes { Err(Error::TooManyNodes(self.limits.nodes)) } else { Ok(()) }
    }

    fn open(
        &mut self,
        stack: &mut Vec<Open>,
        mut node: Node,
        properties: Option<Box<Properties<'a>>>,
        line: u32,
    ) -> Result<(), Error> {
        if stack.len() >= self.limits.depth {
            return Err(Error::TooDeep(self.limits.depth));
        }
        node.set_line(line + 1);
        self.decorate(&mut node, properties);
        let start = if node.is_mapping() { self.entries.len() } else { self.items.len() };
        stack.push(Open { node, start, key: None });
        Ok(())
    }

    fn close(&mut self, open: Open, comments: Option<&Comments>) -> Node {
        let Open { mut node, start, .. } = open;
        if let Some(comments) = comments {
            node.set_line_comment(comments.line.as_str());
            node.set_foot_comment(comments.foot.as_str());
        }
        let block = node.style() != Style::Flow;
        let foot = Text::from(node.foot_comment());
        if let Some(entries) = node.entries_mut() {
            *entries = exact(&mut self.entries, start);
            if block
                && !foot.is_empty()
                && let Some(last) = entries.last_mut()
            {
                last.key.set_foot_comment(foot);
                node.set_foot_comment("");
            }
        }
        if let Some(items) = node.items_mut() {
            *items = exact(&mut self.items, start);
        }
        node
    }

    #[inline]
    fn decorate(&mut self, node: &mut Node, properties: Option<Box<Properties<'a>>>) {
        if let Some(properties) = properties {
            self.set_properties(node, *properties);
        }
    }

    fn set_properties(&mut self, node: &mut Node, properties: Properties<'a>) {
        if let Some(tag) = properties.tag
            && tag.as_ref() != "!"
        {
            node.set_explicit_tag(&tag);
        }
        if let Some(anchor) = properties.anchor {
            node.set_anchor(anchor);
            self.anchors.push(anchor);
        }
    }
}

fn with_head(mut node: Node, comments: Option<Box<Comments>>) -> Node {
    set_comments(&mut node, comments.as_deref());
    node
}

fn set_comments(node: &mut Node, comments: Option<&Comments>) {
    if let Some(comments) = comments {
        node.set_head_comment(comments.head.as_str());
        node.set_line_comment(comments.line.as_str());
        node.set_foot_comment(comments.foot.as_str());
    }
}

/// The run from `start` as a list without spare room.
fn exact<T>(run: &mut Vec<T>, start: usize) -> List<T> {
    let mut list = List::with_capacity(run.len().saturating_sub(start));
    list.extend(run.drain(start.min(run.len())..));
    list
}

/// Tag of a plain scalar without tag, as go-yaml v3's node tree has it.
pub(crate) fn plain_tag(text: &str) -> Tag {
    if text == "<<" { Tag::Merge } else { resolve(text, Schema::V3).tag() }
}
