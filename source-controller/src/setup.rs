//! Start-up: storage and mirrors, then leadership, then the file server and the kinds.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use flux_artifact::{Algorithm, ArtifactHost, Digest, Retention, Storage, StorageOptions, server};
use flux_driver::{Controller, EventSettings, ServiceSettings, Services};
use flux_git::{GitClient, GitLimits};
use flux_net::{ClientPool, ClientSettings};
use flux_process::{Context, Gate, ServerLimits, listen, serve};
use tokio::task::JoinSet;

use crate::flags::Flags;
use crate::git_repository::{GitRepositories, RemoteTurns, SecretSelection};

/// The feature gates of the source-controller.
pub const GATES: &[Gate] = &[
    // accepted without effect: Secrets are read where they are needed
    Gate { name: "CacheSecretsAndConfigMaps", default: false },
    Gate { name: "ObjectLevelWorkloadIdentity", default: false },
];

/// Bytes of memory for packs and archives under way; what needs more than this alone gets all of it.
const MEMORY: u64 = 16 * 1024 * 1024;

/// Runs the controller until it is told to stop.
///
/// # Errors
/// Settings that contradict one another, a missing storage path, an address that cannot be listened on, lost leadership.
pub async fn run(context: Context, flags: Flags) -> anyhow::Result<()> {
    context.check_default_accounts(&[&flags.default_service_account])?;
    let storage = Arc::new(Storage::open(storage_options(&context, &flags))?);
    let git = GitClient::new(temporary(&context, &storage, "git"), GitLimits::default())
        .context("failed to set up mirrors")?;
    let clients = ClientPool::new(concat!("source-controller/", env!("CARGO_PKG_VERSION")));
    let services = Services::start(
        &context,
        ServiceSettings {
            flags: &flags.common,
            concurrent: flags.concurrent,
            jitter_percentage: flags.jitter.interval_jitter_percentage,
            label_selector: &flags.watch.watch_label_selector,
            memory: MEMORY,
            events: Some(EventSettings {
                address: &flags.events_address(&context.environment),
                client: &clients.client(&ClientSettings::default())?,
                spool: &temporary(&context, &storage, "events"),
            }),
        },
    )?;
    let git = git.taking_turns(Arc::new(RemoteTurns(services.permits.clone())));
    let secrets = SecretSelection {
        labels: flags.common.watch_configs_label_selector.clone(),
        namespace: context.watched_namespace.clone(),
    };
    let kind = GitRepositories::new(Arc::clone(&storage), git, clients, secrets);
    // the cache is filled while another one leads, so that taking over takes no time
    let controller = Controller::start(kind, services, context.leading(), context.stop.clone());
    let mut serving = JoinSet::new();
    let begin = async {
        storage.clear_leftovers().context("failed to clear leftovers")?;
        let listener = listen(&flags.artifacts.address(&context.environment))
            .await?
            .context("the storage address cannot be disabled")?;
        let router = server::router(storage.root());
        serving.spawn(serve(listener, router, ServerLimits::default(), context.stop.clone()));
        Ok(())
    };
    context.lead(&flags.watch.watch_label_selector, begin, controller.stopped()).await?;
    while let Some(served) = serving.join_next().await {
        served.context("the file server ended early")?;
    }
    Ok(())
}

fn storage_options(context: &Context, flags: &Flags) -> StorageOptions {
    let (artifacts, environment) = (&flags.artifacts, &context.environment);
    let advertised = artifacts.advertised(environment);
    let host = if advertised.is_empty() {
        ArtifactHost::listening(&artifacts.address(environment), &context.host_name())
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
fn temporary(context: &Context, storage: &Storage, what: &str) -> PathBuf {
    let root = storage.root().as_os_str().as_encoded_bytes();
    let name = Digest::of(Algorithm::Sha256, root);
    let name = name.hex().get(..12).unwrap_or_default();
    context.temporary_directory().join(format!("source-controller-{what}-{name}"))
}
