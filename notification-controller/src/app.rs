//! The parts of the process, put together (contract, section 1.3).

use std::time::Instant;

use anyhow::Context as _;
use flux_driver::{Controller, ServiceSettings, Services};
use flux_net::ClientPool;
use flux_process::{Context, listen, serve};
use jiff::Timestamp;
use tracing::info;

use crate::alert::AlertKind;
use crate::dispatch::{CrossNamespace, Notifications};
use crate::event_server::EventServer;
use crate::flags::Flags;
use crate::http_metrics::{HttpMetrics, PathLabel};
use crate::provider::ProviderKind;
use crate::queue::{QueueMetrics, Queues};
use crate::rate_limit::RateLimit;
use crate::receiver::{ReceiverKind, SecretWatch};
use crate::request::LIMITS;
use crate::spool::Spool;
use crate::webhook::WebhookServer;

/// Memory that runs may reserve; they read no more than a Secret.
const RESERVATIONS: u64 = 4 * 1024 * 1024;
/// Directory of events on the temporary volume.
const SPOOL: &str = "notification-controller-events";
/// Services know this name from Flux.
const USER_AGENT: &str = "Go-http-client/1.1";

/// The controllers of the three kinds.
struct Controllers {
    alerts: Controller,
    providers: Controller,
    receivers: Controller,
}

/// Runs until the stop is asked for or leadership is lost.
///
/// # Errors
/// If an address cannot be listened on, the flags contradict each other, or leadership is lost.
pub async fn run(context: Context, flags: Flags) -> anyhow::Result<()> {
    context.check_default_accounts(&[&flags.default_service_account])?;
    let controllers = start_controllers(&context, &flags)?;
    let servers = start_servers(&context, &flags, &controllers).await?;
    // both servers run on every replica, and selectors do not matter to the Lease
    context.lead("", async { Ok(()) }, controllers.stopped()).await?;
    servers.await?;
    Ok(())
}

fn start_controllers(context: &Context, flags: &Flags) -> anyhow::Result<Controllers> {
    let services = Services::start(
        context,
        ServiceSettings {
            flags: &flags.common,
            concurrent: flags.concurrent,
            jitter_percentage: 0,
            label_selector: "",
            memory: RESERVATIONS,
            // its own events are never sent to providers
            events: None,
        },
    )?;
    let secrets = if context.gates.enabled("DisableConfigWatchers") {
        SecretWatch::Off
    } else {
        SecretWatch::Labelled {
            selector: flags.common.watch_configs_label_selector.clone(),
            namespace: context.watched_namespace.clone(),
        }
    };
    let (leading, stop) = (|| context.leading(), || context.stop.clone());
    Ok(Controllers {
        alerts: Controller::start(AlertKind, services.clone(), leading(), stop()),
        providers: Controller::start(ProviderKind, services.clone(), leading(), stop()),
        receivers: Controller::start(ReceiverKind { secrets }, services, leading(), stop()),
    })
}

/// Listens on both addresses, and serves once the caches are filled: until then, requests wait in the backlog.
async fn start_servers(
    context: &Context,
    flags: &Flags,
    controllers: &Controllers,
) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let events = listen(&flags.events_addr).await?.context("--events-addr must be an address")?;
    let webhooks = listen(&flags.receiver_addr).await?.context("--receiverAddr must be an address")?;
    context.set_ready();
    info!(addr = flags.events_addr, "starting event server");
    info!(addr = flags.receiver_addr, "starting webhook receiver server");
    let label = if flags.export_http_path_metrics { PathLabel::Full } else { PathLabel::Route };
    let registry = context.metrics.registry();
    let event_metrics = HttpMetrics::register(registry, "gotk_event_http", "/", label)?;
    let webhook_metrics = HttpMetrics::register(registry, "gotk_receiver_http", "/hook/", label)?;
    let cross_namespace =
        if flags.acl.no_cross_namespace_refs { CrossNamespace::Refused } else { CrossNamespace::Allowed };
    let notifications = Notifications {
        alerts: controllers.alerts.store(),
        providers: controllers.providers.store(),
        target: context.cluster.controller(),
        recorder: context.recorder.clone(),
        clients: ClientPool::new(USER_AGENT),
        cross_namespace,
    };
    let directory = context.temporary_directory().join(SPOOL);
    let (spool, leftovers) = tokio::task::spawn_blocking(move || Spool::open(&directory)).await??;
    let queue_metrics = QueueMetrics::register(registry)?;
    let queues = Queues::new(spool, notifications.clone(), queue_metrics, context.stop.clone());
    let limit = RateLimit::new(flags.rate_limit_interval.to_std(), Timestamp::now());
    let event_server = EventServer {
        notifications: notifications.clone(),
        queues: queues.clone(),
        limit,
        metrics: event_metrics,
    };
    let webhook_server = WebhookServer {
        receivers: controllers.receivers.store(),
        target: context.cluster.controller(),
        cross_namespace,
        metrics: webhook_metrics,
        started: Instant::now(),
    };
    tokio::select! {
        () = controllers.synced() => {}
        () = context.stop.cancelled() => {}
    }
    // what an earlier process left is read from disk
    tokio::task::spawn_blocking(move || notifications.resume(leftovers, &queues)).await?;
    let stop = context.stop.clone();
    Ok(tokio::spawn(async move {
        tokio::join!(
            serve(events, event_server.router(), LIMITS, stop.clone()),
            serve(webhooks, webhook_server.router(), LIMITS, stop),
        );
    }))
}

impl Controllers {
    /// Resolves when all first lists are in the stores.
    async fn synced(&self) {
        tokio::join!(self.alerts.synced(), self.providers.synced(), self.receivers.synced());
    }

    async fn stopped(self) {
        tokio::join!(self.alerts.stopped(), self.providers.stopped(), self.receivers.stopped());
    }
}
