//! Why a function or a render fails.

use std::fmt;

use super::Exhausted;
use super::code::Leave;

/// Why a function fails. The message of a function's own error or panic is all that is needed: the evaluator adds
/// `error calling <name>: `.
#[derive(Debug)]
pub enum FunctionError {
    /// What Go's function returns as an error, or the text of its panic (`runtime error: integer divide by zero`).
    Message(String),
    /// A template that the function runs fails.
    Template(Box<ExecError>),
    /// A bound is met: no template sees this error, it ends the render.
    Exhausted(Exhausted),
}

impl From<String> for FunctionError {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<&str> for FunctionError {
    fn from(message: &str) -> Self {
        Self::Message(message.to_owned())
    }
}

impl From<Exhausted> for FunctionError {
    fn from(exhausted: Exhausted) -> Self {
        Self::Exhausted(exhausted)
    }
}

impl From<ExecError> for FunctionError {
    fn from(error: ExecError) -> Self {
        Self::Template(Box::new(error))
    }
}

/// Why a template fails: an error of Go with the errors it wraps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecError {
    /// What each error says before the one that it wraps, from the innermost to the outermost.
    prefixes: Vec<String>,
    /// The innermost message.
    message: String,
    /// Whether the message is an error of its own (of a function), not part of the innermost prefix's.
    is_wrapped: bool,
}

impl ExecError {
    /// An error of the template package: where it happens, and what.
    pub(super) fn new(prefix: String, message: String) -> Self {
        Self { prefixes: vec![prefix], message, is_wrapped: false }
    }

    /// An error of a function.
    pub(super) fn of_function(message: String) -> Self {
        Self { prefixes: Vec::new(), message, is_wrapped: true }
    }

    /// The same error, wrapped in another.
    #[must_use]
    pub(super) fn within(mut self, prefix: String) -> Self {
        self.prefixes.push(prefix);
        self
    }

    /// Messages of the errors from the outermost to the innermost, each with as much of the next as Helm looks at.
    fn chain(&self) -> impl Iterator<Item = String> + '_ {
        let levels = self.prefixes.len();
        let own = (0..levels).rev().map(move |level| {
            let prefix = self.prefixes.get(level).map_or("", String::as_str);
            match level.checked_sub(1).and_then(|inner| self.prefixes.get(inner)) {
                Some(inner) => format!("{prefix}{inner}"),
                None => format!("{prefix}{}", self.message),
            }
        });
        own.chain(self.is_wrapped.then(|| self.message.clone()))
    }

    /// The error as Helm reports it: the message of `required` or `fail`, or a trace of templates, or Go's own text where
    /// a function fails.
    pub(super) fn report(&self) -> String {
        let text = self.to_string();
        let mut tokens = text.splitn(3, ": ");
        let (Some(_), Some(location), Some(rest)) = (tokens.next(), tokens.next(), tokens.next()) else {
            return text;
        };
        if let Some(message) = warned(rest) {
            return format!("execution error at ({location}): {message}");
        }
        let mut levels: Vec<Level> = Vec::new();
        for text in self.chain() {
            let Some(level) = Level::parse(&text) else { return self.to_string() };
            if levels.last() != Some(&level) {
                levels.push(level);
            }
        }
        let report: String = levels.iter().map(ToString::to_string).collect();
        report.trim().to_owned()
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for prefix in self.prefixes.iter().rev() {
            formatter.write_str(prefix)?;
        }
        formatter.write_str(&self.message)
    }
}

const WARNING_START: &str = "HELM_ERR_START";
const WARNING_END: &str = "HELM_ERR_END";

/// A message that Helm shows without the trace.
pub(crate) fn warning(message: &str) -> String {
    format!("{WARNING_START}{message}{WARNING_END}")
}

fn warned(text: &str) -> Option<&str> {
    let (_, message) = text.split_once(WARNING_START)?;
    message.rsplit_once(WARNING_END).map(|(message, _)| message)
}

/// An error of a trace.
#[derive(Debug, Default, PartialEq, Eq)]
struct Level {
    location: String,
    executing: String,
    message: String,
}

impl Level {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Self { message: text.to_owned(), ..Self::default() });
        }
        Self::parse_executing(rest).or_else(|| {
            let (location, message) = rest.rsplit_once(": ")?;
            Some(Self { location: location.to_owned(), message: cut(message), ..Self::default() })
        })
    }

    fn parse_executing(rest: &str) -> Option<Self> {
        let (location, after) = rest.split_once(": executing ")?;
        let (name, after) = after.strip_prefix('"')?.split_once('"')?;
        let (node, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        let executing = format!("executing \"{name}\" at <{node}>:");
        Some(Self { location: location.to_owned(), executing, message: cut(message) })
    }
}

/// What comes before the text of a wrapped error.
fn cut(message: &str) -> String {
    message.split_once(" template:").map_or(message, |(before, _)| before).to_owned()
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.location.is_empty() {
            write!(formatter, "{}\n  ", self.location)?;
        }
        if !self.executing.is_empty() {
            write!(formatter, "{}\n    ", self.executing)?;
        }
        if !self.message.is_empty() {
            writeln!(formatter, "{}", self.message)?;
        }
        Ok(())
    }
}

/// What ends the run of a template before its end.
#[derive(Debug)]
pub(super) enum Stop {
    Error(ExecError),
    Exhausted(Exhausted),
    /// The end of a part of a loop's body.
    Leave(Leave),
}

impl From<Exhausted> for Box<Stop> {
    fn from(exhausted: Exhausted) -> Self {
        Self::new(Stop::Exhausted(exhausted))
    }
}

/// What evaluation gives.
pub(super) type Outcome<T> = Result<T, Box<Stop>>;

/// Why a chart does not render, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A template is malformed.
    #[error("{0}")]
    Parse(String),
    /// A template fails.
    #[error("{0}")]
    Execute(String),
    /// A bound is met.
    #[error("rendering {file} was stopped: {exhausted}")]
    Exhausted {
        /// The template that was running.
        file: String,
        /// Which bound.
        exhausted: Exhausted,
    },
    /// Something that must not happen.
    #[error("rendering template failed: {0}")]
    Internal(String),
}
