//! The token of a mounted service account, which is replaced while the process runs.
//!
//! The file is read again once a minute, and at once when the server refuses the token: a request that was refused for it
//! is sent again with the new one. So a token that was revoked as soon as there is another costs nobody the Lease.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, header};
use parking_lot::Mutex;
use tokio::time::Instant;
use tower::{Service, ServiceExt as _};

use crate::transport::{RequestBody, ResponseBody, Transport, TransportError};

/// A token is read again when it was read this long ago.
const FRESH: Duration = Duration::from_mins(1);

/// Why there is no token to send.
#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("failed to read the token")]
    Read(#[source] std::io::Error),
    #[error("the token in '{}' is empty, or no token", .0.display())]
    Invalid(PathBuf),
}

/// A transport that adds the token of a file to each request.
#[derive(Clone)]
pub(crate) struct TokenFile {
    inner: Transport,
    source: Arc<Source>,
}

struct Source {
    path: PathBuf,
    read: Mutex<Option<(HeaderValue, Instant)>>,
}

impl TokenFile {
    pub(crate) fn new(inner: Transport, path: &Path) -> Self {
        Self { inner, source: Arc::new(Source { path: path.to_owned(), read: Mutex::new(None) }) }
    }
}

impl Source {
    async fn token(&self) -> Result<HeaderValue, TransportError> {
        let read = self.read.lock().clone();
        match read {
            Some((token, at)) if at.elapsed() < FRESH => Ok(token),
            Some(_) | None => self.read_again().await,
        }
    }

    async fn read_again(&self) -> Result<HeaderValue, TransportError> {
        let path = self.path.clone();
        let text = tokio::task::spawn_blocking(move || fs_err::read_to_string(path)).await?;
        let text = text.map_err(TokenError::Read)?;
        let invalid = || TokenError::Invalid(self.path.clone());
        let text = Some(text.trim()).filter(|text| !text.is_empty()).ok_or_else(invalid)?;
        let mut token = HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| invalid())?;
        token.set_sensitive(true);
        *self.read.lock() = Some((token.clone(), Instant::now()));
        Ok(token)
    }

    /// The token, if it is another than the one that was refused.
    async fn other_than(&self, refused: &HeaderValue) -> Option<HeaderValue> {
        // a file that cannot be read leaves the refusal as the answer
        self.read_again().await.ok().filter(|token| token != refused)
    }
}

impl Service<Request<RequestBody>> for TokenFile {
    type Response = Response<ResponseBody>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        // the clone that a call uses is asked for itself
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let Self { inner, source } = self.clone();
        Box::pin(async move {
            let token = source.token().await?;
            request.headers_mut().insert(header::AUTHORIZATION, token.clone());
            let answer = inner.clone().oneshot(request.clone()).await?;
            if answer.status() != StatusCode::UNAUTHORIZED {
                return Ok(answer);
            }
            let Some(token) = source.other_than(&token).await else { return Ok(answer) };
            request.headers_mut().insert(header::AUTHORIZATION, token);
            inner.oneshot(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};
    use tower::service_fn;
    use tower::util::BoxCloneSyncService;

    use super::*;

    /// A server that takes one token, and the tokens that it was shown.
    struct Server {
        valid: Arc<Mutex<&'static str>>,
        shown: Arc<Mutex<Vec<String>>>,
        file: tempfile::NamedTempFile,
        transport: TokenFile,
    }

    impl Server {
        fn start() -> Self {
            let (valid, shown) = (Arc::new(Mutex::new("one")), Arc::<Mutex<Vec<String>>>::default());
            let (takes, sees) = (Arc::clone(&valid), Arc::clone(&shown));
            let inner: Transport =
                BoxCloneSyncService::new(service_fn(move |request: Request<RequestBody>| {
                    let token = request.headers()[header::AUTHORIZATION].to_str().unwrap().to_owned();
                    let is_valid = token == format!("Bearer {}", takes.lock());
                    sees.lock().push(token);
                    let code = if is_valid { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
                    let body = Full::default().map_err(|never| match never {}).boxed_unsync();
                    async move { Response::builder().status(code).body(body).map_err(Into::into) }
                }));
            let file = tempfile::NamedTempFile::new().unwrap();
            fs_err::write(file.path(), "one\n").unwrap();
            let transport = TokenFile::new(inner, file.path());
            Self { valid, shown, file, transport }
        }

        async fn status(&self) -> u16 {
            let request = Request::get("/").body(RequestBody::default()).unwrap();
            self.transport.clone().oneshot(request).await.unwrap().status().as_u16()
        }

        fn shown(&self) -> Vec<String> {
            std::mem::take(&mut self.shown.lock())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_revoked_token_is_replaced_at_once() {
        let server = Server::start();
        assert_eq!(server.status().await, 200);
        fs_err::write(server.file.path(), "two").unwrap();
        *server.valid.lock() = "two";
        assert_eq!(server.status().await, 200);
        assert_eq!(server.shown(), ["Bearer one", "Bearer one", "Bearer two"]);
        assert_eq!(server.status().await, 200);
        assert_eq!(server.shown(), ["Bearer two"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_token_is_used_within_a_minute_while_the_old_one_is_valid() {
        let server = Server::start();
        assert_eq!(server.status().await, 200);
        fs_err::write(server.file.path(), "two").unwrap();
        tokio::time::advance(FRESH).await;
        assert_eq!(server.status().await, 401);
        assert_eq!(server.shown(), ["Bearer one", "Bearer two"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_of_the_only_token_is_the_answer() {
        let server = Server::start();
        *server.valid.lock() = "another";
        assert_eq!(server.status().await, 401);
        assert_eq!(server.shown(), ["Bearer one"]);
        fs_err::write(server.file.path(), "").unwrap();
        tokio::time::advance(FRESH).await;
        let request = Request::get("/").body(RequestBody::default()).unwrap();
        let failure = server.transport.clone().oneshot(request).await.map(|_| ()).unwrap_err();
        assert!(failure.to_string().ends_with("is empty, or no token"), "{failure}");
    }
}
