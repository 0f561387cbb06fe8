//! The language of templates: text with `${...}` expressions.
//!
//! Everything is evaluated while it is parsed, since upstream evaluates all arguments whether they count or not; only the
//! error of an unset variable waits until the whole template is known to be well-formed.

use super::function::Function;
use super::{Unset, Variables};

/// Deepest nesting of expressions.
const MAX_DEPTH: usize = 100;

/// Most bytes that expansion may give: variables repeat, and replacements multiply.
const MAX_OUTPUT: usize = 64 << 20;

/// A template cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// `${}`, `${ v}`.
    #[error("unable to parse variable name")]
    Name,
    /// `${v`, `${v.x}`, `${v-d}`.
    #[error("missing closing brace")]
    ClosingBrace,
    /// `${v^^^}`, `${v/b}`.
    #[error("bad substitution")]
    Substitution,
    /// `${v:}`, `${v%}`.
    #[error("unable to parse substitution within function")]
    Argument,
    /// A variable has no value in strict mode.
    #[error("variable not set (strict mode): {0:?}")]
    NotSet(String),
    /// `${v:1:-1}`: upstream fails as well, without saying why.
    #[error("negative length in substring of {0:?}")]
    NegativeLength(String),
    /// Expressions are nested deeper than 100 levels.
    #[error("expressions are nested too deep")]
    TooDeep,
    /// The result is larger than 64 MiB.
    #[error("the result is too large")]
    TooLarge,
}

/// Expands a template. The result may be no UTF-8, for substrings count bytes.
///
/// # Errors
/// [`TemplateError`]: a malformed expression anywhere, or an unset variable in strict mode.
pub fn expand(template: &str, variables: &Variables, unset: Unset) -> Result<Vec<u8>, TemplateError> {
    let mut expansion = Expansion { rest: template, variables, unset, depth: 0, failure: None };
    let mut out = Vec::with_capacity(template.len());
    while let Some(c) = expansion.next() {
        if c != '$' {
            push(&mut out, c);
        } else if expansion.skip('$') {
            out.push(b'$');
        } else if expansion.skip('{') {
            out.extend(expansion.expression()?);
        } else {
            out.push(b'$');
        }
        if out.len() > MAX_OUTPUT {
            return Err(TemplateError::TooLarge);
        }
    }
    match expansion.failure {
        Some(failure) => Err(failure),
        None => Ok(out),
    }
}

struct Expansion<'a> {
    rest: &'a str,
    variables: &'a Variables,
    unset: Unset,
    depth: usize,
    /// The first failure of evaluation.
    failure: Option<TemplateError>,
}

/// Where an argument ends and what it escapes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    /// Up to `}`.
    Last,
    /// Up to `:` or `}`.
    Offset,
    /// Up to `/`, with escapes.
    Pattern,
    /// Up to `}`, with escapes.
    Replacement,
}

impl Argument {
    fn ends_at(self, c: char) -> bool {
        match self {
            Self::Last | Self::Replacement => c == '}',
            Self::Offset => matches!(c, ':' | '}'),
            Self::Pattern => c == '/',
        }
    }

    /// Whether the first of two characters only escapes the second.
    fn escapes(self, first: char, second: Option<char>) -> bool {
        matches!(self, Self::Pattern | Self::Replacement)
            && matches!((first, second), ('$', Some('$')) | ('\\', Some('/' | '\\')))
    }
}

