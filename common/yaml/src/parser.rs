//! Tokens to events: which tokens may follow which.

mod comment;
mod flow;

use std::borrow::Cow;

use crate::error::Error;
use crate::event::{Comments, Event, EventData, Properties};
use crate::node::Style;
use crate::scanner::Scanner;
use crate::token::{Mark, Token, TokenKind};

/// A pull parser: gives the events of a stream one by one.
///
/// ```
/// use flux_yaml::{EventData, Parser};
///
/// let mut parser = Parser::new("a: 'x' # note\n");
/// let scalars = std::iter::from_fn(|| parser.next_event().ok()).take_while(|event| event.data != EventData::StreamEnd);
/// let spans: Vec<_> = scalars
///     .filter(|event| matches!(event.data, EventData::Scalar { .. }))
///     .map(|event| (event.start.offset, event.end.offset))
///     .collect();
/// assert_eq!(spans, [(0, 1), (3, 6)]);
/// ```
pub struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    /// Where to go on after the node in hand.
    states: Vec<State>,
    /// Where the open collections began.
    marks: Vec<Mark>,
    /// Handles and prefixes of tags in this document.
    tags: Vec<(&'a str, String)>,
    /// Comments that wait for the event they are about.
    waiting: Comments,
    /// Comment above the dash of an item that is itself a block.
    stem: String,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FirstDocument,
    Document,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequence(Entry),
    IndentlessSequence,
    BlockMappingKey(Entry),
    BlockMappingValue,
    FlowSequence(Entry),
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingKey(Entry),
    FlowMappingValue,
    FlowMappingNoValue,
    End,
}

/// Whether an entry of a collection is the first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    First,
    Later,
}

/// Which nodes may stand at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nodes {
    Flow,
    Block,
    /// Also a sequence whose dashes stand at the column of the key.
    BlockOrIndentless,
}

/// The shape of a token, for decisions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Directive,
    DocumentStart,
    DocumentEnd,
    StreamEnd,
    BlockEntry,
    BlockEnd,
    Key,
    Value,
    FlowEntry,
    FlowSequenceEnd,
    FlowMappingEnd,
    Node,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a grammar: all other tokens go one way")]
impl<'a> Parser<'a> {
    /// Parses a text, which [`Self::next_event`] may find to be no YAML.
    pub fn new(text: &'a str) -> Self {
        Self {
            scanner: Scanner::new(text),
            state: State::FirstDocument,
            states: Vec::new(),
            marks: Vec::new(),
            tags: Vec::new(),
            waiting: Comments::default(),
            stem: String::new(),
        }
    }

    /// Reports comments with the events they are about, by the rules of go-yaml v3.
    #[must_use]
    pub fn with_comments(mut self) -> Self {
        self.scanner = self.scanner.with_comments();
        self
    }

