//! Flags of the source-controller.

use std::path::PathBuf;

use clap::Parser;
use flux_api::GoDuration;
use flux_artifact::Algorithm;
use flux_process::{
    CommonFlags, Environment, JitterFlags, TokenFlags, WatchLabelFlags, Words, parse_count, parse_int,
};

/// Flags of the source-controller; those of kinds that are not there yet are taken as well, so that manifests of Flux
/// start it.
#[derive(Parser, Clone, Debug)]
#[command(about = "Turns sources into artifacts.", name = "source-controller")]
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
    /// Artifacts.
    #[command(flatten)]
    pub artifacts: ArtifactFlags,
    /// Limits and cache of Helm repositories.
    #[command(flatten)]
    pub helm: HelmFlags,
    /// Cache of tokens.
    #[command(flatten)]
    pub tokens: TokenFlags,
    /// Address of notification-controller (default: variable `EVENTS_ADDR`); without one no events are sent.
    #[arg(long)]
    pub events_addr: Option<String>,
    /// Objects of a kind at work at a time.
    #[arg(long, default_value = "2", value_parser = parse_count)]
    pub concurrent: usize,
    /// Wait for an include that is not there.
    #[arg(long, default_value = "30s")]
    pub requeue_dependency: GoDuration,
    /// SSH key exchange algorithms, those preferred first.
    #[arg(long)]
    pub ssh_kex_algos: Vec<Words>,
    /// SSH host key algorithms, those preferred first.
    #[arg(long)]
    pub ssh_hostkey_algos: Vec<Words>,
    /// Service account for workload identity where a spec names none.
    #[arg(long, default_value = "")]
    pub default_service_account: String,
}

/// Where artifacts lie, and how long.
#[derive(clap::Args, Clone, Debug)]
pub struct ArtifactFlags {
    /// Directory of the artifacts (default: variable `STORAGE_PATH`, else `/data`).
    #[arg(long)]
    pub storage_path: Option<PathBuf>,
    /// Address that artifacts are served on (default: variable `STORAGE_ADDRESS`, else `:9090`).
    #[arg(long)]
    pub storage_addr: Option<String>,
    /// Host in the URLs of artifacts (default: variable `STORAGE_ADV_ADDR`, else that of the address).
    #[arg(long)]
    pub storage_adv_addr: Option<String>,
    /// Age from which a superseded artifact is garbage.
    #[arg(long, default_value = "1m")]
    pub artifact_retention_ttl: GoDuration,
    /// Most artifact files of an object.
    #[arg(long, default_value = "2", value_parser = parse_count)]
    pub artifact_retention_records: usize,
    /// Hash function of digests: sha1, sha256, sha384, sha512 or blake3.
    #[arg(long, default_value = "sha256", value_parser = parse_algorithm)]
    pub artifact_digest_algo: Algorithm,
}

/// Limits and cache of Helm repositories.
#[expect(clippy::struct_field_names, reason = "the fields are named as the flags are")]
#[derive(clap::Args, Clone, Debug)]
pub struct HelmFlags {
    /// Largest index of a repository, in bytes.
    #[arg(long, default_value = "52428800", value_parser = parse_int)]
    pub helm_index_max_size: i64,
    /// Largest archive of a chart, in bytes.
    #[arg(long, default_value = "10485760", value_parser = parse_int)]
    pub helm_chart_max_size: i64,
    /// Largest file in a chart, in bytes.
    #[arg(long, default_value = "5242880", value_parser = parse_int)]
    pub helm_chart_file_max_size: i64,
    /// Indexes that are cached; none at 0 or less.
    #[arg(long, default_value = "0", value_parser = parse_int)]
    pub helm_cache_max_size: i64,
    /// How long an index is cached.
    #[arg(long, default_value = "15m")]
    pub helm_cache_ttl: String,
    /// How often the cache is cleared of old indexes.
    #[arg(long, default_value = "1m")]
    pub helm_cache_purge_interval: String,
}

impl Flags {
    /// Address of notification-controller; empty for none.
    pub(crate) fn events_address(&self, environment: &Environment) -> String {
        given(self.events_addr.as_deref(), environment.get("EVENTS_ADDR"), "")
    }
}

impl ArtifactFlags {
    /// Directory of the artifacts.
    pub(crate) fn path(&self, environment: &Environment) -> PathBuf {
        let of_environment = || environment.get("STORAGE_PATH").unwrap_or("/data").into();
        self.storage_path.clone().unwrap_or_else(of_environment)
    }

    /// Address that artifacts are served on.
    pub(crate) fn address(&self, environment: &Environment) -> String {
        given(self.storage_addr.as_deref(), environment.get("STORAGE_ADDRESS"), ":9090")
    }

