//! The kinds of `image.toolkit.fluxcd.io`.

mod image_policy;
mod image_repository;
mod image_update_automation;

pub use image_policy::{
    AlphabeticalPolicy, DigestReflectionPolicy, ImagePolicy, ImagePolicyChoice, ImagePolicySpec,
    ImagePolicyStatus, ImageRef, NumericalPolicy, SemverPolicy, SortOrder, TagFilter,
};
pub use image_repository::{ImageRepository, ImageRepositorySpec, ImageRepositoryStatus, ScanResult};
pub use image_update_automation::{
    AutomationSourceKind, AutomationSourceReference, CommitUser, GitCheckout, GitCommit, GitPush, GitSpec,
    ImageUpdateAutomation, ImageUpdateAutomationSpec, ImageUpdateAutomationStatus, SigningKey,
    SigningKeyType, UpdateSettings, UpdateStrategy,
};
