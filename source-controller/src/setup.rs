//! Start-up: storage and mirrors, then leadership, then the file server and the kinds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use flux_artifact::{Algorithm, ArtifactHost, Digest, Retention, Storage, StorageOptions, server};
use flux_driver::{Backoff, Controller, Jitter, Metrics, Outbox, Permits, Services, Settings};
use flux_git::{GitClient, GitLimits};
use flux_net::{ClientPool, ClientSettings};
use flux_process::{Context, Gate, ServerLimits, listen, serve};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::flags::Flags;
use crate::git_repository::GitRepositories;

const OBJECT_LEVEL_IDENTITY: &str = "ObjectLevelWorkloadIdentity";

/// The feature gates of the source-controller.
pub const GATES: &[Gate] = &[
    // accepted without effect: Secrets are read where they are needed
    Gate { name: "CacheSecretsAndConfigMaps", default: false },
    Gate { name: OBJECT_LEVEL_IDENTITY, default: false },
];

/// Bytes of memory for archives and files under way.
const MEMORY: u64 = 256 * 1024 * 1024;

/// Runs the controller until it is told to stop.
///
/// # Errors
/// Settings that contradict one another, a missing storage path, an address that cannot be listened on, lost leadership.
pub async fn run(context: Context, flags: Flags) -> anyhow::Result<()> {
    if !flags.default_service_account.is_empty() {
        anyhow::ensure!(
            context.gates.enabled(OBJECT_LEVEL_IDENTITY),
            "to use --default-service-account, please enable the {OBJECT_LEVEL_IDENTITY} feature gate"
        );
    }
    let storage = Arc::new(Storage::open(storage_options(&context, &flags))?);
    let git = GitClient::new(temporary(&storage, "git"), GitLimits::default())
        .context("failed to set up mirrors")?;
    let clients = ClientPool::new(concat!("source-controller/", env!("CARGO_PKG_VERSION")));
    let (services, mut deliveries) = services(&context, &flags, &clients, &temporary(&storage, "events"))?;
    let (lead, leads) = watch::channel(false);
    let kind = GitRepositories::new(Arc::clone(&storage), git, clients);
    // the cache is filled while another one leads, so that taking over takes no time
    let controller = Controller::start(kind, services, leads, context.stop.clone());

    let selectors = [flags.watch.watch_label_selector.as_str()];
    let selectors = selectors.map(str::trim);
    let selectors: Vec<&str> = selectors.into_iter().filter(|selector| !selector.is_empty()).collect();
    let leadership = context.lead(&selectors).await;
    let mut leadership = match leadership {
        Ok(leadership) => leadership,
        // asked to stop before this one led
        Err(_) if context.stop.is_cancelled() => return Ok(()),
        Err(error) => return Err(error),
    };
    storage.clear_leftovers().context("failed to clear leftovers")?;
    let listener = listen(&flags.artifacts.address(&context.environment))
        .await?
        .context("the storage address cannot be disabled")?;
    let router = server::router(storage.root());
    let serving = tokio::spawn(serve(listener, router, ServerLimits::default(), context.stop.clone()));
    lead.send_replace(true);

    tokio::select! {
        () = leadership.lost() => anyhow::bail!("leader election lost"),
        () = context.stop.cancelled() => {}
    }
    controller.stopped().await;
    // what is not delivered yet, the next process delivers
    deliveries.shutdown().await;
    leadership.stop().await;
    serving.await.context("the file server ended early")
}

fn storage_options(context: &Context, flags: &Flags) -> StorageOptions {
    let (artifacts, environment) = (&flags.artifacts, &context.environment);
    let advertised = artifacts.advertised(environment);
    let host = if advertised.is_empty() {
        ArtifactHost::listening(&artifacts.address(environment), &host_name(context))
    } else {
        ArtifactHost::advertised(&advertised)
    };
    StorageOptions {
        root: artifacts.path(environment),
        host,
        algorithm: artifacts.artifact_digest_algo,
        retention: Retention {
            time_to_live: artifacts.artifact_retention_ttl.to_std(),
            records: artifacts.artifact_retention_records,
        },
    }
}

/// A path on the volume for temporary files; processes with storages of their own do not meet there.
fn temporary(storage: &Storage, what: &str) -> PathBuf {
    let root = storage.root().as_os_str().as_encoded_bytes();
    let name = Digest::of(Algorithm::Sha256, root);
    let name = name.hex().get(..12).unwrap_or_default();
    std::env::temp_dir().join(format!("source-controller-{what}-{name}"))
}

fn services(
    context: &Context,
    flags: &Flags,
    clients: &ClientPool,
    spool: &Path,
) -> anyhow::Result<(Services, JoinSet<()>)> {
    let events = flags.events_address(&context.environment);
    let (outbox, deliveries) = if events.is_empty() {
        (None, JoinSet::new())
    } else {
        let client = clients.client(&ClientSettings::default())?;
        let (outbox, tasks) = Outbox::start(&events, host_name(context), &client, spool)?;
        (Some(outbox), tasks)
    };
    let limits = &flags.common.rate_limit;
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let services = Services {
        cluster: context.cluster.clone(),
        recorder: context.recorder.clone(),
        outbox,
        permits: Permits::new(cpus, MEMORY),
        metrics: Metrics::register(context.metrics.registry())?,
        settings: Settings {
            concurrent: flags.concurrent,
            backoff: Backoff { start: limits.min_retry_delay.to_std(), cap: limits.max_retry_delay.to_std() },
            jitter: Jitter::new(flags.jitter.interval_jitter_percentage)?,
            namespace: context.watched_namespace.clone(),
            label_selector: flags.watch.watch_label_selector.clone(),
            ..Settings::default()
        },
    };
    Ok((services, deliveries))
}

fn host_name(context: &Context) -> String {
    let of_system = || hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    context.environment.get("HOSTNAME").map_or_else(of_system, str::to_owned)
}
