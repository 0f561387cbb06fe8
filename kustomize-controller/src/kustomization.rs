//! The kind Kustomization.

pub mod dependency;
pub mod history;
pub mod plan;
