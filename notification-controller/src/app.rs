//! The parts of the process, put together (contract, section 1.3).

use std::time::Instant;

use anyhow::Context as _;
use flux_driver::{Backoff, Controller, Metrics, Permits, Services, Settings};
use flux_net::ClientPool;
use flux_process::{Context, listen, serve};
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::alert::AlertKind;
use crate::dispatch::{CrossNamespace, Notifications};
use crate::event_server::EventServer;
use crate::flags::Flags;
use crate::http_metrics::{HttpMetrics, PathLabel};
use crate::provider::ProviderKind;
use crate::queue::Queues;
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
    anyhow::ensure!(
        flags.default_service_account.is_empty() || context.gates.enabled("ObjectLevelWorkloadIdentity"),
        "cannot set default service accounts when the feature gate ObjectLevelWorkloadIdentity is not enabled"
    );
    let (lead, leading) = watch::channel(false);
    let controllers = start_controllers(&context, &flags, &leading)?;
    let servers = start_servers(&context, &flags, &controllers).await?;
    let led = async {
        let mut leadership = match context.lead(&[]).await {
            Ok(leadership) => leadership,
            Err(_) if context.stop.is_cancelled() => return Ok(()),
            Err(failure) => return Err(failure),
        };
        lead.send_replace(true);
        tokio::select! {
            () = context.stop.cancelled() => {}
            () = leadership.lost() => anyhow::bail!("leader election lost"),
        }
        controllers.stopped().await;
        leadership.stop().await;
        Ok(())
    }
    .await;
    if led.is_ok() {
        servers.await?;
    }
    led
}

fn start_controllers(
    context: &Context,
    flags: &Flags,
    leading: &watch::Receiver<bool>,
) -> anyhow::Result<Controllers> {
    let limits = &flags.common.rate_limit;
    let settings = Settings {
        concurrent: flags.concurrent,
        backoff: Backoff { start: limits.min_retry_delay.to_std(), cap: limits.max_retry_delay.to_std() },
        namespace: context.watched_namespace.clone(),
        ..Settings::default()
    };
    let services = Services {
        cluster: context.cluster.clone(),
        recorder: context.recorder.clone(),
        // its own events are never sent to providers
        outbox: None,
        permits: Permits::new(1, RESERVATIONS),
        metrics: Metrics::register(context.metrics.registry())?,
        settings,
    };
    let secrets = if context.gates.enabled("DisableConfigWatchers") {
        SecretWatch::Off
    } else {
        SecretWatch::Labelled {
            selector: flags.common.watch_configs_label_selector.clone(),
            namespace: context.watched_namespace.clone(),
        }
    };
    let stop = || context.stop.clone();
    Ok(Controllers {
        alerts: Controller::start(AlertKind, services.clone(), leading.clone(), stop()),
        providers: Controller::start(ProviderKind, services.clone(), leading.clone(), stop()),
        receivers: Controller::start(ReceiverKind { secrets }, services, leading.clone(), stop()),
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
    let (spool, leftovers) = Spool::open(&std::env::temp_dir().join(SPOOL))?;
    let queues = Queues::new(spool, notifications.clone(), context.stop.clone());
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
    for (spooled, job) in leftovers {
        match notifications.provider_of(&job) {
            Some(provider) => queues.resume(provider, spooled, job),
            None => warn!(alert = job.alert, "dropped an event of an earlier process: its alert is gone"),
        }
    }
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
