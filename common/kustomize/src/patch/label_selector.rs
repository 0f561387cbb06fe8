//! Kubernetes' selectors over labels: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`.

use crate::error::{Context as _, Error, Result};

/// Requirements that all have to hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone)]
struct Requirement {
    key: String,
    condition: Condition,
}

#[derive(Debug, Clone)]
enum Condition {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    Symbol(&'t str),
}

impl LabelSelector {
    /// Parses a selector. The empty text selects everything.
    ///
    /// # Errors
    /// The text is no selector.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let tokens = tokens(text);
        let mut parser = Parser { tokens: &tokens };
        let mut requirements = Vec::new();
        if !parser.tokens.is_empty() && !parser.is_at_requirement() {
            return Err(unexpected(parser.next(), "!, identifier, or 'end of string'"));
        }
        while !parser.tokens.is_empty() {
            requirements.push(parser.requirement().context(|| "unable to parse requirement")?);
            match parser.next() {
                None => break,
                Some(Token::Symbol(",")) if parser.is_at_requirement() => {}
                Some(Token::Symbol(",")) => return Err(unexpected(parser.next(), "identifier after ','")),
                token => return Err(unexpected(token, "',' or 'end of string'")),
            }
        }
        Ok(Self { requirements })
    }

    /// Whether the selector selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether labels fulfil all requirements.
    pub(crate) fn matches<'l>(&self, labels: impl Iterator<Item = (&'l str, &'l str)>) -> bool {
        let labels: Vec<(&str, &str)> = labels.collect();
        self.requirements.iter().all(|requirement| {
            let value = labels.iter().find(|(key, _)| *key == requirement.key).map(|(_, value)| *value);
            requirement.condition.holds(value)
        })
    }
}

impl Condition {
    fn holds(&self, value: Option<&str>) -> bool {
        let is_in = |values: &[String]| value.is_some_and(|value| values.iter().any(|known| known == value));
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::Exists => value.is_some(),
            Self::Missing => value.is_none(),
            Self::In(values) => is_in(values),
            Self::NotIn(values) => !is_in(values),
            Self::Greater(limit) => number().is_some_and(|number| number > *limit),
            Self::Less(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

struct Parser<'t, 's> {
    tokens: &'s [Token<'t>],
}

impl<'t> Parser<'t, '_> {
    fn next(&mut self) -> Option<Token<'t>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn is_at_requirement(&self) -> bool {
        matches!(self.tokens.first(), Some(Token::Word(_) | Token::Symbol("!")))
    }

    fn requirement(&mut self) -> Result<Requirement> {
        let first = self.next();
        if first == Some(Token::Symbol("!")) {
            let key = self.key()?;
            return Ok(Requirement { key, condition: Condition::Missing });
        }
        let key = match first {
            Some(Token::Word(key)) => checked_key(key)?,
            other => return Err(unexpected(other, "identifier")),
        };
        if matches!(self.tokens.first(), None | Some(Token::Symbol(","))) {
            return Ok(Requirement { key, condition: Condition::Exists });
        }
        let condition = match self.next() {
            Some(Token::Word("in")) => Condition::In(self.values()?),
            Some(Token::Word("notin")) => Condition::NotIn(self.values()?),
            Some(Token::Symbol("=" | "==")) => Condition::In(vec![self.value()?]),
            Some(Token::Symbol("!=")) => Condition::NotIn(vec![self.value()?]),
            Some(Token::Symbol(">")) => Condition::Greater(self.number()?),
            Some(Token::Symbol("<")) => Condition::Less(self.number()?),
            other => return Err(unexpected(other, "in, notin, =, ==, !=, gt, lt")),
        };
        Ok(Requirement { key, condition })
    }

    fn key(&mut self) -> Result<String> {
        match self.next() {
            Some(Token::Word(key)) => checked_key(key),
            other => Err(unexpected(other, "identifier")),
        }
    }

    /// A single value; it may be missing, and is empty then.
    fn value(&mut self) -> Result<String> {
        match self.tokens.first() {
            None | Some(Token::Symbol(",")) => Ok(String::new()),
            Some(_) => self.word(),
        }
    }