    /// Host in the URLs of artifacts; empty for that of the address.
    pub(crate) fn advertised(&self, environment: &Environment) -> String {
        given(self.storage_adv_addr.as_deref(), environment.get("STORAGE_ADV_ADDR"), "")
    }
}

/// A flag goes before its variable, that before the default.
fn given(flag: Option<&str>, variable: Option<&str>, default: &str) -> String {
    flag.or(variable).unwrap_or(default).to_owned()
}

fn parse_algorithm(text: &str) -> Result<Algorithm, String> {
    text.parse().map_err(|_| format!("unsupported digest algorithm '{text}'"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Flags, flux_process::FlagError> {
        flux_process::parse_flags(
            std::iter::once("source-controller").chain(arguments.iter().copied()).map(OsString::from),
        )
    }

    #[test]
    fn defaults_are_those_of_flux() {
        let flags = parse(&[]).expect("flags");
        let none = Environment::default();
        assert_eq!(flags.artifacts.path(&none), PathBuf::from("/data"));
        assert_eq!(flags.artifacts.address(&none), ":9090");
        assert_eq!(
            (flags.artifacts.advertised(&none).as_str(), flags.events_address(&none).as_str()),
            ("", "")
        );
        assert_eq!(flags.artifacts.artifact_retention_ttl.to_string(), "1m0s");
        assert_eq!(flags.artifacts.artifact_retention_records, 2);
        assert_eq!(flags.artifacts.artifact_digest_algo, Algorithm::Sha256);
        assert_eq!((flags.concurrent, flags.requeue_dependency.to_string().as_str()), (2, "30s"));
        let helm = &flags.helm;
        let sizes = (helm.helm_index_max_size, helm.helm_chart_max_size, helm.helm_chart_file_max_size);
        assert_eq!(sizes, (52_428_800, 10_485_760, 5_242_880));
        assert_eq!((helm.helm_cache_max_size, helm.helm_cache_ttl.as_str()), (0, "15m"));
        assert_eq!(helm.helm_cache_purge_interval, "1m");
        assert!(flags.ssh_kex_algos.is_empty() && flags.ssh_hostkey_algos.is_empty());
        assert!(flags.default_service_account.is_empty());
    }

    #[test]
    fn variables_stand_in_for_flags() {
        let environment: Environment =
            [("STORAGE_PATH", "/var"), ("STORAGE_ADV_ADDR", "host."), ("EVENTS_ADDR", "http://n")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter()
                .collect();
        let flags = parse(&["--storage-path=/flag"]).expect("flags");
        assert_eq!(flags.artifacts.path(&environment), PathBuf::from("/flag"));
        assert_eq!(flags.artifacts.advertised(&environment), "host.");
        assert_eq!(flags.events_address(&environment), "http://n");
    }

    #[test]
    fn unknown_algorithms_are_refused() {
        assert!(parse(&["--artifact-digest-algo=md5"]).is_err());
        assert!(parse(&["--artifact-digest-algo=blake3"]).is_ok());
    }

    /// The flags of the contract besides those of every controller: name and type, and the default.
    const OWN: [(&str, &str); 22] = [
        ("watch-label-selector string", ""),
        ("interval-jitter-percentage uint8", "5"),
        ("token-cache-max-size int", "100"),
        ("token-cache-max-duration duration", "1h0m0s"),
        ("storage-path string", ""),
        ("storage-addr string", ""),
        ("storage-adv-addr string", ""),
        ("artifact-retention-ttl duration", "1m0s"),
        ("artifact-retention-records int", "2"),
        ("artifact-digest-algo string", r#""sha256""#),
        ("events-addr string", ""),
        ("concurrent int", "2"),
        ("helm-index-max-size int", "52428800"),
        ("helm-chart-max-size int", "10485760"),
        ("helm-chart-file-max-size int", "5242880"),
        ("requeue-dependency duration", "30s"),
        ("helm-cache-max-size int", ""),
        ("helm-cache-ttl string", r#""15m""#),
        ("helm-cache-purge-interval string", r#""1m""#),
        ("ssh-kex-algos strings", ""),
        ("ssh-hostkey-algos strings", ""),
        ("default-service-account string", ""),
    ];

    #[test]
    fn flags_and_defaults_are_those_of_flux() {
        let usage = parse(&["--help"]).expect_err("help").to_string();
        let shown = flux_process::shown_flags(&usage);
        for flag in OWN {
            assert!(shown.contains(&flag), "no {flag:?} in\n{usage}");
        }
        assert_eq!(shown.len(), flux_process::COMMON_FLAGS + OWN.len(), "{usage}");
    }
}
