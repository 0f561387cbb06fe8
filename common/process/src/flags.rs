//! The flags that controllers share, parsed as pflag parses them (platform contract, section 3).
//!
//! `--name=value` and `--name value`; booleans may stand alone; the last of several wins; an unknown flag prints the
//! usage and exits with 2.

use std::ffi::OsString;

use clap::{ArgAction, Args, Parser};
use flux_api::GoDuration;

use crate::gates::GateSetting;

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
    #[arg(long, value_delimiter = ',', action = ArgAction::Append)]
    pub feature_gates: Vec<GateSetting>,
    /// Whether all namespaces are watched, or the one the controller runs in.
    #[arg(long, default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_bool, action = ArgAction::Set)]
    pub watch_all_namespaces: bool,
    /// Label selector of the ConfigMaps and Secrets whose changes are watched; empty means all.
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled")]
    pub watch_configs_label_selector: String,
}

/// Requests to the API server. Accepted for Flux's manifests; requests are limited by the latency of the server.
#[derive(Args, Clone, Debug)]
pub struct ClientFlags {
    /// Requests per second.
    #[arg(long, default_value_t = 50.0)]
    pub kube_api_qps: f32,
    /// Requests at once.
    #[arg(long, default_value_t = 300)]
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
    #[arg(long, default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_bool, action = ArgAction::Set)]
    pub enable_leader_election: bool,
    /// Whether the Lease is given back at a clean stop.
    #[arg(long, default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_bool, action = ArgAction::Set)]
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
    #[arg(long, default_value_t = 5)]
    pub interval_jitter_percentage: u8,
}

/// References between namespaces.
#[derive(Args, Clone, Debug)]
pub struct AclFlags {
    /// Whether references to other namespaces are refused.
    #[arg(long, default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_bool, action = ArgAction::Set)]
    pub no_cross_namespace_refs: bool,
}

/// Cache of tokens that stand for an identity elsewhere.
#[derive(Args, Clone, Debug)]
pub struct TokenFlags {
    /// Number of tokens; 0 means no cache.
    #[arg(long, default_value_t = 100, allow_negative_numbers = true)]
    pub token_cache_max_size: i64,
    /// Greatest age of a token, at most an hour.
    #[arg(long, default_value = "1h")]
    pub token_cache_max_duration: GoDuration,
}

/// What kubeconfigs in Secrets may do.
#[derive(Args, Clone, Debug)]
pub struct KubeconfigFlags {
    /// Whether they may run programs.
    #[arg(long, default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_bool, action = ArgAction::Set)]
    pub insecure_kubeconfig_exec: bool,
    /// Whether they may turn off the verification of certificates.
    #[arg(long, default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_bool, action = ArgAction::Set)]
    pub insecure_kubeconfig_tls: bool,
}

/// A boolean in one of Go's words.
///
/// # Errors
/// A message for the user if the word is none of them.
pub fn parse_bool(word: &str) -> Result<bool, String> {
    match word {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {word:?}: invalid syntax")),
    }
}

/// Parses the flags of a controller; the first argument is the program's name.
///
/// # Errors
/// clap's, which knows the text to print and the exit status: 2 for wrong flags, 0 for `--help`.
pub fn parse_flags<F: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<F, clap::Error> {
    let matches = F::command().args_override_self(true).try_get_matches_from(arguments)?;
    F::from_arg_matches(&matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        common: CommonFlags,
        #[command(flatten)]
        jitter: JitterFlags,
    }

    fn parse(arguments: &[&str]) -> Result<Flags, clap::Error> {
        parse_flags(std::iter::once("controller").chain(arguments.iter().copied()).map(OsString::from))
    }

    #[test]
    fn defaults_are_those_of_flux() {
        let flags = parse(&[]).unwrap();
        assert_eq!(flags.common.metrics_addr, None);
        assert_eq!(flags.common.leader.leader_election_lease_duration.to_string(), "35s");
        assert_eq!(flags.common.rate_limit.max_retry_delay.to_string(), "15m0s");
        assert!(flags.common.watch_all_namespaces && !flags.common.leader.enable_leader_election);
        assert_eq!(flags.jitter.interval_jitter_percentage, 5);
    }

    #[test]
    fn booleans_may_stand_alone_and_the_last_flag_wins() {
        let flags = parse(&[
            "--enable-leader-election",
            "--watch-all-namespaces=false",
            "--log-level=debug",
            "--log-level",
            "error",
        ])
        .unwrap();
        assert!(flags.common.leader.enable_leader_election);
        assert!(!flags.common.watch_all_namespaces);
        assert_eq!(flags.common.log.log_level, "error");
    }

    #[test]
    fn feature_gates_accumulate() {
        let flags = parse(&["--feature-gates=A=true,B=false", "--feature-gates=C=true"]).unwrap();
        let names: Vec<_> = flags.common.feature_gates.iter().map(|gate| gate.name.as_str()).collect();
        assert_eq!(names, ["A", "B", "C"]);
    }

    #[test]
    fn wrong_flags_exit_with_2() {
        for wrong in [
            "--nope",
            "--enable-leader-election=maybe",
            "--interval-jitter-percentage=256",
            "--min-retry-delay=5",
        ] {
            assert_eq!(parse(&[wrong]).err().map(|error| error.exit_code()), Some(2), "{wrong}");
        }
        assert_eq!(parse(&["--help"]).err().map(|error| error.exit_code()), Some(0));
    }
}