    fn values(&mut self) -> Result<Vec<String>> {
        match self.next() {
            Some(Token::Symbol("(")) => {}
            other => return Err(unexpected(other, "'('")),
        }
        if !matches!(self.tokens.first(), Some(Token::Word(_) | Token::Symbol("," | ")"))) {
            return Err(unexpected(self.next(), "',', ')' or identifier"));
        }
        let mut values = Vec::new();
        loop {
            values.push(match self.tokens.first() {
                Some(Token::Symbol("," | ")")) => String::new(),
                _ => self.word()?,
            });
            match self.next() {
                Some(Token::Symbol(",")) => {}
                Some(Token::Symbol(")")) => return Ok(values),
                other => return Err(unexpected(other, "',' or ')'")),
            }
        }
    }

    fn word(&mut self) -> Result<String> {
        match self.next() {
            Some(Token::Word(value)) => checked_value(value),
            other => Err(unexpected(other, "identifier")),
        }
    }

    fn number(&mut self) -> Result<i64> {
        let text = self.value()?;
        text.parse().map_err(|_| unparsable("for 'Gt', 'Lt' operators, the value must be an integer"))
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_blank);
    let is_symbol = |c: char| matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<');
    while !rest.is_empty() {
        let symbol = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"]
            .into_iter()
            .find(|symbol| rest.starts_with(symbol));
        let length = match symbol {
            Some(symbol) => symbol.len(),
            None => rest.find(|c: char| is_symbol(c) || is_blank(c)).unwrap_or(rest.len()),
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(if symbol.is_some() { Token::Symbol(token) } else { Token::Word(token) });
        rest = tail.trim_start_matches(is_blank);
    }
    tokens
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// A key: a name of up to 63 characters, with an optional DNS prefix.
fn checked_key(key: &str) -> Result<String> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let is_prefix = |prefix: &str| {
        let label = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        prefix.len() <= 253 && prefix.split('.').all(label)
    };
    if name.is_empty() || !is_name(name) || prefix.is_some_and(|prefix| !is_prefix(prefix)) {
        return Err(unparsable(&format!("key: Invalid value: {key:?}")));
    }
    Ok(key.to_owned())
}

fn checked_value(value: &str) -> Result<String> {
    if is_name(value) {
        Ok(value.to_owned())
    } else {
        Err(unparsable(&format!("values: Invalid value: {value:?}")))
    }
}

/// Up to 63 letters, digits, `-`, `_` and `.`, a letter or digit at either end; or nothing.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_end = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn unexpected(found: Option<Token<'_>>, expected: &str) -> Error {
    let found = match found {
        Some(Token::Word(text) | Token::Symbol(text)) => text,
        None => "",
    };
    unparsable(&format!("found '{found}', expected: {expected}"))
}

fn unparsable(why: &str) -> Error {
    Error::invalid(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_selects_as_kubernetes_does() {
        let labels = [("app", "web"), ("tier", "front"), ("n", "5"), ("empty", "")];
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web", true),
            ("app = web , tier = front", true),
            ("app!=web", false),
            ("other!=web", true),
            ("app in (api,web)", true),
            ("app notin (api, db)", true),
            ("other notin (api)", true),
            ("other in (api)", false),
            ("app", true),
            ("!app", false),
            ("!other,app", true),
            ("n>4", true),
            ("n>5", false),
            ("n<6", true),
            ("app>1", false),
            ("empty=", true),
            ("empty=,app=web", true),
            ("app in (,web)", true),
        ] {
            let parsed = LabelSelector::parse(selector).unwrap();
            assert_eq!(parsed.matches(labels.into_iter()), expected, "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector_is_an_error() {
        for selector in ["=", "a b", "a in b", "a in (b", "a=b,", "a>b", "-a", "a=b c", "a/b/c=d e", "a=,,b"]
        {
            assert!(LabelSelector::parse(selector).is_err(), "{selector}");
        }
    }
}
