//! Text to tokens, by the grammar and with the errors of go-yaml (which is libyaml's).
//!
//! A key is only recognised at its colon, so tokens wait in a queue while the first of them may still turn out to be a key.

mod comment;
mod cursor;
mod scalar;
mod tag;

use std::collections::VecDeque;

use crate::error::Error;
use crate::node::Style;
use crate::token::{Mark, Token, TokenKind};
pub(crate) use comment::BlockEnd;
use comment::{Comment, Comments};
use cursor::{Cursor, Tabs};

/// go-yaml's limit on brackets and on indentation levels.
const MAX_DEPTH: usize = 10_000;

/// Longest key before its colon, in characters.
const MAX_KEY: usize = 1024;

/// Tokens that go-yaml reads ahead: an error there comes before one of the parser.
const LOOKAHEAD: usize = 3;

/// Reads tokens from a text.
pub(crate) struct Scanner<'a> {
    cursor: Cursor<'a>,
    tokens: VecDeque<Token<'a>>,
    /// Tokens handed out.
    parsed: usize,
    /// Whether the first token of the queue is known to be final.
    ready: bool,
    flow_level: usize,
    /// Column of the innermost block; -1 outside all of them.
    indent: i32,
    indents: Vec<i32>,
    /// Whether a key may start here.
    key_allowed: bool,
    /// What may be a key, one per level of brackets.
    keys: Vec<PossibleKey>,
    /// If they are wanted.
    comments: Option<Box<Comments>>,
}

