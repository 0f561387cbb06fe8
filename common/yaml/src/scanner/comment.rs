//! Comments, and which token each of them is about.
//!
//! The rules are go-yaml v3's, distances and blind spots included: a comment at the end of a line is about what stands
//! there; one above a token, with no empty line between, is its head; one below a token and apart from the next is its
//! foot. It looks at most 512 characters ahead.

use super::Scanner;
use crate::token::{Mark, TokenKind};

/// How far a comment may be from where its search starts.
const LOOKAHEAD: usize = 512;

/// A comment and its place.
#[derive(Debug, Default)]
pub(crate) struct Comment {
    /// Where the search that found it began.
    scan: usize,
    /// Where the token it is about starts.
    pub(crate) token: usize,
    start: Place,
    end: usize,
    pub(crate) head: String,
    pub(crate) line: String,
    pub(crate) foot: String,
}

/// A place with its column; upstream counts it from 0 at some places and from 1 at others.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    index: usize,
    line: u32,
    column: i32,
}

/// All comments so far, and the last two tokens.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    all: Vec<Comment>,
    /// How many of them the parser has taken.
    taken: usize,
    recent: [Option<(Recent, Mark)>; 2],
}

/// Kinds of tokens that comments depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recent {
    BlockSequenceStart,
    BlockEntry,
    FlowEntry,
    Value,
    Other,
}

impl Comments {
    /// Notes a token at the end of the queue.
    pub(super) fn note(&mut self, kind: &TokenKind<'_>, start: Mark) {
        let recent = if matches!(kind, TokenKind::BlockSequenceStart) {
            Recent::BlockSequenceStart
        } else if matches!(kind, TokenKind::BlockEntry) {
            Recent::BlockEntry
        } else if matches!(kind, TokenKind::FlowEntry) {
            Recent::FlowEntry
        } else if matches!(kind, TokenKind::Value) {
            Recent::Value
        } else {
            Recent::Other
        };
        let [_, last] = self.recent;
        self.recent = [last, Some((recent, start))];
    }

    /// The next comment about a token that starts here or before. A head is never about the end of a block.
    pub(crate) fn take_until(&mut self, start: Mark, block_end: BlockEnd) -> Option<Comment> {
        let next = self.all.get_mut(self.taken)?;
        let waits = !next.head.is_empty() && block_end == BlockEnd::Yes;
        if start.index() < next.token || waits {
            return None;
        }
        self.taken += 1;
        Some(std::mem::take(next))
    }

    /// Where a block of this indentation ends: above the comments that belong to what follows it.
    pub(super) fn end_of_block(&self, indent: i32, from: usize) -> usize {
        let mut end = from;
        let mut stop = from;
        for comment in self.all.iter().rev() {
            if comment.end < stop {
                break;
            }
            if comment.start.column == indent + 1 {
                end = comment.start.index;
            }
            stop = comment.scan;
        }
        end
    }
}

/// Whether a token is the end of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockEnd {
    Yes,
    No,
}

/// A search for comments between two tokens.
struct Search {
    scan: usize,
    token: usize,
    start: Place,
    text: String,
}

impl Search {
    /// The text so far is about what stands above it; go on behind it.
    fn foot(&mut self, here: Place, comments: &mut Comments) {
        let Self { scan, token, start, .. } = *self;
        let foot = std::mem::take(&mut self.text);
        comments.all.push(Comment { scan, token, start, end: here.index, foot, ..Comment::default() });
        self.scan = here.index;
        self.token = here.index;
    }

    /// The text that is left is about what stands below it.
    fn head(self, end: usize, comments: &mut Comments) {
        let Self { scan, start, text: head, .. } = self;
        if !head.is_empty() {
            comments.all.push(Comment { scan, token: start.index, start, end, head, ..Comment::default() });
        }
    }
}

