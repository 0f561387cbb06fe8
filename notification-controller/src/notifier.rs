//! Notifications in the form of each service (contract, section 8).

use std::collections::BTreeMap;

use flux_api::Event;
use flux_api::notification::ProviderType;
use flux_net::{RedactedUrl, Secret};
use http::header::{InvalidHeaderName, InvalidHeaderValue};

use crate::sender::Message;

mod generic;
mod slack;

/// What a Provider and its Secret say about a notification.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Address of the service.
    pub address: String,
    /// Channel or the like; empty if unset.
    pub channel: String,
    /// Name to post under; empty if unset.
    pub username: String,
    /// Token of the service; empty if unset.
    pub token: Option<Secret<String>>,
    /// Headers of the Secret.
    pub headers: BTreeMap<String, String>,
}

/// A notification cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    /// The type is not there yet.
    #[error("failed to initialize notifier: provider {0} not supported")]
    Unsupported(ProviderType),
    /// The address is no URL. It is shown, as it would be if it were one.
    #[error("invalid {service}hook URL {address}")]
    Address {
        /// Name of the service and a blank, or nothing.
        service: &'static str,
        /// The address, without credentials as far as that can be told.
        address: String,
        /// Why.
        #[source]
        source: url::ParseError,
    },
    /// There is nothing to sign with.
    #[error("HMAC key is empty")]
    EmptyKey,
    /// A header of the Secret has a malformed name.
    #[error("invalid header name")]
    HeaderName(#[source] InvalidHeaderName),
    /// A header has a malformed value, such as a token that ends in a newline.
    #[error("invalid header value")]
    HeaderValue(#[source] InvalidHeaderValue),
    /// The notification has no JSON form.
    #[error("marshalling notification payload failed")]
    Encode(#[source] serde_json::Error),
}

/// The message that tells of `event`, whose metadata is merged already.
///
/// # Errors
/// [`NotifierError`] if the Provider cannot be used.
pub fn message(kind: ProviderType, options: &Options, event: &Event) -> Result<Message, NotifierError> {
    match kind {
        ProviderType::Generic => generic::message(options, event),
        ProviderType::GenericHmac => generic::signed_message(options, event),
        ProviderType::Slack => slack::message(options, event),
        ProviderType::Discord
        | ProviderType::MsTeams
        | ProviderType::Rocket
        | ProviderType::GitHub
        | ProviderType::GitLab
        | ProviderType::Gitea
        | ProviderType::GiteaPullRequestComment
        | ProviderType::BitbucketServer
        | ProviderType::Bitbucket
        | ProviderType::AzureDevOps
        | ProviderType::GoogleChat
        | ProviderType::GooglePubSub
        | ProviderType::Webex
        | ProviderType::Sentry
        | ProviderType::AzureEventHub
        | ProviderType::Telegram
        | ProviderType::Lark
        | ProviderType::Matrix
        | ProviderType::Opsgenie
        | ProviderType::Alertmanager
        | ProviderType::Grafana
        | ProviderType::GitHubDispatch
        | ProviderType::GitHubPullRequestComment
        | ProviderType::GitLabMergeRequestComment
        | ProviderType::PagerDuty
        | ProviderType::DataDog
        | ProviderType::Nats
        | ProviderType::Zulip
        | ProviderType::Otel
        | ProviderType::Zoom
        | ProviderType::IncidentIo => Err(NotifierError::Unsupported(kind)),
    }
}

fn hook_url(service: &'static str, address: &str) -> Result<RedactedUrl, NotifierError> {
    address.parse().map_err(|source| NotifierError::Address {
        service,
        address: address.split('?').next().unwrap_or_default().to_owned(),
        source,
    })
}

/// `<kind>/<name>.<namespace>`, the kind in lower case.
fn object_line(event: &Event) -> String {
    let object = &event.involved_object;
    format!("{}/{}.{}", object.kind.to_lowercase(), object.name, object.namespace)
}
