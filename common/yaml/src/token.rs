//! What the scanner finds and the parser consumes.

use std::borrow::Cow;

use crate::node::Style;

/// A place in the text.
///
/// Texts beyond 4 GiB have no places; the limit on input is far below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Bytes before it.
    pub offset: u32,
    /// Lines before it.
    pub line: u32,
}

impl Mark {
    pub(crate) fn index(self) -> usize {
        self.offset as usize
    }
}

/// A token and where it stands.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind<'a>,
    pub(crate) start: Mark,
    pub(crate) end: Mark,
}

/// Kinds of tokens; those of blocks have no text of their own.
#[derive(Debug)]
pub(crate) enum TokenKind<'a> {
    StreamEnd,
    VersionDirective {
        major: u8,
        minor: u8,
    },
    /// Handle and prefix.
    TagDirective(Box<(&'a str, String)>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    /// Handle and suffix.
    Tag(Box<(&'a str, String)>),
    Scalar(Cow<'a, str>, Style),
}
