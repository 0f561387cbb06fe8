//! The life of a process: start in order, work, and stop such that work can end (platform contract, section 4).

use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use clap::Parser;
use flux_kube::{
    Access, Cluster, Lead, LeaseSettings, ObjectName, Options, Recorder, RequestMetrics, lease_name,
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::environment::Environment;
use crate::flags::CommonFlags;
use crate::gates::{Gate, Gates};
use crate::listen::listen;
use crate::log::{self, LogLayer, LogSettings};
use crate::metrics::{Leading, Metrics};
use crate::pflag::parse_flags;
use crate::probe::Readiness;
use crate::server::{ServerLimits, serve};
use crate::{code_pages, probe, telemetry};

/// Where a Pod finds its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// Address of the metrics endpoint.
const METRICS_ADDRESS: &str = ":8080";
/// Gate that workload identity of objects needs.
const OBJECT_LEVEL_IDENTITY: &str = "ObjectLevelWorkloadIdentity";
/// Threads beyond this only add memory: the work is waiting for others.
const MAX_WORKERS: usize = 4;

/// A controller's program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Name of the controller, such as `kustomize-controller`; also that of its Lease, events and traces.
    pub name: &'static str,
    /// Its version, for the user agent and `go_info`.
    pub version: &'static str,
    /// The feature gates it knows.
    pub gates: &'static [Gate],
    /// How long runs under way may go on after the stop was asked for.
    pub grace: Duration,
    /// Environment variable with the default of `--metrics-addr`, if there is one.
    pub metrics_variable: Option<&'static str>,
}

/// What a controller's work is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// The cluster that the controller runs in.
    pub cluster: Cluster,
    /// Records Kubernetes Events under the controller's name.
    pub recorder: Recorder,
    /// Where metrics are registered.
    pub metrics: Metrics,
    /// The feature gates.
    pub gates: Gates,
    /// Namespace that the controller runs in; empty outside a cluster without `RUNTIME_NAMESPACE`.
    pub runtime_namespace: String,
    /// The one namespace that is watched; empty for all.
    pub watched_namespace: String,
    /// Environment variables.
    pub environment: Environment,
    /// Cancelled when the process should stop.
    pub stop: CancellationToken,
    leader: Arc<LeaderSettings>,
    leading: watch::Sender<bool>,
    ready: Readiness,
}

#[derive(Debug)]
struct LeaderSettings {
    name: &'static str,
    enabled: bool,
    release_on_cancel: bool,
    lease_duration: Duration,
    renew_deadline: Duration,
    retry_period: Duration,
}

/// Leadership, or the right to work without it. Must be kept until the work has ended, and then stopped.
#[derive(Debug)]
struct Leadership {
    lead: Option<Lead>,
}

