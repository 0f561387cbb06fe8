//! Start-up: services, then the kind, whose runs begin with leadership.

use crate::flags::Flags;
use crate::kustomization::{ExternalArtifacts, Kustomizations, References, Settings};
use anyhow::Context as _;
use flux_apply::hub::{Hub, Reach};
use flux_apply::order::GroupKind;
use flux_apply::wait::FailFast;
use flux_artifact::{ArtifactReader, ReaderOptions};
use flux_driver::{Backoff, Controller, Jitter, Metrics, Outbox, Permits, Services};
use flux_kustomize::substitution::Unset;
use flux_net::{ClientPool, ClientSettings};
use flux_process::{Context, Gate};
use std::path::PathBuf;
use tokio::sync::watch;
use tokio::task::JoinSet;

const OBJECT_LEVEL_IDENTITY: &str = "ObjectLevelWorkloadIdentity";
const EXTERNAL_ARTIFACT: &str = "ExternalArtifact";
const NO_FAIL_FAST: &str = "DisableFailFastBehavior";
const STRICT_SUBSTITUTION: &str = "StrictPostBuildSubstitutions";

/// The feature gates of the kustomize-controller. Those that no constant names are accepted without effect.
pub const GATES: &[Gate] = &[
    Gate { name: "AdditiveCELDependencyCheck", default: false },
    Gate { name: "CacheSecretsAndConfigMaps", default: false },
    Gate { name: "CancelHealthCheckOnNewRevision", default: true },
    Gate { name: "DirectSourceFetch", default: false },
    Gate { name: "DisableConfigWatchers", default: false },
    Gate { name: NO_FAIL_FAST, default: false },
    Gate { name: "DisableStatusPollerCache", default: true },
    Gate { name: EXTERNAL_ARTIFACT, default: false },
    Gate { name: "GroupChangeLog", default: false },
    Gate { name: "MigrateAPIVersion", default: false },
    Gate { name: OBJECT_LEVEL_IDENTITY, default: false },
    Gate { name: STRICT_SUBSTITUTION, default: true },
];

/// Bytes of memory for artifacts and builds under way.
const MEMORY: u64 = 64 * 1024 * 1024;

/// Runs the controller until it is told to stop.
///
/// # Errors
/// Settings that contradict one another, a directory that cannot be used, lost leadership.
pub async fn run(context: Context, flags: Flags) -> anyhow::Result<()> {
    let defaults = &flags.defaults;
    if !defaults.default_decryption_service_account.is_empty()
        || !defaults.default_kubeconfig_service_account.is_empty()
    {
        anyhow::ensure!(
            context.gates.enabled(OBJECT_LEVEL_IDENTITY),
            "to use a default service account for workload identity, please enable the {OBJECT_LEVEL_IDENTITY} \
             feature gate"
        );
    }
    let clients = ClientPool::new(concat!("kustomize-controller/", env!("CARGO_PKG_VERSION")));
    let client = clients.client(&ClientSettings::default())?;
    let (services, deliveries) = services(&context, &flags, &client)?;
    let directory = temporary_directory(&context);
    let options = ReaderOptions {
        retries: flags.http_retry,
        host_override: context.environment.get("SOURCE_CONTROLLER_LOCALHOST").map(str::to_owned),
        ..ReaderOptions::new(directory.join("artifacts"))
    };
    let reader = ArtifactReader::new(client, options).context("failed to set up the artifact cache")?;
    let reach = if context.watched_namespace.is_empty() { Reach::Cluster } else { Reach::Namespace };
    let hub = Hub::new(context.cluster.clone(), reach);
    let (lead, leads) = watch::channel(false);
    let kind = Kustomizations::new(settings(&context, &flags), reader, hub);
    // the cache is filled while another one leads, so that taking over takes no time
    let controller = Controller::start(kind, services, leads, context.stop.clone());
    let selectors = [flags.watch.watch_label_selector.as_str()];
    let selectors: Vec<&str> = selectors.into_iter().filter(|selector| !selector.is_empty()).collect();
    let mut leadership = match context.lead(&selectors).await {
        Ok(leadership) => leadership,
        // asked to stop before this one led
        Err(_) if context.stop.is_cancelled() => return Ok(()),
        Err(error) => return Err(error),
    };
    lead.send_replace(true);
    tokio::select! {
        () = leadership.lost() => anyhow::bail!("leader election lost"),
        () = context.stop.cancelled() => {}
    }
    controller.stopped().await;
    drop(deliveries);
    leadership.stop().await;
    Ok(())
}

fn settings(context: &Context, flags: &Flags) -> Settings {
    let enabled = |gate| context.gates.enabled(gate);
    Settings {
        requeue_dependency: flags.apply.requeue_dependency.to_std(),
        concurrent_ssa: flags.apply.concurrent_ssa.max(1),
        default_account: flags.defaults.default_service_account.clone(),
        references: if flags.access.no_cross_namespace_refs {
            References::OwnNamespace
        } else {
            References::AllNamespaces
        },
        overridden_managers: flags.apply.override_manager.clone(),
        custom_stage: GroupKind::parse_list(&flags.apply.custom_apply_stage_kinds),
        fail_fast: if enabled(NO_FAIL_FAST) { FailFast::No } else { FailFast::Yes },
        unset_variables: if enabled(STRICT_SUBSTITUTION) { Unset::Fails } else { Unset::Empty },
        external_artifacts: if enabled(EXTERNAL_ARTIFACT) {
            ExternalArtifacts::Allowed
        } else {
            ExternalArtifacts::Refused
        },
    }
}

fn services(
    context: &Context,
    flags: &Flags,
    client: &reqwest::Client,
) -> anyhow::Result<(Services, JoinSet<()>)> {
    let (outbox, deliveries) = if flags.events_addr.is_empty() {
        (None, JoinSet::new())
    } else {
        let spool = temporary_directory(context).join("events");
        fs_err::create_dir_all(temporary_directory(context))?;
        let (outbox, tasks) = Outbox::start(&flags.events_addr, host_name(context), client, &spool)?;
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
        settings: flux_driver::Settings {
            concurrent: flags.concurrent,
            backoff: Backoff { start: limits.min_retry_delay.to_std(), cap: limits.max_retry_delay.to_std() },
            jitter: Jitter::new(flags.jitter.interval_jitter_percentage)?,
            namespace: context.watched_namespace.clone(),
            label_selector: flags.watch.watch_label_selector.clone(),
            ..flux_driver::Settings::default()
        },
    };
    Ok((services, deliveries))
}

/// Below `TMPDIR`, which the environment of the process names.
fn temporary_directory(context: &Context) -> PathBuf {
    let root = context.environment.get("TMPDIR").filter(|path| !path.is_empty()).unwrap_or("/tmp");
    PathBuf::from(root).join("kustomize-controller")
}

fn host_name(context: &Context) -> String {
    let of_system = || hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    context.environment.get("HOSTNAME").map_or_else(of_system, str::to_owned)
}
