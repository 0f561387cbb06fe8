//! Sources: the kinds of `source.toolkit.fluxcd.io` and `source.extensions.fluxcd.io`.

mod artifact_generator;
mod bucket;
mod external_artifact;
mod git_repository;
mod helm_chart;
mod helm_repository;
mod oci_repository;
mod verification;

pub use artifact_generator::{
    ArtifactGenerator, ArtifactGeneratorSpec, ArtifactGeneratorStatus, CopyOperation, CopyStrategy,
    ExternalArtifactReference, GeneratedArtifact, GeneratorSource, GeneratorSourceKind,
};
pub use bucket::{Bucket, BucketProvider, BucketSpec, BucketStatus, BucketSts, BucketStsProvider};
pub use external_artifact::{ExternalArtifact, ExternalArtifactSpec, ExternalArtifactStatus};
pub use git_repository::{
    GitProvider, GitRepository, GitRepositoryInclude, GitRepositoryRef, GitRepositorySpec,
    GitRepositoryStatus, GitRepositoryVerification, GitVerificationMode,
};
pub use helm_chart::{
    ChartSourceKind, HelmChart, HelmChartSourceReference, HelmChartSpec, HelmChartStatus, ReconcileStrategy,
};
pub use helm_repository::{HelmRepository, HelmRepositorySpec, HelmRepositoryStatus, HelmRepositoryType};
pub use oci_repository::{
    CloudProvider, LayerOperation, OciLayerSelector, OciRepository, OciRepositoryRef, OciRepositorySpec,
    OciRepositoryStatus,
};
pub use verification::{ArtifactVerification, ChartVerification, OidcIdentityMatch, VerificationProvider};
