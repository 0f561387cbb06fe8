//! How Ferroflux talks to the Kubernetes API server.
//!
//! One [`Cluster`] per API server owns the connections (HTTP/2), the discovery cache and the metrics. Requests go out
//! only through a [`Target`], which is a cluster seen as an [`Identity`]: the controller itself, or an account that it
//! impersonates. Bodies are bytes in both directions; nothing is parsed twice, and what is parsed is the caller's choice.

mod access;
mod availability;
mod cluster;
mod error;
mod identity;
mod lease;
mod limiter;
mod mapper;
mod metrics;
mod name;
mod object;
mod recorder;
mod resource;
mod target;
mod token_file;
mod transport;
mod watch;

pub use access::{Access, AccessError};
pub use cluster::{Cluster, ConnectError, Options};
pub use error::{Error, Status};
pub use identity::Identity;
pub use lease::{Lead, LeaseError, LeaseSettings, Lost, lease_name};
pub use mapper::Mapper;
pub use metrics::RequestMetrics;
pub use name::ObjectName;
pub use object::{Metadata, Object, OwnerReference};
pub use recorder::{EventType, Recorded, Recorder, Regarding};
pub use resource::{Resource, Scope};
pub use target::{
    Apply, Dated, Delete, DryRun, List, ListOptions, Merge, Page, Propagation, ReviewedAccess, Target,
};
pub use transport::{RequestBody, ResponseBody, Transport, TransportError};
pub use watch::{Change, Content, Watch, Watcher};
