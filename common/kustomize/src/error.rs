//! Why a build failed.

use std::fmt;

/// The result of a step of a build.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a build failed. Texts are kustomize's: users and tools know them.
///
/// [`Error::message`] is the whole text, the error and its causes joined by `: `.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was attempted when the cause occurred.
    #[error("{attempt}")]
    Attempt {
        /// What was attempted, in kustomize's words.
        attempt: String,
        /// Why it failed.
        #[source]
        source: Box<Self>,
    },
    /// The input is not what the engine accepts; the text says what and where.
    #[error("{0}")]
    Invalid(String),
    /// kustomize panics here, and Flux reports the recovered panic; nothing is added to this text on the way out.
    #[error("recovered from kustomize build panic: {0}")]
    Panic(String),
    /// A YAML document that does not parse. Directories are not tried in place of such a file.
    #[error("{0}")]
    MalformedYaml(String),
    /// An HTTP server answered a fetch with a status other than success, for a URL that is no git repository.
    #[error("HTTP Error: status code {code} ({text})")]
    Http {
        /// Status code.
        code: u16,
        /// The status' text, as Go's `http.StatusText` has it.
        text: String,
    },
    /// A file system operation failed.
    #[error(transparent)]
    FileSystem(#[from] crate::file_system::Error),
}

impl Error {
    /// An [`Error::Invalid`] of the given text.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// Says what was attempted when this error occurred: prints as `<attempt>: <self>`. A panic keeps its own text.
    #[must_use]
    pub fn within(self, attempt: impl Into<String>) -> Self {
        if matches!(self, Self::Panic(_)) {
            return self;
        }
        Self::Attempt { attempt: attempt.into(), source: Box::new(self) }
    }

    /// The error and its causes, joined by `: `.
    pub fn message(&self) -> String {
        Chain(self).to_string()
    }

    /// The innermost error of this crate: what is left once every [`Error::Attempt`] is taken off.
    pub fn root(&self) -> &Self {
        let mut error = self;
        while let Self::Attempt { source, .. } = error {
            error = source;
        }
        error
    }
}

/// Adds what was attempted to the error of a result.
pub trait Context<T> {
    /// Says what was attempted; `attempt` is only called on failure.
    ///
    /// # Errors
    /// The error of `self`, [within](Error::within) the attempt.
    fn context<S: Into<String>>(self, attempt: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context<S: Into<String>>(self, attempt: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|error| error.into().within(attempt()))
    }
}

struct Chain<'a>(&'a Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_the_chain_but_a_panic_stands_alone() {
        let error = Error::invalid("c").within("b").within("a");
        assert_eq!(error.message(), "a: b: c");
        assert!(matches!(error.root(), Error::Invalid(text) if text == "c"));
        assert_eq!(
            Error::Panic("x".to_owned()).within("a").message(),
            "recovered from kustomize build panic: x"
        );
    }
}
