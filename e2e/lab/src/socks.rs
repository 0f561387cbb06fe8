//! A SOCKS5 proxy that demands a user name and a password (RFC 1928 and 1929).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::record::Recorder;

const BY_PASSWORD: u8 = 2;

/// The proxy; dropping it closes the listener and every connection.
#[derive(Debug)]
pub struct SocksProxy {
    address: SocketAddr,
    targets: Recorder<String>,
    task: JoinHandle<()>,
}

impl SocksProxy {
    /// Starts on a free port.
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start(user: &str, password: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("failed to listen")?;
        let address = listener.local_addr()?;
        let targets = Recorder::default();
        let credentials = (user.to_owned(), password.to_owned());
        let task = tokio::spawn(accept(listener, credentials, targets.clone()));
        Ok(Self { address, targets, task })
    }

    /// The address, `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients with the right password were connected to, `host:port`.
    pub fn targets(&self) -> &Recorder<String> {
        &self.targets
    }
}

impl Drop for SocksProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, credentials: (String, String), targets: Recorder<String>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let (credentials, targets) = (credentials.clone(), targets.clone());
        // a client that breaks off, or is refused, sees its connection closed
        connections.spawn(async move { serve(client, &credentials, &targets).await.is_ok() });
    }
}

async fn serve(
    mut client: TcpStream,
    credentials: &(String, String),
    targets: &Recorder<String>,
) -> Result<()> {
    ensure!(client.read_u8().await? == 5, "not SOCKS5");
    let methods = field(&mut client).await?;
    ensure!(methods.contains(&BY_PASSWORD), "no password is offered");
    client.write_all(&[5, BY_PASSWORD]).await?;
    ensure!(client.read_u8().await? == 1, "not a password");
    let (user, password) = (field(&mut client).await?, field(&mut client).await?);
    if user != credentials.0.as_bytes() || password != credentials.1.as_bytes() {
        client.write_all(&[1, 1]).await?;
        return Ok(());
    }
    client.write_all(&[1, 0]).await?;
    let target = target(&mut client).await?;
    let mut server = TcpStream::connect(&target).await?;
    targets.push(target);
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// A byte that says how many follow, and those.
async fn field(client: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(client.read_u8().await?)];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Where the client wants to be connected to.
async fn target(client: &mut TcpStream) -> Result<String> {
    let mut head = [0; 3];
    client.read_exact(&mut head).await?;
    ensure!(head == [5, 1, 0], "not a request to connect");
    let host = match client.read_u8().await? {
        1 => Ipv4Addr::from_bits(client.read_u32().await?).to_string(),
        4 => format!("[{}]", Ipv6Addr::from_bits(client.read_u128().await?)),
        _ => String::from_utf8(field(client).await?)?,
    };
    Ok(format!("{host}:{}", client.read_u16().await?))
}
