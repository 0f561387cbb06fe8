//! HTTP clients by the certificates and the proxy that they use.

use std::num::NonZeroUsize;
use std::time::Duration;

use flux_artifact::{Algorithm, Hasher};
use lru::LruCache;
use parking_lot::Mutex;
use zeroize::Zeroizing;

/// Clients that are kept; each has its connections and a copy of the roots.
const MAX_CLIENTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);
/// How long connecting may take: a host that drops packets should not use up a user's whole timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// What a connection is made with besides the address.
#[derive(Clone, Default)]
pub(crate) struct ConnectionSettings {
    /// PEM of authorities that are trusted besides the system's.
    pub(crate) authorities: Option<Vec<u8>>,
    /// PEM of a client certificate and its key.
    pub(crate) identity: Option<ClientIdentity>,
    pub(crate) proxy: Option<ProxySettings>,
}

/// A certificate to show to servers.
#[derive(Clone)]
pub(crate) struct ClientIdentity {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Zeroizing<Vec<u8>>,
}

/// A proxy; credentials are empty if it asks for none.
#[derive(Clone)]
pub(crate) struct ProxySettings {
    pub(crate) address: String,
    pub(crate) username: String,
    pub(crate) password: Zeroizing<String>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("failed to parse CA certificate")]
    Authority(#[source] reqwest::Error),
    #[error("failed to parse TLS certificate and key")]
    Identity(#[source] reqwest::Error),
    #[error("failed to parse proxy address")]
    Proxy(#[source] reqwest::Error),
    #[error("failed to set up an HTTP client")]
    Build(#[source] reqwest::Error),
}

/// A client, and what tells it from others.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) client: reqwest::Client,
    /// Empty for the default settings.
    pub(crate) responder: String,
}

/// The clients in use.
pub(crate) struct Connections {
    default: Connection,
    others: Mutex<LruCache<String, reqwest::Client>>,
}

impl Connections {
    pub(crate) fn new() -> Result<Self, ConnectionError> {
        let client = build(&ConnectionSettings::default())?;
        let default = Connection { client, responder: String::new() };
        Ok(Self { default, others: Mutex::new(LruCache::new(MAX_CLIENTS)) })
    }

    /// The client for these settings, with the connections it already has.
    pub(crate) fn get(&self, settings: &ConnectionSettings) -> Result<Connection, ConnectionError> {
        if settings.is_default() {
            return Ok(self.default.clone());
        }
        let responder = settings.fingerprint();
        if let Some(client) = self.others.lock().get(&responder) {
            return Ok(Connection { client: client.clone(), responder });
        }
        let client = build(settings)?;
        self.others.lock().put(responder.clone(), client.clone());
        Ok(Connection { client, responder })
    }
}

impl ConnectionSettings {
    const fn is_default(&self) -> bool {
        self.authorities.is_none() && self.identity.is_none() && self.proxy.is_none()
    }

    /// A hash of all settings; lengths keep neighbours apart.
    fn fingerprint(&self) -> String {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut add = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        add(self.authorities.as_deref().unwrap_or_default());
        if let Some(identity) = &self.identity {
            add(&identity.certificate);
            add(&identity.key);
        }
        add(b"proxy");
        if let Some(proxy) = &self.proxy {
            add(proxy.address.as_bytes());
            add(proxy.username.as_bytes());
            add(proxy.password.as_bytes());
        }
        hasher.finish().hex().to_owned()
    }
}

fn build(settings: &ConnectionSettings) -> Result<reqwest::Client, ConnectionError> {
    let mut builder = reqwest::Client::builder()
        // Git's client follows them itself, and on the first request only
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT);
    if let Some(pem) = &settings.authorities {
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(ConnectionError::Authority)?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(ClientIdentity { certificate, key }) = &settings.identity {
        let pem = Zeroizing::new([certificate.as_slice(), b"\n", key].concat());
        builder = builder.identity(reqwest::Identity::from_pem(&pem).map_err(ConnectionError::Identity)?);
    }
    if let Some(proxy) = &settings.proxy {
        let mut all = reqwest::Proxy::all(&proxy.address).map_err(ConnectionError::Proxy)?;
        if !proxy.username.is_empty() || !proxy.password.is_empty() {
            all = all.basic_auth(&proxy.username, &proxy.password);
        }
        builder = builder.proxy(all);
    }
    builder.build().map_err(ConnectionError::Build)
}
