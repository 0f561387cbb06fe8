//! The flags that controllers share (platform contract, section 3).

use clap::{ArgAction, Args};
use flux_api::GoDuration;

use crate::gates::{GateSetting, GateSettings};
use crate::pflag::{parse_bool, parse_float, parse_int, parse_percentage};

/// How many flags every controller has.
pub const COMMON_FLAGS: usize = 16;

/// Flags of every controller.
#[derive(Args, Clone, Debug)]
pub struct CommonFlags {
    /// Address of the metrics endpoint (default: the variable that the program names, else `:8080`); `0` disables it.
    #[arg(long)]
    pub metrics_addr: Option<String>,
    /// Address of the probes; `0` disables them.
    #[arg(long, default_value = ":9440")]
    pub health_addr: String,
    /// Requests to the API server.
    #[command(flatten)]
    pub client: ClientFlags,
    /// Logs.
    #[command(flatten)]
    pub log: LogFlags,
    /// Leader election.
    #[command(flatten)]
    pub leader: LeaderElectionFlags,
    /// Backoff of failed runs.
    #[command(flatten)]
    pub rate_limit: RateLimitFlags,
    /// Feature gates, `Gate=true` or `Gate=false`, separated by commas.
    #[arg(long, action = ArgAction::Append)]
    pub feature_gates: Vec<GateSettings>,
    /// Whether all namespaces are watched, or the one the controller runs in.
    #[arg(long, default_value = "true", value_parser = parse_bool, action = ArgAction::Set)]
    pub watch_all_namespaces: bool,
    /// Label selector of the ConfigMaps and Secrets whose changes are watched; empty means all.
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled")]
    pub watch_configs_label_selector: String,
}

impl CommonFlags {
    /// The settings of feature gates in the order in which they were given.
    pub fn gates(&self) -> impl Iterator<Item = &GateSetting> {
        self.feature_gates.iter().flat_map(|settings| &settings.0)
    }
}

/// Requests to the API server. Accepted for Flux's manifests; requests are limited by the latency of the server.
#[derive(Args, Clone, Debug)]
pub struct ClientFlags {
    /// Requests per second.
    #[arg(long, default_value = "50", value_parser = parse_float)]
    pub kube_api_qps: f32,
    /// Requests at once.
    #[arg(long, default_value = "300", value_parser = parse_int)]
    pub kube_api_burst: i64,
}

/// Logs.
#[derive(Args, Clone, Debug)]
pub struct LogFlags {
    /// `json` or `console`; another word means `json`.
    #[arg(long, default_value = "json")]
    pub log_encoding: String,
    /// `trace`, `debug`, `info` or `error`; another word means `info`.
    #[arg(long, default_value = "info")]
    pub log_level: String,
}

/// Leader election.
#[derive(Args, Clone, Debug)]
pub struct LeaderElectionFlags {
    /// Whether a Lease decides which replica works.
    #[arg(long, default_value = "false", value_parser = parse_bool, action = ArgAction::Set)]
    pub enable_leader_election: bool,
    /// Whether the Lease is given back at a clean stop.
    #[arg(long, default_value = "true", value_parser = parse_bool, action = ArgAction::Set)]
    pub leader_election_release_on_cancel: bool,
    /// How long others wait for a silent leader.
    #[arg(long, default_value = "35s")]
    pub leader_election_lease_duration: GoDuration,
    /// How long a leader tries to renew.
    #[arg(long, default_value = "30s")]
    pub leader_election_renew_deadline: GoDuration,
    /// Pause between tries.
    #[arg(long, default_value = "5s")]
    pub leader_election_retry_period: GoDuration,
}

/// Backoff of failed runs: doubles from the least to the greatest delay.
#[derive(Args, Clone, Debug)]
pub struct RateLimitFlags {
    /// The least delay.
    #[arg(long, default_value = "750ms")]
    pub min_retry_delay: GoDuration,
    /// The greatest delay.
    #[arg(long, default_value = "15m")]
    pub max_retry_delay: GoDuration,
}

/// Label selector of a controller's own kinds.
#[derive(Args, Clone, Debug)]
pub struct WatchLabelFlags {
    /// Label selector of the objects that are reconciled; empty means all.
    #[arg(long, default_value = "")]
    pub watch_label_selector: String,
}

/// Jitter of intervals.
#[derive(Args, Clone, Debug)]
pub struct JitterFlags {
    /// Greatest deviation of an interval in percent, below 100; a controller does not start with more.
    #[arg(long, default_value = "5", value_parser = parse_percentage)]
    pub interval_jitter_percentage: u8,
}

/// References between namespaces.
#[derive(Args, Clone, Debug)]
pub struct AclFlags {
    /// Whether references to other namespaces are refused.
    #[arg(long, default_value = "false", value_parser = parse_bool, action = ArgAction::Set)]
    pub no_cross_namespace_refs: bool,
}

/// Cache of tokens that stand for an identity elsewhere.
#[derive(Args, Clone, Debug)]
pub struct TokenFlags {
    /// Number of tokens; 0 means no cache.
    #[arg(long, default_value = "100", value_parser = parse_int)]
    pub token_cache_max_size: i64,
    /// Greatest age of a token, at most an hour.
    #[arg(long, default_value = "1h")]
    pub token_cache_max_duration: GoDuration,
}

/// What kubeconfigs in Secrets may do.
#[derive(Args, Clone, Debug)]
pub struct KubeconfigFlags {
    /// Whether they may run programs.
    #[arg(long, default_value = "false", value_parser = parse_bool, action = ArgAction::Set)]
    pub insecure_kubeconfig_exec: bool,
    /// Whether they may turn off the verification of certificates.
    #[arg(long, default_value = "false", value_parser = parse_bool, action = ArgAction::Set)]
    pub insecure_kubeconfig_tls: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::pflag::parse_flags;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        common: CommonFlags,
        #[command(flatten)]
        jitter: JitterFlags,
    }

    #[test]
    fn defaults_are_those_of_flux() {
        let flags: Flags = parse_flags(["controller".into()]).unwrap();
        assert_eq!(flags.common.metrics_addr, None);
        assert_eq!(flags.common.leader.leader_election_lease_duration.to_string(), "35s");
        assert_eq!(flags.common.rate_limit.max_retry_delay.to_string(), "15m0s");
        assert!(flags.common.watch_all_namespaces && !flags.common.leader.enable_leader_election);
        assert_eq!(flags.common.client.kube_api_burst, 300);
        assert_eq!(flags.jitter.interval_jitter_percentage, 5);
    }
}
