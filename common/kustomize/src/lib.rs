//! `kustomize build` as a pure library, and post-build substitution.
//!
//! The crate does no I/O but through [`FileSystem`] and [`Remote`](loader::Remote): a build is a function of the files
//! it reads, and [`RecordingFileSystem`](file_system::RecordingFileSystem) tells which these were. Behaviour follows
//! `sigs.k8s.io/kustomize/api` v0.21.1 as Flux embeds it.

mod build;
pub mod error;
pub mod file_system;
mod gvk;
pub mod loader;
mod path;
mod resource;
mod resource_map;
pub mod root_file;

mod configuration;
mod decode;
mod field;
mod generator;
mod go_syntax;
mod hash;
mod kustomization;
mod layer;
mod name_reference;
mod origin;
mod patch;
mod plugin;
mod reader;
mod replacement;
mod schema;
mod sort_order;
pub mod substitution;
mod transform;
mod variable;
mod yaml_1_1;

pub use build::{Options, Order, Output, Program, build};
pub use error::Error;
pub use file_system::FileSystem;
pub use gvk::{Gvk, ResourceId};
pub use resource::Resource;
pub use resource_map::ResourceMap;
