//! A pool of HTTP clients: one per CA, certificate, proxy and redirect policy, over one set of system roots.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use rustls::RootCertStore;
use sha2::{Digest as _, Sha256};
use tracing::warn;

use crate::proxy::Proxy;
use crate::tls::{TlsError, TlsSettings};

/// Clients that are kept; the least recently used one goes.
const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);
/// An address that drops packets is given up after this, whatever the caller's own limit is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Redirects that are followed.
const MAX_REDIRECTS: usize = 10;

/// What a client does about redirects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// Follows ten; credentials stay behind when scheme, host or port changes.
    #[default]
    Follow,
    /// Hands them to the caller.
    Never,
}

/// Which servers a client trusts when its settings have a CA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those of the CA, and of the system's.
    #[default]
    AndSystem,
    /// Those of the CA only.
    AuthorityOnly,
}

/// What tells one client from another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSettings {
    /// CA and client certificate.
    pub tls: TlsSettings,
    /// What the CA stands for.
    pub trust: Trust,
    /// Proxy; that of the environment if unset.
    pub proxy: Option<Proxy>,
    /// What to do about redirects.
    pub redirects: Redirects,
}

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS material is malformed.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP library refuses the settings.
    #[error("failed to set up an HTTP client")]
    Build(#[source] reqwest::Error),
}

/// Makes clients and keeps them, so that connections are used again and certificates parsed once. Cheap to clone.
#[derive(Clone)]
pub struct ClientPool {
    inner: Arc<Inner>,
}

struct Inner {
    roots: RootCertStore,
    user_agent: String,
    clients: Mutex<LruCache<[u8; 32], reqwest::Client>>,
}

impl ClientPool {
    /// A pool with the roots of the system, which `SSL_CERT_FILE` may name. Certificates that cannot be read are left out
    /// with a log line.
    pub fn new(user_agent: impl Into<String>) -> Self {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            warn!(%error, "failed to load a root certificate");
        }
        roots.add_parsable_certificates(system.certs);
        let clients = Mutex::new(LruCache::new(KEPT));
        Self { inner: Arc::new(Inner { roots, user_agent: user_agent.into(), clients }) }
    }

    /// The client for these settings; the same one for the same settings, while it is kept.
    ///
    /// # Errors
    /// [`ClientError`] if the settings cannot be used.
    pub fn client(&self, settings: &ClientSettings) -> Result<reqwest::Client, ClientError> {
        let key = settings.key();
        if let Some(client) = self.inner.clients.lock().get(&key) {
            return Ok(client.clone());
        }
        let client = self.build(settings)?;
        self.inner.clients.lock().put(key, client.clone());
        Ok(client)
    }

    fn build(&self, settings: &ClientSettings) -> Result<reqwest::Client, ClientError> {
        let redirects = match settings.redirects {
            Redirects::Follow => reqwest::redirect::Policy::limited(MAX_REDIRECTS),
            Redirects::Never => reqwest::redirect::Policy::none(),
        };
        let nothing = RootCertStore::empty();
        let roots = match settings.trust {
            Trust::AuthorityOnly if settings.tls.authority.is_some() => &nothing,
            Trust::AuthorityOnly | Trust::AndSystem => &self.inner.roots,
        };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(settings.tls.client_config(roots)?)
            .user_agent(&self.inner.user_agent)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirects);
        if let Some(proxy) = &settings.proxy {
            builder = builder.no_proxy().proxy(proxy.build().map_err(ClientError::Build)?);
        }
        builder.build().map_err(ClientError::Build)
    }
}

impl std::fmt::Debug for ClientPool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ClientPool").field("roots", &self.inner.roots.len()).finish_non_exhaustive()
    }
}

impl ClientSettings {
    /// Tells these settings from others without showing them: a hash in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut digits = String::with_capacity(64);
        for byte in self.key() {
            // a String takes every write
            let _ = write!(digits, "{byte:02x}");
        }
        digits
    }

    /// A hash, so that the pool keeps no second copy of keys and passwords.
    fn key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut add = |part: Option<&[u8]>| {
            hash.update([u8::from(part.is_some())]);
            hash.update(part.map_or(0, <[u8]>::len).to_le_bytes());
            hash.update(part.unwrap_or_default());
        };
        add(self.tls.authority.as_deref());
        add(self.tls.identity.as_ref().map(|(chain, _)| chain.as_slice()));
        add(self.tls.identity.as_ref().map(|(_, key)| key.expose().as_slice()));
        add(self.proxy.as_ref().map(Proxy::identity).as_deref().map(str::as_bytes));
        add((self.redirects == Redirects::Never).then_some(&[]));
        add((self.trust == Trust::AuthorityOnly).then_some(&[]));
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_settings_share_a_client() {
        // another test of this binary may have been first
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let pool = ClientPool::new("test");
        let proxied = ClientSettings {
            proxy: Some(Proxy::new("http://proxy:1").unwrap()),
            ..ClientSettings::default()
        };
        for settings in [&ClientSettings::default(), &proxied, &ClientSettings::default()] {
            pool.client(settings).unwrap();
        }
        assert_eq!(pool.inner.clients.lock().len(), 2);
    }

    #[test]
    fn every_part_of_the_settings_counts() {
        let mut keys = std::collections::BTreeSet::new();
        let tls =
            |authority: &str| TlsSettings { authority: Some(authority.as_bytes().to_vec()), identity: None };
        for settings in [
            ClientSettings::default(),
            ClientSettings { tls: tls("a"), ..ClientSettings::default() },
            ClientSettings { tls: tls("b"), ..ClientSettings::default() },
            ClientSettings { proxy: Some(Proxy::new("http://a").unwrap()), ..ClientSettings::default() },
            ClientSettings { redirects: Redirects::Never, ..ClientSettings::default() },
            ClientSettings { tls: tls("a"), trust: Trust::AuthorityOnly, ..ClientSettings::default() },
        ] {
            assert!(keys.insert(settings.key()), "{settings:?}");
        }
    }
}
