//! Git over HTTP: `git http-backend` behind a server of ours, and go-git's server as a second implementation.

mod backend;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use parking_lot::Mutex;

use crate::certificates::{Authority, Certificate};
use crate::git_repository::GitRepository;
use crate::record::Recorder;
use crate::server::{Server, acceptor};
use crate::supervisor::{Command, Process, Supervisor};
use crate::tools::ControlPlaneBinaries;

/// Which protocol versions a Git server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProtocolVersions {
    /// What the client asks for, v2 included.
    #[default]
    All,
    /// Version 0 only, as servers do that do not know the `Git-Protocol` header.
    WithoutVersion2,
}

/// How a Git server is set up.
#[derive(Debug, Clone, Default)]
pub struct GitServerOptions {
    /// Serves over TLS with this certificate.
    pub certificate: Option<Certificate>,
    /// Over TLS: demands a client certificate of this authority.
    pub clients: Option<Arc<Authority>>,
    /// The protocol versions that it speaks.
    pub protocols: ProtocolVersions,
}

/// A request that a Git server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRequest {
    /// The path and query.
    pub path: String,
    /// The `Git-Protocol` header; empty if there was none.
    pub protocol: String,
    /// Whether the request carried an Authorization header.
    pub with_credentials: bool,
    /// The answer's status.
    pub status: u16,
    /// When the request came.
    pub started: SystemTime,
    /// When the last byte of the answer was there: a push has moved the refs by then.
    pub ended: SystemTime,
}

impl GitRequest {
    /// Whether it was a push that Git took.
    pub fn is_push(&self) -> bool {
        self.status == 200 && self.path.ends_with("/git-receive-pack")
    }
}

/// Serves bare repositories through `git http-backend`. `/moved/<path>` redirects to `/<path>`.
#[derive(Debug)]
pub struct GitServer {
    server: Server,
    scheme: &'static str,
    state: GitState,
    supervisor: Supervisor,
}

#[derive(Debug, Clone)]
struct GitState {
    root: Arc<std::path::PathBuf>,
    protocols: ProtocolVersions,
    authorization: Arc<Mutex<Option<HeaderValue>>>,
    failure: Arc<Mutex<Option<StatusCode>>>,
    requests: Recorder<GitRequest>,
    sent: Arc<AtomicU64>,
}

impl GitServer {
    /// Starts on a free port, without TLS and open to all.
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start() -> Result<Self> {
        Self::start_with(GitServerOptions::default()).await
    }

    /// Starts on a free port as told.
    ///
    /// # Errors
    /// If no port can be bound or the certificate is damaged.
    pub async fn start_with(options: GitServerOptions) -> Result<Self> {
        let supervisor = Supervisor::start()?;
        let state = GitState {
            root: Arc::new(supervisor.directory().to_path_buf()),
            protocols: options.protocols,
            authorization: Arc::default(),
            failure: Arc::default(),
            requests: Recorder::default(),
            sent: Arc::default(),
        };
        let tls = options
            .certificate
            .map(|certificate| acceptor(&certificate, options.clients.as_deref()))
            .transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let router = Router::new().fallback(answer).with_state(state.clone());
        Ok(Self { server: Server::start(router, tls).await?, scheme, state, supervisor })
    }

