use std::collections::BTreeMap;
use std::path::Path;

use flux_api::well_known::EVENT_PREFIX;
use flux_kube::{Cluster, EventType, Object, Recorded, Recorder, Regarding};
use flux_process::{CommonFlags, Context};

use crate::backoff::{Backoff, InvalidJitter, Jitter};
use crate::kind::Profile;
use crate::metrics::Metrics;
use crate::notice::{Notice, NoticeType};
use crate::outbox::{Outbox, OutboxError};
use crate::permit::Permits;
use crate::session::Session;

/// What all kinds of a process share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Services {
    /// The own cluster.
    pub cluster: Cluster,
    /// Writes Kubernetes Events.
    pub recorder: Recorder,
    /// Sends events to notification-controller; `None` if there is none (`--events-addr` is empty).
    pub outbox: Option<Outbox>,
    /// Processors, remotes, memory.
    pub permits: Permits,
    /// Families of metrics.
    pub metrics: Metrics,
    /// Settings.
    pub settings: Settings,
}

/// Settings of the driver, from the shared flags (platform.md 3.1).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Runs of a kind at work at a time (`--concurrent`).
    pub concurrent: usize,
    /// Delays of failing objects (`--min-retry-delay`, `--max-retry-delay`).
    pub backoff: Backoff,
    /// Spread of intervals (`--interval-jitter-percentage`).
    pub jitter: Jitter,
    /// The one namespace that is watched; empty means all of them (`--watch-all-namespaces`).
    pub namespace: String,
    /// Only own objects with these labels (`--watch-label-selector`).
    pub label_selector: String,
    /// Seed of all that is random; a constant makes runs repeatable.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrent: 4,
            backoff: Backoff::default(),
            jitter: Jitter::NONE,
            namespace: String::new(),
            label_selector: String::new(),
            seed: rand::random(),
        }
    }
}

/// What a process says of its runs, beyond the shared flags.
#[derive(Debug)]
pub struct ServiceSettings<'a> {
    /// Shared flags.
    pub flags: &'a CommonFlags,
    /// Runs of a kind at work at a time (`--concurrent`).
    pub concurrent: usize,
    /// Spread of intervals in percent (`--interval-jitter-percentage`).
    pub jitter_percentage: u8,
    /// Only own objects with these labels (`--watch-label-selector`).
    pub label_selector: &'a str,
    /// Bytes that runs may reserve.
    pub memory: u64,
    /// Where events go; `None` for a process whose events are not sent.
    pub events: Option<EventSettings<'a>>,
}

/// Where events go.
#[derive(Debug)]
pub struct EventSettings<'a> {
    /// Address of notification-controller (`--events-addr`); empty for none.
    pub address: &'a str,
    /// Sends them.
    pub client: &'a reqwest::Client,
    /// File that keeps them until they are sent.
    pub spool: &'a Path,
}

/// The services of a process cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ServicesError {
    /// The outbox of events.
    #[error("failed to set up the delivery of events")]
    Outbox(#[from] OutboxError),
    /// The families of metrics.
    #[error("failed to register metrics")]
    Metrics(#[from] prometheus::Error),
    /// The spread of intervals.
    #[error(transparent)]
    Jitter(#[from] InvalidJitter),
}

impl Services {
    /// The services of the process `context`.
    ///
    /// # Errors
    /// [`ServicesError`] if the outbox cannot be opened, or a setting makes no sense.
    pub fn start(context: &Context, settings: ServiceSettings<'_>) -> Result<Self, ServicesError> {
        let outbox = match settings.events {
            Some(EventSettings { address, client, spool }) if !address.is_empty() => {
                Some(Outbox::start(address, context.host_name(), client, spool)?)
            }
            Some(_) | None => None,
        };
        let retry = &settings.flags.rate_limit;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            cluster: context.cluster.clone(),
            recorder: context.recorder.clone(),
            outbox,
            permits: Permits::new(processors, settings.memory),
            metrics: Metrics::register(context.metrics.registry())?,
            settings: Settings {
                concurrent: settings.concurrent,
                backoff: Backoff {
                    start: retry.min_retry_delay.to_std(),
                    cap: retry.max_retry_delay.to_std(),
                },
                jitter: Jitter::new(settings.jitter_percentage)?,
                namespace: context.watched_namespace.clone(),
                label_selector: settings.label_selector.to_owned(),
                ..Settings::default()
            },
        })
    }

    /// Tells a notice: to the API, and to notification-controller unless it is of type Trace. For that it is on disk
    /// afterwards, and goes when the session has stored the status.
    pub(crate) fn tell(&self, session: &Session, notice: Notice) {
        let (profile, object) = (session.profile, &session.object);
        let (run_metadata, rollout) = session.with_state(|state| (state.metadata.clone(), state.rollout));
        let metadata = metadata(profile, object, &notice, run_metadata);
        let resource = &profile.resource;
        let regarding = Regarding {
            api_version: resource.api_version(),
            kind: resource.kind.to_string(),
            namespace: object.metadata.namespace.clone(),
            name: object.metadata.name.clone(),
            uid: object.metadata.uid.clone(),
            resource_version: object.metadata.resource_version.clone(),
        };
        let event_type = match notice.notice_type {
            NoticeType::Normal | NoticeType::Trace => EventType::Normal,
            NoticeType::Warning => EventType::Warning,
        };
        if let (Some(outbox), true) = (&self.outbox, notice.notice_type != NoticeType::Trace) {
            outbox.append(profile.controller, &regarding, &notice, (&metadata, rollout));
        }
        self.recorder.record(Recorded {
            regarding,
            event_type,
            reason: notice.reason.into_owned(),
            message: notice.message,
            annotations: metadata,
        });
    }
}

/// The notice's own facts and the run's under the object's API group, then the object's event annotations, which win.
fn metadata(
    profile: &Profile,
    object: &Object,
    notice: &Notice,
    run_metadata: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let group = &profile.resource.group;
    let mut metadata: BTreeMap<String, String> = run_metadata
        .into_iter()
        .chain(notice.metadata.clone())
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| if key.contains('/') { (key, value) } else { (format!("{group}/{key}"), value) })
        .collect();
    let annotations = object.metadata.annotations.iter().filter(|(key, _)| key.starts_with(EVENT_PREFIX));
    metadata.extend(annotations.map(|(key, value)| (key.clone(), value.clone())));
    metadata
}
