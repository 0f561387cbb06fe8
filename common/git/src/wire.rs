//! Git's smart HTTP protocol: listing references and fetching packs, protocol v2 with v0 as fallback.

mod advertisement;
mod fetch;
mod http;
mod packet;
#[cfg(test)]
mod properties;

pub(crate) use advertisement::RemoteReference;
pub(crate) use fetch::{FetchRequest, History};
pub(crate) use http::Session;

/// What we call ourselves to servers; several of them look for `git/` at the beginning.
const AGENT: &str = "git/ferroflux";
/// Most bytes of a listing of references.
const MAX_LISTING: u64 = 64 * 1024 * 1024;
