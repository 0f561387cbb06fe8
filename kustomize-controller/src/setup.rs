//! Start-up: services, then the kind, whose runs begin with leadership.

use crate::flags::Flags;
use crate::kustomization::arrival::Arrivals;
use crate::kustomization::manifests::RemoteBases;
use crate::kustomization::{
    ChangeLog, ExternalArtifacts, Kustomizations, Newer, References, Settings, SourceReads,
};
use anyhow::Context as _;
use flux_apply::apply::ApiVersions;
use flux_apply::epoch::Epochs;
use flux_apply::hub::{Hub, Reach};
use flux_apply::order::GroupKind;
use flux_apply::wait::FailFast;
use flux_artifact::{ArtifactReader, ReaderOptions};
use flux_driver::{Controller, EventSettings, Lane, ServiceSettings, Services, Trigger};
use flux_kustomize::substitution::Unset;
use flux_net::{ClientPool, ClientSettings};
use flux_process::{Context, Gate};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

const CANCEL_ON_NEWER: &str = "CancelHealthCheckOnNewRevision";
const DIRECT_FETCH: &str = "DirectSourceFetch";
const GROUPED_LOG: &str = "GroupChangeLog";
const MIGRATE_VERSIONS: &str = "MigrateAPIVersion";
const EXTERNAL_ARTIFACT: &str = "ExternalArtifact";
const NO_CONFIG_WATCHES: &str = "DisableConfigWatchers";
const NO_FAIL_FAST: &str = "DisableFailFastBehavior";
const STRICT_SUBSTITUTION: &str = "StrictPostBuildSubstitutions";

/// The feature gates of the kustomize-controller. What only a string names here is accepted without effect, but for
/// `ObjectLevelWorkloadIdentity`, without which certain default accounts are refused.
pub const GATES: &[Gate] = &[
    Gate { name: "AdditiveCELDependencyCheck", default: false },
    Gate { name: "CacheSecretsAndConfigMaps", default: false },
    Gate { name: CANCEL_ON_NEWER, default: true },
    Gate { name: DIRECT_FETCH, default: false },
    Gate { name: NO_CONFIG_WATCHES, default: false },
    Gate { name: NO_FAIL_FAST, default: false },
    Gate { name: "DisableStatusPollerCache", default: true },
    Gate { name: EXTERNAL_ARTIFACT, default: false },
    Gate { name: GROUPED_LOG, default: false },
    Gate { name: MIGRATE_VERSIONS, default: false },
    Gate { name: "ObjectLevelWorkloadIdentity", default: false },
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
    context.check_default_accounts(&[
        &defaults.default_decryption_service_account,
        &defaults.default_kubeconfig_service_account,
    ])?;
    let clients = ClientPool::new(concat!("kustomize-controller/", env!("CARGO_PKG_VERSION")));
    let client = clients.client(&ClientSettings::default())?;
    let directory = context.temporary_directory().join("kustomize-controller");
    let services = Services::start(
        &context,
        ServiceSettings {
            flags: &flags.common,
            concurrent: flags.concurrent,
            jitter_percentage: flags.jitter.interval_jitter_percentage,
            label_selector: &flags.watch.watch_label_selector,
            memory: MEMORY,
            events: Some(EventSettings {
                address: &flags.events_addr,
                client: &client,
                spool: &directory.join("events"),
            }),
        },
    )?;
    let options = ReaderOptions {
        retries: u32::try_from(flags.http_retry).unwrap_or(u32::MAX),
        host_override: context.environment.get("SOURCE_CONTROLLER_LOCALHOST").map(str::to_owned),
        watcher_override: context.environment.get("SOURCE_WATCHER_LOCALHOST").map(str::to_owned),
        ..ReaderOptions::new(directory.join("artifacts"))
    };
    let reader = ArtifactReader::new(client, options).context("failed to set up the artifact cache")?;
    let reach = if context.watched_namespace.is_empty() { Reach::Cluster } else { Reach::Namespace };
    let hub = Hub::new(context.cluster.clone(), reach);
    let (wake, mut woken) = mpsc::unbounded_channel();
    let arrivals = Arrivals::new(context.cluster.clone(), wake);
    let epochs = Epochs::watch(context.cluster.clone());
    let kind = Kustomizations::new(settings(&context, &flags), reader, (hub, epochs), arrivals);
    // the cache is filled while another one leads, so that taking over takes no time
    let controller = Controller::start(kind, services, context.leading(), context.stop.clone());
    let triggers = controller.triggers();
    let _wakes = AbortOnDropHandle::new(tokio::spawn(async move {
        while let Some(name) = woken.recv().await {
            triggers.send(name, Trigger::new(Lane::Changed)).await;
        }
    }));
    context.lead(&flags.watch.watch_label_selector, async { Ok(()) }, controller.stopped()).await
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
        watched_configs: (!enabled(NO_CONFIG_WATCHES))
            .then(|| flags.common.watch_configs_label_selector.clone()),
        source_reads: if enabled(DIRECT_FETCH) { SourceReads::Live } else { SourceReads::Cached },
        newer: if enabled(CANCEL_ON_NEWER) { Newer::Cancels } else { Newer::Waits },
        change_log: if enabled(GROUPED_LOG) { ChangeLog::ByAction } else { ChangeLog::ByObject },
        api_versions: if enabled(MIGRATE_VERSIONS) { ApiVersions::Migrate } else { ApiVersions::Keep },
        remote_bases: if flags.apply.no_remote_bases {
            RemoteBases::Forbidden
        } else {
            RemoteBases::Unsupported
        },
    }
}
