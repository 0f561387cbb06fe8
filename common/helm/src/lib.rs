//! Helm charts, values and templates, and release records, as a pure library.
//!
//! Bytes in, values and texts out: no client, no clock, no environment. Behaviour follows Helm 4.2 as Flux embeds it.
//!
//! How the parts fit: [`chart`] reads charts, [`values`] puts values over their defaults as immutable trees
//! ([`flux_yaml::Value`]). [`engine`] copies such a tree into the [`value::Arena`] of a render, where maps are shared and
//! change under [`functions`], runs the templates, and [`manifest`] sorts what comes out. A function of templates has the
//! type [`functions::Body`]: it gets the render (arena and budget) and checked arguments, and gives a value or a
//! [`engine::FunctionError`]. Each family of functions is a module of [`functions`] with a table of its own.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "functions treat a few kinds of values apart, and all others alike"
)]
#![expect(
    clippy::fn_params_excessive_bools,
    reason = "flags of Go's own functions, under the names they have there"
)]

pub mod capabilities;
pub mod chart;
pub mod context;
mod decode;
pub mod engine;
pub mod functions;
pub mod manifest;
pub mod post_render;
pub mod release;
mod stack;
pub mod value;
pub mod values;

pub use decode::DecodeError;

/// Text of an error for people: itself and its sources, joined by `: `, as Go's `%w` does.
pub fn message(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
