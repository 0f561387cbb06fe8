//! source-controller: turns sources into artifacts, and serves them.
//!
//! Reading order: [`Flags`], [`run`] (start-up), then one module per kind.

mod flags;
mod git_repository;
mod setup;

pub use flags::Flags;
pub use setup::{GATES, run};
