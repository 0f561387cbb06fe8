//! kustomize-controller: builds the manifests of artifacts and applies them.
//!
//! Reading order: [`Flags`], [`run`] (start-up), then [`kustomization`], the kind with its steps.

mod flags;
pub mod kustomization;
mod setup;

pub use flags::Flags;
pub use setup::{GATES, run};