impl Scanner<'_> {
    fn place(&mut self) -> Place {
        let mark = self.cursor.mark();
        Place { index: mark.index(), line: mark.line, column: self.cursor.column() }
    }

    /// A comment at the end of the line of a token.
    pub(super) fn line_comment(&mut self, token: Mark) {
        let blanks = (0..LOOKAHEAD).take_while(|at| matches!(self.cursor.byte(*at), b' ' | b'\t')).count();
        if self.cursor.byte(blanks) != b'#' || self.cursor.breaks_before() > 0 {
            return;
        }
        self.cursor.skip(blanks);
        let start = self.place();
        self.cursor.skip_to_line_end();
        if let Some(comments) = &mut self.comments {
            let line = self.cursor.since(start.index).to_owned();
            comments.all.push(Comment { token: token.index(), start, line, ..Comment::default() });
        }
    }

    /// A comment behind the first dash of a list is about the item, not about the dash.
    pub(super) fn promote_line_comment(&mut self) {
        let here = self.cursor.mark();
        let at_break = self.cursor.is_break();
        let Some(comments) = &mut self.comments else { return };
        let [Some((Recent::BlockSequenceStart, _)), Some((Recent::BlockEntry, _))] = comments.recent else {
            return;
        };
        let Some(comment) = comments.all.last_mut() else { return };
        if !comment.line.is_empty() && !at_break {
            comment.head = std::mem::take(&mut comment.line);
            if comment.start.line + 1 == here.line {
                comment.token = here.index();
            }
        }
    }

    /// Skips comment lines as far as [`Self::comment_lines`] reads them: tabs before a further `#` are no error, although
    /// they are one before anything else.
    fn skip_comment_lines(&mut self) {
        loop {
            self.cursor.skip_to_line_end();
            let blank = |at: &usize| matches!(self.cursor.byte(*at), b' ' | b'\t' | b'\n' | b'\r');
            let next = (1..LOOKAHEAD).find(|at| !blank(at)).unwrap_or(LOOKAHEAD);
            if next == LOOKAHEAD || self.cursor.byte(next) != b'#' {
                return;
            }
            self.cursor.skip_to(self.cursor.mark().index() + next);
        }
    }

    /// Comment lines, from the first `#` on; leaves the cursor behind the last comment.
    pub(super) fn comment_lines(&mut self, scan: Mark) {
        let Some(mut comments) = self.comments.take() else {
            self.skip_comment_lines();
            return;
        };
        let here = self.place();
        let newlines = self.cursor.breaks_before();
        let [second_last, last] = comments.recent;
        let token = match last {
            Some((Recent::FlowEntry, _)) => second_last.or(last),
            _ => last,
        };
        let after_value = matches!(token, Some((Recent::Value, _)));
        let foot_line = foot_line(scan, here, newlines);
        let token = token.map_or(0, |(_, mark)| mark.index());
        let mut search = Search { scan: scan.index(), token, start: Place::default(), text: String::new() };
        let next_indent = self.indent.max(0);
        let (mut recent_empty, mut first_empty) = (false, newlines <= 1);
        let (mut line, mut column, mut peek) = (here.line, here.column, 0);
        while peek < LOOKAHEAD {
            column += 1;
            let byte = self.cursor.byte(peek);
            if matches!(byte, b' ' | b'\t') {
                peek += 1;
                continue;
            }
            let place = Place { index: self.cursor.mark().index() + peek, line, column };
            let close_flow = self.flow_level > 0 && matches!(byte, b']' | b'}');
            let line_break = matches!(byte, b'\n' | b'\r');
            if close_flow || line_break || byte == 0 {
                if close_flow || !recent_empty {
                    let outdented = search.start.column - 1 < next_indent;
                    let below = Some(search.start.line) == foot_line && !after_value;
                    if close_flow || (first_empty && (below || outdented)) {
                        if !search.text.is_empty() {
                            if outdented {
                                search.token = search.start.index;
                            }
                            search.foot(place, &mut comments);
                        }
                    } else if !search.text.is_empty() && byte != 0 {
                        search.text.push('\n');
                    }
                }
                if !line_break {
                    break;
                }
                first_empty = false;
                recent_empty = true;
                column = 0;
                line += 1;
                peek += 1;
                continue;
            }
            if !search.text.is_empty() && column - 1 < next_indent && column != search.start.column {
                search.foot(place, &mut comments);
            }
            if byte != b'#' {
                break;
            }
            if search.text.is_empty() {
                search.start = place;
            } else {
                search.text.push('\n');
            }
            recent_empty = false;
            self.cursor.skip_to(place.index);
            self.cursor.skip_to_line_end();
            search.text.push_str(self.cursor.since(place.index));
            (line, column, peek) = (self.cursor.line(), 0, 1);
        }
        let end = self.cursor.mark().index() + peek;
        search.head(end.saturating_sub(1), &mut comments);
        self.comments = Some(comments);
    }
}

/// Line on which a comment has to start to be the foot of what stands before it; none at the start of the text.
fn foot_line(scan: Mark, here: Place, newlines: u32) -> Option<u32> {
    let below = u32::from(newlines == 0 && here.column > 1);
    (here.line + 1 + below).checked_sub(newlines).filter(|_| scan.line > 0)
}
