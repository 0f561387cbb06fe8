//! Texts, delimiters, and what stands between them.

use std::borrow::Cow;

use flux_gotext::{REPLACEMENT, Shown, decode_rune, is_digit, is_letter, is_print, quote_bytes};
use memchr::memmem;

use super::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    /// Whether error messages show the token as `<word>`.
    pub(super) const fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Dot
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

/// A piece of a template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Its text; nothing for an error and for the end.
    pub(super) span: Span,
}

/// Gives one token after another; after an error only ends.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    /// What is still to be read.
    rest: &'a [u8],
    /// Length of the whole input.
    length: usize,
    inside_action: bool,
    parentheses: usize,
    message: Cow<'static, str>,
}

/// Length of either delimiter.
const DELIMITER: usize = 2;
/// Length of what makes a delimiter trim.
const TRIM: usize = 2;

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_space(**byte)).count()
}

fn length_without_spaces(text: &[u8]) -> usize {
    text.iter().rposition(|byte| !is_space(*byte)).map_or(0, |last| last + 1)
}

/// Whether a byte is a letter, a digit or an underscore, by its number.
#[expect(clippy::indexing_slicing, reason = "it would not compile out of bounds")]
const IN_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        byte += 1;
    }
    table
};

/// Where a left delimiter stands.
fn find_left(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', text).find(|at| text.get(at + 1) == Some(&b'{'))
}

/// Whether the left delimiter at the start trims.
fn trims_left(text: &[u8]) -> bool {
    matches!(text, [_, _, b'-', space, ..] if is_space(*space))
}

/// Whether a right delimiter that trims stands at the start.
fn trims_right(text: &[u8]) -> bool {
    matches!(text, [space, b'-', b'}', b'}', ..] if is_space(*space))
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || is_letter(character) || is_digit(character)
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self {
            rest: input,
            length: input.len(),
            inside_action: false,
            parentheses: 0,
            message: Cow::Borrowed(""),
        }
    }

    /// What the last error says.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The token of so many bytes.
    fn take(&mut self, kind: Kind, length: usize) -> Token {
        let span = Span::new(self.length - self.rest.len(), length);
        self.skip(length);
        Token { kind, span }
    }

    fn skip(&mut self, length: usize) {
        self.rest = self.rest.get(length..).unwrap_or_default();
    }

    fn error(&mut self, message: impl Into<Cow<'static, str>>) -> Token {
        let span = Span::new(self.length - self.rest.len(), 0);
        self.message = message.into();
        self.rest = b"";
        Token { kind: Kind::Error, span }
    }

    /// The next token; at the end, `Eof` again and again.
    pub(super) fn next_token(&mut self) -> Token {
        if self.inside_action { self.action() } else { self.text() }
    }

    fn text(&mut self) -> Token {
        loop {
            if !matches!(self.rest, [b'{', b'{', ..]) {
                let Some(length) = find_left(self.rest) else {
                    let kind = if self.rest.is_empty() { Kind::Eof } else { Kind::Text };
                    return self.take(kind, self.rest.len());
                };
                let (text, rest) = self.rest.split_at_checked(length).unwrap_or_default();
                let length = if trims_left(rest) { length_without_spaces(text) } else { length };
                let token = self.take(Kind::Text, length);
                self.rest = rest;
                if !token.span.is_empty() {
                    return token;
                }
            }
            let trim = if trims_left(self.rest) { TRIM } else { 0 };
            if matches!(self.rest.get(DELIMITER + trim..), Some([b'/', b'*', ..])) {
                self.skip(DELIMITER + trim);
                match self.comment() {
                    Some(error) => return error,
                    None => continue,
                }
            }
            let token = self.take(Kind::LeftDelim, DELIMITER);
            self.skip(trim);
            self.inside_action = true;
            self.parentheses = 0;
            return token;
        }
    }

    #[inline(never)]
    fn comment(&mut self) -> Option<Token> {
        let end = self.rest.get(2..).and_then(|rest| rest.get(memmem::find(rest, b"*/")? + 2..));
        let Some(rest) = end else {
            return Some(self.error("unclosed comment"));
        };
        if trims_right(rest) {
            self.rest = rest;
            self.skip(TRIM + DELIMITER);
            self.skip(spaces(self.rest));
        } else if matches!(rest, [b'}', b'}', ..]) {
            self.rest = rest;
            self.skip(DELIMITER);
        } else {
            return Some(self.error("comment ends before closing delimiter"));
        }
        None
    }

    /// A right delimiter that stands here.
    fn right(&mut self, trims: bool) -> Token {
        if self.parentheses > 0 {
            return self.error("unclosed left paren");
        }
        if trims {
            self.skip(TRIM);
        }
        let token = self.take(Kind::RightDelim, DELIMITER);
        if trims {
            self.skip(spaces(self.rest));
        }
        self.inside_action = false;
        token
    }

    fn action(&mut self) -> Token {
        let Some((first, rest)) = self.rest.split_first() else { return self.error("unclosed action") };
        match first {
            b' ' | b'\t' | b'\r' | b'\n' => self.space(),
            b'}' if rest.first() == Some(&b'}') => self.right(false),
            b'=' => self.take(Kind::Assign, 1),
            b':' => {
                if rest.first() == Some(&b'=') {
                    self.take(Kind::Declare, 2)
                } else {
                    self.error("expected :=")
                }
            }
            b'|' => self.take(Kind::Pipe, 1),
            b'"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            b'\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            b'`' => match memchr::memchr(b'`', rest) {
                Some(length) => self.take(Kind::RawString, 1 + length + 1),
                None => self.error("unterminated raw quoted string"),
            },
            b'$' => self.name(Kind::Variable, Kind::Variable),
            b'.' if rest.first().is_some_and(|byte| !byte.is_ascii_digit()) => {
                self.name(Kind::Field, Kind::Dot)
            }
            b'.' | b'+' | b'-' | b'0'..=b'9' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.identifier(),
            b'(' => {
                self.parentheses += 1;
                self.take(Kind::LeftParen, 1)
            }
            b')' => {
                let Some(parentheses) = self.parentheses.checked_sub(1) else {
                    return self.error("unexpected right paren");
                };
                self.parentheses = parentheses;
                self.take(Kind::RightParen, 1)
            }
            b' '..=b'~' => self.take(Kind::Char, 1),
            _ => match first_character(self.rest) {
                character if is_alphanumeric(character) => self.identifier(),
                character => {
                    self.error(format!("unrecognized character in action: {}", code_point(character)))
                }
            },
        }
    }

    fn space(&mut self) -> Token {
        let length = spaces(self.rest);
        // the last space may belong to a delimiter that trims
        let before = length.saturating_sub(1);
        match self.rest.get(before..) {
            Some(last) if trims_right(last) && before == 0 => self.right(true),
            Some(last) if trims_right(last) => self.take(Kind::Space, before),
            _ => self.take(Kind::Space, length),
        }
    }

    fn quoted(&mut self, end: u8, kind: Kind, unterminated: &'static str) -> Token {
        let mut length = 1;
        loop {
            let rest = self.rest.get(length..).unwrap_or_default();
            let Some(found) = memchr::memchr3(end, b'\\', b'\n', rest) else { break };
            match rest.get(found..) {
                Some([byte, ..]) if *byte == end => return self.take(kind, length + found + 1),
                Some([b'\\', escaped, ..]) if *escaped != b'\n' => length += found + 2,
                _ => break,
            }
        }
        self.error(unterminated)
    }

    /// A field or a variable, or what it is without a name.
    fn name(&mut self, kind: Kind, unnamed: Kind) -> Token {
        let rest = self.rest.get(1..).unwrap_or_default();
        if is_end_of_word(rest) {
            return self.take(unnamed, 1);
        }
        self.word(kind, 1 + word_length(rest))
    }

    fn identifier(&mut self) -> Token {
        let length = word_length(self.rest);
        let kind = match self.rest.get(..length).unwrap_or_default() {
            b"block" => Kind::Block,
            b"break" => Kind::Break,
            b"continue" => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"range" => Kind::Range,
            b"nil" => Kind::Nil,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.word(kind, length)
    }

    /// A token that must end where a word may.
    #[inline]
    fn word(&mut self, kind: Kind, length: usize) -> Token {
        let after = self.rest.get(length..).unwrap_or_default();
        if is_end_of_word(after) {
            return self.take(kind, length);
        }
        self.error(format!("bad character {}", code_point(first_character(after))))
    }

    fn number(&mut self) -> Token {
        let mut rest = self.rest;
        let mut is_good = scan_number(&mut rest);
        let is_sum = is_good && matches!(rest, [b'+' | b'-', ..]);
        if is_sum {
            is_good = scan_number(&mut rest);
        }
        let length = self.rest.len() - rest.len();
        let text = self.rest.get(..length).unwrap_or_default();
        if !is_good || (is_sum && !text.ends_with(b"i")) {
            let text = quote_bytes(text, Shown::Printable);
            return self.error(format!("bad number syntax: {text}"));
        }
        self.take(if is_sum { Kind::Complex } else { Kind::Number }, length)
    }
}

fn first_character(text: &[u8]) -> char {
    decode_rune(text).0.unwrap_or(REPLACEMENT)
}

/// How many bytes of letters, digits and underscores a text starts with.
fn word_length(text: &[u8]) -> usize {
    let in_word = |byte: &&u8| IN_WORD.get(usize::from(**byte)) == Some(&true);
    let mut length = 0;
    loop {
        let rest = text.get(length..).unwrap_or_default();
        let ascii = rest.iter().take_while(in_word).count();
        length += ascii;
        match rest.get(ascii..) {
            Some(rest @ [byte, ..]) if !byte.is_ascii() => match decode_rune(rest) {
                (Some(character), bytes) if is_alphanumeric(character) => length += bytes,
                _ => return length,
            },
            _ => return length,
        }
    }
}

const fn is_end_of_word(text: &[u8]) -> bool {
    matches!(
        text,
        [] | [b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(', ..] | [b'}', b'}', ..]
    )
}

fn accept(rest: &mut &[u8], any_of: &[u8]) -> bool {
    match rest.split_first() {
        Some((first, after)) if any_of.contains(first) => {
            *rest = after;
            true
        }
        _ => false,
    }
}

fn accept_run(rest: &mut &[u8], any_of: &[u8]) {
    while accept(rest, any_of) {}
}

/// Passes a number; whether it is a good one.
fn scan_number(rest: &mut &[u8]) -> bool {
    accept(rest, b"+-");
    let mut digits: &[u8] = b"0123456789_";
    if accept(rest, b"0") {
        if accept(rest, b"xX") {
            digits = b"0123456789abcdefABCDEF_";
        } else if accept(rest, b"oO") {
            digits = b"01234567_";
        } else if accept(rest, b"bB") {
            digits = b"01_";
        }
    }
    accept_run(rest, digits);
    if accept(rest, b".") {
        accept_run(rest, digits);
    }
    let exponent: &[u8] = match digits.len() {
        11 => b"eE",
        23 => b"pP",
        _ => b"",
    };
    if accept(rest, exponent) {
        accept(rest, b"+-");
        accept_run(rest, b"0123456789_");
    }
    accept(rest, b"i");
    // a bad number is shown with the character that makes it one
    match decode_rune(rest) {
        (Some(character), length) if is_alphanumeric(character) => {
            *rest = rest.get(length..).unwrap_or_default();
            false
        }
        _ => true,
    }
}

/// `U+002D '-'`
fn code_point(character: char) -> String {
    let code = format!("U+{:04X}", u32::from(character));
    if is_print(character) { format!("{code} '{character}'") } else { code }
}
