//! Why a function or a render fails.

use super::Exhausted;

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

/// Why a template fails.
#[derive(Debug)]
pub struct ExecError {
    /// What is wrong.
    pub message: String,
}
