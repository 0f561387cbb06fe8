//! From an event to the Providers of the Alerts that select it (contract, sections 4.4 and 6).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flux_api::event::metadata::{CHANGE_REQUEST, COMMIT, COMMIT_STATUS, COMMIT_STATUS_UPDATE};
use flux_api::notification::{Alert, EventSource, Provider, ProviderType};
use flux_api::well_known::EVENT_PREFIX;
use flux_api::{Event, event::Severity};
use flux_driver::{Store, message};
use flux_kube::{Metadata, ObjectName, Recorder, Target};
use flux_net::ClientPool;
use flux_process::join_traceparent;
use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, error, info, info_span};

use crate::alert::{InvalidLabels, SourceMatch, match_labels, match_message, match_sources};
use crate::metadata::{self, group};
use crate::notifier::{self, NotifierError};
use crate::provider::{self, ProviderError};
use crate::queue::{Deliver, Queues};
use crate::sender::{self, SendError};
use crate::spool::{Job, Spooled};
use crate::warnings::{WarningReason, warn};

/// The API server's answers to one event may take this long together; senders give up soon after.
const BUDGET: Duration = Duration::from_secs(15);

/// Pauses while the API server does not give out a Provider's Secrets.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whether objects of other namespaces may be alerted about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossNamespace {
    /// They may.
    Allowed,
    /// They may not (`--no-cross-namespace-refs`).
    Refused,
}

/// An event is not sent to a Provider.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The Alert is in another namespace than the object.
    #[error(
        "discarding event, access denied to cross-namespace sources: alert '{alert}' can't process event from \
         '{object}', cross-namespace references have been blocked"
    )]
    CrossNamespace {
        /// Namespace and name of the Alert.
        alert: String,
        /// Kind, namespace and name of the object.
        object: String,
    },
    /// The Provider does not exist.
    #[error("failed to read provider: Provider.notification.toolkit.fluxcd.io \"{0}\" not found")]
    NoProvider(String),
    /// The Provider has an identity that it may not have.
    #[error(
        "to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity \
         feature gate in the controller"
    )]
    ServiceAccount,
    /// The Provider's spec or Secrets cannot be used.
    #[error("failed to initialize notifier for provider '{provider}'")]
    Provider {
        /// Its name.
        provider: String,
        /// Why.
        #[source]
        source: ProviderError,
    },
    /// The Provider cannot make the notification.
    #[error("failed to initialize notifier for provider '{provider}'")]
    Notifier {
        /// Its name.
        provider: String,
        /// Why.
        #[source]
        source: NotifierError,
    },
}

