//! Scalars of all styles. A text that stands in the document as it is gets borrowed.

use std::borrow::Cow;

use super::cursor::Flow;
use super::{MAX_KEY, Scanner, problem};
use crate::error::Error;
use crate::node::Style;
use crate::token::{Mark, Token, TokenKind};

/// What the header of a block scalar says about its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    /// `-`: no final line break.
    Strip,
    /// One final line break.
    Clip,
    /// `+`: all of them.
    Keep,
}

/// Line breaks between two lines of a scalar. One alone, as most are, takes no memory.
#[derive(Default)]
struct Breaks {
    first: Option<char>,
    others: String,
}

impl Breaks {
    fn read(&mut self, scanner: &mut Scanner<'_>) {
        if self.first.is_some() {
            scanner.cursor.read_break(&mut self.others);
        } else {
            self.first = scanner.cursor.take_break();
        }
    }

    /// One break becomes a space, more of them one less.
    fn fold_into(&mut self, text: &mut String) {
        match self.first.take() {
            Some('\n') if self.others.is_empty() => text.push(' '),
            Some('\n') | None => {}
            Some(other) => text.push(other),
        }
        text.push_str(&self.others);
        self.others.clear();
    }
}

impl<'a> Scanner<'a> {
    /// A plain or quoted scalar, which may be a key.
    pub(super) fn flow_scalar(&mut self, style: Style) -> Result<(), Error> {
        self.save_key()?;
        let may_be_key = self.key_allowed && self.flow_level == 0 && !self.collects_comments();
        let column = self.cursor.column();
        self.key_allowed = false;
        let token = if style == Style::Plain { self.plain()? } else { self.quoted(style)? };
        if may_be_key && self.is_key_of_block(token.start) {
            return self.block_key(token, column);
        }
        self.push_token(token);
        Ok(())
    }

    /// Whether the scalar that started there and ends here is a key: its colon follows, and it is short and on one line.
    #[inline]
    fn is_key_of_block(&self, start: Mark) -> bool {
        self.cursor.byte(0) == b':'
            && self.cursor.is_blank_or_end(1)
            && self.cursor.line() == start.line
            && !self.cursor.is_farther_than(MAX_KEY, start)
    }

    /// A key and its colon at once, as most keys are found: nothing has to be inserted before a token in the queue.
    fn block_key(&mut self, key: Token<'a>, column: i32) -> Result<(), Error> {
        self.roll_indent(column, None, TokenKind::BlockMappingStart, key.start)?;
        if let Some(possible) = self.keys.last_mut() {
            possible.possible = false;
        }
        self.push_at(TokenKind::Key, key.start);
        self.push_token(key);
        self.indicator(TokenKind::Value);
        Ok(())
    }

