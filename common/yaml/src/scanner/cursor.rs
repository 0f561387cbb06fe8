//! A place in the text that moves forward and knows its line and column.

use crate::quote::is_break;
use crate::token::Mark;

/// Bytes that end a run of ordinary ones, by what they may mean.
const BLANK: u8 = 1;
const BREAK: u8 = 2;
/// May start a line break of several bytes.
const WIDE: u8 = 4;
const COLON: u8 = 8;
const FLOW: u8 = 16;
const QUOTE: u8 = 32;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        #[expect(clippy::indexing_slicing, reason = "below 256, at compile time")]
        {
            table[byte] = match byte as u8 {
                b' ' | b'\t' => BLANK,
                b'\n' | b'\r' => BREAK,
                0xc2 | 0xe2 => WIDE,
                b':' => COLON,
                b',' | b'?' | b'[' | b']' | b'{' | b'}' => FLOW,
                b'\'' | b'"' | b'\\' => QUOTE,
                _ => 0,
            };
        }
        byte += 1;
    }
    table
}

/// Where reading stands. Past the end every byte is 0, which no text contains.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    line_start: usize,
    /// A place on the current line whose column is known, and that column; not kept up where every byte is a character.
    known: (usize, i32),
    ascii: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 0, line_start: 0, known: (0, 0), ascii: text.is_ascii() }
    }

    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark { offset: u32::try_from(self.at).unwrap_or(u32::MAX), line: self.line }
    }

    #[inline]
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// The byte at this distance.
    #[inline]
    pub(super) fn byte(&self, distance: usize) -> u8 {
        self.text.as_bytes().get(self.at + distance).copied().unwrap_or(0)
    }

    fn character(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// The text from a place to here.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The text between two places.
    #[inline]
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Characters before this place on its line.
    #[inline]
    pub(super) fn column(&mut self) -> i32 {
        if self.ascii {
            return i32::try_from(self.at - self.line_start).unwrap_or(i32::MAX);
        }
        self.count_column()
    }

    fn count_column(&mut self) -> i32 {
        let (place, column) = self.known;
        let between = self.text.as_bytes().get(place..self.at).unwrap_or_default();
        let characters = between.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        self.known = (self.at, column.saturating_add(i32::try_from(characters).unwrap_or(i32::MAX)));
        self.known.1
    }

    #[inline]
    pub(super) fn at_line_start(&self) -> bool {
        self.at == self.line_start
    }

    /// Whether more than this many characters lie between the mark and here.
    pub(super) fn is_farther_than(&self, characters: usize, mark: Mark) -> bool {
        self.at - mark.index() > characters && self.since(mark.index()).chars().count() > characters
    }

    /// Whether a blank, a line break or the end is at this distance.
    #[inline]
    pub(super) fn is_blank_or_end(&self, distance: usize) -> bool {
        match self.byte(distance) {
            b' ' | b'\t' | b'\n' | b'\r' | 0 => true,
            0xc2 | 0xe2 => self.break_width(distance) > 0,
            _ => false,
        }
    }

    #[inline]
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.byte(0), b' ' | b'\t')
    }

    #[inline]
    pub(super) fn is_break(&self) -> bool {
        self.break_width(0) > 0
    }

    pub(super) fn is_break_or_end(&self) -> bool {
        self.is_at_end() || self.is_break()
    }

    /// Bytes of the line break at this distance; 0 if there is none.
    #[inline]
    fn break_width(&self, distance: usize) -> usize {
        match self.byte(distance) {
            b'\r' if self.byte(distance + 1) == b'\n' => 2,
            b'\n' | b'\r' => 1,
            0xc2 if self.byte(distance + 1) == 0x85 => 2,
            0xe2 if self.byte(distance + 1) == 0x80 && matches!(self.byte(distance + 2), 0xa8 | 0xa9) => 3,
            _ => 0,
        }
    }

    /// Whether `---` or `...` stands here at the start of a line, and nothing dark behind it.
    #[inline]
    pub(super) fn is_document_indicator(&self) -> bool {
        self.at_line_start()
            && matches!([self.byte(0), self.byte(1), self.byte(2)], [b'-', b'-', b'-'] | [b'.', b'.', b'.'])
            && self.is_blank_or_end(3)
    }

    /// Moves on by some bytes of this line, up to the boundary of a character.
    #[inline]
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.text.len());
    }

    /// Moves on to a place further down, over whole lines if need be.
    pub(super) fn skip_to(&mut self, index: usize) {
        while self.at < index && !self.is_at_end() {
            if !self.skip_break() {
                self.skip_to_line_end();
                self.at = self.at.min(index);
            }
        }
    }

    /// Line breaks since the last dark character.
    pub(super) fn breaks_before(&self) -> u32 {
        let before = self.text.get(..self.at).unwrap_or_default();
        let blank = before.chars().rev().take_while(|c| matches!(c, ' ' | '\t') || is_break(*c));
        let mut breaks = 0;
        let mut after = '\0';
        for c in blank {
            breaks += u32::from(is_break(c) && !(c == '\r' && after == '\n'));
            after = c;
        }
        breaks
    }

    pub(super) fn skip_byte_order_mark(&mut self) {
        if self.character() == Some('\u{feff}') {
            self.skip('\u{feff}'.len_utf8());
        }
    }

    /// Skips spaces, and tabs too if they count as such here.
    #[inline]
    pub(super) fn skip_spaces(&mut self, tabs: Tabs) {
        while self.byte(0) == b' ' || (tabs == Tabs::Skip && self.byte(0) == b'\t') {
            self.at += 1;
        }
    }

    /// Skips spaces and tabs.
    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        self.skip_spaces(Tabs::Skip);
    }

    pub(super) fn skip_to_line_end(&mut self) {
        self.skip_while(BREAK | WIDE);
        while !self.is_break_or_end() {
            self.at += 1; // a byte that only looked like a break
            self.skip_while(BREAK | WIDE);
        }
    }

    /// Skips a line break if there is one.
    #[inline]
    pub(super) fn skip_break(&mut self) -> bool {
        let width = self.break_width(0);
        if width > 0 {
            self.at += width;
            self.line += 1;
            self.line_start = self.at;
            self.known = (self.at, 0);
        }
        width > 0
    }

    /// Reads a line break if there is one.
    pub(super) fn read_break(&mut self, into: &mut String) {
        into.extend(self.take_break());
    }

    /// The line break that stands here: as LF, but for U+2028 and U+2029.
    pub(super) fn take_break(&mut self) -> Option<char> {
        let c = self.character().filter(|c| is_break(*c))?;
        self.skip_break();
        Some(if matches!(c, '\u{2028}' | '\u{2029}') { c } else { '\n' })
    }

    /// The end of the text ends its line.
    pub(super) fn finish_line(&mut self) {
        if !self.at_line_start() {
            self.line += 1;
            self.line_start = self.at;
            self.known = (self.at, 0);
        }
    }

    /// Moves on to the next byte of one of these classes, or to the end.
    #[inline]
    fn skip_while(&mut self, classes: u8) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let run = rest
            .iter()
            .position(|byte| CLASSES.get(usize::from(*byte)).is_some_and(|class| class & classes != 0));
        self.at += run.unwrap_or(rest.len());
    }

    /// Moves to the end of a word of a plain scalar: a blank, a line break, a colon before either, or an indicator of a
    /// flow collection.
    #[inline]
    pub(super) fn skip_plain_word(&mut self, in_flow: Flow) {
        let ends = BLANK | BREAK | WIDE | COLON | if in_flow == Flow::Inside { FLOW } else { 0 };
        loop {
            self.skip_while(ends);
            match self.byte(0) {
                b':' if !self.is_blank_or_end(1) => self.at += 1,
                0xc2 | 0xe2 if !self.is_break() => self.at += 1,
                _ => return,
            }
        }
    }

    /// Moves to a blank, a line break, a quote of either kind or a backslash.
    pub(super) fn skip_quoted_word(&mut self) {
        loop {
            self.skip_while(BLANK | BREAK | WIDE | QUOTE);
            match self.byte(0) {
                0xc2 | 0xe2 if !self.is_break() => self.at += 1,
                _ => return,
            }
        }
    }
}

/// Whether tabs count as spaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tabs {
    Skip,
    Stop,
}

/// Whether a scalar stands inside brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Inside,
    Outside,
}