/// The labels of an event's object cannot be read.
#[derive(Debug, thiserror::Error)]
enum LabelsError {
    /// The API server says so.
    #[error(transparent)]
    Api(#[from] flux_kube::Error),
    /// The API server says nothing.
    #[error("the API server did not answer in time")]
    Slow,
}

/// What the gates before a queue make of an event.
enum Admission {
    /// It goes to this Provider.
    To(ObjectName),
    /// It is left out in silence.
    Skipped,
    /// The Provider sets the status of a commit, and none is named.
    NoCommit,
    /// The Provider comments on change requests, and none is named.
    NoChangeRequest,
}

/// What dispatching needs; shared by the event server and the queues.
#[derive(Clone, Debug)]
pub struct Notifications {
    /// Alerts as last seen.
    pub alerts: Arc<Store>,
    /// Providers as last seen.
    pub providers: Arc<Store>,
    /// The own cluster.
    pub target: Target,
    /// Records warnings on Alerts.
    pub recorder: Recorder,
    /// HTTP clients.
    pub clients: ClientPool,
    /// Whether objects of other namespaces may be alerted about.
    pub cross_namespace: CrossNamespace,
}

impl Notifications {
    /// Puts the event into the queue of each Provider whose Alert selects it.
    pub async fn dispatch(&self, event: &Event, traceparent: Option<&str>, queues: &Queues<Self>) {
        let labels = OnceCell::new();
        let deadline = Instant::now() + BUDGET;
        let mut dropped: [Vec<String>; 2] = Default::default();
        for object in self.alerts.list() {
            let alert: Alert = match serde_json::from_slice(&object.json) {
                Ok(alert) => alert,
                Err(failure) => {
                    error!(error = %failure, "skipping an alert that cannot be read");
                    continue;
                }
            };
            let read = || async {
                labels
                    .get_or_init(|| async {
                        timeout_at(deadline, self.labels(event)).await.unwrap_or(Err(LabelsError::Slow))
                    })
                    .await
            };
            if alert.spec.suspend || !self.selects(&alert, event, read).await {
                continue;
            }
            let [without_commit, without_request] = &mut dropped;
            match self.admit(&alert, event) {
                Ok(Admission::To(provider)) => {
                    let job = Job {
                        namespace: provider.namespace.clone(),
                        alert: object.metadata.name.clone(),
                        event: event.clone(),
                        traceparent: traceparent.map(str::to_owned),
                    };
                    queues.put(provider, job).await;
                }
                Ok(Admission::Skipped) => {}
                Ok(Admission::NoCommit) => without_commit.push(object.metadata.object_name().to_string()),
                Ok(Admission::NoChangeRequest) => {
                    without_request.push(object.metadata.object_name().to_string());
                }
                Err(failure) => self.report_dispatch(&alert, event, &failure),
            }
        }
        let [without_commit, without_request] = dropped.map(|alerts| alerts.join(", "));
        if !without_commit.is_empty() {
            info!(
                alerts = without_commit,
                "event dropped for commit status providers due to missing commit metadata key"
            );
        }
        if !without_request.is_empty() {
            info!(
                alerts = without_request,
                "event dropped for change request providers due to missing change request metadata key"
            );
        }
    }

    /// Puts what an earlier process left into the queues. Reads files.
    pub fn resume(&self, left: Vec<Spooled>, queues: &Queues<Self>) {
        for spooled in left {
            let Some(job) = spooled.load() else {
                queues.give_up(spooled);
                continue;
            };
            match self.alert(&job) {
                Some(alert) => {
                    let provider = ObjectName::new(&job.namespace, alert.spec.provider_ref.name);
                    queues.resume(provider, spooled, &job);
                }
                None => info!(alert = job.alert, "dropped an event of an earlier process: its alert is gone"),
            }
        }
    }

    /// The Alert that a job is for; `None` if it is gone.
    fn alert(&self, job: &Job) -> Option<Alert> {
        let object = self.alerts.get(&ObjectName::new(&job.namespace, &job.alert))?;
        serde_json::from_slice(&object.json).ok()
    }

    /// Whether the Alert takes the event; `labels` reads those of the event's object, once for all Alerts.
    async fn selects<'l, F: Future<Output = &'l Result<BTreeMap<String, String>, LabelsError>>>(
        &self,
        alert: &Alert,
        event: &Event,
        labels: impl Fn() -> F,
    ) -> bool {
        let selected = match match_sources(alert, event) {
            SourceMatch::No => false,
            SourceMatch::Yes => true,
            SourceMatch::ByLabels(sources) => match labels().await {
                Ok(labels) => sources.iter().any(|source| self.has_labels(alert, source, labels)),
                Err(failure) => {
                    let text = format!("error getting source object {}", full_name(event));
                    error!(error = message(failure), "{text}");
                    warn(&self.recorder, alert, WarningReason::SourceFetchFailed, text, BTreeMap::new());
                    false
                }
            },
        };
        selected
            && match_message(alert, &event.message, |text| {
                warn(&self.recorder, alert, WarningReason::InvalidConfig, text, BTreeMap::new());
            })
    }

    fn has_labels(&self, alert: &Alert, source: &EventSource, labels: &BTreeMap<String, String>) -> bool {
        match_labels(source, labels).unwrap_or_else(|InvalidLabels| {
            let namespace = source.namespace.as_deref().or(alert.metadata.namespace.as_deref());
            let object = format!("{}/{}/{}", source.kind, namespace.unwrap_or_default(), source.name);
            let text = format!("error using matchLabels from event source {object}");
            warn(&self.recorder, alert, WarningReason::InvalidConfig, text, BTreeMap::new());
            false
        })
    }

