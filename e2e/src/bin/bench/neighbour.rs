//! A healthy application beside Kustomizations that wait in vain and remotes that do not answer.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use flux_e2e::Binaries;
use flux_lab::{GitRepository, Parts};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::application::{application, deployment, git_repository, kustomization};
use crate::report::{Row, number};
use crate::stage::{Stage, commit};
use crate::watching::Watching;

const PATIENCE: Duration = Duration::from_mins(1);
const STUCK: usize = 100;
const SILENT: usize = 50;
const DROPPED: usize = 10;
/// Healthy applications measured before and after; the slowest counts.
const ROUNDS: usize = 10;

/// Measures how much later a healthy application becomes Ready.
pub(crate) async fn measure(binaries: &Binaries) -> Result<Vec<Row>> {
    let stage = Stage::start(binaries, Parts::Controllers).await?;
    let repository = stage.git.repository("healthy")?;
    commit(&repository, &application("1"))?;
    let mut kustomizations = stage.watch_kustomizations().await?;
    let names: Vec<_> = (0..2 * ROUNDS).map(|number| format!("healthy-{number}")).collect();
    stage.create_namespaces(&names).await?;
    let (alone, beside) = names.split_at(ROUNDS);
    let alone = deliver(&stage, &repository, &mut kustomizations, alone).await?;
    let silent = SilentServer::start().await?;
    let dropping = DroppingAddress::start().await?;
    stick(&stage, &silent.url, &dropping.url).await?;
    let beside = deliver(&stage, &repository, &mut kustomizations, beside).await?;
    let later = (beside.as_secs_f64() - alone.as_secs_f64()).max(0.0);
    Ok(vec![
        Row::plain("a new application alone, slowest of 10", format!("{} s", number(alone.as_secs_f64()))),
        Row::plain(
            "the same beside 100 stuck, 50 silent, 10 dropped",
            format!("{} s", number(beside.as_secs_f64())),
        ),
        Row::at_most("later by", later, 1.0, "s"),
    ])
}

/// Delivers new applications one after the other; gives the longest time from creation to Ready.
async fn deliver(
    stage: &Stage,
    repository: &GitRepository,
    kustomizations: &mut Watching,
    names: &[String],
) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for name in names {
        let started = Instant::now();
        stage.create(&git_repository(name, repository.url())).await?;
        stage.create(&kustomization(name, name)).await?;
        let ready = kustomizations.one(name, "", PATIENCE).await?;
        longest = longest.max(ready.duration_since(started));
    }
    Ok(longest)
}

/// Creates what will never be Ready, and waits until it has got stuck.
async fn stick(stage: &Stage, silent: &str, dropping: &str) -> Result<()> {
    let repository = stage.git.repository("stuck")?;
    let mut files = application("1");
    files.retain(|(path, _)| !path.ends_with("/deployment.yaml"));
    files.push(("app/deployment.yaml".to_owned(), deployment("1", 1)));
    let revision = commit(&repository, &files)?;
    stage.create(&git_repository("stuck", repository.url())).await?;
    stage.watch_sources().await?.one("stuck", &revision, PATIENCE).await?;
    let names: Vec<_> = (0..STUCK).map(|number| format!("stuck-{number}")).collect();
    stage.create_namespaces(&names).await?;
    stage.create_all(names.iter().map(|name| kustomization(name, "stuck")).collect()).await?;
    let remotes =
        (0..SILENT).map(|number| git_repository(&format!("silent-{number}"), &format!("{silent}/{number}")));
    let dropped = (0..DROPPED)
        .map(|number| git_repository(&format!("dropped-{number}"), &format!("{dropping}/{number}")));
    stage.create_all(remotes.chain(dropped).collect()).await?;
    // a stuck one shows that it awaits health
    let api = stage.api("kustomize.toolkit.fluxcd.io/v1", "Kustomization", flux_e2e::NAMESPACE);
    let awaits = |object: &kube::api::DynamicObject| {
        let conditions = object.data.pointer("/status/conditions").cloned().unwrap_or_default();
        let conditions = conditions.as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == "Healthy" && condition["status"] == "Unknown")
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let list = api.list(&kube::api::ListParams::default()).await?;
        let waiting = list.items.iter().filter(|object| awaits(object)).count();
        if waiting >= STUCK {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{}", json!({"waiting": waiting, "of": STUCK}));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A server that accepts connections and says nothing.
struct SilentServer {
    url: String,
    task: JoinHandle<()>,
}

impl SilentServer {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        });
        Ok(Self { url, task })
    }
}

impl Drop for SilentServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address whose packets are dropped: a listener whose queue is full.
struct DroppingAddress {
    url: String,
    _listener: TcpListener,
    _held: Vec<TcpStream>,
}

impl DroppingAddress {
    async fn start() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let mut held = Vec::new();
        for _ in 0..16 {
            match tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
                Ok(stream) => held.push(stream.context("failed to fill the queue")?),
                Err(_) => {
                    return Ok(Self { url: format!("http://{address}"), _listener: listener, _held: held });
                }
            }
        }
        bail!("the queue of a listener does not fill")
    }
}
