//! Helm charts, values and templates, and release records, as a pure library.
//!
//! Bytes in, values and texts out: no client, no clock, no environment. Behaviour follows Helm 4.2 as Flux embeds it.

pub mod capabilities;
pub mod chart;
pub mod context;
mod decode;
pub mod manifest;
pub mod post_render;
pub mod release;
pub mod values;

pub use decode::DecodeError;

/// Text of an error for people: itself and its sources, joined by `: `, as Go's `%w` does.
pub fn message(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
