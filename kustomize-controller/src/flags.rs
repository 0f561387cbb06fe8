//! Flags of the kustomize-controller.

use clap::Parser;
use flux_api::GoDuration;
use flux_process::{
    AclFlags, CommonFlags, JitterFlags, KubeconfigFlags, TokenFlags, WatchLabelFlags, parse_bool, parse_count,
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
    #[arg(long, default_value = "4", value_parser = parse_count)]
    pub concurrent: usize,
    /// Attempts to download an artifact after the first.
    #[arg(long, default_value = "9", value_parser = parse_count)]
    pub http_retry: usize,
}

/// Applying and waiting.
#[derive(clap::Args, Clone, Debug)]
pub struct ApplyFlags {
    /// Objects of one Kustomization checked at the same time.
    #[arg(long, default_value = "4", value_parser = parse_count)]
    pub concurrent_ssa: usize,
    /// Delay where a source or a dependency is not ready.
    #[arg(long, default_value = "30s")]
    pub requeue_dependency: GoDuration,
    /// Whether bases at URLs are forbidden. They are refused in any case, as not supported yet.
    #[arg(long, default_value = "false", value_parser = parse_bool, action = clap::ArgAction::Set)]
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    /// The flags of the contract besides those of every controller: name and type, and the default.
    const OWN: [(&str, &str); 20] = [
        ("watch-label-selector string", ""),
        ("interval-jitter-percentage uint8", "5"),
        ("token-cache-max-size int", "100"),
        ("token-cache-max-duration duration", "1h0m0s"),
        ("no-cross-namespace-refs", ""),
        ("insecure-kubeconfig-exec", ""),
        ("insecure-kubeconfig-tls", ""),
        ("concurrent-ssa int", "4"),
        ("requeue-dependency duration", "30s"),
        ("no-remote-bases", ""),
        ("override-manager stringArray", ""),
        ("custom-apply-stage-kinds string", ""),
        ("default-service-account string", ""),
        ("default-decryption-service-account string", ""),
        ("default-kubeconfig-service-account string", ""),
        ("sops-age-secret string", ""),
        ("sops-vault-configmap string", ""),
        ("events-addr string", ""),
        ("concurrent int", "4"),
        ("http-retry int", "9"),
    ];

    #[test]
    fn flags_and_defaults_are_those_of_flux() {
        let usage =
            flux_process::parse_flags::<Flags>(["kustomize-controller", "--help"].map(OsString::from))
                .expect_err("help")
                .to_string();
        let shown = flux_process::shown_flags(&usage);
        for flag in OWN {
            assert!(shown.contains(&flag), "no {flag:?} in\n{usage}");
        }
        assert_eq!(shown.len(), flux_process::COMMON_FLAGS + OWN.len(), "{usage}");
    }
}
