//! Letter case.

use flux_gotext::{
    decode_rune, is_digit, is_letter, is_lower, is_number, is_punctuation, is_space, is_title, is_upper,
    rune_pieces, to_lower, to_title, to_upper,
};

use super::{characters, is_replacement, map, push};

/// `strings.ToUpper`.
pub(crate) fn upper(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() { text.to_ascii_uppercase() } else { map(text, to_upper) }
}

/// `strings.ToLower`.
pub(crate) fn lower(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() { text.to_ascii_lowercase() } else { map(text, to_lower) }
}

/// `strings.Title`: the first letter of each word, where a word ends at anything but letters, digits and underscores (of
/// other characters than those of ASCII, at white space alone).
pub(crate) fn title(text: &[u8]) -> Vec<u8> {
    let mut previous = ' ';
    map(text, |character| {
        let is_separator = if previous.is_ascii() {
            !previous.is_ascii_alphanumeric() && previous != '_'
        } else {
            !is_letter(previous) && !is_digit(previous) && is_space(previous)
        };
        previous = character;
        if is_separator { to_title(character) } else { character }
    })
}

/// The first letter of each word between white space in lower case.
pub(crate) fn uncapitalize(text: &[u8]) -> Vec<u8> {
    let mut is_next = true;
    map(text, |character| {
        if is_space(character) {
            is_next = true;
            character
        } else if std::mem::take(&mut is_next) {
            to_lower(character)
        } else {
            character
        }
    })
}

/// Upper case for lower and the other way round; at the start of a word title case.
pub(crate) fn swap_case(text: &[u8]) -> Vec<u8> {
    let mut after_space = true;
    map(text, |character| {
        if is_upper(character) || is_title(character) {
            after_space = false;
            to_lower(character)
        } else if is_lower(character) {
            if std::mem::take(&mut after_space) { to_title(character) } else { to_upper(character) }
        } else {
            after_space = is_space(character);
            character
        }
    })
}

/// The characters in another order, which `pick` gives: for each place from the last one it is asked for a place up to
/// there, itself included.
pub(crate) fn shuffle_order(text: &[u8], mut pick: impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut shuffled = characters(text);
    for index in (1..shuffled.len()).rev() {
        let other = pick(index + 1);
        if other <= index {
            shuffled.swap(index, other);
        }
    }
    let mut output = Vec::with_capacity(text.len());
    for character in shuffled {
        push(&mut output, character);
    }
    output
}

fn is_connector(character: char) -> bool {
    matches!(character, '-' | '_') || is_space(character)
}

/// `xstrings.ToPascalCase`: `some_words` becomes `SomeWords`.
pub(crate) fn pascal_case(text: &[u8]) -> Vec<u8> {
    let all = characters(text);
    let mut output = Vec::with_capacity(text.len());
    let leading = all.iter().take_while(|character| is_connector(**character)).count();
    all.iter().take(leading).for_each(|character| push(&mut output, *character));
    let last_connector = all.last().copied();
    let mut rest = all.into_iter().skip(leading);
    let Some(first) = rest.next() else {
        // of connectors alone the last one comes twice
        if let Some(character) = last_connector {
            push(&mut output, character);
        }
        return output;
    };
    let mut lowers = is_upper(first);
    let mut last = to_upper(first);
    for character in rest {
        let (previous, mut next) = (last, character);
        if is_connector(character) && is_connector(previous) {
            push(&mut output, previous);
            last = character;
            continue;
        }
        if is_connector(previous) {
            lowers = is_upper(character);
            next = to_upper(character);
        } else {
            if lowers && is_upper(character) {
                next = to_lower(character);
            } else if lowers {
                lowers = false;
            }
            push(&mut output, previous);
        }
        last = next;
    }
    push(&mut output, last);
    output
}

/// `xstrings.ToSnakeCase`: `FirstName` becomes `first_name`.
pub(crate) fn snake_case(text: &[u8]) -> Vec<u8> {
    separate(text, '_')
}

/// `xstrings.ToKebabCase`: `FirstName` becomes `first-name`.
pub(crate) fn kebab_case(text: &[u8]) -> Vec<u8> {
    separate(text, '-')
}

/// What the characters of a word have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

impl Kind {
    /// Letters and numbers that a number takes along.
    fn joins_number(self) -> bool {
        matches!(self, Self::Alphabet | Self::Number)
    }

    fn separates(self) -> bool {
        matches!(self, Self::Connector | Self::Punctuation)
    }
}

/// The words of a text, one after the other.
struct Words<'a> {
    rest: &'a [u8],
    connector: char,
    output: Vec<u8>,
}

fn separate(text: &[u8], connector: char) -> Vec<u8> {
    let mut words = Words { rest: text, connector, output: Vec::with_capacity(text.len() + 8) };
    if text.is_empty() {
        return Vec::new();
    }
    let (mut kind, mut word) = words.next();
    while !words.rest.is_empty() {
        if kind != Kind::Connector {
            words.push(kind, word);
        }
        let (previous, last) = (kind, word);
        (kind, word) = words.next();
        match previous {
            Kind::Number => {
                (kind, word) = words.with_number(kind, word);
            }
            Kind::Connector => words.push(previous, last),
            Kind::Punctuation => {}
            Kind::Invalid | Kind::Upper | Kind::Alphabet | Kind::Other => {
                (kind, word) = words.after_letters(kind, word);
            }
        }
    }
    words.push(kind, word);
    words.output
}

