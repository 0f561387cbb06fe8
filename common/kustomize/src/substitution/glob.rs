//! Patterns of prefixes and suffixes: `*`, `?`, classes and escapes.
//!
//! Only a last star can make a match longer, and everything before it is matched as early as possible; so the shortest and
//! the longest prefix are found without trying each.

/// A pattern: pieces, between which anything may stand.
#[derive(Debug)]
pub(super) struct Glob {
    /// Pieces without stars; the first is where the value begins.
    pieces: Vec<Vec<Item>>,
}

#[derive(Debug)]
enum Item {
    Exactly(char),
    Any,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Parses a pattern; `None` if it is malformed (and then matches nothing).
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut pieces = vec![Vec::new()];
        let mut characters = pattern.chars();
        while let Some(c) = characters.next() {
            let item = match c {
                '*' => {
                    // two stars in a row are one
                    if pieces.len() < 2 || pieces.last().is_some_and(|piece| !piece.is_empty()) {
                        pieces.push(Vec::new());
                    }
                    continue;
                }
                '?' => Item::Any,
                '[' => class(&mut characters)?,
                '\\' => Item::Exactly(characters.next()?),
                _ => Item::Exactly(c),
            };
            pieces.last_mut()?.push(item);
        }
        Some(Self { pieces })
    }

    /// Bytes of the shortest prefix that matches and is not empty.
    pub(super) fn shortest(&self, value: &str) -> Option<usize> {
        let end = self.find(value, Search::First)?;
        match end {
            // only stars: they take one character
            0 if self.pieces.len() > 1 => value.chars().next().map(char::len_utf8),
            0 => None,
            end => Some(end),
        }
    }

    /// Bytes of the longest prefix that matches and is not empty.
    pub(super) fn longest(&self, value: &str) -> Option<usize> {
        self.find(value, Search::Last).filter(|end| *end > 0)
    }

    /// End of a matching prefix; `last` says which place the last piece takes.
    fn find(&self, value: &str, last: Search) -> Option<usize> {
        let (first, others) = self.pieces.split_first()?;
        let mut end = match_at(first, value)?;
        for (index, piece) in others.iter().enumerate() {
            let rest = value.get(end..)?;
            let search = if index + 1 == others.len() { last } else { Search::First };
            end += match search {
                Search::First => find_first(piece, rest)?,
                Search::Last if piece.is_empty() => rest.len(),
                Search::Last => find_last(piece, rest)?,
            };
        }
        Some(end)
    }
}

#[derive(Clone, Copy)]
enum Search {
    First,
    Last,
}

/// End of the first match of a piece.
fn find_first(piece: &[Item], value: &str) -> Option<usize> {
    starts(value).find_map(|(start, rest)| match_at(piece, rest).map(|length| start + length))
}

/// End of the last match of a piece.
fn find_last(piece: &[Item], value: &str) -> Option<usize> {
    let backwards = value.char_indices().rev();
    backwards
        .filter_map(|(start, _)| Some((start, value.get(start..)?)))
        .find_map(|(start, rest)| match_at(piece, rest).map(|length| start + length))
}

/// Each place of the value and what follows it, the end included.
fn starts(value: &str) -> impl Iterator<Item = (usize, &str)> {
    let places = value.char_indices().map(|(start, _)| start).chain(std::iter::once(value.len()));
    places.filter_map(move |start| Some((start, value.get(start..)?)))
}

/// Length of the match of a piece at the start of the value.
fn match_at(piece: &[Item], value: &str) -> Option<usize> {
    let mut characters = value.chars();
    for item in piece {
        let c = characters.next()?;
        let matches = match item {
            Item::Exactly(expected) => c == *expected,
            Item::Any => true,
            Item::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        };
        if !matches {
            return None;
        }
    }
    Some(value.len() - characters.as_str().len())
}

/// What follows `[`, up to and with `]`.
fn class(characters: &mut std::str::Chars<'_>) -> Option<Item> {
    let negated = characters.as_str().starts_with('^');
    if negated {
        characters.next();
    }
    let mut ranges = Vec::new();
    while ranges.is_empty() || !characters.as_str().starts_with(']') {
        let low = bound(characters)?;
        let high = if characters.as_str().starts_with('-') {
            characters.next();
            bound(characters)?
        } else {
            low
        };
        ranges.push((low, high));
    }
    characters.next();
    Some(Item::Class { negated, ranges })
}

/// An end of a range, which something must follow.
fn bound(characters: &mut std::str::Chars<'_>) -> Option<char> {
    let c = match characters.next()? {
        '-' | ']' => return None,
        '\\' => characters.next()?,
        c => c,
    };
    if characters.as_str().is_empty() { None } else { Some(c) }
}
