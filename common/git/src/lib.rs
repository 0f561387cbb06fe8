//! Git over the network, without a work tree: list references, fetch a commit, pack its tree into an archive.
//!
//! The network is a small client of our own (smart HTTP, protocol v2 with v0 as fallback), so that each call carries its
//! own credentials. Objects land in mirrors that are shared by URL and by who answers. References belong to an
//! [`Access`] and are never shared: a commit may be used only if that access listed it, or it is reachable from what it
//! listed. libgit2 indexes packs and reads objects; it never opens a connection or a work tree.

mod access;
mod blob;
mod client;
mod error;
mod flight;
mod listing;
mod memory;
mod reference;
mod store;
mod tree;
mod turn;
mod wire;

pub use access::{Access, Credentials, InvalidUrl, RepositoryUrl};
pub use client::{Checkout, CommitInfo, GitClient, GitLimits, Resolved};
pub use error::{GitError, TransportError};
pub use flight::Patience;
pub use listing::{Freshness, ListRequest, Listing};
pub use reference::{InvalidReference, ReferenceSelector};
pub use tree::{ArchiveError, CommitTree, IgnoreError, TreeError};
pub use turn::{Turn, Turns};