impl Expansion<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let c = characters.next();
        self.rest = characters.as_str();
        c
    }

    fn skip(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.next();
        }
        found
    }

    fn close(&mut self, error: TemplateError) -> Result<(), TemplateError> {
        if self.skip('}') { Ok(()) } else { Err(error) }
    }

    /// Letters, digits and underscores, of any script.
    fn name(&mut self) -> String {
        let end = self.rest.find(|c: char| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        name.to_owned()
    }

    /// What follows `${`, up to and with the closing brace.
    fn expression(&mut self) -> Result<Vec<u8>, TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(TemplateError::TooDeep);
        }
        let value = self.function();
        self.depth -= 1;
        value
    }

    fn function(&mut self) -> Result<Vec<u8>, TemplateError> {
        if self.skip('#') {
            let name = self.name();
            if name.is_empty() {
                return Err(TemplateError::Substitution);
            }
            self.close(TemplateError::Substitution)?;
            return Ok(self.apply(&name, Function::Length));
        }
        let name = self.name();
        if name.is_empty() {
            return Err(TemplateError::Name);
        }
        let function = match self.peek() {
            Some(':') => {
                self.next();
                match self.peek() {
                    Some('=' | '-' | '?' | '+') => {
                        self.next();
                        self.default()?
                    }
                    // upstream steps back by the width of the wrong character
                    Some(c) if !c.is_ascii() => return Err(TemplateError::Substitution),
                    None => return Err(TemplateError::Substitution),
                    Some(_) => self.substring()?,
                }
            }
            Some('=') => {
                self.next();
                self.default()?
            }
            Some(',' | '^') => self.case()?,
            Some('/') => self.replacement()?,
            Some(sign @ ('#' | '%')) => self.removal(sign)?,
            _ => {
                self.close(TemplateError::ClosingBrace)?;
                Function::Value
            }
        };
        Ok(self.apply(&name, function))
    }

    /// One argument: a nested expression, or text up to its end or to a nested expression.
    fn argument(&mut self, kind: Argument) -> Result<Vec<u8>, TemplateError> {
        if self.rest.starts_with("${") {
            self.rest = self.rest.get(2..).unwrap_or_default();
            return self.expression();
        }
        let mut text = Vec::new();
        let mut read = false;
        while let Some(c) = self.peek() {
            if self.rest.starts_with("${") {
                break;
            }
            if kind.escapes(c, self.rest.chars().nth(1)) {
                self.next();
                text.extend(self.next().map(String::from).unwrap_or_default().into_bytes());
            } else if kind.ends_at(c) {
                break;
            } else {
                self.next();
                push(&mut text, c);
            }
            read = true;
        }
        if read { Ok(text) } else { Err(TemplateError::Argument) }
    }

    /// What follows `:-` and its like: any number of texts and expressions.
    fn default(&mut self) -> Result<Function, TemplateError> {
        let mut all = Vec::new();
        while !self.skip('}') {
            all.extend(self.argument(Argument::Last)?);
            if all.len() > MAX_OUTPUT {
                return Err(TemplateError::TooLarge);
            }
        }
        Ok(Function::Default(all))
    }

    fn substring(&mut self) -> Result<Function, TemplateError> {
        let offset = self.argument(Argument::Offset)?;
        if self.skip('}') {
            return Ok(Function::Substring(offset, None));
        }
        if !self.skip(':') {
            return Err(TemplateError::Substitution);
        }
        while self.skip(':') {}
        let length = self.argument(Argument::Last)?;
        self.close(TemplateError::Substitution)?;
        Ok(Function::Substring(offset, Some(length)))
    }

    fn case(&mut self) -> Result<Function, TemplateError> {
        let signs = (self.next(), self.peek().filter(|c| matches!(c, ',' | '^')));
        if signs.1.is_some() {
            self.next();
        }
        self.close(TemplateError::Substitution)?;
        Ok(match signs {
            (Some(','), None) => Function::LowerFirst,
            (Some(','), Some(',')) => Function::Lower,
            (Some('^'), None) => Function::UpperFirst,
            (Some('^'), Some('^')) => Function::Upper,
            // a mix of both is no function upstream, but no error either
            _ => Function::Value,
        })
    }

    fn removal(&mut self, sign: char) -> Result<Function, TemplateError> {
        self.next();
        let longest = self.skip(sign);
        let pattern = self.argument(Argument::Last)?;
        self.close(TemplateError::Substitution)?;
        Ok(match (sign, longest) {
            ('#', false) => Function::ShortestPrefix(pattern),
            ('#', true) => Function::LongestPrefix(pattern),
            (_, false) => Function::ShortestSuffix(pattern),
            (_, true) => Function::LongestSuffix(pattern),
        })
    }

    fn replacement(&mut self) -> Result<Function, TemplateError> {
        self.next();
        let sign = self.peek().filter(|c| matches!(c, '/' | '#' | '%'));
        if sign.is_some() {
            self.next();
        }
        let pattern = self.argument(Argument::Pattern)?;
        if !self.skip('/') {
            return Err(TemplateError::Substitution);
        }
        while self.skip('/') {}
        let with = if self.peek() == Some('}') { None } else { Some(self.argument(Argument::Replacement)?) };
        self.close(TemplateError::Substitution)?;
        Ok(match sign {
            Some('/') => Function::ReplaceAll(pattern, with.unwrap_or_default()),
            // without a replacement these two do nothing
            Some('#') => Function::ReplacePrefix(pattern, with),
            Some(_) => Function::ReplaceSuffix(pattern, with),
            None => Function::ReplaceFirst(pattern, with.unwrap_or_default()),
        })
    }

    /// The value of a function of a variable; failures wait.
    fn apply(&mut self, name: &str, function: Function) -> Vec<u8> {
        let value = self.variables.get(name);
        let tolerant = matches!(function, Function::Default(_));
        if value.is_none() && self.unset == Unset::Fails && !tolerant {
            self.failure.get_or_insert_with(|| TemplateError::NotSet(name.to_owned()));
        }
        function.apply(name, value.unwrap_or_default()).unwrap_or_else(|failure| {
            self.failure.get_or_insert(failure);
            Vec::new()
        })
    }
}

/// Go's `unicode.IsLetter` and `unicode.IsDigit`, or an underscore.
fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
