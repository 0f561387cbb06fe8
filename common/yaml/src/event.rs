//! What the pull parser reports.

use std::borrow::Cow;

use crate::node::Style;
use crate::token::Mark;

/// A step through a stream of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What begins, ends or stands here.
    pub data: EventData<'a>,
    /// Where it begins; for a node with a tag or an anchor, at these.
    pub start: Mark,
    /// Where it ends. A plain scalar ends with its last character, a block scalar with its last line break.
    pub end: Mark,
    /// Comments about it, if they were [asked for](crate::Parser::with_comments).
    pub comments: Option<Box<Comments>>,
}

/// Comments with their `#`, lines separated by line feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// Above.
    pub head: String,
    /// At the end of the line.
    pub line: String,
    /// Below, apart from what follows.
    pub foot: String,
}

/// Kinds of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventData<'a> {
    /// No more documents.
    StreamEnd,
    /// A document begins.
    DocumentStart,
    /// A document ends.
    DocumentEnd,
    /// A reference to the anchor of this name.
    Alias(&'a str),
    /// A scalar.
    Scalar {
        /// Anchor and tag.
        properties: Option<Box<Properties<'a>>>,
        /// The text, unescaped and folded.
        text: Cow<'a, str>,
        /// How it is written.
        style: Style,
    },
    /// A sequence begins.
    SequenceStart {
        /// Anchor and tag.
        properties: Option<Box<Properties<'a>>>,
        /// [`Style::Flow`] or [`Style::Plain`].
        style: Style,
    },
    /// A sequence ends.
    SequenceEnd,
    /// A mapping begins; keys and values follow by turns.
    MappingStart {
        /// Anchor and tag.
        properties: Option<Box<Properties<'a>>>,
        /// [`Style::Flow`] or [`Style::Plain`].
        style: Style,
    },
    /// A mapping ends.
    MappingEnd,
}

/// What may stand before a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties<'a> {
    /// Name of the anchor.
    pub anchor: Option<&'a str>,
    /// The tag with its prefix: `tag:yaml.org,2002:str`, `!custom`, or `!`.
    pub tag: Option<Box<str>>,
}