impl Leadership {
    /// Resolves when leadership is lost; never without leader election.
    async fn lost(&mut self) {
        match &mut self.lead {
            Some(lead) => {
                lead.lost().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Gives the Lease back, if it is to be given back.
    async fn stop(self) {
        if let Some(lead) = self.lead {
            lead.stop().await;
        }
    }
}

impl Context {
    /// Becomes true when this process leads, or works without leader election.
    pub fn leading(&self) -> watch::Receiver<bool> {
        self.leading.subscribe()
    }

    /// Lets `/readyz` pass: what this replica serves without leadership can be reached. [`Self::lead`] does so as well.
    pub fn set_ready(&self) {
        self.ready.set();
    }

    /// Waits for leadership, carries out `begin`, and lets the work start that waits for [`Self::leading`]. After the
    /// stop, `end` drains that work, and the Lease is given back.
    ///
    /// `selector` (`--watch-label-selector`) makes the Lease that of a shard unless it is empty.
    ///
    /// # Errors
    /// If the Lease has no place to be, `begin` fails, or leadership is lost: then the process must end at once.
    pub async fn lead(
        &self,
        selector: &str,
        begin: impl Future<Output = anyhow::Result<()>>,
        end: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        self.set_ready();
        let mut leadership = match self.acquire(selector.trim()).await {
            Ok(leadership) => leadership,
            // asked to stop before this one led
            Err(_) if self.stop.is_cancelled() => return Ok(()),
            Err(error) => return Err(error),
        };
        begin.await?;
        self.leading.send_replace(true);
        let work = async {
            self.stop.cancelled().await;
            end.await;
        };
        tokio::select! {
            () = leadership.lost() => anyhow::bail!("leader election lost"),
            () = work => {}
        }
        leadership.stop().await;
        Ok(())
    }

    /// Name of this host: the variable `HOSTNAME`, else what the system says.
    pub fn host_name(&self) -> String {
        self.environment.get("HOSTNAME").map_or_else(host_of_system, str::to_owned)
    }

    /// Directory for temporary files: `TMPDIR`, else `/tmp`.
    pub fn temporary_directory(&self) -> &Path {
        Path::new(self.environment.get("TMPDIR").unwrap_or("/tmp"))
    }

    /// Service accounts for workload identity may be set only if the gate `ObjectLevelWorkloadIdentity` is on (platform
    /// contract, section 3.4); empty ones are not set.
    ///
    /// # Errors
    /// If one is set and the gate is off.
    pub fn check_default_accounts(&self, accounts: &[&str]) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.gates.enabled(OBJECT_LEVEL_IDENTITY) || accounts.iter().all(|account| account.is_empty()),
            "cannot set default service accounts when the feature gate {OBJECT_LEVEL_IDENTITY} is not enabled"
        );
        Ok(())
    }

    async fn acquire(&self, selector: &str) -> anyhow::Result<Leadership> {
        if !self.leader.enabled {
            return Ok(Leadership { lead: None });
        }
        anyhow::ensure!(
            !self.runtime_namespace.is_empty(),
            "unable to find leader election namespace: not running in-cluster, please set RUNTIME_NAMESPACE"
        );
        let selectors = [selector];
        let selectors = if selector.is_empty() { &[][..] } else { &selectors[..] };
        let name = lease_name(&format!("{}-leader-election", self.leader.name), selectors);
        let settings = LeaseSettings {
            lease: ObjectName::new(&self.runtime_namespace, &name),
            identity: format!("{}_{}", host_of_system(), uuid::Uuid::new_v4()),
            lease_duration: self.leader.lease_duration,
            renew_deadline: self.leader.renew_deadline,
            retry_period: self.leader.retry_period,
            release_on_cancel: self.leader.release_on_cancel,
        };
        self.metrics.set_leading(&name, Leading::No);
        let lead = Lead::acquire(self.cluster.dedicated()?, settings, &self.recorder, &self.stop).await?;
        self.metrics.set_leading(&name, Leading::Yes);
        Ok(Leadership { lead: Some(lead) })
    }
}

impl Program {
    /// Parses the flags, starts the process, and runs `work` until it ends or a signal asks for the stop.
    ///
    /// `common` finds the shared flags in the controller's own. `work` returns once `Context::stop` is cancelled and its
    /// runs have ended. Exit status: 0 after a clean stop, 1 after an error, 2 for wrong flags.
    pub fn run<F, W, R>(self, common: fn(&F) -> &CommonFlags, work: W) -> ExitCode
    where
        F: Parser,
        W: FnOnce(Context, F) -> R,
        R: Future<Output = anyhow::Result<()>>,
    {
        let flags: F = match parse_flags(std::env::args_os()) {
            Ok(flags) => flags,
            Err(error) => {
                // nowhere to report a failure to print
                let _ = std::io::stderr().write_all(error.to_string().as_bytes());
                return ExitCode::from(error.exit_code());
            }
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
        let Ok(runtime) = runtime else { return ExitCode::FAILURE };
        let outcome = runtime.block_on(self.live(flags, common, work));
        // a blocking thread, such as one in name resolution, must not hold up the end
        runtime.shutdown_background();
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(()) => ExitCode::FAILURE,
        }
    }

    async fn live<F, W, R>(self, flags: F, common: fn(&F) -> &CommonFlags, work: W) -> Result<(), ()>
    where
        W: FnOnce(Context, F) -> R,
        R: Future<Output = anyhow::Result<()>>,
    {
        let environment = Environment::of_process();
        let shared = common(&flags).clone();
        let traces = self.start_logs(&shared, &environment);
        let outcome = async {
            let signals = Signals::new()?;
            let stop = CancellationToken::new();
            let context = self.start(&shared, environment, stop.clone()).await?;
            info!(logger = "setup", "starting manager");
            self.until_stopped(work(context, flags), signals, &stop).await
        }
        .await;
        if let Err(failure) = &outcome {
            error!(logger = "setup", error = format!("{failure:#}"), "problem running manager");
        }
        if let Some(traces) = traces {
            // the batch processor exports on this runtime, so the wait must not block it
            let _ = tokio::task::spawn_blocking(move || traces.shutdown()).await;
        }
        outcome.map_err(|_| ())
    }

    /// The flag goes before the variable of the program, that before the default.
    fn metrics_address<'a>(&self, flag: Option<&'a str>, environment: &'a Environment) -> &'a str {
        flag.or_else(|| environment.get(self.metrics_variable?)).unwrap_or(METRICS_ADDRESS)
    }