    async fn labels(&self, event: &Event) -> Result<BTreeMap<String, String>, LabelsError> {
        #[derive(Deserialize)]
        struct Partial {
            metadata: Metadata,
        }
        let object = &event.involved_object;
        let resource = self.target.resource(&object.api_version, &object.kind).await?;
        let name = ObjectName::new(&object.namespace, &object.name);
        let body = self.target.get_metadata(&resource, &name).await?;
        let partial: Partial = serde_json::from_slice(&body).map_err(flux_kube::Error::Decode)?;
        Ok(partial.metadata.labels)
    }

    /// The gates before a queue.
    fn admit(&self, alert: &Alert, event: &Event) -> Result<Admission, DispatchError> {
        let namespace = alert.metadata.namespace.clone().unwrap_or_default();
        if self.cross_namespace == CrossNamespace::Refused && event.involved_object.namespace != namespace {
            let name = alert.metadata.name.as_deref().unwrap_or_default();
            return Err(DispatchError::CrossNamespace {
                alert: format!("{namespace}/{name}"),
                object: full_name(event),
            });
        }
        let name = ObjectName::new(namespace, &alert.spec.provider_ref.name);
        let provider = self.provider(&name)?;
        let kind = provider.spec.provider_type;
        let is_update = event.metadata.get(&format!("{}/{COMMIT_STATUS}", group(event))).map(String::as_str)
            == Some(COMMIT_STATUS_UPDATE);
        let takes_updates =
            matches!(kind, ProviderType::Generic | ProviderType::GenericHmac) || sets_status(kind);
        if provider.spec.suspend || (is_update && !takes_updates) {
            return Ok(Admission::Skipped);
        }
        let has =
            |key| event.metadata.get(&format!("{EVENT_PREFIX}{key}")).is_some_and(|value| !value.is_empty());
        if sets_status(kind) && !has(COMMIT) && !is_update && !event.has_severity(Severity::Error) {
            return Ok(Admission::NoCommit);
        }
        if comments(kind) && !has(CHANGE_REQUEST) {
            return Ok(Admission::NoChangeRequest);
        }
        if provider.spec.service_account_name.as_deref().is_some_and(|name| !name.is_empty()) {
            return Err(DispatchError::ServiceAccount);
        }
        Ok(Admission::To(name))
    }

    fn provider(&self, name: &ObjectName) -> Result<Provider, DispatchError> {
        let object = self.providers.get(name).ok_or_else(|| DispatchError::NoProvider(name.name.clone()))?;
        serde_json::from_slice(&object.json).map_err(|_| DispatchError::NoProvider(name.name.clone()))
    }

    fn report_dispatch(&self, alert: &Alert, event: &Event, failure: &DispatchError) {
        let text = format!("failed to dispatch notification for {}: {}", full_name(event), message(failure));
        error!(logger = "event-server", error = text, "failed to dispatch notification");
        warn(&self.recorder, alert, WarningReason::NotificationDispatchFailed, text, BTreeMap::new());
    }

    async fn send(&self, provider_name: &ObjectName, alert: &Alert, job: &Job) -> Result<(), DispatchError> {
        let mut event = job.event.clone();
        let (merged, conflicts) = metadata::merge(&event, &alert.spec);
        if !conflicts.is_empty() {
            let text = "metadata key conflicts detected (please refer to the Alert API docs and Flux RFC 0008 for \
                        more information)";
            info!(alert = %job.alert, text);
            warn(&self.recorder, alert, WarningReason::MetadataAppendFailed, text.to_owned(), conflicts);
        }
        event.metadata = merged;
        let provider = self.provider(provider_name)?;
        if provider.spec.suspend {
            return Ok(());
        }
        let name = || provider_name.name.clone();
        let ready = provider::resolve(&self.target, &self.clients, &provider_name.namespace, &provider.spec)
            .await
            .map_err(|source| DispatchError::Provider { provider: name(), source })?;
        let posted = notifier::message(provider.spec.provider_type, &ready.options, &event)
            .map_err(|source| DispatchError::Notifier { provider: name(), source })?;
        if let Err(failure) = sender::send(&ready.client, &posted, ready.timeout).await {
            self.report_send(alert, &event, &failure, ready.hidden.expose());
        }
        Ok(())
    }

