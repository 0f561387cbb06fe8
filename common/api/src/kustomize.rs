//! The kinds of `kustomize.toolkit.fluxcd.io`, and the overlays they share with HelmRelease.

mod kustomization;
mod overlay;

pub use kustomization::{
    BuildMetadata, Decryption, DecryptionProvider, DeletionPolicy, Kustomization, KustomizationSourceKind,
    KustomizationSpec, KustomizationStatus, PostBuild, SourceReference, SubstituteReference,
    SubstituteStrategy, VariableSourceKind,
};
pub use overlay::{HealthCheckExpression, IgnoreRule, Image, Patch, Selector};
