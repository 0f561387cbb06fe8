use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use tempfile::TempDir;

use super::*;
use crate::archive::{ArchiveWriter, Executable};
use crate::digest::Algorithm;

/// A server of `content` under every path but `/missing`; it fails the first `failures` requests.
#[derive(Clone)]
struct Server {
    content: Arc<Vec<u8>>,
    failures: usize,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(content: &[u8], failures: usize) -> (Self, String) {
        let server = Self { content: Arc::new(content.to_vec()), failures, requests: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (server, format!("http://{address}"))
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn answer(State(server): State<Server>, uri: Uri) -> Response {
    let number = server.requests.fetch_add(1, Ordering::Relaxed);
    if number < server.failures {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if uri.path() == "/missing" {
        return StatusCode::NOT_FOUND.into_response();
    }
    server.content.to_vec().into_response()
}

fn reader(change: impl FnOnce(&mut ReaderOptions)) -> (ArtifactReader, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut options = ReaderOptions::new(directory.path().join("artifacts"));
    options.min_delay = Duration::from_millis(1);
    options.max_delay = Duration::from_millis(2);
    change(&mut options);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    (ArtifactReader::new(client, options).expect("a reader"), directory)
}

fn files(directory: &TempDir) -> usize {
    fs_err::read_dir(directory.path().join("artifacts")).expect("a directory").count()
}

fn digest_of(content: &[u8]) -> String {
    Digest::of(Algorithm::Sha256, content).to_string()
}

#[tokio::test]
async fn many_at_once_share_one_download() {
    let mut archive = ArchiveWriter::new(Vec::new()).expect("an archive");
    archive.file(b"a.yaml", Executable::No, 1, b"x".as_slice()).expect("a file");
    let content = archive.finish().expect("the end");
    let (server, url) = Server::start(&content, 0).await;
    let (reader, _directory) = reader(|_| {});
    let (url, digest) = (format!("{url}/a.tar.gz"), digest_of(&content));
    let fetched = futures::future::join_all((0..20).map(|_| reader.fetch(&url, &digest))).await;
    for artifact in fetched {
        let tree = artifact.expect("an artifact").to_memory(UnpackLimits::default()).expect("a tree");
        assert_eq!(tree.files["a.yaml"], b"x");
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_digest_alone_gives_nobody_anothers_artifact() {
    let (server, url) = Server::start(b"secret", 0).await;
    let (_, forger) = Server::start(b"forged", 0).await;
    let (reader, directory) = reader(|_| {});
    let digest = digest_of(b"secret");
    let kept = reader.fetch(&format!("{url}/a"), &digest).await.expect("an artifact");
    let error = reader.fetch(&format!("{forger}/a"), &digest).await.expect_err("forged");
    assert_eq!(
        error.to_string(),
        format!(
            "computed digest doesn't match provided '{digest}' (check whether file size exceeds max download size)"
        )
    );
    // who can serve the content has it, and shares the file
    let other = reader.fetch(&format!("{url}/b"), &digest).await.expect("an artifact");
    assert_eq!((server.requests(), files(&directory)), (2, 1));
    assert_eq!(kept.path(), other.path());
}

#[tokio::test]
async fn passing_failures_are_retried_and_others_are_not() {
    let (server, url) = Server::start(b"x", 3).await;
    let (reader, _directory) = reader(|options| options.retries = 3);
    reader.fetch(&format!("{url}/a"), &digest_of(b"x")).await.expect("an artifact");
    assert_eq!(server.requests(), 4);
    let error = reader.fetch(&format!("{url}/missing"), &digest_of(b"x")).await.expect_err("missing");
    assert!(matches!(error, FetchError::NotFound));
    assert_eq!(server.requests(), 5);
}

#[tokio::test]
async fn failures_end_with_the_retries_and_are_not_kept() {
    let (server, url) = Server::start(b"x", 2).await;
    let (reader, _directory) = reader(|options| options.retries = 1);
    let url = format!("{url}/a");
    let error = reader.fetch(&url, &digest_of(b"x")).await.expect_err("unavailable");
    let want = format!("failed to download archive from {url} (status: 503 Service Unavailable)");
    assert_eq!(error.to_string(), want);
    reader.fetch(&url, &digest_of(b"x")).await.expect("an artifact");
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn the_least_recently_used_file_goes_unless_it_is_held() {
    let (_, one) = Server::start(b"1111111111", 0).await;
    let (_, two) = Server::start(b"2222222222", 0).await;
    let (server, three) = Server::start(b"3333333333", 0).await;
    let (reader, directory) = reader(|options| options.keep = 20);
    let held = reader.fetch(&format!("{one}/a"), &digest_of(b"1111111111")).await.expect("an artifact");
    reader.fetch(&format!("{two}/a"), &digest_of(b"2222222222")).await.expect("an artifact");
    let (three, digest) = (format!("{three}/a"), digest_of(b"3333333333"));
    reader.fetch(&three, &digest).await.expect("an artifact");
    assert_eq!(fs_err::read(held.path()).expect("still there"), b"1111111111");
    drop(held);
    assert!(files(&directory) <= 2);
    reader.fetch(&three, &digest).await.expect("an artifact");
    assert_eq!(server.requests(), 1, "the newest is kept");
}

#[tokio::test]
async fn bounds_and_addresses_are_checked() {
    let (_, url) = Server::start(b"12345", 0).await;
    let (reader, directory) = reader(|options| options.max_size = 4);
    let url = format!("{url}/a");
    assert!(matches!(reader.fetch(&url, &digest_of(b"12345")).await, Err(FetchError::TooLarge(4))));
    assert!(matches!(reader.fetch(&url, "").await, Err(FetchError::EmptyDigest)));
    assert!(matches!(reader.fetch(&url, "md5:x").await, Err(FetchError::InvalidDigest(_))));
    for wrong in ["file:///etc/passwd", "ftp://x/y", "nonsense"] {
        let got = reader.fetch(wrong, &digest_of(b"")).await;
        assert!(matches!(got, Err(FetchError::InvalidUrl(_))), "{wrong}");
    }
    assert_eq!(files(&directory), 0);
}

#[tokio::test]
async fn the_host_can_be_overridden() {
    let (_, url) = Server::start(b"x", 0).await;
    let host = url.trim_start_matches("http://").to_owned();
    let (reader, _directory) = reader(|options| options.host_override = Some(host));
    let url = "http://source-controller.flux-system.svc.cluster.local./a";
    reader.fetch(url, &digest_of(b"x")).await.expect("an artifact");
}

#[tokio::test]
async fn the_host_of_the_watcher_has_an_override_of_its_own() {
    let (_, url) = Server::start(b"x", 0).await;
    let host = url.trim_start_matches("http://").to_owned();
    let (reader, _directory) = reader(|options| {
        options.host_override = Some("127.0.0.1:1".to_owned());
        options.watcher_override = Some(host);
    });
    let url = "http://source-watcher.flux-system.svc.cluster.local./a";
    reader.fetch(url, &digest_of(b"x")).await.expect("an artifact");
}
