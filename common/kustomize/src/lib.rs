//! `kustomize build` as a pure library, and post-build substitution.
//!
//! The crate does no I/O but through [`FileSystem`]: a build is a function of the files it reads, and
//! [`RecordingFileSystem`](file_system::RecordingFileSystem) tells which these were. Behaviour follows
//! `sigs.k8s.io/kustomize/api` v0.21.1 as Flux embeds it.

pub mod error;
pub mod file_system;
mod gvk;
mod path;
mod resource;
mod resource_map;

mod configuration;
mod decode;
mod field;
mod kustomization;
pub mod loader;
mod patch;
mod replacement;
mod schema;
mod transform;
mod variable;
mod yaml_1_1;

pub use error::Error;
pub use file_system::FileSystem;
pub use gvk::{Gvk, ResourceId};
pub use resource::Resource;
pub use resource_map::ResourceMap;
