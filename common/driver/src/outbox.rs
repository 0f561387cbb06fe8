//! Delivery of events to notification-controller: in order per object, at least once, never in a run's way.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use flux_api::event::{InvolvedObject, Severity};
use flux_kube::Regarding;
use jiff::Timestamp;
use reqwest::{StatusCode, Url, header};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{debug, error};

use crate::notice::{Notice, NoticeType};

/// Objects are dealt to this many lanes.
const LANES: usize = 8;
/// Events waiting in a lane; past this the newest are dropped and logged.
const LANE_LENGTH: usize = 2048;
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const RETRIES: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The address of notification-controller is no URL.
#[derive(Debug, thiserror::Error)]
#[error("failed to parse the events address '{address}'")]
pub struct InvalidAddress {
    address: String,
    #[source]
    source: url::ParseError,
}

/// Sends events to notification-controller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    lanes: Arc<[mpsc::Sender<flux_api::Event>]>,
    instance: Arc<str>,
}

impl Outbox {
    /// An outbox to `address` (`--events-addr`) in the name of the host `instance`. The tasks end when all clones are gone
    /// and everything is delivered.
    ///
    /// # Errors
    /// [`InvalidAddress`] if the address is no URL.
    pub fn start(
        address: &str,
        instance: impl Into<Arc<str>>,
        client: &reqwest::Client,
    ) -> Result<(Self, JoinSet<()>), InvalidAddress> {
        let url =
            Url::parse(address).map_err(|source| InvalidAddress { address: address.to_owned(), source })?;
        let mut tasks = JoinSet::new();
        let lanes = (0..LANES).map(|_| {
            let (lane, events) = mpsc::channel(LANE_LENGTH);
            tasks.spawn(deliver(Delivery { url: url.clone(), client: client.clone() }, events));
            lane
        });
        let lanes: Arc<[_]> = lanes.collect();
        Ok((Self { lanes, instance: instance.into() }, tasks))
    }

    pub(crate) fn send(
        &self,
        controller: &str,
        regarding: &Regarding,
        notice: &Notice,
        metadata: &BTreeMap<String, String>,
    ) {
        let severity = match notice.notice_type {
            NoticeType::Normal => Severity::Info,
            NoticeType::Trace => Severity::Trace,
            NoticeType::Warning => Severity::Error,
        };
        let event = flux_api::Event {
            involved_object: InvolvedObject {
                kind: regarding.kind.clone(),
                namespace: regarding.namespace.clone(),
                name: regarding.name.clone(),
                uid: regarding.uid.clone(),
                api_version: regarding.api_version.clone(),
                resource_version: regarding.resource_version.clone(),
                field_path: String::new(),
            },
            severity: severity.to_string(),
            timestamp: Some(Timestamp::now()),
            message: notice.message.clone(),
            reason: notice.reason.to_string(),
            metadata: metadata.clone(),
            reporting_controller: controller.to_owned(),
            reporting_instance: self.instance.to_string(),
        };
        let mut hasher = DefaultHasher::new();
        regarding.uid.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % 8).unwrap_or_default();
        if let Some(Err(_)) = self.lanes.get(lane).map(|lane| lane.try_send(event)) {
            error!(reason = %notice.reason, "unable to record event: the outbox is full");
        }
    }
}

struct Delivery {
    url: Url,
    client: reqwest::Client,
}

/// What to do after an attempt.
enum Attempt {
    Done,
    Again(Option<Duration>),
}

async fn deliver(delivery: Delivery, mut events: mpsc::Receiver<flux_api::Event>) {
    while let Some(event) = events.recv().await {
        let body = match event.to_json() {
            Ok(body) => body,
            Err(error) => {
                error!(%error, "unable to record event");
                continue;
            }
        };
        delivery.deliver(body).await;
    }
}

impl Delivery {
    async fn deliver(&self, body: String) {
        for retry in 0..=RETRIES {
            let pause = match self.attempt(body.clone()).await {
                Attempt::Done => return,
                Attempt::Again(asked) => asked.unwrap_or(Duration::from_secs(1 << retry)),
            };
            if retry < RETRIES {
                tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            }
        }
        error!("unable to record event");
    }

    async fn attempt(&self, body: String) -> Attempt {
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .timeout(ATTEMPT_TIMEOUT)
            .body(body);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                debug!(error = %crate::message(&error), "failed to send an event");
                return Attempt::Again(None);
            }
        };
        let code = response.status();
        // 429 says that the event is known already
        if !code.is_server_error() || code == StatusCode::NOT_IMPLEMENTED {
            return Attempt::Done;
        }
        let asked =
            response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Attempt::Again(asked.map(Duration::from_secs))
    }
}
