//! A proxy that opens tunnels, wherever they are asked for, to one server: it stands for any host of the world.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::record::Recorder;

/// The proxy; dropping it closes the listener and every tunnel.
#[derive(Debug)]
pub struct TunnelProxy {
    address: SocketAddr,
    requests: Recorder<String>,
    task: JoinHandle<()>,
}

impl TunnelProxy {
    /// Starts on a free port; every tunnel ends at this address (`host:port`).
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start(target: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("failed to listen")?;
        let address = listener.local_addr().context("failed to read the listener's address")?;
        let requests = Recorder::default();
        let task = tokio::spawn(accept(listener, target.to_owned(), requests.clone()));
        Ok(Self { address, requests, task })
    }

    /// The proxy's own address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of the requests for tunnels, as text.
    pub fn requests(&self) -> &Recorder<String> {
        &self.requests
    }
}

impl Drop for TunnelProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: String, requests: Recorder<String>) {
    let mut tunnels = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while tunnels.try_join_next().is_some() {}
        let (target, requests) = (target.clone(), requests.clone());
        tunnels.spawn(async move {
            // what breaks, the ends of the tunnel see
            let _ = tunnel(stream, &target, &requests).await;
        });
    }
}

async fn tunnel(stream: TcpStream, target: &str, requests: &Recorder<String>) -> std::io::Result<()> {
    let mut client = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let opens = head.starts_with("CONNECT ");
    requests.push(head);
    if !opens {
        return client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await;
    }
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut server = TcpStream::connect(target).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
