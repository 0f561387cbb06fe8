//! Bodies of answers, which may be of any size.

use bytes::{Bytes, BytesMut};

/// A body cannot be read, or is too long.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection broke.
    #[error("failed to read the response body")]
    Read(#[source] reqwest::Error),
    /// The body is longer than the limit in bytes.
    #[error("response body exceeds {0} bytes")]
    TooLong(usize),
}

/// Reads a body of at most `limit` bytes, counted after decompression.
///
/// # Errors
/// [`BodyError::TooLong`] as soon as the limit is passed, [`BodyError::Read`] if the connection breaks.
pub async fn read_limited(mut response: reqwest::Response, limit: usize) -> Result<Bytes, BodyError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Read)? {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
