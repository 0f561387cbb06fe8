//! Comments wait here until the event comes that they are about.

use super::Parser;
use crate::error::Error;
use crate::event::{Comments, Event};
use crate::token::{Token, TokenKind};

impl<'a> Parser<'a> {
    /// The next token, whose comments wait from now on.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<&Token<'a>, Error> {
        if self.scanner.collects_comments() {
            self.collect_comments()?;
        }
        self.scanner.peek()
    }

    fn collect_comments(&mut self) -> Result<(), Error> {
        while let Some(comment) = self.scanner.take_comment()? {
            for (text, place) in [
                (comment.head, &mut self.waiting.head),
                (comment.line, &mut self.waiting.line),
                (comment.foot, &mut self.waiting.foot),
            ] {
                if !text.is_empty() {
                    if !place.is_empty() {
                        place.push('\n');
                    }
                    place.push_str(&text);
                }
            }
        }
        Ok(())
    }

    #[inline]
    pub(super) fn take(&mut self) -> Result<Token<'a>, Error> {
        if self.scanner.collects_comments() {
            self.collect_comments()?;
        }
        self.scanner.take()
    }

    /// The event with all comments that wait.
    #[inline]
    pub(super) fn commented(&mut self, mut event: Event<'a>) -> Event<'a> {
        event.comments = self.take_comments();
        event
    }

    /// All comments that wait.
    #[inline]
    pub(super) fn take_comments(&mut self) -> Option<Box<Comments>> {
        if !self.scanner.collects_comments() {
            return None;
        }
        self.stem.clear();
        let comments = std::mem::take(&mut self.waiting);
        (comments != Comments::default()).then(|| Box::new(comments))
    }

    /// Sets the comment apart that stood above the dash just taken, if the item is a block with a head of its own.
    pub(super) fn split_stem(&mut self, length: usize) -> Result<(), Error> {
        if length > 0
            && matches!(self.peek()?.kind, TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart)
        {
            let rest = self.waiting.head.split_off(length);
            self.stem = std::mem::take(&mut self.waiting.head);
            rest.get(1..).unwrap_or_default().clone_into(&mut self.waiting.head);
        }
        Ok(())
    }

    /// What stands above the last empty line before the first node is about the document.
    pub(super) fn document_head(&mut self) -> String {
        let head = &mut self.waiting.head;
        let (end, rest) = if head.ends_with('\n') {
            (head.len() - 1, head.len())
        } else if let Some(end) = head.rfind("\n\n") {
            (end, end + 2)
        } else {
            return String::new();
        };
        let rest = head.split_off(rest);
        head.truncate(end);
        std::mem::replace(head, rest)
    }

    #[inline]
    pub(super) fn with_stem(&mut self, mut event: Event<'a>) -> Event<'a> {
        if !self.stem.is_empty() {
            let head = std::mem::take(&mut self.stem);
            event.comments = Some(Box::new(Comments { head, ..Comments::default() }));
        }
        event
    }
}
