use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::transport::TransportError;

/// What the API server says about a refused request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason, such as `NotFound`.
    pub reason: String,
    /// Text for people.
    pub message: String,
    /// Details: causes, and the seconds to wait before a retry.
    pub details: Value,
}

/// Why a request to the API server failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered with an error; the text is the server's own.
    #[error("{}", .0.message)]
    Status(Box<Status>),
    /// No answer came.
    #[error("failed to call the API server")]
    Transport(#[source] TransportError),
    /// No answer came in time.
    #[error("the API server did not answer within {}s", .0.as_secs())]
    Timeout(Duration),
    /// The answer could not be read to its end, or is too large.
    #[error("failed to read the answer of the API server")]
    Body(#[source] TransportError),
    /// The answer is not what was asked for.
    #[error("failed to decode the answer of the API server")]
    Decode(#[source] serde_json::Error),
    /// What is to be sent cannot be written as JSON.
    #[error("failed to encode the request")]
    Encode(#[source] serde_json::Error),
    /// The request is not a valid HTTP request.
    #[error("failed to build the request")]
    Request(#[source] http::Error),
    /// The account to impersonate has an empty or malformed name.
    #[error("invalid service account '{namespace}/{name}'")]
    InvalidIdentity {
        /// Namespace of the account.
        namespace: String,
        /// Name of the account.
        name: String,
    },
    /// The server does not know the kind.
    #[error("no matches for kind \"{kind}\" in version \"{api_version}\"")]
    UnknownKind {
        /// Group and version that were asked for.
        api_version: String,
        /// Kind that was asked for.
        kind: String,
    },
}

impl Error {
    /// The server's status, if it answered.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Status(status) => Some(status),
            Self::Transport(_)
            | Self::Timeout(_)
            | Self::Body(_)
            | Self::Decode(_)
            | Self::Encode(_)
            | Self::Request(_)
            | Self::InvalidIdentity { .. }
            | Self::UnknownKind { .. } => None,
        }
    }

    fn has(&self, code: StatusCode, reason: Option<&str>) -> bool {
        self.status().is_some_and(|status| {
            status.code == code.as_u16() && reason.is_none_or(|reason| status.reason == reason)
        })
    }

    /// The object, or the resource, does not exist.
    pub fn is_not_found(&self) -> bool {
        self.has(StatusCode::NOT_FOUND, None)
    }

    /// The object was changed since the given resourceVersion, or an apply conflicts with another manager.
    pub fn is_conflict(&self) -> bool {
        self.has(StatusCode::CONFLICT, Some("Conflict"))
    }

    /// An object of that name exists.
    pub fn is_already_exists(&self) -> bool {
        self.has(StatusCode::CONFLICT, Some("AlreadyExists"))
    }

    /// The identity may not do this.
    pub fn is_forbidden(&self) -> bool {
        self.has(StatusCode::FORBIDDEN, None)
    }

    /// The object fails the server's validation.
    pub fn is_invalid(&self) -> bool {
        self.has(StatusCode::UNPROCESSABLE_ENTITY, None)
    }

    /// The resourceVersion, or the continue token, is too old.
    pub fn is_expired(&self) -> bool {
        self.has(StatusCode::GONE, None)
    }

    /// The server is too busy.
    pub fn is_too_many_requests(&self) -> bool {
        self.has(StatusCode::TOO_MANY_REQUESTS, None)
    }

    /// Whether the same request may succeed later without a change by a person.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Timeout(_) | Self::Body(_) => true,
            Self::Status(status) => status.code >= 500 || status.code == 429,
            Self::Decode(_)
            | Self::Encode(_)
            | Self::Request(_)
            | Self::InvalidIdentity { .. }
            | Self::UnknownKind { .. } => false,
        }
    }

    /// How long the server asks to wait before a retry.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.status()?.details.get("retryAfterSeconds")?.as_u64()?;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// Reads the body of an answer with an error code; a body that is no Status keeps its first bytes as message.
    pub(crate) fn from_answer(code: StatusCode, body: &[u8]) -> Self {
        let mut status: Status = serde_json::from_slice(body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(body.get(..256).unwrap_or(body)).trim().to_owned();
            let message = if text.is_empty() { code.to_string() } else { text };
            Status { message, ..Status::default() }
        });
        status.code = code.as_u16();
        if status.message.is_empty() {
            status.message = code.to_string();
        }
        Self::Status(Box::new(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_keeps_the_servers_words() {
        let body = br#"{"kind":"Status","message":"secrets \"x\" not found","reason":"NotFound","code":404}"#;
        let error = Error::from_answer(StatusCode::NOT_FOUND, body);
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), "secrets \"x\" not found");
    }

    #[test]
    fn an_answer_that_is_no_status_is_shown_in_part() {
        let error = Error::from_answer(StatusCode::BAD_GATEWAY, b"upstream gone\n");
        assert_eq!(error.to_string(), "upstream gone");
        assert!(error.is_transient());
        assert_eq!(Error::from_answer(StatusCode::BAD_GATEWAY, b"").to_string(), "502 Bad Gateway");
    }

    #[test]
    fn conflict_and_already_exists_are_told_apart() {
        let exists = br#"{"reason":"AlreadyExists","message":"m","details":{"retryAfterSeconds":3}}"#;
        let error = Error::from_answer(StatusCode::CONFLICT, exists);
        assert!(error.is_already_exists() && !error.is_conflict());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    }
}
