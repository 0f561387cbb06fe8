//! The kinds of `helm.toolkit.fluxcd.io`.

mod action;
mod helm_release;

pub use action::{
    ActionStrategyName, ChartNameChangeStrategy, CrdPolicy, DeletionPropagation, Install, InstallRemediation,
    InstallStrategy, RemediationStrategy, Rollback, ServerSideApplyMode, Test, TestFilter, Uninstall,
    Upgrade, UpgradeRemediation, UpgradeStrategy,
};
pub use helm_release::{
    ChartRefKind, ChartReference, ChartTemplateSourceReference, ChartTemplateVerification, DriftDetection,
    DriftDetectionMode, HelmChartTemplate, HelmChartTemplateMetadata, HelmChartTemplateSpec, HelmRelease,
    HelmReleaseSpec, HelmReleaseStatus, KustomizePostRenderer, PostRenderStrategy, PostRenderer,
    ReleaseAction, ReleaseSnapshot, TestHookStatus, ValuesReference, WaitStrategy, WaitStrategyName,
};
