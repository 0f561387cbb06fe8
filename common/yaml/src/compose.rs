//! Bytes to trees.

use libyaml_safer::{Event, EventData, MappingStyle, Parser, ScalarStyle, SequenceStyle};

use crate::error::Error;
use crate::node::{Entry, List, Node, Style, Tag};
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
    let mut composer = Composer::new(bytes, Limits::default())?;
    composer.document()
}

/// All documents of a stream.
///
/// # Errors
/// As [`parse_documents`].
pub fn parse_with(bytes: &[u8], limits: &Limits) -> Result<Vec<Node>, Error> {
    let mut composer = Composer::new(bytes, *limits)?;
    let mut documents = Vec::new();
    while let Some(document) = composer.document()? {
        documents.push(document);
    }
    Ok(documents)
}

/// Builds trees from events.
struct Composer<'a> {
    parser: Parser<&'a [u8]>,
    limits: Limits,
    nodes: usize,
    anchors: Vec<String>,
}

/// A collection that is being filled.
enum Open {
    Sequence(Node, List<Node>),
    Mapping(Node, List<Entry>, Option<Node>),
}

impl<'a> Composer<'a> {
    fn new(bytes: &'a [u8], limits: Limits) -> Result<Self, Error> {
        if bytes.len() > limits.bytes {
            return Err(Error::TooLarge { size: bytes.len(), limit: limits.bytes });
        }
        let mut parser = Parser::new();
        parser.set_input(bytes);
        Ok(Self { parser, limits, nodes: 0, anchors: Vec::new() })
    }

    fn event(&mut self) -> Result<Event, Error> {
        self.parser.parse().map_err(|error| go_error(&error))
    }

    /// The next document, if there is one.
    fn document(&mut self) -> Result<Option<Node>, Error> {
        loop {
            match self.event()?.data {
                EventData::StreamEnd => return Ok(None),
                EventData::DocumentStart { .. } => break,
                _ => {}
            }
        }
        self.anchors.clear();
        let root = self.root()?;
        Ok(Some(root))
    }

    fn root(&mut self) -> Result<Node, Error> {
        let mut stack: Vec<Open> = Vec::new();
        loop {
            let event = self.event()?;
            let line = u32::try_from(event.start_mark.line + 1).unwrap_or(u32::MAX);
            let finished = match event.data {
                EventData::MappingStart { .. } | EventData::SequenceStart { .. } => {
                    self.count()?;
                    if stack.len() >= self.limits.depth {
                        return Err(Error::TooDeep(self.limits.depth));
                    }
                    stack.push(self.open(event.data, line));
                    continue;
                }
                EventData::MappingEnd | EventData::SequenceEnd => stack.pop().map(Open::close),
                EventData::Scalar { .. } => {
                    self.count()?;
                    let mut node = self.scalar(event.data);
                    node.set_line(line);
                    Some(node)
                }
                EventData::Alias { anchor } => {
                    self.count()?;
                    if !self.anchors.contains(&anchor) {
                        return Err(Error::UnknownAnchor(anchor));
                    }
                    let mut node = Node::alias(anchor);
                    node.set_line(line);
                    Some(node)
                }
                EventData::StreamStart { .. }
                | EventData::StreamEnd
                | EventData::DocumentStart { .. }
                | EventData::DocumentEnd { .. } => return Ok(Node::null()),
            };
            let Some(node) = finished else { continue };
            match stack.last_mut() {
                Some(parent) => parent.add(node),
                None => return Ok(node),
            }
        }
    }

    fn count(&mut self) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes { Err(Error::TooManyNodes(self.limits.nodes)) } else { Ok(()) }
    }

    fn open(&mut self, data: EventData, line: u32) -> Open {
        let (mut node, anchor, tag) = match data {
            EventData::MappingStart { anchor, tag, style, .. } => {
                let style = if style == MappingStyle::Flow { Style::Flow } else { Style::Plain };
                (Node::mapping().styled(style), anchor, tag)
            }
            EventData::SequenceStart { anchor, tag, style, .. } => {
                let style = if style == SequenceStyle::Flow { Style::Flow } else { Style::Plain };
                (Node::sequence().styled(style), anchor, tag)
            }
            _ => (Node::null(), None, None),
        };
        self.decorate(&mut node, anchor, tag);
        node.set_line(line);
        if node.is_mapping() {
            Open::Mapping(node, List::new(), None)
        } else {
            Open::Sequence(node, List::new())
        }
    }

    fn scalar(&mut self, data: EventData) -> Node {
        let EventData::Scalar { anchor, tag, value, style, .. } = data else { return Node::null() };
        let style = match style {
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
            _ => Style::Plain,
        };
        let implicit =
            if style == Style::Plain && tag.as_deref() != Some("!") { plain_tag(&value) } else { Tag::Str };
        let mut node = Node::tagged(value, implicit).styled(style);
        self.decorate(&mut node, anchor, tag);
        node
    }

    fn decorate(&mut self, node: &mut Node, anchor: Option<String>, tag: Option<String>) {
        if let Some(tag) = tag
            && tag != "!"
        {
            node.set_explicit_tag(&tag);
        }
        if let Some(anchor) = anchor {
            node.set_anchor(anchor.as_str());
            self.anchors.push(anchor);
        }
    }
}

impl Open {
    fn add(&mut self, node: Node) {
        match self {
            Self::Sequence(_, items) => items.push(node),
            Self::Mapping(_, entries, key) => match key.take() {
                Some(key) => entries.push(Entry { key, value: node }),
                None => *key = Some(node),
            },
        }
    }

    fn close(self) -> Node {
        match self {
            Self::Sequence(mut node, mut items) => {
                items.shrink_to_fit();
                if let Some(place) = node.items_mut() {
                    *place = items;
                }
                node
            }
            Self::Mapping(mut node, mut entries, _) => {
                entries.shrink_to_fit();
                if let Some(place) = node.entries_mut() {
                    *place = entries;
                }
                node
            }
        }
    }
}

/// Tag of a plain scalar without tag, as go-yaml v3's node tree has it.
pub(crate) fn plain_tag(text: &str) -> Tag {
    if text == "<<" { Tag::Merge } else { resolve(text, Schema::V3).tag() }
}

/// go-yaml prefers the line of the context and forgets to count from 1 unless the scanner found the problem.
fn go_error(error: &libyaml_safer::Error) -> Error {
    let one_more = u64::from(error.kind() == libyaml_safer::ErrorKind::Scanner);
    let line = [error.context_mark(), error.problem_mark()]
        .into_iter()
        .flatten()
        .map(|mark| mark.line)
        .find(|line| *line != 0)
        .map_or(0, |line| line + one_more);
    Error::Syntax { line, problem: error.problem().to_owned() }
}
