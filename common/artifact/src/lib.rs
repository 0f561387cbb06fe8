//! Artifacts: reproducible archives, digests, ignore rules, storage with garbage collection, file server and reader.
//!
//! A producer packs a tree with [`ArchiveWriter`] into a [`Storage`] and serves it with [`server`]; a consumer gets it
//! with an [`ArtifactReader`], which checks the digest and unpacks safely.

mod archive;
mod digest;
pub mod ignore;
mod reader;
mod revision;
pub mod server;
mod storage;
mod unpack;

pub use archive::{ArchiveWriter, Executable};
pub use digest::{Algorithm, Digest, Hasher, InvalidDigest};
pub use reader::{ArtifactReader, FetchError, FetchedArtifact, ReaderOptions};
pub use revision::{InvalidRevision, Revision};
pub use storage::{
    ArtifactHost, InvalidLocation, InvalidRoot, ObjectLocation, Retention, Storage, StorageOptions,
    StoreError, StoredArtifact, VerifyError,
};
pub use unpack::{
    MemoryTree, SymbolicLinks, UnpackError, UnpackLimits, unpack_to_directory, unpack_to_memory,
};
