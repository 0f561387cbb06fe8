//! Addresses as Go's `net.Listen` takes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The text is not `[host]:port`.
    #[error("invalid listen address {0:?}")]
    Address(String),
    /// The system refuses, for instance since another process listens there.
    #[error("failed to listen on {address:?}")]
    Bind {
        /// The address as it was given.
        address: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Listens on `[host]:port`; without a host on all addresses, IPv4 and IPv6. `None` for the address `0`, which stands
/// for no listener.
///
/// # Errors
/// [`ListenError`] if the text is malformed or the address cannot be had.
pub async fn listen(address: &str) -> Result<Option<TcpListener>, ListenError> {
    if address == "0" {
        return Ok(None);
    }
    let malformed = || ListenError::Address(address.to_owned());
    let failed = |source| ListenError::Bind { address: address.to_owned(), source };
    let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
    let port: u16 = port.parse().map_err(|_| malformed())?;
    if !host.is_empty() {
        return TcpListener::bind(address).await.map(Some).map_err(failed);
    }
    // an IPv6 socket on the unspecified address takes IPv4 as well; where there is no IPv6, IPv4 is what is left
    let both = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    match TcpListener::bind(both).await {
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
            TcpListener::bind(v4).await.map(Some).map_err(failed)
        }
        other => other.map(Some).map_err(failed),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn no_host_means_both_families() {
        let listener = listen(":0").await.unwrap().unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        if listener.local_addr().unwrap().is_ipv6() {
            TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn zero_means_no_listener_and_nonsense_is_refused() {
        assert!(listen("0").await.unwrap().is_none());
        for wrong in ["", "8080", ":port", ":70000"] {
            assert!(matches!(listen(wrong).await, Err(ListenError::Address(_))), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_taken_address_is_named() {
        let first = listen("127.0.0.1:0").await.unwrap().unwrap();
        let taken = first.local_addr().unwrap().to_string();
        assert_eq!(listen(&taken).await.unwrap_err().to_string(), format!("failed to listen on {taken:?}"));
    }
}