    /// The next event; after the last one [`EventData::StreamEnd`] again and again. Events after an error mean nothing.
    ///
    /// # Errors
    /// [`Error::Syntax`] in the words of go-yaml, [`Error::TooDeep`] for more than 10 000 levels.
    pub fn next_event(&mut self) -> Result<Event<'a>, Error> {
        match self.state {
            State::FirstDocument => self.document_start(Entry::First),
            State::Document => self.document_start(Entry::Later),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Nodes::Block),
            State::BlockSequence(entry) => self.block_sequence(entry),
            State::IndentlessSequence => self.indentless_sequence(),
            State::BlockMappingKey(entry) => self.block_mapping_key(entry),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequence(entry) => self.flow_sequence(entry),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => {
                let mark = self.peek()?.start;
                self.state = State::FlowSequence(Entry::Later);
                Ok(event(EventData::MappingEnd, mark, mark))
            }
            State::FlowMappingKey(entry) => self.flow_mapping_key(entry),
            State::FlowMappingValue => self.flow_mapping_value(),
            State::FlowMappingNoValue => {
                self.state = State::FlowMappingKey(Entry::Later);
                let mark = self.peek()?.start;
                Ok(empty_scalar(mark))
            }
            State::End => {
                let token = self.peek()?;
                Ok(event(EventData::StreamEnd, token.start, token.end))
            }
        }
    }

    #[inline]
    fn shape(&mut self) -> Result<Shape, Error> {
        Ok(match self.peek()?.kind {
            TokenKind::StreamEnd => Shape::StreamEnd,
            TokenKind::VersionDirective { .. } | TokenKind::TagDirective(_) => Shape::Directive,
            TokenKind::DocumentStart => Shape::DocumentStart,
            TokenKind::DocumentEnd => Shape::DocumentEnd,
            TokenKind::BlockEnd => Shape::BlockEnd,
            TokenKind::FlowSequenceEnd => Shape::FlowSequenceEnd,
            TokenKind::FlowMappingEnd => Shape::FlowMappingEnd,
            TokenKind::BlockEntry => Shape::BlockEntry,
            TokenKind::FlowEntry => Shape::FlowEntry,
            TokenKind::Key => Shape::Key,
            TokenKind::Value => Shape::Value,
            TokenKind::BlockSequenceStart
            | TokenKind::BlockMappingStart
            | TokenKind::FlowSequenceStart
            | TokenKind::FlowMappingStart
            | TokenKind::Alias(_)
            | TokenKind::Anchor(_)
            | TokenKind::Tag(_)
            | TokenKind::Scalar(..) => Shape::Node,
        })
    }

    #[inline]
    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// Remembers where a collection begins, whose first token goes.
    fn enter(&mut self, entry: Entry) -> Result<(), Error> {
        if entry == Entry::First {
            let token = self.take()?;
            self.marks.push(token.start);
        }
        Ok(())
    }

    /// The end of a collection, whose token goes.
    fn leave(&mut self, data: EventData<'a>) -> Result<Event<'a>, Error> {
        self.pop_state();
        self.marks.pop();
        let token = self.take()?;
        let end = event(data, token.start, token.end);
        let block_sequence = matches!(token.kind, TokenKind::BlockEnd) && end.data == EventData::SequenceEnd;
        Ok(if block_sequence { end } else { self.commented(end) })
    }

    /// A node, after which `next` follows.
    #[inline]
    fn node_then(&mut self, nodes: Nodes, next: State) -> Result<Event<'a>, Error> {
        self.states.push(next);
        self.node(nodes)
    }

    fn empty_then(&mut self, mark: Mark, next: State) -> Event<'a> {
        self.state = next;
        empty_scalar(mark)
    }

    fn collection_problem(&mut self, text: &str) -> Result<Error, Error> {
        let context = self.marks.pop().unwrap_or_default();
        let at = self.peek()?.start;
        Ok(problem(text, context, at))
    }

    fn document_start(&mut self, entry: Entry) -> Result<Event<'a>, Error> {
        while entry == Entry::Later && self.shape()? == Shape::DocumentEnd {
            self.take()?;
        }
        match self.shape()? {
            Shape::StreamEnd => {
                self.state = State::End;
                let token = self.peek()?;
                Ok(event(EventData::StreamEnd, token.start, token.end))
            }
            Shape::Directive | Shape::DocumentStart => self.explicit_document(),
            _ if entry == Entry::Later => self.explicit_document(),
            _ => {
                self.directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                let token = self.peek()?;
                let mut begin = event(EventData::DocumentStart, token.start, token.end);
                let head = self.document_head();
                if !head.is_empty() {
                    begin.comments = Some(Box::new(Comments { head, ..Comments::default() }));
                }
                Ok(begin)
            }
        }
    }

    fn explicit_document(&mut self) -> Result<Event<'a>, Error> {
        let start = self.peek()?.start;
        self.directives()?;
        if self.shape()? != Shape::DocumentStart {
            let at = self.peek()?.start;
            return Err(problem("did not find expected <document start>", Mark::default(), at));
        }
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        let token = self.take()?;
        Ok(event(EventData::DocumentStart, start, token.end))
    }

    fn directives(&mut self) -> Result<(), Error> {
        let mut version_seen = false;
        while self.shape()? == Shape::Directive {
            let Token { kind, start, .. } = self.take()?;
            match kind {
                TokenKind::VersionDirective { .. } if version_seen => {
                    return Err(problem("found duplicate %YAML directive", Mark::default(), start));
                }
                TokenKind::VersionDirective { major: 1, minor: 1 } => version_seen = true,
                TokenKind::TagDirective(directive) => {
                    let (handle, prefix) = *directive;
                    if self.tags.iter().any(|(known, _)| *known == handle) {
                        return Err(problem("found duplicate %TAG directive", Mark::default(), start));
                    }
                    self.tags.push((handle, prefix));
                }
                _ => return Err(problem("found incompatible YAML document", Mark::default(), start)),
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tags.iter().any(|(known, _)| *known == handle) {
                self.tags.push((handle, prefix.to_owned()));
            }
        }
        Ok(())
    }

    fn document_content(&mut self) -> Result<Event<'a>, Error> {
        match self.shape()? {
            Shape::Directive | Shape::DocumentStart | Shape::DocumentEnd | Shape::StreamEnd => {
                self.pop_state();
                let mark = self.peek()?.start;
                Ok(empty_scalar(mark))
            }
            _ => self.node(Nodes::Block),
        }
    }

    fn document_end(&mut self) -> Result<Event<'a>, Error> {
        let mark = self.peek()?.start;
        let mut end = mark;
        if self.shape()? == Shape::DocumentEnd {
            end = self.take()?.end;
        }
        self.tags.clear();
        self.state = State::Document;
        let mut end = self.commented(event(EventData::DocumentEnd, mark, end));
        if let Some(comments) = &mut end.comments
            && comments.foot.is_empty()
        {
            comments.foot = std::mem::take(&mut comments.head);
        }
        Ok(end)
    }

    fn node(&mut self, nodes: Nodes) -> Result<Event<'a>, Error> {
        let token = self.peek()?;
        let start = token.start;
        let (properties, properties_end) = match token.kind {
            TokenKind::Anchor(_) | TokenKind::Tag(_) => self.properties()?,
            _ => (None, start),
        };
        let token = self.peek()?;
        let end = token.end;
        let state = match &token.kind {
            TokenKind::Scalar(..) => return self.leaf(properties, start),
            TokenKind::Alias(_) if properties.is_none() => return self.leaf(None, start),
            TokenKind::FlowSequenceStart => State::FlowSequence(Entry::First),
            TokenKind::FlowMappingStart => State::FlowMappingKey(Entry::First),
            TokenKind::BlockSequenceStart if nodes != Nodes::Flow => State::BlockSequence(Entry::First),
            TokenKind::BlockMappingStart if nodes != Nodes::Flow => State::BlockMappingKey(Entry::First),
            TokenKind::BlockEntry if nodes == Nodes::BlockOrIndentless => State::IndentlessSequence,
            TokenKind::Alias(_) => {
                return Err(problem("did not find expected node content", start, token.start));
            }
            _ if properties.is_some() => {
                self.pop_state();
                let (text, style) = (Cow::Borrowed(""), Style::Plain);
                return Ok(event(EventData::Scalar { properties, text, style }, start, properties_end));
            }
            _ => return Err(problem("did not find expected node content", start, token.start)),
        };
        self.state = state;
        let data = match state {
            State::FlowSequence(_) => EventData::SequenceStart { properties, style: Style::Flow },
            State::FlowMappingKey(_) => EventData::MappingStart { properties, style: Style::Flow },
            State::BlockMappingKey(_) => EventData::MappingStart { properties, style: Style::Plain },
            _ => EventData::SequenceStart { properties, style: Style::Plain },
        };
        let begin = event(data, start, end);
        Ok(match state {
            State::FlowSequence(_) | State::FlowMappingKey(_) => self.commented(begin),
            State::IndentlessSequence => begin,
            _ => self.with_stem(begin),
        })
    }

    fn leaf(&mut self, properties: Option<Box<Properties<'a>>>, start: Mark) -> Result<Event<'a>, Error> {
        self.pop_state();
        self.peek()?;
        let comments = self.take_comments();
        let Token { kind, end, .. } = self.take()?;
        let data = match kind {
            TokenKind::Scalar(text, style) => EventData::Scalar { properties, text, style },
            TokenKind::Alias(name) => EventData::Alias(name),
            _ => EventData::Scalar { properties, text: Cow::Borrowed(""), style: Style::Plain },
        };
        Ok(Event { data, start, end, comments })
    }

    /// Anchor and tag, in either order, and where they end.
    fn properties(&mut self) -> Result<(Option<Box<Properties<'a>>>, Mark), Error> {
        let mut properties = Box::<Properties<'a>>::default();
        let mut end = Mark::default();
        let start = self.peek()?.start;
        loop {
            match &self.peek()?.kind {
                TokenKind::Anchor(_) if properties.anchor.is_none() => {}
                TokenKind::Tag(_) if properties.tag.is_none() => {}
                _ => return Ok((Some(properties), end)),
            }
            let token = self.take()?;
            end = token.end;
            match token.kind {
                TokenKind::Anchor(name) => properties.anchor = Some(name),
                TokenKind::Tag(tag) => {
                    let (handle, suffix) = *tag;
                    let prefix = self
                        .tag_prefix(handle)
                        .ok_or_else(|| problem("found undefined tag handle", start, token.start))?;
                    properties.tag = Some(format!("{prefix}{suffix}").into_boxed_str());
                }
                _ => {}
            }
        }
    }

    fn tag_prefix(&self, handle: &str) -> Option<&str> {
        if handle.is_empty() {
            return Some("");
        }
        self.tags.iter().find(|(known, _)| *known == handle).map(|(_, prefix)| prefix.as_str())
    }

    fn block_sequence(&mut self, entry: Entry) -> Result<Event<'a>, Error> {
        self.enter(entry)?;
        match self.shape()? {
            Shape::BlockEntry => {
                let head = self.waiting.head.len();
                let mark = self.take()?.end;
                self.split_stem(head)?;
                let next = State::BlockSequence(Entry::Later);
                match self.shape()? {
                    Shape::BlockEntry | Shape::BlockEnd => Ok(self.empty_then(mark, next)),
                    _ => self.node_then(Nodes::Block, next),
                }
            }
            Shape::BlockEnd => self.leave(EventData::SequenceEnd),
            _ => Err(self.collection_problem("did not find expected '-' indicator")?),
        }
    }

    fn indentless_sequence(&mut self) -> Result<Event<'a>, Error> {
        if self.shape()? != Shape::BlockEntry {
            self.pop_state();
            let mark = self.peek()?.start;
            return Ok(event(EventData::SequenceEnd, mark, mark));
        }
        let head = self.waiting.head.len();
        let mark = self.take()?.end;
        self.split_stem(head)?;
        match self.shape()? {
            Shape::BlockEntry | Shape::Key | Shape::Value | Shape::BlockEnd => {
                Ok(self.empty_then(mark, State::IndentlessSequence))
            }
            _ => self.node_then(Nodes::Block, State::IndentlessSequence),
        }
    }

    fn block_mapping_key(&mut self, entry: Entry) -> Result<Event<'a>, Error> {
        self.enter(entry)?;
        match self.shape()? {
            Shape::Key => {
                let mark = self.take()?.end;
                match self.shape()? {
                    Shape::Key | Shape::Value | Shape::BlockEnd => {
                        Ok(self.empty_then(mark, State::BlockMappingValue))
                    }
                    _ => self.node_then(Nodes::BlockOrIndentless, State::BlockMappingValue),
                }
            }
            Shape::BlockEnd => self.leave(EventData::MappingEnd),
            _ => Err(self.collection_problem("did not find expected key")?),
        }
    }

    fn block_mapping_value(&mut self) -> Result<Event<'a>, Error> {
        let next = State::BlockMappingKey(Entry::Later);
        if self.shape()? != Shape::Value {
            let mark = self.peek()?.start;
            return Ok(self.empty_then(mark, next));
        }
        let mark = self.take()?.end;
        match self.shape()? {
            Shape::Key | Shape::Value | Shape::BlockEnd => Ok(self.empty_then(mark, next)),
            _ => self.node_then(Nodes::BlockOrIndentless, next),
        }
    }
}

fn event(data: EventData<'_>, start: Mark, end: Mark) -> Event<'_> {
    Event { data, start, end, comments: None }
}

fn empty_scalar<'a>(mark: Mark) -> Event<'a> {
    event(EventData::Scalar { properties: None, text: Cow::Borrowed(""), style: Style::Plain }, mark, mark)
}

/// An error of the parser: go-yaml v3 prefers the line on which the collection began, counted from 0, and has none for the
/// first.
fn problem(text: &str, context: Mark, at: Mark) -> Error {
    let first = |one: Mark, other: Mark| u64::from(if one.line == 0 { other.line } else { one.line });
    Error::Syntax { line: first(context, at), v2_line: first(at, context), problem: text.to_owned() }
}
