//! HTTP servers of the lab: on a free port, over TLS or not, gone with all connections when dropped.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, Certificate};

/// A server task; dropping it closes the listener and every connection.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves on a free port of the loopback address.
    pub(crate) async fn start(router: Router, tls: Option<TlsAcceptor>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("failed to listen")?;
        let address = listener.local_addr().context("failed to read the listener's address")?;
        Ok(Self { address, task: tokio::spawn(accept(listener, router, tls)) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, router: Router, tls: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // Finished connections are collected here, so that the set does not grow.
        while connections.try_join_next().is_some() {}
        connections.spawn(serve(stream, router.clone(), tls.clone()));
    }
}

async fn serve(stream: TcpStream, router: Router, tls: Option<TlsAcceptor>) {
    // Failures of one connection, a refused handshake among them, are the client's to see.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve_stream(stream, router).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_stream(stream, router).await;
            }
        }
    }
}

async fn serve_stream(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let service = TowerToHyperService::new(router);
    let builder = Builder::new(TokioExecutor::new());
    // As above: the client sees the failure.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

/// TLS for a server; with `clients` set, every client must show a certificate of that authority.
pub(crate) fn acceptor(server: &Certificate, clients: Option<&Authority>) -> Result<TlsAcceptor> {
    crate::lab::install_crypto();
    let (chain, key) = server.parse()?;
    let builder = rustls::ServerConfig::builder();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes())?)?;
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build()?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).context("failed to set up TLS")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