/// A token that is a key if a colon follows.
#[derive(Clone, Copy, Default)]
struct PossibleKey {
    possible: bool,
    /// It stands where nothing but a key can stand.
    required: bool,
    /// Number of the token, counted from the start of the text.
    token: usize,
    mark: Mark,
    column: i32,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
            tokens: VecDeque::new(),
            parsed: 0,
            ready: false,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            key_allowed: true,
            keys: vec![PossibleKey::default()],
            comments: None,
        }
    }

    /// Collects comments as well.
    pub(crate) fn with_comments(mut self) -> Self {
        self.comments = Some(Box::default());
        self
    }

    /// Whether comments are wanted.
    #[inline]
    pub(crate) fn collects_comments(&self) -> bool {
        self.comments.is_some()
    }

    /// The next comment that belongs to the token in front or to one before it.
    pub(crate) fn take_comment(&mut self) -> Result<Option<Comment>, Error> {
        if self.comments.is_none() {
            return Ok(None);
        }
        let token = self.peek()?;
        let start = token.start;
        let block_end = if matches!(token.kind, TokenKind::BlockEnd) { BlockEnd::Yes } else { BlockEnd::No };
        Ok(self.comments.as_mut().and_then(|comments| comments.take_until(start, block_end)))
    }

    /// The next token, which stays.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<&Token<'a>, Error> {
        self.prepare()?;
        self.tokens.front().ok_or_else(end_of_stream)
    }

    /// The next token, which goes.
    #[inline]
    pub(crate) fn take(&mut self) -> Result<Token<'a>, Error> {
        self.prepare()?;
        self.ready = false;
        self.parsed += 1;
        self.tokens.pop_front().ok_or_else(end_of_stream)
    }

    /// Makes the first token of the queue final.
    #[inline]
    fn prepare(&mut self) -> Result<(), Error> {
        if self.ready {
            return Ok(());
        }
        if self.tokens.len() < LOOKAHEAD || self.keys.iter().any(|key| key.possible) {
            return self.fill();
        }
        self.ready = true;
        Ok(())
    }

    fn fill(&mut self) -> Result<(), Error> {
        while self.tokens.len() < LOOKAHEAD || self.head_may_be_key()? {
            self.fetch()?;
        }
        self.ready = true;
        Ok(())
    }

    fn head_may_be_key(&mut self) -> Result<bool, Error> {
        let parsed = self.parsed;
        match self.keys.iter().position(|key| key.possible && key.token == parsed) {
            Some(level) => self.is_valid_key(level),
            None => Ok(false),
        }
    }

    /// Whether the key of this level is still possible: a key stands on one line and is not too long.
    fn is_valid_key(&mut self, level: usize) -> Result<bool, Error> {
        let Some(key) = self.keys.get(level).copied() else { return Ok(false) };
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line == self.cursor.line() && !self.cursor.is_farther_than(MAX_KEY, key.mark) {
            return Ok(true);
        }
        self.forget_key(level)?;
        Ok(false)
    }

    fn forget_key(&mut self, level: usize) -> Result<(), Error> {
        let Some(key) = self.keys.get_mut(level) else { return Ok(()) };
        if key.possible && key.required {
            return Err(problem("could not find expected ':'", key.mark, self.cursor.mark()));
        }
        key.possible = false;
        Ok(())
    }

    #[inline]
    fn forget_innermost_key(&mut self) -> Result<(), Error> {
        self.forget_key(self.keys.len().saturating_sub(1))
    }

    /// Notes that the token about to be read may be a key.
    #[inline]
    fn save_key(&mut self) -> Result<(), Error> {
        if !self.key_allowed {
            return Ok(());
        }
        self.forget_innermost_key()?;
        let column = self.cursor.column();
        let saved = PossibleKey {
            possible: true,
            required: self.flow_level == 0 && self.indent == column,
            token: self.parsed + self.tokens.len(),
            mark: self.cursor.mark(),
            column,
        };
        if let Some(key) = self.keys.last_mut() {
            *key = saved;
        }
        Ok(())
    }

    #[inline]
    fn push(&mut self, kind: TokenKind<'a>, start: Mark) {
        let end = self.cursor.mark();
        self.push_token(Token { kind, start, end });
    }

    #[inline]
    fn push_at(&mut self, kind: TokenKind<'a>, mark: Mark) {
        self.push_token(Token { kind, start: mark, end: mark });
    }

    #[inline]
    fn push_token(&mut self, token: Token<'a>) {
        if let Some(comments) = &mut self.comments {
            comments.note(&token.kind, token.start);
        }
        self.tokens.push_back(token);
    }

    /// Opens a block at this column if it is deeper than the current one; its token goes before the given one.
    fn roll_indent(
        &mut self,
        column: i32,
        before: Option<usize>,
        kind: TokenKind<'a>,
        mark: Mark,
    ) -> Result<(), Error> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return Err(Error::TooDeep(MAX_DEPTH));
        }
        match before {
            None => self.push_at(kind, mark),
            Some(token) => {
                let place = token.saturating_sub(self.parsed).min(self.tokens.len());
                self.tokens.insert(place, Token { kind, start: mark, end: mark });
            }
        }
        Ok(())
    }

    /// Closes blocks deeper than this column; `scanned` is where the search for the next token began.
    #[inline]
    fn unroll_indent(&mut self, column: i32, scanned: Mark) {
        if self.flow_level > 0 {
            return;
        }
        let mut end = scanned.index().saturating_sub(1);
        while self.indent > column {
            let mut mark = self.cursor.mark();
            if let Some(comments) = &self.comments {
                end = comments.end_of_block(self.indent, end);
                mark.offset = u32::try_from(end).unwrap_or(u32::MAX);
            }
            self.push_at(TokenKind::BlockEnd, mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Reads one more token, or several.
    fn fetch(&mut self) -> Result<(), Error> {
        let scanned = self.cursor.mark();
        self.skip_to_token(scanned);
        let column = self.cursor.column();
        self.unroll_indent(column, scanned);
        let byte = self.cursor.byte(0);
        if self.cursor.is_at_end() {
            return self.stream_end();
        }
        if column == 0 {
            match byte {
                b'%' => return self.directive(),
                b'-' if self.cursor.is_document_indicator() => {
                    return self.document_indicator(TokenKind::DocumentStart);
                }
                b'.' if self.cursor.is_document_indicator() => {
                    return self.document_indicator(TokenKind::DocumentEnd);
                }
                _ => {}
            }
        }
        let in_flow = self.flow_level > 0;
        // what follows a colon or a comma is about the token before it
        let mut about = self.cursor.mark();
        if self.collects_comments()
            && byte == if in_flow { b',' } else { b':' }
            && let Some(last) = self.tokens.back()
        {
            about = last.start;
        }
        self.fetch_by(byte)?;
        if !matches!(self.tokens.back(), Some(Token { kind: TokenKind::BlockEntry, .. })) {
            self.line_comment(about);
        }
        Ok(())
    }

    /// Reads what starts with this byte.
    fn fetch_by(&mut self, byte: u8) -> Result<(), Error> {
        let in_flow = self.flow_level > 0;
        match byte {
            b'[' => self.flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.flow_start(TokenKind::FlowMappingStart),
            b']' => self.flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.flow_end(TokenKind::FlowMappingEnd),
            b',' => self.flow_entry(),
            b'-' if self.cursor.is_blank_or_end(1) => self.block_entry(),
            b'?' if in_flow || self.cursor.is_blank_or_end(1) => self.key(),
            b':' if in_flow || self.cursor.is_blank_or_end(1) => self.value(),
            b'*' => self.anchor(TokenKind::Alias),
            b'&' => self.anchor(TokenKind::Anchor),
            b'!' => self.tag(),
            b'|' if !in_flow => self.block_scalar(Style::Literal),
            b'>' if !in_flow => self.block_scalar(Style::Folded),
            b'\'' => self.flow_scalar(Style::SingleQuoted),
            b'"' => self.flow_scalar(Style::DoubleQuoted),
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => Err(self.cannot_start()),
            _ => self.flow_scalar(Style::Plain),
        }
    }

    fn cannot_start(&self) -> Error {
        let mark = self.cursor.mark();
        problem("found character that cannot start any token", mark, mark)
    }

    /// Skips blanks, comments and line breaks. A tab may not stand where a key may start.
    fn skip_to_token(&mut self, scanned: Mark) {
        loop {
            if self.cursor.at_line_start() {
                self.cursor.skip_byte_order_mark();
            }
            let tabs = if self.flow_level > 0 || !self.key_allowed { Tabs::Skip } else { Tabs::Stop };
            self.cursor.skip_spaces(tabs);
            if self.comments.is_some() {
                self.promote_line_comment();
            }
            if self.cursor.byte(0) == b'#' {
                self.comment_lines(scanned);
                self.cursor.skip_to_line_end();
            }
            if !self.cursor.skip_break() {
                return;
            }
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    fn stream_end(&mut self) -> Result<(), Error> {
        self.cursor.finish_line();
        self.unroll_indent(-1, self.cursor.mark());
        self.forget_innermost_key()?;
        self.key_allowed = false;
        self.push_at(TokenKind::StreamEnd, self.cursor.mark());
        Ok(())
    }

    fn document_indicator(&mut self, kind: TokenKind<'a>) -> Result<(), Error> {
        self.unroll_indent(-1, self.cursor.mark());
        self.forget_innermost_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark();
        self.cursor.skip(3);
        self.push(kind, start);
        Ok(())
    }

    fn flow_start(&mut self, kind: TokenKind<'a>) -> Result<(), Error> {
        self.save_key()?;
        self.keys.push(PossibleKey::default());
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(Error::TooDeep(MAX_DEPTH));
        }
        self.key_allowed = true;
        self.indicator(kind);
        Ok(())
    }

    fn flow_end(&mut self, kind: TokenKind<'a>) -> Result<(), Error> {
        self.forget_innermost_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.keys.pop();
        }
        self.key_allowed = false;
        self.indicator(kind);
        Ok(())
    }

    fn flow_entry(&mut self) -> Result<(), Error> {
        self.forget_innermost_key()?;
        self.key_allowed = true;
        self.indicator(TokenKind::FlowEntry);
        Ok(())
    }

    #[inline]
    fn indicator(&mut self, kind: TokenKind<'a>) {
        let start = self.cursor.mark();
        self.cursor.skip(1);
        self.push(kind, start);
    }

    fn block_entry(&mut self) -> Result<(), Error> {
        let mark = self.cursor.mark();
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(problem("block sequence entries are not allowed in this context", mark, mark));
            }
            let column = self.cursor.column();
            self.roll_indent(column, None, TokenKind::BlockSequenceStart, mark)?;
        }
        self.forget_innermost_key()?;
        self.key_allowed = true;
        self.indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn key(&mut self) -> Result<(), Error> {
        let mark = self.cursor.mark();
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(problem("mapping keys are not allowed in this context", mark, mark));
            }
            let column = self.cursor.column();
            self.roll_indent(column, None, TokenKind::BlockMappingStart, mark)?;
        }
        self.forget_innermost_key()?;
        self.key_allowed = self.flow_level == 0;
        self.indicator(TokenKind::Key);
        Ok(())
    }

    fn value(&mut self) -> Result<(), Error> {
        let level = self.keys.len().saturating_sub(1);
        if self.is_valid_key(level)? {
            let key = self.keys.get(level).copied().unwrap_or_default();
            let place = key.token.saturating_sub(self.parsed).min(self.tokens.len());
            self.tokens.insert(place, Token { kind: TokenKind::Key, start: key.mark, end: key.mark });
            self.roll_indent(key.column, Some(key.token), TokenKind::BlockMappingStart, key.mark)?;
            if let Some(key) = self.keys.get_mut(level) {
                key.possible = false;
            }
            self.key_allowed = false;
        } else {
            let mark = self.cursor.mark();
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return Err(problem("mapping values are not allowed in this context", mark, mark));
                }
                let column = self.cursor.column();
                self.roll_indent(column, None, TokenKind::BlockMappingStart, mark)?;
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.indicator(TokenKind::Value);
        Ok(())
    }
}

/// An error of the scanner: go-yaml v3 prefers the place where the construct began, and has no line for the first one.
fn problem(text: &str, context: Mark, at: Mark) -> Error {
    let counted = |mark: Mark| if mark.line == 0 { 0 } else { u64::from(mark.line) + 1 };
    let line = if context.line == 0 { counted(at) } else { counted(context) };
    let v2_line = if at.line == 0 { u64::from(context.line) } else { counted(at) };
    Error::Syntax { line, v2_line, problem: text.to_owned() }
}

fn end_of_stream() -> Error {
    Error::syntax("attempted to go past the end of stream; corrupted value?")
}
