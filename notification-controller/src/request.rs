//! What both servers do with a request before they look at it.

use std::error::Error as _;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use flux_process::ServerLimits;
use http::{StatusCode, Uri};
use http_body_util::LengthLimitError;

/// Bodies may be this long, in bytes.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;
/// A body has to arrive within this time.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Limits of both servers (contract, section 4.1).
pub(crate) const LIMITS: ServerLimits = ServerLimits {
    header_read_timeout: Duration::from_secs(10),
    max_header_bytes: 256 * 1024,
    drain: Duration::from_secs(5),
};

/// The whole body, or the status that refuses it.
pub(crate) async fn read_body(body: Body) -> Result<Bytes, StatusCode> {
    match tokio::time::timeout(READ_TIMEOUT, to_bytes(body, BODY_LIMIT)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.source().is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) => {
            Err(StatusCode::PAYLOAD_TOO_LARGE)
        }
        Ok(Err(_)) | Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

/// Where an unclean path is redirected to, as Go's router does it; `None` for a clean one.
pub(crate) fn clean_path(uri: &Uri) -> Option<String> {
    let path = uri.path();
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut clean = format!("/{}", segments.join("/"));
    let is_directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    if is_directory && clean != "/" {
        clean.push('/');
    }
    if clean == path {
        return None;
    }
    if let Some(query) = uri.query() {
        clean.push('?');
        clean.push_str(query);
    }
    Some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unclean_paths_are_redirected() {
        for (path, want) in [
            ("/", None),
            ("/a/b", None),
            ("/a/", None),
            ("//x", Some("/x")),
            ("/a/../b?q=1", Some("/b?q=1")),
            ("/../..", Some("/")),
            ("/a/./", Some("/a/")),
        ] {
            assert_eq!(clean_path(&path.parse().unwrap()).as_deref(), want, "{path}");
        }
    }

    #[tokio::test]
    async fn a_body_at_the_limit_passes_and_one_past_it_does_not() {
        assert_eq!(read_body(Body::from(vec![0; BODY_LIMIT])).await.unwrap().len(), BODY_LIMIT);
        assert_eq!(read_body(Body::from(vec![0; BODY_LIMIT + 1])).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