    fn plain(&mut self) -> Result<Token<'a>, Error> {
        let in_flow = if self.flow_level > 0 { Flow::Inside } else { Flow::Outside };
        let indent = self.indent + 1;
        let start = self.cursor.mark();
        let mut end = start;
        // what came before the current line, and where the text of the current line starts
        let mut text = String::new();
        let mut line_text = start.index();
        let mut breaks = Breaks::default();
        let mut after_break = false;
        while !self.cursor.is_document_indicator() && self.cursor.byte(0) != b'#' {
            let word = self.cursor.mark();
            self.cursor.skip_plain_word(in_flow);
            if self.cursor.mark() != word {
                if after_break {
                    text.push_str(self.cursor.slice(line_text, end.index()));
                    breaks.fold_into(&mut text);
                    line_text = word.index();
                    after_break = false;
                }
                end = self.cursor.mark();
            }
            if !self.cursor.is_blank() && !self.cursor.is_break() {
                break;
            }
            loop {
                if self.cursor.is_blank() {
                    let tab = self.cursor.byte(0) == b'\t';
                    if after_break && tab && self.cursor.column() < indent {
                        let at = self.cursor.mark();
                        return Err(problem("found a tab character that violates indentation", start, at));
                    }
                    self.cursor.skip(1);
                } else if self.cursor.is_break() {
                    after_break = true;
                    breaks.read(self);
                } else {
                    break;
                }
            }
            if in_flow == Flow::Outside && self.cursor.column() < indent {
                break;
            }
        }
        if after_break {
            self.key_allowed = true;
        }
        let last_line = self.cursor.slice(line_text, end.index());
        let text = join(text, last_line);
        Ok(Token { kind: TokenKind::Scalar(text, Style::Plain), start, end })
    }

    fn quoted(&mut self, style: Style) -> Result<Token<'a>, Error> {
        let quote = if style == Style::SingleQuoted { b'\'' } else { b'"' };
        let start = self.cursor.mark();
        self.cursor.skip(1);
        let mut text = String::new();
        // bytes from here on are not in `text` yet
        let mut pending = self.cursor.mark().index();
        loop {
            if self.cursor.is_document_indicator() {
                return Err(problem("found unexpected document indicator", start, self.cursor.mark()));
            }
            if self.cursor.is_at_end() {
                return Err(problem("found unexpected end of stream", start, self.cursor.mark()));
            }
            self.cursor.skip_quoted_word();
            let here = self.cursor.mark().index();
            let byte = self.cursor.byte(0);
            if byte == quote {
                if style == Style::SingleQuoted && self.cursor.byte(1) == b'\'' {
                    self.cursor.skip(1);
                    text.push_str(self.cursor.since(pending));
                    self.cursor.skip(1);
                    pending = self.cursor.mark().index();
                    continue;
                }
                let last = self.cursor.since(pending);
                self.cursor.skip(1);
                let kind = TokenKind::Scalar(join(text, last), style);
                return Ok(Token { kind, start, end: self.cursor.mark() });
            }
            match byte {
                b'\'' | b'"' => self.cursor.skip(1),
                b'\\' if style == Style::SingleQuoted => self.cursor.skip(1),
                b'\\' => {
                    text.push_str(self.cursor.since(pending));
                    self.cursor.skip(1);
                    if self.cursor.is_break() {
                        self.cursor.skip_break();
                        self.fold_lines(&mut text, Breaks::default());
                    } else {
                        self.escape(&mut text, start)?;
                    }
                    pending = self.cursor.mark().index();
                }
                _ => {
                    self.cursor.skip_blanks();
                    if self.cursor.is_break() {
                        text.push_str(self.cursor.slice(pending, here));
                        let mut breaks = Breaks::default();
                        breaks.read(self);
                        self.fold_lines(&mut text, breaks);
                        pending = self.cursor.mark().index();
                    }
                }
            }
        }
    }

    /// Skips to the next text of a quoted scalar after a line break.
    fn fold_lines(&mut self, text: &mut String, mut breaks: Breaks) {
        let escaped = breaks.first.is_none();
        loop {
            self.cursor.skip_blanks();
            if !self.cursor.is_break() {
                break;
            }
            if escaped {
                self.cursor.read_break(&mut breaks.others);
            } else {
                breaks.read(self);
            }
        }
        if escaped {
            text.push_str(&breaks.others);
        } else {
            breaks.fold_into(text);
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, text: &mut String, start: Mark) -> Result<(), Error> {
        let digits = match self.cursor.byte(0) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            byte => {
                let c = match byte {
                    b'0' => '\0',
                    b'a' => '\u{7}',
                    b'b' => '\u{8}',
                    b't' | b'\t' => '\t',
                    b'n' => '\n',
                    b'v' => '\u{b}',
                    b'f' => '\u{c}',
                    b'r' => '\r',
                    b'e' => '\u{1b}',
                    b' ' | b'"' | b'\'' | b'\\' => char::from(byte),
                    b'N' => '\u{85}',
                    b'_' => '\u{a0}',
                    b'L' => '\u{2028}',
                    b'P' => '\u{2029}',
                    _ => return Err(problem("found unknown escape character", start, self.cursor.mark())),
                };
                text.push(c);
                self.cursor.skip(1);
                return Ok(());
            }
        };
        self.cursor.skip(1);
        let at = self.cursor.mark();
        let code = self.cursor.slice(at.index(), at.index() + digits);
        if code.len() != digits || !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(problem("did not find expected hexdecimal number", start, at));
        }
        let character = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
        let Some(character) = character else {
            return Err(problem("found invalid Unicode character escape code", start, at));
        };
        text.push(character);
        self.cursor.skip(digits);
        Ok(())
    }

    /// A literal or folded scalar.
    pub(super) fn block_scalar(&mut self, style: Style) -> Result<(), Error> {
        self.forget_innermost_key()?;
        self.key_allowed = true;
        let start = self.cursor.mark();
        self.cursor.skip(1);
        let (chomping, increment) = self.block_header(start)?;
        self.cursor.skip_blanks();
        if self.cursor.byte(0) == b'#' {
            self.line_comment(start);
            self.cursor.skip_to_line_end();
        }
        if !self.cursor.is_break_or_end() {
            return Err(problem("did not find expected comment or line break", start, self.cursor.mark()));
        }
        self.cursor.skip_break();
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut text = String::new();
        let mut end = self.cursor.mark();
        let mut first_break = String::new();
        let mut other_breaks = String::new();
        let mut after_blank = false;
        self.block_breaks(&mut indent, &mut other_breaks, start, &mut end)?;
        while self.cursor.column() == indent && !self.cursor.is_at_end() {
            let blank = self.cursor.is_blank();
            if style == Style::Folded && !after_blank && !blank && first_break == "\n" {
                if other_breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&first_break);
            }
            first_break.clear();
            text.push_str(&other_breaks);
            other_breaks.clear();
            after_blank = blank;
            let line = self.cursor.mark().index();
            self.cursor.skip_to_line_end();
            text.push_str(self.cursor.since(line));
            self.cursor.read_break(&mut first_break);
            self.block_breaks(&mut indent, &mut other_breaks, start, &mut end)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(&first_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&other_breaks);
        }
        self.push_token(Token { kind: TokenKind::Scalar(Cow::Owned(text), style), start, end });
        Ok(())
    }

    /// Chomping and indentation indicators, in either order; 0 for no indentation.
    fn block_header(&mut self, start: Mark) -> Result<(Chomping, i32), Error> {
        let mut chomping = None;
        let mut increment = 0;
        loop {
            match self.cursor.byte(0) {
                b'+' if chomping.is_none() => chomping = Some(Chomping::Keep),
                b'-' if chomping.is_none() => chomping = Some(Chomping::Strip),
                b'0' if increment == 0 => {
                    let at = self.cursor.mark();
                    return Err(problem("found an indentation indicator equal to 0", start, at));
                }
                digit @ b'1'..=b'9' if increment == 0 => increment = i32::from(digit - b'0'),
                _ => return Ok((chomping.unwrap_or(Chomping::Clip), increment)),
            }
            self.cursor.skip(1);
        }
    }

    /// Indentation and empty lines; finds the indentation (0 so far) by the first line that has text.
    fn block_breaks(
        &mut self,
        indent: &mut i32,
        breaks: &mut String,
        start: Mark,
        end: &mut Mark,
    ) -> Result<(), Error> {
        *end = self.cursor.mark();
        let mut deepest = 0;
        loop {
            let mut column = self.cursor.column();
            while (*indent == 0 || column < *indent) && self.cursor.byte(0) == b' ' {
                self.cursor.skip(1);
                column += 1;
            }
            deepest = deepest.max(column);
            if (*indent == 0 || column < *indent) && self.cursor.byte(0) == b'\t' {
                let text = "found a tab character where an indentation space is expected";
                return Err(problem(text, start, self.cursor.mark()));
            }
            if !self.cursor.is_break() {
                break;
            }
            self.cursor.read_break(breaks);
            *end = self.cursor.mark();
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}

fn join(text: String, last: &str) -> Cow<'_, str> {
    if text.is_empty() {
        return Cow::Borrowed(last);
    }
    let mut text = text;
    text.push_str(last);
    Cow::Owned(text)
}