    fn start_logs(&self, flags: &CommonFlags, environment: &Environment) -> Option<SdkTracerProvider> {
        let settings = LogSettings::of(&flags.log.log_encoding, &flags.log.log_level);
        let (traces, failure) =
            match telemetry::wanted(environment).then(|| telemetry::start(environment, self.name)) {
                Some(Ok(started)) => (Some(started), None),
                Some(Err(failure)) => (None, Some(failure)),
                None => (None, None),
            };
        let (provider, tracer) = traces.unzip();
        let spans = tracer.map(|tracer| {
            let spans_only = tracing_subscriber::filter::filter_fn(|metadata| {
                metadata.is_span() && *metadata.level() <= tracing::Level::INFO
            });
            tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_location(false)
                .with_threads(false)
                .with_filter(spans_only)
        });
        tracing_subscriber::registry()
            .with(spans)
            .with(LogLayer::new(settings).with_filter(log::filter(settings.level)))
            .init();
        if let Some(failure) = failure {
            error!(logger = "setup", error = %failure, "unable to start the export of traces");
        }
        provider
    }

    async fn start(
        &self,
        flags: &CommonFlags,
        environment: Environment,
        stop: CancellationToken,
    ) -> anyhow::Result<Context> {
        let gates = Gates::resolve(self.gates, flags.gates()).context("unable to load feature gates")?;
        for setting in flags.gates() {
            info!(logger = "setup", gate = setting.name, enabled = setting.enabled, "loading feature gate");
        }
        // a second provider in the tree would make the choice ambiguous; one that is there already is as good
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let metrics = Metrics::new(self.version)?;
        let runtime_namespace = runtime_namespace(&environment);
        let watched_namespace =
            if flags.watch_all_namespaces { String::new() } else { runtime_namespace.clone() };
        let config = Access::infer(environment.get("KUBECONFIG"))
            .config()
            .await
            .context("unable to get kubeconfig")?;
        let options = Options {
            user_agent: format!("{}/{}", self.name, self.version),
            metrics: Some(RequestMetrics::register(metrics.registry())?),
        };
        let cluster = Cluster::connect(config, options)?;
        let limits = ServerLimits::default();
        let metrics_address = self.metrics_address(flags.metrics_addr.as_deref(), &environment).to_owned();
        serve_if(&metrics_address, metrics.clone().router(), limits, &stop).await?;
        tokio::spawn(code_pages::hand_back_regularly());
        let ready = Readiness::default();
        serve_if(&flags.health_addr, probe::router(&ready), limits, &stop).await?;
        let (recorder, _) = Recorder::start(cluster.controller(), self.name);
        let leader = LeaderSettings {
            name: self.name,
            enabled: flags.leader.enable_leader_election,
            release_on_cancel: flags.leader.leader_election_release_on_cancel,
            lease_duration: flags.leader.leader_election_lease_duration.to_std(),
            renew_deadline: flags.leader.leader_election_renew_deadline.to_std(),
            retry_period: flags.leader.leader_election_retry_period.to_std(),
        };
        let leader = Arc::new(leader);
        Ok(Context {
            cluster,
            recorder,
            metrics,
            gates,
            runtime_namespace,
            watched_namespace,
            environment,
            stop,
            leader,
            leading: watch::Sender::new(false),
            ready,
        })
    }

    async fn until_stopped(
        &self,
        work: impl Future<Output = anyhow::Result<()>>,
        mut signals: Signals,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            outcome = &mut work => {
                stop.cancel();
                return outcome;
            }
            () = signals.next() => {}
        }
        info!("Stopping and waiting for all runnables");
        stop.cancel();
        tokio::select! {
            outcome = &mut work => outcome,
            () = signals.next() => anyhow::bail!("stopped by a second signal"),
            () = tokio::time::sleep(self.grace) => anyhow::bail!(
                "failed waiting for all runnables to end within grace period of {}: context deadline exceeded",
                flux_api::GoDuration::from(self.grace)
            ),
        }
    }
}

async fn serve_if(
    address: &str,
    router: Router,
    limits: ServerLimits,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    if let Some(listener) = listen(address).await? {
        tokio::spawn(serve(listener, router, limits, stop.clone()));
    }
    Ok(())
}

fn host_of_system() -> String {
    hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The namespace of the Pod; outside one, that of `RUNTIME_NAMESPACE`.
fn runtime_namespace(environment: &Environment) -> String {
    let of_pod = fs_err::read_to_string(NAMESPACE_FILE).ok().map(|text| text.trim().to_owned());
    let of_pod = of_pod.filter(|namespace| !namespace.is_empty());
    of_pod.or_else(|| environment.get("RUNTIME_NAMESPACE").map(str::to_owned)).unwrap_or_default()
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_moves_the_metrics_of_those_who_name_it() {
        let environment: Environment = [("METRICS_ADDR".to_owned(), ":1".to_owned())].into_iter().collect();
        let program = |metrics_variable| Program {
            name: "test",
            version: "0",
            gates: &[],
            grace: Duration::ZERO,
            metrics_variable,
        };
        assert_eq!(program(Some("METRICS_ADDR")).metrics_address(None, &environment), ":1");
        assert_eq!(program(Some("METRICS_ADDR")).metrics_address(Some(":2"), &environment), ":2");
        assert_eq!(program(None).metrics_address(None, &environment), ":8080");
    }
}
