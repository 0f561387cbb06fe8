use std::sync::Arc;

use kube::Config;
use parking_lot::Mutex;

use crate::availability::Availability;
use crate::error::Error;
use crate::identity::Identity;
use crate::limiter::Limiter;
use crate::mapper::Mapper;
use crate::metrics::RequestMetrics;
use crate::target::Target;
use crate::transport::{self, Transport};

/// The server allows 100 streams on a connection and hyper queues silently past that.
const WATCHES_PER_CONNECTION: usize = 80;

/// Why a cluster's client stack cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// CA or client certificate cannot be used.
    #[error("failed to set up TLS for the API server")]
    Tls(#[source] kube::Error),
    /// Token or exec plugin cannot be used.
    #[error("failed to read the credentials for the API server")]
    Credentials(#[source] kube::Error),
    /// The TLS server name is no DNS name or address.
    #[error("invalid TLS server name '{0}'")]
    ServerName(String),
    /// The proxy's URL has another scheme than http, https or socks5.
    #[error("proxy URL must use one of the supported schemes (http, https, socks5), got '{scheme}'")]
    Proxy {
        /// The scheme that was given.
        scheme: String,
    },
    /// User or password of the proxy cannot be sent.
    #[error("invalid credentials in the proxy URL")]
    ProxyCredentials,
}

/// What is the same for all requests to a cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// Counts requests, if given.
    pub metrics: Option<RequestMetrics>,
}

/// One Kubernetes API server: connections for requests and for watches, discovery, metrics. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    /// Absent where the transport was given.
    config: Option<Config>,
    requests: Transport,
    watches: Mutex<Vec<(Transport, Arc<()>)>>,
    mapper: Mapper,
    limiter: Limiter,
    availability: Availability,
    host: String,
    options: Options,
}

impl Cluster {
    /// A cluster reached by `config`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`] if TLS, proxy or credentials cannot be set up.
    pub fn connect(config: Config, options: Options) -> Result<Self, ConnectError> {
        let requests = transport::build(&config)?;
        let host = config.cluster_url.authority().map(ToString::to_string).unwrap_or_default();
        Ok(Self::assemble(Some(config), requests, host, options))
    }

    /// A cluster behind a ready-made HTTP service, which gets requests with a path only.
    pub fn from_transport(transport: Transport, options: Options) -> Self {
        Self::assemble(None, transport, String::new(), options)
    }

    fn assemble(config: Option<Config>, requests: Transport, host: String, options: Options) -> Self {
        let watches = Mutex::new(Vec::new());
        let limiter = Limiter::default();
        Self {
            inner: Arc::new(Inner {
                config,
                requests,
                watches,
                mapper: Mapper::default(),
                limiter,
                availability: Availability::default(),
                host,
                options,
            }),
        }
    }

    /// The cluster as `identity` sees it: the only way to send a request.
    ///
    /// # Errors
    /// [`Error::InvalidIdentity`] if a part of the account's name is empty or malformed.
    pub fn target(&self, identity: &Identity) -> Result<Target, Error> {
        Target::new(self.clone(), self.inner.requests.clone(), identity)
    }

    /// The cluster under the controller's own credentials.
    pub fn controller(&self) -> Target {
        Target::controller(self.clone(), self.inner.requests.clone())
    }

    /// The controller's target on a connection of its own, which no other traffic can hold up: for leases.
    ///
    /// # Errors
    /// [`ConnectError`] as for [`Self::connect`].
    pub fn dedicated(&self) -> Result<Target, ConnectError> {
        let transport = match &self.inner.config {
            Some(config) => transport::build(config)?,
            None => self.inner.requests.clone(),
        };
        Ok(Target::controller(self.clone(), transport).unlimited())
    }

    /// Discovery of this cluster.
    pub fn mapper(&self) -> &Mapper {
        &self.inner.mapper
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.inner.limiter
    }

    pub(crate) fn availability(&self) -> &Availability {
        &self.inner.availability
    }

    pub(crate) fn host(&self) -> &str {
        &self.inner.host
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    /// A transport with room for one more watch; the slot is held until the returned token is dropped.
    pub(crate) fn watch_transport(&self) -> Result<(Transport, Arc<()>), ConnectError> {
        let mut watches = self.inner.watches.lock();
        // a token's own entry in the list is one reference
        let free = watches.iter().find(|(_, users)| Arc::strong_count(users) <= WATCHES_PER_CONNECTION);
        if let Some((transport, users)) = free {
            return Ok((transport.clone(), Arc::clone(users)));
        }
        let transport = match &self.inner.config {
            Some(config) => transport::build(config)?,
            None => self.inner.requests.clone(),
        };
        let users = Arc::new(());
        watches.push((transport.clone(), Arc::clone(&users)));
        Ok((transport, users))
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cluster").field("host", &self.inner.host).finish_non_exhaustive()
    }
}
