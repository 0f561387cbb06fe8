//! A fault proxy: stands before a TCP server and misbehaves as told.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What the proxy does to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Passes everything on.
    Pass,
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
        let task = tokio::spawn(accept(listener, target.to_owned(), faults));
        Ok(Self { address, fault, task })
    }

    /// The proxy's own address, `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
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

async fn accept(listener: TcpListener, target: String, mut faults: watch::Receiver<Fault>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let fault = *faults.borrow();
                while connections.try_join_next().is_some() {}
                connections.spawn(handle(stream, target.clone(), fault));
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

async fn handle(client: TcpStream, target: String, fault: Fault) {
    // Every failure here is one that a broken network could have caused; the ends see it as a closed connection.
    let _ = misbehave(client, &target, fault).await;
}

async fn misbehave(mut client: TcpStream, target: &str, fault: Fault) -> std::io::Result<()> {
    match fault {
        Fault::Pass => {
            let mut server = TcpStream::connect(target).await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
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