    /// The address, without a path.
    pub fn url(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.server.address().port())
    }

    /// The address as `host:port`, for a proxy in between.
    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Makes an empty bare repository, served at `/<name>.git`.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn repository(&self, name: &str) -> Result<GitRepository> {
        let directory = format!("{name}.git");
        GitRepository::create(
            &self.supervisor.directory().join(&directory),
            format!("{}/{directory}", self.url()),
        )
    }

    /// Demands basic authentication from now on: anything else is answered with 401 and a challenge.
    ///
    /// # Errors
    /// If the credentials do not fit into a header.
    pub fn require_basic(&self, user: &str, password: &str) -> Result<()> {
        self.require(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    /// Demands a bearer token from now on.
    ///
    /// # Errors
    /// If the token does not fit into a header.
    pub fn require_bearer(&self, token: &str) -> Result<()> {
        self.require(&format!("Bearer {token}"))
    }

    fn require(&self, authorization: &str) -> Result<()> {
        let value = HeaderValue::from_str(authorization).context("failed to make an Authorization header")?;
        *self.state.authorization.lock() = Some(value);
        Ok(())
    }

    /// Answers every request with this status, or serves again.
    pub fn fail_with(&self, status: Option<StatusCode>) {
        *self.state.failure.lock() = status;
    }

    /// What was asked so far.
    pub fn requests(&self) -> &Recorder<GitRequest> {
        &self.state.requests
    }

    /// The bytes of all answers' bodies so far.
    pub fn bytes_sent(&self) -> u64 {
        self.state.sent.load(Ordering::Relaxed)
    }
}

/// Records a request when its answer is complete or its client has gone away.
#[derive(Debug)]
struct Completion {
    request: GitRequest,
    requests: Recorder<GitRequest>,
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.request.ended = SystemTime::now();
        self.requests.push(self.request.clone());
    }
}

async fn answer(State(state): State<GitState>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let headers = request.headers();
    let protocol =
        headers.get("git-protocol").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let now = SystemTime::now();
    let with_credentials = headers.contains_key(header::AUTHORIZATION);
    let recorded =
        GitRequest { path: path.clone(), protocol, with_credentials, status: 0, started: now, ended: now };
    let mut completion = Completion { request: recorded, requests: state.requests.clone() };
    if let Some(refusal) = refusal(&state, &path, headers) {
        completion.request.status = refusal.status().as_u16();
        return refusal;
    }
    match backend::run(&state, request, completion).await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

/// What is answered without asking Git.
fn refusal(state: &GitState, path: &str, headers: &HeaderMap) -> Option<Response> {
    if let Some(status) = *state.failure.lock() {
        return Some(status.into_response());
    }
    if let Some(moved) = path.strip_prefix("/moved/") {
        return Some(
            (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, format!("/{moved}"))]).into_response(),
        );
    }
    let wanted = state.authorization.lock().clone()?;
    if headers.get(header::AUTHORIZATION) == Some(&wanted) {
        return None;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"lab\"")];
    Some(
        (StatusCode::UNAUTHORIZED, challenge, Body::from("credentials are missing or wrong\n"))
            .into_response(),
    )
}

/// Serves bare repositories through go-git: a second implementation of the protocol.
#[derive(Debug)]
pub struct GoGitServer {
    url: String,
    _process: Process,
    // The last field: the directory goes after the process.
    supervisor: Supervisor,
}

impl GoGitServer {
    /// Starts on a free port, open to all; built with the control plane.
    ///
    /// # Errors
    /// If the build fails or the server does not listen.
    pub async fn start() -> Result<Self> {
        let binaries = tokio::task::spawn_blocking(ControlPlaneBinaries::locate).await??;
        let supervisor = Supervisor::start()?;
        let mut command = Command::new(binaries.path("git-server"));
        let process = supervisor.spawn("git-server", command.arg(supervisor.directory()))?;
        let deadline = Instant::now() + Duration::from_secs(10);
        let address = loop {
            // The first line is the address, complete once its newline is there.
            let log = fs_err::read_to_string(process.log())?;
            if let Some((address, _)) = log.split_once('\n') {
                break address.to_owned();
            }
            ensure!(Instant::now() < deadline, "go-git's server did not listen; {}", process.log_tail());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        Ok(Self { url: format!("http://{address}"), _process: process, supervisor })
    }

    /// The address, without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes an empty bare repository, served at `/<name>.git`.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn repository(&self, name: &str) -> Result<GitRepository> {
        let directory = format!("{name}.git");
        GitRepository::create(
            &self.supervisor.directory().join(&directory),
            format!("{}/{directory}", self.url),
        )
    }
}
