//! The HTTP sender that providers share (contract, section 7).

use std::time::Duration;

use flux_net::{RedactedUrl, read_limited};
use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, Response};
use serde::Deserialize;
use tokio::time::Instant;

/// Tries after the first one.
const RETRIES: u32 = 4;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// As much of an answer is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// A notification as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where it is posted to.
    pub url: RedactedUrl,
    /// Headers; `Content-Type` is `application/json` unless given here.
    pub headers: HeaderMap,
    /// JSON.
    pub body: String,
    /// What counts as success.
    pub success: Success,
}

/// What counts as success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    /// A status from 200 to 299.
    Status,
    /// Slack's API: the answer says so, whatever the status.
    SlackAnswer,
}

/// A notification could not be delivered.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The service refused.
    #[error("request failed: request failed with status code {status}: {body}")]
    Refused {
        /// Its status.
        status: u16,
        /// Its words.
        body: String,
    },
    /// The service could not be reached, or was in trouble each time.
    #[error("failed to execute request: POST {url} giving up after {attempts} attempt(s)")]
    GaveUp {
        /// Where it was posted to, without credentials.
        url: String,
        /// Number of tries.
        attempts: u32,
        /// What came of the last try, if it was no answer.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The Provider's timeout passed.
    #[error("failed to execute request: POST {url}: context deadline exceeded")]
    Deadline {
        /// Where it was posted to, without credentials.
        url: String,
    },
    /// The request itself cannot be made, or trying again is of no use.
    #[error("failed to execute request")]
    Request(#[source] reqwest::Error),
    /// The answer could not be read.
    #[error("unable to read response body")]
    Answer(#[source] flux_net::BodyError),
    /// Slack's API says that it failed.
    #[error("request failed: Slack responded with error: {0}")]
    Slack(String),
    /// Slack's API says something else.
    #[error("request failed: unable to unmarshal response body")]
    SlackAnswer(#[source] serde_json::Error),
}

/// Posts a message, and again where that may help; `timeout` bounds all tries together.
///
/// # Errors
/// [`SendError`] if it was not accepted in time.
pub async fn send(client: &Client, message: &Message, timeout: Duration) -> Result<(), SendError> {
    let deadline = Instant::now() + timeout;
    let exceeded = || SendError::Deadline { url: message.url.to_string() };
    tokio::time::timeout_at(deadline, attempts(client, message)).await.map_err(|_| exceeded())?
}

async fn attempts(client: &Client, message: &Message) -> Result<(), SendError> {
    let mut attempt = 0;
    loop {
        let outcome = post(client, message).await;
        let (asked, source) = match outcome {
            Ok(response) if is_trouble(response.status()) => (retry_after(&response), None),
            Ok(response) => return judge(response, message.success).await,
            Err(error) if error.is_builder() || error.is_redirect() || is_certificate(&error) => {
                return Err(SendError::Request(error.without_url()));
            }
            Err(error) => (None, Some(error.without_url())),
        };
        attempt += 1;
        if attempt > RETRIES {
            return Err(SendError::GaveUp { url: message.url.to_string(), attempts: attempt, source });
        }
        let pause = asked.unwrap_or(Duration::from_secs(1 << attempt)).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
    }
}

async fn post(client: &Client, message: &Message) -> Result<Response, reqwest::Error> {
    let request = client.post(message.url.expose().clone()).header(header::CONTENT_TYPE, "application/json");
    request.headers(message.headers.clone()).body(message.body.clone()).send().await
}

fn is_trouble(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

fn is_certificate(error: &reqwest::Error) -> bool {
    let first: &dyn std::error::Error = error;
    let mut chain = std::iter::successors(Some(first), |error| error.source());
    chain.any(|error| error.to_string().contains("certificate"))
}

fn retry_after(response: &Response) -> Option<Duration> {
    let status = response.status();
    if status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn judge(response: Response, success: Success) -> Result<(), SendError> {
    let status = response.status();
    match success {
        Success::Status if status.is_success() => Ok(()),
        Success::Status => {
            let body = read_limited(response, ANSWER_LIMIT).await.map_err(SendError::Answer)?;
            Err(SendError::Refused {
                status: status.as_u16(),
                body: String::from_utf8_lossy(&body).into_owned(),
            })
        }
        Success::SlackAnswer => {
            let body = read_limited(response, ANSWER_LIMIT).await.map_err(SendError::Answer)?;
            let answer: Answer = serde_json::from_slice(&body).map_err(SendError::SlackAnswer)?;
            if answer.ok { Ok(()) } else { Err(SendError::Slack(answer.error)) }
        }
    }
}

/// What Slack's API says of a message.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    error: String,
}
