//! Flags and feature gates (notification-controller contract, section 1.2).

use clap::{ArgAction, Parser};
use flux_api::GoDuration;
use flux_process::{AclFlags, CommonFlags, Gate, TokenFlags, parse_bool, parse_count};

/// Feature gates and their defaults.
pub const GATES: [Gate; 3] = [
    Gate { name: "CacheSecretsAndConfigMaps", default: false },
    Gate { name: "DisableConfigWatchers", default: false },
    Gate { name: "ObjectLevelWorkloadIdentity", default: false },
];

/// Flags of notification-controller.
#[derive(Parser, Clone, Debug)]
#[command(name = "notification-controller")]
pub struct Flags {
    /// Flags of every controller.
    #[command(flatten)]
    pub common: CommonFlags,
    /// Address of the event server.
    #[arg(long, default_value = ":9090")]
    pub events_addr: String,
    /// Address of the webhook server.
    #[arg(long = "receiverAddr", default_value = ":9292")]
    pub receiver_addr: String,
    /// Runs at once of each kind.
    #[arg(long, default_value = "4", value_parser = parse_count)]
    pub concurrent: usize,
    /// How long an event is not sent again.
    #[arg(long, default_value = "5m")]
    pub rate_limit_interval: GoDuration,
    /// Whether metrics of requests carry the full path.
    #[arg(long, default_value = "false", value_parser = parse_bool, action = ArgAction::Set)]
    pub export_http_path_metrics: bool,
    /// References between namespaces.
    #[command(flatten)]
    pub acl: AclFlags,
    /// Cache of tokens.
    #[command(flatten)]
    pub tokens: TokenFlags,
    /// Service account for workload identity where a Provider names none.
    #[arg(long, default_value = "")]
    pub default_service_account: String,
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn parse(flag: &str) -> Result<Flags, flux_process::FlagError> {
        flux_process::parse_flags(["notification-controller", flag].map(OsString::from))
    }

    #[test]
    fn the_receiver_address_is_in_camel_case() {
        assert_eq!(parse("--receiverAddr=:1").unwrap().receiver_addr, ":1");
        for unknown in ["--receiver-addr=:1", "--watch-label-selector=a", "--interval-jitter-percentage=1"] {
            assert_eq!(parse(unknown).unwrap_err().exit_code(), 2, "{unknown}");
        }
    }

    /// The flags of the contract besides those of every controller: name and type, and the default.
    const OWN: [(&str, &str); 9] = [
        ("token-cache-max-size int", "100"),
        ("token-cache-max-duration duration", "1h0m0s"),
        ("events-addr string", r#"":9090""#),
        ("receiverAddr string", r#"":9292""#),
        ("concurrent int", "4"),
        ("rate-limit-interval duration", "5m0s"),
        ("export-http-path-metrics", ""),
        ("no-cross-namespace-refs", ""),
        ("default-service-account string", ""),
    ];

    #[test]
    fn flags_and_defaults_are_those_of_flux() {
        let usage = parse("--help").expect_err("help").to_string();
        let shown = flux_process::shown_flags(&usage);
        for flag in OWN {
            assert!(shown.contains(&flag), "no {flag:?} in\n{usage}");
        }
        assert_eq!(shown.len(), flux_process::COMMON_FLAGS + OWN.len(), "{usage}");
    }
}
