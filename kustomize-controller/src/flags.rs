//! Flags of the kustomize-controller.

use clap::Parser;
use flux_api::GoDuration;
use flux_process::{
    AclFlags, CommonFlags, JitterFlags, KubeconfigFlags, TokenFlags, WatchLabelFlags, parse_bool,
};

/// Flags of the kustomize-controller; those of features that are not there yet are taken as well, so that manifests of
/// Flux start it.
#[derive(Parser, Clone, Debug)]
#[command(about = "Builds the manifests of artifacts and applies them.", name = "kustomize-controller")]
pub struct Flags {
    /// Flags of every controller.
    #[command(flatten)]
    pub common: CommonFlags,
    /// Label selector of the objects that are reconciled.
    #[command(flatten)]
    pub watch: WatchLabelFlags,
    /// Jitter of intervals.
    #[command(flatten)]
    pub jitter: JitterFlags,
    /// References between namespaces.
    #[command(flatten)]
    pub access: AclFlags,
    /// What kubeconfigs may do.
    #[command(flatten)]
    pub kubeconfig: KubeconfigFlags,
    /// Cache of tokens.
    #[command(flatten)]
    pub tokens: TokenFlags,
    /// Applying and waiting.
    #[command(flatten)]
    pub apply: ApplyFlags,
    /// Service accounts and keys that specs fall back on.
    #[command(flatten)]
    pub defaults: DefaultFlags,
    /// Address of notification-controller; without one no events are sent.
    #[arg(long, default_value = "")]
    pub events_addr: String,
    /// Objects at work at a time.
    #[arg(long, default_value_t = 4)]
    pub concurrent: usize,
    /// Attempts to download an artifact after the first.
    #[arg(long, default_value_t = 9)]
    pub http_retry: u32,
}

/// Applying and waiting.
#[derive(clap::Args, Clone, Debug)]
pub struct ApplyFlags {
    /// Objects of one Kustomization checked at the same time.
    #[arg(long, default_value_t = 4)]
    pub concurrent_ssa: usize,
    /// Delay where a source or a dependency is not ready.
    #[arg(long, default_value = "30s")]
    pub requeue_dependency: GoDuration,
    /// Whether bases at URLs are forbidden. They are refused in any case, as not supported yet.
    #[arg(long, default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_bool, action = clap::ArgAction::Set)]
    pub no_remote_bases: bool,
    /// A field manager whose fields are taken over.
    #[arg(long)]
    pub override_manager: Vec<String>,
    /// Kinds that are applied after the definitions and before the rest: `group/Kind` or `Kind`, separated by commas.
    #[arg(long, default_value = "")]
    pub custom_apply_stage_kinds: String,
}

/// Service accounts and keys that specs fall back on.
#[derive(clap::Args, Clone, Debug)]
pub struct DefaultFlags {
    /// Account to act as where the spec names none.
    #[arg(long, default_value = "")]
    pub default_service_account: String,
    /// Account for keys in clouds where the spec names none.
    #[arg(long, default_value = "")]
    pub default_decryption_service_account: String,
    /// Account for other clusters where the reference names none.
    #[arg(long, default_value = "")]
    pub default_kubeconfig_service_account: String,
    /// Secret with age keys in the controller's namespace.
    #[arg(long, default_value = "")]
    pub sops_age_secret: String,
    /// ConfigMap with Vault settings in the controller's namespace.
    #[arg(long, default_value = "")]
    pub sops_vault_configmap: String,
}
