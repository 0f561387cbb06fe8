//! Texts, delimiters, and what stands between them.

use flux_gotext::{REPLACEMENT, Shown, decode_rune, is_digit, is_letter, is_print, quote_bytes};

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
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Offset in bytes.
    pub(super) at: usize,
    /// Its text; the message of an error.
    pub(super) text: Vec<u8>,
    /// Line that it starts on.
    pub(super) line: usize,
}

/// Gives one token after another; after an error only ends.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    input: &'a [u8],
    position: usize,
    start: usize,
    line: usize,
    start_line: usize,
    inside_action: bool,
    parentheses: usize,
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn has_left_trim(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space(*space))
}

fn has_right_trim(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space(*space))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}

fn lines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || is_letter(character) || is_digit(character)
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self { input, position: 0, start: 0, line: 1, start_line: 1, inside_action: false, parentheses: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    fn piece(&self) -> &'a [u8] {
        self.input.get(self.start..self.position).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        match decode_rune(self.rest()) {
            (_, 0) => None,
            (character, _) => Some(character.unwrap_or(REPLACEMENT)),
        }
    }

    fn next(&mut self) -> Option<char> {
        let (character, length) = decode_rune(self.rest());
        self.position += length;
        if character == Some('\n') {
            self.line += 1;
        }
        (length > 0).then(|| character.unwrap_or(REPLACEMENT))
    }

    fn token(&mut self, kind: Kind) -> Token {
        let token = Token { kind, at: self.start, text: self.piece().to_vec(), line: self.start_line };
        self.start = self.position;
        self.start_line = self.line;
        token
    }

    /// Drops what was passed without looking at its characters.
    fn ignore(&mut self) {
        self.line += lines(self.piece());
        self.start = self.position;
        self.start_line = self.line;
    }

    fn error(&mut self, message: impl Into<Vec<u8>>) -> Token {
        let token = Token { kind: Kind::Error, at: self.start, text: message.into(), line: self.start_line };
        self.input = &[];
        self.position = 0;
        self.start = 0;
        token
    }

    /// The next token; at the end, `Eof` again and again.
    pub(super) fn next_token(&mut self) -> Token {
        if self.inside_action { self.action() } else { self.text() }
    }

    fn text(&mut self) -> Token {
        loop {
            let Some(length) = find(self.rest(), LEFT) else {
                self.position = self.input.len();
                if self.position > self.start {
                    self.line += lines(self.piece());
                    return self.token(Kind::Text);
                }
                return Token {
                    kind: Kind::Eof,
                    at: self.position,
                    text: b"EOF".to_vec(),
                    line: self.start_line,
                };
            };
            if length > 0 {
                self.position += length;
                let trims = has_left_trim(self.rest().get(LEFT.len()..).unwrap_or_default());
                let spaces = if trims {
                    self.piece().iter().rev().take_while(|byte| is_space(**byte)).count()
                } else {
                    0
                };
                self.position -= spaces;
                self.line += lines(self.piece());
                let token = self.token(Kind::Text);
                self.position += spaces;
                self.ignore();
                if !token.text.is_empty() {
                    return token;
                }
            }
            let (trims, after) = self.after_left();
            if self.rest().get(after..).is_some_and(|rest| rest.starts_with(b"/*")) {
                self.position += after;
                self.ignore();
                match self.comment() {
                    Some(error) => return error,
                    None => continue,
                }
            }
            self.position += LEFT.len();
            let token = self.token(Kind::LeftDelim);
            self.inside_action = true;
            if trims {
                self.position += 2;
            }
            self.ignore();
            self.parentheses = 0;
            return token;
        }
    }

    /// Whether a left delimiter trims, and its length with the marker.
    fn after_left(&self) -> (bool, usize) {
        let trims = has_left_trim(self.rest().get(LEFT.len()..).unwrap_or_default());
        (trims, if trims { LEFT.len() + 2 } else { LEFT.len() })
    }

    fn comment(&mut self) -> Option<Token> {
        let Some(length) = self.rest().get(2..).and_then(|rest| find(rest, b"*/")) else {
            // Go has passed the marker by then
            self.position += 2;
            return Some(self.error("unclosed comment"));
        };
        self.position += 2 + length + 2;
        let Some(trims) = self.at_right() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.pass_right(trims);
        self.ignore();
        None
    }

    /// Whether a right delimiter stands here, and whether it trims.
    fn at_right(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim(rest) && rest.get(2..).is_some_and(|rest| rest.starts_with(RIGHT)) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn pass_right(&mut self, trims: bool) {
        self.position += if trims { RIGHT.len() + 2 } else { RIGHT.len() };
        if trims {
            self.position += self.rest().iter().take_while(|byte| is_space(**byte)).count();
        }
    }

    fn right(&mut self, trims: bool) -> Token {
        if trims {
            self.position += 2;
            self.ignore();
        }
        self.position += RIGHT.len();
        let token = self.token(Kind::RightDelim);
        if trims {
            self.position += self.rest().iter().take_while(|byte| is_space(**byte)).count();
            self.ignore();
        }
        self.inside_action = false;
        token
    }

    fn action(&mut self) -> Token {
        if let Some(trims) = self.at_right() {
            if self.parentheses == 0 {
                return self.right(trims);
            }
            return self.error("unclosed left paren");
        }
        let Some(character) = self.next() else { return self.error("unclosed action") };
        match character {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.token(Kind::Assign),
            ':' => {
                if self.next() == Some('=') {
                    self.token(Kind::Declare)
                } else {
                    self.error("expected :=")
                }
            }
            '|' => self.token(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match memchr::memchr(b'`', self.rest()) {
                Some(length) => {
                    self.position += length + 1;
                    self.line += lines(self.piece());
                    self.token(Kind::RawString)
                }
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.name(Kind::Variable),
            '.' if self.rest().first().is_some_and(|byte| !byte.is_ascii_digit()) => self.name(Kind::Field),
            '.' | '+' | '-' | '0'..='9' => {
                self.position -= 1;
                self.number()
            }
            character if is_alphanumeric(character) => self.identifier(),
            '(' => {
                self.parentheses += 1;
                self.token(Kind::LeftParen)
            }
            ')' => {
                let Some(parentheses) = self.parentheses.checked_sub(1) else {
                    return self.error("unexpected right paren");
                };
                self.parentheses = parentheses;
                self.token(Kind::RightParen)
            }
            character if character.is_ascii() && is_print(character) => self.token(Kind::Char),
            character => self.error(format!("unrecognized character in action: {}", code_point(character))),
        }
    }

    fn space(&mut self) -> Token {
        while self.rest().first().is_some_and(|byte| is_space(*byte)) {
            self.next();
        }
        // the last space may belong to a delimiter that trims
        let last = self.position - 1;
        let rest = self.input.get(last..).unwrap_or_default();
        if has_right_trim(rest) && rest.get(2..).is_some_and(|rest| rest.starts_with(RIGHT)) {
            if rest.first() == Some(&b'\n') {
                self.line -= 1;
            }
            self.position = last;
            if self.position == self.start {
                return self.right(true);
            }
        }
        self.token(Kind::Space)
    }

    fn quoted(&mut self, end: u8, kind: Kind, unterminated: &str) -> Token {
        loop {
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return self.error(unterminated);
                    }
                }
                None | Some('\n') => return self.error(unterminated),
                Some(character) if character == char::from(end) => return self.token(kind),
                Some(_) => {}
            }
        }
    }

    /// A field or a variable, whose first character is past.
    fn name(&mut self, kind: Kind) -> Token {
        if self.at_end_of_word() {
            return self.token(if kind == Kind::Field { Kind::Dot } else { kind });
        }
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if self.at_end_of_word() { self.token(kind) } else { self.bad_character() }
    }

    fn identifier(&mut self) -> Token {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_end_of_word() {
            return self.bad_character();
        }
        let kind = match self.piece() {
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
        self.token(kind)
    }

    fn bad_character(&mut self) -> Token {
        let character = self.peek().unwrap_or(REPLACEMENT);
        self.error(format!("bad character {}", code_point(character)))
    }

    fn at_end_of_word(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    fn number(&mut self) -> Token {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || self.piece().last() != Some(&b'i') {
                return self.bad_number();
            }
            return self.token(Kind::Complex);
        }
        self.token(Kind::Number)
    }

    fn bad_number(&mut self) -> Token {
        let text = quote_bytes(self.piece(), Shown::Printable);
        self.error(format!("bad number syntax: {text}"))
    }

    fn accept(&mut self, any_of: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| any_of.contains(byte));
        if found {
            self.position += 1;
        }
        found
    }

    fn accept_run(&mut self, any_of: &[u8]) {
        while self.accept(any_of) {}
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        let exponent: &[u8] = match digits.len() {
            11 => b"eE",
            23 => b"pP",
            _ => b"",
        };
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

/// `U+002D '-'`
fn code_point(character: char) -> String {
    let code = format!("U+{:04X}", u32::from(character));
    if is_print(character) { format!("{code} '{character}'") } else { code }
}
