//! Settings of the actions on a release, and what to do when one fails.

use flux_gotext::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::INTERVAL;
use crate::wire::is_false;
use crate::wire::wire_enum;

wire_enum! {
    /// What to do with the CRDs of a chart.
    pub enum CrdPolicy {
        /// Nothing.
        Skip = "Skip",
        /// Make those that are missing.
        Create = "Create",
        /// Make those that are missing and replace the others.
        CreateReplace = "CreateReplace",
    }
}

wire_enum! {
    /// What follows a failed action.
    pub enum ActionStrategyName {
        /// It is undone and then tried again.
        RemediateOnFailure = "RemediateOnFailure",
        /// It is tried again on top of what is there.
        RetryOnFailure = "RetryOnFailure",
    }
}

wire_enum! {
    /// How a failed upgrade is undone.
    pub enum RemediationStrategy {
        /// By a rollback to the release before.
        Rollback = "rollback",
        /// By an uninstall.
        Uninstall = "uninstall",
    }
}

wire_enum! {
    /// Whether objects are applied by the server.
    pub enum ServerSideApplyMode {
        /// Yes.
        Enabled = "enabled",
        /// No.
        Disabled = "disabled",
        /// As the release before.
        Auto = "auto",
    }
}

wire_enum! {
    /// How dependants of deleted objects go.
    pub enum DeletionPropagation {
        /// After their owner.
        Background = "background",
        /// Before their owner.
        Foreground = "foreground",
        /// Not at all.
        Orphan = "orphan",
    }
}

wire_enum! {
    /// What happens when the chart's name changes.
    pub enum ChartNameChangeStrategy {
        /// The release is upgraded.
        InPlaceUpdate = "InPlaceUpdate",
        /// The release is uninstalled and installed again.
        Reinstall = "Reinstall",
    }
}

/// What to do when an install fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallRemediation {
    /// Whether failed tests count; as the HelmRelease's test settings if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Whether the last failure is undone too; no if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// How often to try again; negative is without end, 0 if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = null))]
    pub retries: Option<i64>,
}

/// What to do when an upgrade fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeRemediation {
    /// Whether failed tests count; as the HelmRelease's test settings if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Whether the last failure is undone too; yes if `retries` is above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// How often to try again; negative is without end, 0 if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = null))]
    pub retries: Option<i64>,
    /// How it is undone; by a rollback if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<RemediationStrategy>,
}

/// What follows a failed install.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{"message": ".retryInterval cannot be set when .name is 'RemediateOnFailure'", "rule": "!has(self.retryInterval) || self.name != 'RemediateOnFailure'"}]))]
pub struct InstallStrategy {
    /// The strategy.
    pub name: ActionStrategyName,
    /// How soon a failed install is tried again; 5 min if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = INTERVAL))]
    pub retry_interval: Option<GoDuration>,
}

/// What follows a failed upgrade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{"message": ".retryInterval can only be set when .name is 'RetryOnFailure'", "rule": "!has(self.retryInterval) || self.name == 'RetryOnFailure'"}]))]
pub struct UpgradeStrategy {
    /// The strategy.
    pub name: ActionStrategyName,
    /// How soon a failed upgrade is tried again; 5 min if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = INTERVAL))]
    pub retry_interval: Option<GoDuration>,
}

/// Settings of the install.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "mirrors the wire form")]
pub struct Install {
    /// CRDs of the chart; `Create` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdPolicy>,
    /// Whether the target namespace is made.
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_namespace: bool,
    /// Whether hooks are skipped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Whether manifests go unchecked against the server's schema.
    #[serde(rename = "disableOpenAPIValidation", default, skip_serializing_if = "is_false")]
    pub disable_open_api_validation: bool,
    /// Whether values go unchecked against the chart's schema.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// Whether objects that exist already make the install fail.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// Whether objects are not waited for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Whether Jobs are not waited for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// What to do on failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<InstallRemediation>,
    /// Whether the name of a deleted release in the history may be used.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replace: bool,
    /// Whether objects are applied by the server; yes if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<bool>,
    /// Deprecated form of `crds: Skip`.
    #[serde(rename = "skipCRDs", default, skip_serializing_if = "is_false")]
    pub skip_crds: bool,
    /// What follows a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<InstallStrategy>,
    /// Bound of each step; the HelmRelease's `timeout` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = INTERVAL))]
    pub timeout: Option<GoDuration>,
}

/// Settings of the upgrade.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "mirrors the wire form")]
pub struct Upgrade {
    /// What happens when the chart's name changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart_name_change_strategy: Option<ChartNameChangeStrategy>,
    /// Whether objects made by a failed upgrade are deleted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// CRDs of the chart; `Skip` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdPolicy>,
    /// Whether hooks are skipped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Whether manifests go unchecked against the server's schema.
    #[serde(rename = "disableOpenAPIValidation", default, skip_serializing_if = "is_false")]
    pub disable_open_api_validation: bool,
    /// Whether values go unchecked against the chart's schema.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// Whether objects that exist already make the upgrade fail.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// Whether objects are not waited for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Whether Jobs are not waited for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// Whether objects are replaced where a patch fails.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Whether values of the release before are kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub preserve_values: bool,
    /// What to do on failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<UpgradeRemediation>,
    /// Whether objects are applied by the server; as the release before if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApplyMode>,
    /// What follows a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<UpgradeStrategy>,
    /// Bound of each step; the HelmRelease's `timeout` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = INTERVAL))]
    pub timeout: Option<GoDuration>,
}

/// Settings of the tests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Test {
    /// Whether tests run after install and upgrade.
    #[serde(default, skip_serializing_if = "is_false")]
    pub enable: bool,
    /// Which tests run; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<TestFilter>,
    /// Whether failed tests count.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_failures: bool,
    /// Bound of each test; the HelmRelease's `timeout` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = INTERVAL))]
    pub timeout: Option<GoDuration>,
}

/// Picks a test by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestFilter {
    /// Whether the test is left out instead.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exclude: bool,
    /// Name of the test.
    #[schemars(extend("maxLength" = 253, "minLength" = 1))]
    pub name: String,
}

/// Settings of the rollback.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "mirrors the wire form")]
pub struct Rollback {
    /// Whether objects made by a failed rollback are deleted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// Whether hooks are skipped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Whether objects are not waited for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Whether Jobs are not waited for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// Whether objects are replaced where a patch fails.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Without effect; kept for older manifests.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recreate: bool,
    /// Whether objects are applied by the server; as the release before if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApplyMode>,
    /// Bound of each step; the HelmRelease's `timeout` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = INTERVAL))]
    pub timeout: Option<GoDuration>,
}

/// Settings of the uninstall.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uninstall {
    /// How dependants go.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "background"))]
    pub deletion_propagation: Option<DeletionPropagation>,
    /// Whether hooks are skipped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Whether objects are not waited for until they are gone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Whether the history of the release stays.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_history: bool,
    /// Bound of each step; the HelmRelease's `timeout` if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = INTERVAL))]
    pub timeout: Option<GoDuration>,
}