    fn report_send(&self, alert: &Alert, event: &Event, failure: &SendError, token: &str) {
        let failure = mask(&format!("postMessage failed: {}", message(failure)), token);
        error!(error = failure, "failed to send notification");
        let text = format!("failed to send notification for {}: {failure}", full_name(event));
        warn(&self.recorder, alert, WarningReason::NotificationDispatchFailed, text, BTreeMap::new());
    }
}

impl Deliver for Notifications {
    async fn deliver(&self, provider: &ObjectName, job: &Job) {
        // an Alert that is gone has nobody to tell
        let Some(alert) = self.alert(job) else { return };
        let object = &job.event.involved_object;
        let span = info_span!(
            parent: None,
            "send alerts for revision",
            kind = object.kind,
            namespace = object.namespace,
            name = object.name,
            provider = %provider,
            revision = job.event.metadata.get(&format!("{}/revision", group(&job.event))).map(String::as_str),
        );
        if let Some(header) = &job.traceparent {
            join_traceparent(&span, header);
        }
        async {
            let mut pause = FIRST_PAUSE;
            while let Err(failure) = self.send(provider, &alert, job).await {
                if !failure.is_transient() {
                    return self.report_dispatch(&alert, &job.event, &failure);
                }
                // an event that was acknowledged is not lost because the API server is down
                info!(provider = %provider, error = message(&failure), "trying again later");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        .instrument(span)
        .await;
    }
}

impl DispatchError {
    /// Whether the same event may be sent later without a change by a person.
    fn is_transient(&self) -> bool {
        match self {
            Self::Provider { source: ProviderError::Secret { source, .. }, .. } => source.is_transient(),
            Self::Provider { .. }
            | Self::CrossNamespace { .. }
            | Self::NoProvider(_)
            | Self::ServiceAccount
            | Self::Notifier { .. } => false,
        }
    }
}

/// `<Kind>/<namespace>/<name>`.
fn full_name(event: &Event) -> String {
    let object = &event.involved_object;
    format!("{}/{}/{}", object.kind, object.namespace, object.name)
}

/// Types that set the status of a commit.
const fn sets_status(kind: ProviderType) -> bool {
    matches!(
        kind,
        ProviderType::GitHub
            | ProviderType::GitLab
            | ProviderType::Gitea
            | ProviderType::BitbucketServer
            | ProviderType::Bitbucket
            | ProviderType::AzureDevOps
    )
}

/// Types that comment on change requests.
const fn comments(kind: ProviderType) -> bool {
    matches!(
        kind,
        ProviderType::GitHubPullRequestComment
            | ProviderType::GitLabMergeRequestComment
            | ProviderType::GiteaPullRequestComment
    )
}

/// Replaces the trimmed token, with its last character any number of times, by `*****`.
fn mask(text: &str, token: &str) -> String {
    let token = token.trim();
    let Some((start, last)) = token.char_indices().next_back() else { return text.to_owned() };
    let stem = token.get(..start).unwrap_or_default();
    let expression = format!("{}{}*", regex::escape(stem), regex::escape(&last.to_string()));
    match regex::Regex::new(&expression) {
        // a token of one character would match everywhere
        Ok(expression) if !stem.is_empty() => expression.replace_all(text, "*****").into_owned(),
        Ok(_) | Err(_) => text.replace(token, "*****"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_does_not_show() {
        assert_eq!(mask("POST /s3cret and s3crettt, s3cre", "s3cret\n"), "POST /***** and *****, *****");
        assert_eq!(mask("nothing", ""), "nothing");
        assert_eq!(mask("a.b axb", "a.b"), "***** axb");
    }

    #[test]
    fn errors_are_the_contracts() {
        let failure = DispatchError::Notifier {
            provider: "chat".to_owned(),
            source: NotifierError::Unsupported(ProviderType::Discord),
        };
        assert_eq!(
            message(&failure),
            "failed to initialize notifier for provider 'chat': failed to initialize notifier: provider discord not \
             supported"
        );
    }
}
