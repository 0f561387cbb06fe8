//! Shell patterns as Go's `filepath.Match` reads them.

/// The pattern itself is malformed, whatever the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// A compiled shell pattern: `*` and `?` do not cross `/`, `[a-z]` and `[^a]` are classes, `\` escapes.
///
/// ```
/// use flux_gotext::PathPattern;
/// let pattern = PathPattern::new("*.y?ml")?;
/// assert!(pattern.matches("app.yaml"));
/// assert!(!pattern.matches("apps/app.yaml"));
/// # Ok::<(), flux_gotext::BadPattern>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Any run of characters but `/`.
    Star,
    /// One character but `/`.
    Any,
    Literal(char),
    /// One character inside (or, if negated, outside) the ranges. A negated class takes `/` as well, as in Go.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl PathPattern {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// [`BadPattern`] for an unfinished or empty class or escape. Go reports it too, unless the name fails before that
    /// point of the pattern: then it is an ordinary mismatch.
    pub fn new(pattern: &str) -> Result<Self, BadPattern> {
        let mut tokens = Vec::new();
        let mut characters = pattern.chars().peekable();
        while let Some(character) = characters.next() {
            let token = match character {
                '*' if tokens.last() == Some(&Token::Star) => continue,
                '*' => Token::Star,
                '?' => Token::Any,
                '[' => class(&mut characters)?,
                '\\' => Token::Literal(characters.next().ok_or(BadPattern)?),
                other => Token::Literal(other),
            };
            tokens.push(token);
        }
        Ok(Self { tokens })
    }

    /// Whether the whole `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        let mut tokens = self.tokens.as_slice();
        let mut rest = name;
        // Where to go on when the tokens after the last star fail: those tokens, and the name that the star began at.
        let mut retry: Option<(&[Token], &str)> = None;
        loop {
            match tokens.split_first() {
                Some((Token::Star, after)) => {
                    tokens = after;
                    retry = Some((after, rest));
                    continue;
                }
                Some((token, after)) => {
                    let mut characters = rest.chars();
                    if characters.next().is_some_and(|character| token.takes(character)) {
                        tokens = after;
                        rest = characters.as_str();
                        continue;
                    }
                }
                None if rest.is_empty() => return true,
                None => {}
            }
            // let the last star take one character more
            let Some((after, start)) = retry else { return false };
            let mut characters = start.chars();
            match characters.next() {
                None | Some('/') => return false,
                Some(_) => {
                    tokens = after;
                    rest = characters.as_str();
                    retry = Some((after, rest));
                }
            }
        }
    }
}

impl Token {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Star => false,
            Self::Any => character != '/',
            Self::Literal(literal) => *literal == character,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated
            }
        }
    }
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads a class behind its `[`.
fn class(characters: &mut Characters<'_>) -> Result<Token, BadPattern> {
    let negated = characters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && characters.next_if_eq(&']').is_some() {
            return Ok(Token::Class { negated, ranges });
        }
        let low = class_character(characters)?;
        let high = if characters.next_if_eq(&'-').is_some() { class_character(characters)? } else { low };
        ranges.push((low, high));
    }
}

fn class_character(characters: &mut Characters<'_>) -> Result<char, BadPattern> {
    match characters.next().ok_or(BadPattern)? {
        '-' | ']' => Err(BadPattern),
        '\\' => characters.next().ok_or(BadPattern),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests;
