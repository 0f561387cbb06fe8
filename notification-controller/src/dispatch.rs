//! From an event to the Providers of the Alerts that select it (contract, sections 4.4 and 6).

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_api::event::metadata::{COMMIT_STATUS, COMMIT_STATUS_UPDATE};
use flux_api::notification::{Alert, Provider, ProviderType};
use flux_api::{Event, event::Severity};
use flux_driver::{Store, message};
use flux_kube::{Metadata, ObjectName, Recorder, Target};
use flux_net::ClientPool;
use flux_process::join_traceparent;
use serde::Deserialize;
use tracing::{Instrument as _, error, info, info_span};

use crate::alert::{SourceMatch, match_message, match_sources};
use crate::metadata::{self, group};
use crate::notifier::{self, NotifierError};
use crate::provider::{self, ProviderError};
use crate::queue::{Deliver, Queues};
use crate::sender::{self, SendError};
use crate::spool::Job;
use crate::warnings::{WarningReason, warn};

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
        for object in self.alerts.list() {
            let alert: Alert = match serde_json::from_slice(&object.json) {
                Ok(alert) => alert,
                Err(failure) => {
                    error!(error = %failure, "skipping an alert that cannot be read");
                    continue;
                }
            };
            if alert.spec.suspend || !self.selects(&alert, event).await {
                continue;
            }
            match self.admit(&alert, event) {
                Ok(Some(provider)) => {
                    let job = Job {
                        namespace: provider.namespace.clone(),
                        alert: object.metadata.name.clone(),
                        event: event.clone(),
                        traceparent: traceparent.map(str::to_owned),
                    };
                    queues.put(provider, job).await;
                }
                Ok(None) => {}
                Err(failure) => self.report_dispatch(&alert, event, &failure),
            }
        }
    }

    /// The Provider that a job of an earlier process goes to; `None` if its Alert is gone.
    pub fn provider_of(&self, job: &Job) -> Option<ObjectName> {
        let object = self.alerts.get(&ObjectName::new(&job.namespace, &job.alert))?;
        let alert: Alert = serde_json::from_slice(&object.json).ok()?;
        Some(ObjectName::new(&job.namespace, alert.spec.provider_ref.name))
    }

    async fn selects(&self, alert: &Alert, event: &Event) -> bool {
        let selected = match match_sources(alert, event) {
            SourceMatch::No => false,
            SourceMatch::Yes => true,
            SourceMatch::ByLabels(sources) => match self.labels(event).await {
                Ok(labels) => sources.iter().any(|source| {
                    source.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
                }),
                Err(failure) => {
                    let text = format!("error getting source object {}", full_name(event));
                    error!(error = message(&failure), "{text}");
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

    async fn labels(&self, event: &Event) -> Result<BTreeMap<String, String>, flux_kube::Error> {
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

    /// The gates before a queue; `None` for what is left out in silence.
    fn admit(&self, alert: &Alert, event: &Event) -> Result<Option<ObjectName>, DispatchError> {
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
            return Ok(None);
        }
        let commit =
            event.metadata.get("event.toolkit.fluxcd.io/commit").is_some_and(|commit| !commit.is_empty());
        if sets_status(kind) && !commit && !is_update && !event.has_severity(Severity::Error) {
            info!(provider = %name, "dropped an event without commit metadata");
            return Ok(None);
        }
        if provider.spec.service_account_name.as_deref().is_some_and(|name| !name.is_empty()) {
            return Err(DispatchError::ServiceAccount);
        }
        Ok(Some(name))
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
            let token = ready.options.token.as_ref().map(|token| token.expose().as_str());
            self.report_send(alert, &event, &failure, token.unwrap_or_default());
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
        let object = self.alerts.get(&ObjectName::new(&job.namespace, &job.alert));
        // an Alert that is gone has nobody to tell
        let alert = object.and_then(|object| serde_json::from_slice::<Alert>(&object.json).ok());
        let Some(alert) = alert else { return };
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
        if let Err(failure) = self.send(provider, &alert, job).instrument(span).await {
            self.report_dispatch(&alert, &job.event, &failure);
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
