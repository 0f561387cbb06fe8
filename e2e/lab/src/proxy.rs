//! A fault proxy: stands before a TCP server and misbehaves as told.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::record::Recorder;

/// Chunks of a delayed direction that may be under way.
const UNDER_WAY: usize = 1024;

/// What the proxy does to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Passes everything on.
    Pass,
    /// Passes everything on, each direction this much later. What a client sent before it died still arrives.
    Delay(Duration),
    /// Accepts, reads, and never answers.
    Hang,
    /// Resets each connection at once.
    Reset,
    /// Passes the request on, and closes the connection after this many bytes of the answer.
    DropAfter(u64),
    /// Answers each connection's first request with 500 itself, as plain HTTP/1.1.
    ServerError,
}

/// The proxy; dropping it closes the listener and every connection.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    sent: Recorder<SystemTime>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts on a free port, before the server at this address (`host:port`), and passes everything on.
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start(target: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("failed to listen")?;
        let address = listener.local_addr().context("failed to read the listener's address")?;
        let (fault, faults) = watch::channel(Fault::Pass);
        let sent = Recorder::default();
        let task = tokio::spawn(accept(listener, target.to_owned(), (faults, sent.clone())));
        Ok(Self { address, fault, sent, task })
    }

    /// The proxy's own address, `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// When clients sent something, under [`Fault::Delay`].
    pub fn sent(&self) -> &Recorder<SystemTime> {
        &self.sent
    }

    /// Changes the behaviour; connections that are open are closed, so that none goes on as before.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: String,
    (mut faults, sent): (watch::Receiver<Fault>, Recorder<SystemTime>),
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let fault = *faults.borrow();
                while connections.try_join_next().is_some() {}
                connections.spawn(handle(stream, target.clone(), (fault, sent.clone())));
            }
            changed = faults.changed() => {
                if changed.is_err() {
                    return;
                }
                connections.abort_all();
            }
        }
    }
}

async fn handle(client: TcpStream, target: String, (fault, sent): (Fault, Recorder<SystemTime>)) {
    // Every failure here is one that a broken network could have caused; the ends see it as a closed connection.
    let _ = misbehave(client, &target, fault, sent).await;
}

/// Both directions, until the server's has ended.
async fn slow_down(
    client: TcpStream,
    target: &str,
    (delay, sent): (Duration, Recorder<SystemTime>),
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let request = pass_later(from_client, to_server, delay, move || sent.push(SystemTime::now()));
    let answer = pass_later(from_server, to_client, delay, || ());
    // A dead client ends the first; what it sent is with the server then, and nobody reads the second.
    tokio::try_join!(request, answer).map(|_| ())
}

/// Copies, each chunk so much later than it came; the end comes later too.
async fn pass_later(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
    arrived: impl Fn(),
) -> std::io::Result<()> {
    let (chunks, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let read = async move {
        loop {
            let mut chunk = vec![0; 16 << 10];
            // A connection that broke has ended as well.
            let length = from.read(&mut chunk).await.unwrap_or(0);
            chunk.truncate(length);
            if length > 0 {
                arrived();
            }
            // Nobody takes it when the other end is gone.
            if chunks.send((Instant::now() + delay, chunk)).await.is_err() || length == 0 {
                return Ok(());
            }
        }
    };
    let write = async {
        while let Some((when, chunk)) = due.recv().await {
            sleep_until(when).await;
            if chunk.is_empty() {
                break;
            }
            to.write_all(&chunk).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(|_| ())
}

async fn misbehave(
    mut client: TcpStream,
    target: &str,
    fault: Fault,
    sent: Recorder<SystemTime>,
) -> std::io::Result<()> {
    match fault {
        Fault::Pass => {
            let mut server = TcpStream::connect(target).await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
        Fault::Delay(delay) => slow_down(client, target, (delay, sent)).await?,
        Fault::Hang => {
            let mut ignored = [0; 4096];
            while client.read(&mut ignored).await? > 0 {}
        }
        Fault::Reset => client.set_zero_linger()?,
        Fault::DropAfter(bytes) => {
            let server = TcpStream::connect(target).await?;
            let (from_server, mut to_server) = server.into_split();
            let (mut from_client, mut to_client) = client.into_split();
            let mut answer = from_server.take(bytes);
            // The request may end long before the answer does.
            let request = async {
                let copied = tokio::io::copy(&mut from_client, &mut to_server).await;
                if copied.is_ok() { std::future::pending().await } else { copied }
            };
            tokio::select! {
                copied = tokio::io::copy(&mut answer, &mut to_client) => copied?,
                copied = request => copied?,
            };
        }
        Fault::ServerError => {
            let mut ignored = [0; 4096];
            // How much of the request came does not matter.
            let _ = client.read(&mut ignored).await?;
            let answer =
                "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await?;
        }
    }
    Ok(())
}
