//! An address that drops packets.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// Connections that fill the queue of a listener that never accepts; the kernel drops what comes after them.
const QUEUE: u32 = 1;
const ENOUGH: usize = 64;
/// A connection on the loopback address that is not there by now will not come.
const PATIENCE: Duration = Duration::from_millis(200);

/// A port of the loopback address where connections are neither accepted nor refused.
#[derive(Debug)]
pub struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl BlackHole {
    /// Starts on a free port.
    ///
    /// # Errors
    /// If no port can be bound, or the system goes on taking connections.
    pub async fn start() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).context("failed to bind a port")?;
        let listener = socket.listen(QUEUE).context("failed to listen")?;
        let address = listener.local_addr()?;
        let mut queued = Vec::new();
        while queued.len() < ENOUGH {
            match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(stream) => queued.push(stream.context("failed to fill the queue")?),
                Err(_) => return Ok(Self { address, _listener: listener, _queued: queued }),
            }
        }
        bail!("the system takes more connections than it was told to")
    }

    /// The address, `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
