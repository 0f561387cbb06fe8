//! What controllers share when they talk to the world outside the cluster: the conventions of Secrets for TLS, proxies and
//! credentials, values that cannot be printed by accident, and a pool of HTTP clients over one set of root certificates.

mod body;
mod client;
mod hidden;
mod proxy;
mod secret;
mod tls;

pub use body::{BodyError, read_limited};
pub use client::{ClientError, ClientPool, ClientSettings, Redirects, Trust};
pub use hidden::{RedactedUrl, Secret};
pub use proxy::{Proxy, ProxyError};
pub use secret::{BasicAuth, SecretData, SecretError};
pub use tls::{TlsError, TlsSettings};
