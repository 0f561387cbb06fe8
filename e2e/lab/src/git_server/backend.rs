//! The bridge to `git http-backend`, a program of the Common Gateway Interface.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::header;
use http::response::Builder;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::io::{ReaderStream, StreamReader};

use super::{Completion, GitState, ProtocolVersions};

const HEADER_LIMIT: usize = 64 << 10;

/// Runs the program for one request; its answer is streamed.
pub(super) async fn run(state: &GitState, request: Request, mut completion: Completion) -> Result<Response> {
    completion.request.status = 500;
    let (parts, body) = request.into_parts();
    let mut command = Command::new("git");
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", state.root.as_path())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", "3")
        .envs([("GIT_CONFIG_KEY_0", "http.receivepack"), ("GIT_CONFIG_VALUE_0", "true")])
        .envs([("GIT_CONFIG_KEY_1", "uploadpack.allowReachableSHA1InWant"), ("GIT_CONFIG_VALUE_1", "true")])
        .envs([("GIT_CONFIG_KEY_2", "uploadpack.allowFilter"), ("GIT_CONFIG_VALUE_2", "true")])
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("REMOTE_USER", "lab")
        .env("REMOTE_ADDR", "127.0.0.1");
    if let Some(length) = parts.headers.get(header::CONTENT_LENGTH) {
        command.env("CONTENT_LENGTH", length.to_str()?);
    }
    if state.protocols == ProtocolVersions::All {
        command.env("GIT_PROTOCOL", header("git-protocol"));
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().context("failed to start git http-backend")?;
    let input = child.stdin.take().context("failed to reach the program's input")?;
    let output = child.stdout.take().context("failed to read the program's output")?;
    tokio::spawn(feed(body, input));
    let mut output = BufReader::new(output);
    let response = read_headers(&mut output).await?;
    let mut response = response.body(Body::empty()).context("failed to build the answer")?;
    completion.request.status = response.status().as_u16();
    *response.body_mut() = stream(output, child, (completion, Arc::clone(&state.sent)));
    Ok(response)
}

async fn feed(body: Body, mut input: ChildStdin) {
    let mut body = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    // A program that has read enough closes its input; the answer tells the client what became of the request.
    let _ = tokio::io::copy(&mut body, &mut input).await;
}

/// The program's header block, up to the empty line.
async fn read_headers(output: &mut (impl AsyncBufRead + Unpin)) -> Result<Builder> {
    let mut response = Response::builder();
    let mut total = 0;
    loop {
        let mut line = String::new();
        total += output.read_line(&mut line).await.context("failed to read the program's headers")?;
        ensure!(total <= HEADER_LIMIT && !line.is_empty(), "the program's headers have no end");
        let line = line.trim_end();
        let Some((name, value)) = line.split_once(": ") else {
            ensure!(line.is_empty(), "the program wrote a damaged header: {line}");
            return Ok(response);
        };
        response = if name.eq_ignore_ascii_case("status") {
            response.status(value.split(' ').next().unwrap_or(value))
        } else {
            response.header(name, value)
        };
    }
}

/// The rest of the output. The program ends with the stream, so that a client that goes away leaves none behind, and
/// the request is recorded before the client sees the end.
fn stream(
    output: impl AsyncRead + Unpin + Send + 'static,
    child: Child,
    record: (Completion, Arc<AtomicU64>),
) -> Body {
    let state = (ReaderStream::new(output), child, record);
    Body::from_stream(stream::unfold(state, |(mut chunks, child, record)| async move {
        let chunk = chunks.next().await?;
        if let Ok(chunk) = &chunk {
            record.1.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
        Some((chunk, (chunks, child, record)))
    }))
}