impl<'a> Words<'a> {
    fn connect(&mut self) {
        push(&mut self.output, self.connector);
    }

    /// A number takes the letters and numbers that follow along.
    fn with_number(&mut self, kind: Kind, word: &'a [u8]) -> (Kind, &'a [u8]) {
        let (mut kind, mut word) = (kind, word);
        while kind.joins_number() {
            self.push(kind, word);
            (kind, word) = self.next();
        }
        if kind != Kind::Invalid && !kind.separates() {
            self.connect();
        }
        (kind, word)
    }

    /// A number behind letters belongs to them, unless lower case follows it.
    fn after_letters(&mut self, kind: Kind, word: &'a [u8]) -> (Kind, &'a [u8]) {
        if kind != Kind::Number {
            if !kind.separates() {
                self.connect();
            }
            return (kind, word);
        }
        if self.rest.is_empty() {
            return (kind, word);
        }
        let number = word;
        let (kind, word) = self.next();
        if kind != Kind::Alphabet {
            self.push(Kind::Number, number);
            if !kind.separates() {
                self.connect();
            }
            return (kind, word);
        }
        self.connect();
        self.push(Kind::Number, number);
        self.with_number(kind, word)
    }

    fn push(&mut self, kind: Kind, word: &[u8]) {
        if !matches!(kind, Kind::Upper | Kind::Connector) {
            self.output.extend_from_slice(word);
            return;
        }
        for (character, _) in rune_pieces(word) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            let shown = if is_connector(character) { self.connector } else { to_lower_if_upper(character) };
            push(&mut self.output, shown);
        }
    }

    /// The next word, which is empty at the end.
    fn next(&mut self) -> (Kind, &'a [u8]) {
        let text = self.rest;
        let (kind, length) = next_word(text);
        let (word, rest) = text.split_at_checked(length).unwrap_or((text, &[]));
        self.rest = rest;
        (kind, word)
    }
}

fn to_lower_if_upper(character: char) -> char {
    if is_upper(character) { to_lower(character) } else { character }
}

/// The first character that is none of U+FFFD, and the bytes up to its end; without one, `previous` and all bytes.
fn next_valid(text: &[u8], previous: char) -> (char, usize) {
    let mut size = 0;
    for (character, piece) in rune_pieces(text) {
        size += piece.len();
        if let Some(character) = character.filter(|character| !is_replacement(*character)) {
            return (character, size);
        }
    }
    (previous, size)
}

/// How many bytes of `text` from `start` on belong to characters that `belongs` takes, and the character after them.
fn run(text: &[u8], start: usize, first: char, belongs: impl Fn(char) -> bool) -> (usize, char) {
    let (mut offset, mut last) = (start, first);
    while let Some(rest) = text.get(offset..).filter(|rest| !rest.is_empty()) {
        let (character, size) = next_valid(rest, last);
        last = character;
        if !belongs(character) {
            break;
        }
        offset += size;
    }
    (offset, last)
}

fn next_word(text: &[u8]) -> (Kind, usize) {
    let (first, size) = next_valid(text, char::REPLACEMENT_CHARACTER);
    if is_replacement(first) {
        return (Kind::Invalid, size);
    }
    let is_small = |character: char| is_letter(character) && !is_upper(character);
    if is_connector(first) {
        (Kind::Connector, run(text, size, first, is_connector).0)
    } else if is_punctuation(first) {
        (Kind::Punctuation, run(text, size, first, is_punctuation).0)
    } else if is_upper(first) {
        (Kind::Upper, upper_word(text, size, first))
    } else if is_letter(first) {
        (Kind::Alphabet, run(text, size, first, is_small).0)
    } else if is_number(first) {
        (Kind::Number, run(text, size, first, is_number).0)
    } else {
        let is_other = |character: char| {
            !is_connector(character)
                && !is_letter(character)
                && !is_number(character)
                && !is_punctuation(character)
        };
        (Kind::Other, run(text, size, first, is_other).0)
    }
}

/// A word that begins with upper case: `First`, or `HTTP` of `HTTPServer`.
fn upper_word(text: &[u8], start: usize, first: char) -> usize {
    let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) else { return start };
    let (second, size) = next_valid(rest, first);
    if is_upper(second) {
        let (end, after) = run(text, start + size, second, is_upper);
        let has_more = end < text.len();
        if !(has_more && is_letter(after)) {
            return end;
        }
        // the last capital begins the next word
        return last_start(text, start, end);
    }
    if is_letter(second) {
        let is_small = |character: char| is_letter(character) && !is_upper(character);
        return run(text, start + size, second, is_small).0;
    }
    start
}

/// Where the last character that counts between `start` and `end` begins, with the invalid bytes before it.
fn last_start(text: &[u8], start: usize, end: usize) -> usize {
    let mut offset = start;
    while let Some(rest) = text.get(offset..end).filter(|rest| !rest.is_empty()) {
        let (_, size) = next_valid(rest, ' ');
        if offset + size >= end {
            return offset;
        }
        offset += size;
    }
    decode_rune(text).1.max(start)
}
