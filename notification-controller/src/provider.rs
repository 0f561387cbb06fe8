//! Providers: their finalizer, and what their Secrets say (contract, sections 6.6 and 11).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_api::notification::{Provider, ProviderSpec};
use flux_api::well_known::{FINALIZER, NOTIFICATION_GROUP};
use flux_driver::{Kind, Measured, Next, Outcome, Profile, Rules, Run, Schedule, Suspend};
use flux_kube::{Error as KubeError, Metadata, ObjectName, Resource, Target};
use flux_net::{ClientError, ClientPool, ClientSettings, Proxy, Secret, SecretData, SecretError, Trust};
use serde::Deserialize;

use crate::notifier::Options;

/// Resource of Providers.
pub const PROVIDER: Resource = Resource::namespaced(NOTIFICATION_GROUP, "v1beta3", "Provider", "providers");
/// Bound of a delivery if the Provider names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);
/// A Secret's address may be this long, in bytes.
const MAX_ADDRESS: usize = 2048;

/// A Provider has neither status nor schedule; it carries a finalizer, as Flux's do.
#[derive(Debug)]
pub struct ProviderKind;

impl Kind for ProviderKind {
    type Object = Provider;
    type Status = ();
    type Plan = ();
    type Fact = Infallible;
    type Phase = Infallible;
    type Error = Infallible;
    const PROFILE: &'static Profile = &Profile {
        resource: PROVIDER,
        controller: "notification-controller",
        field_manager: "notification-controller",
        finalizer: Some(FINALIZER),
        suspend: Suspend::Never,
        rules: Rules::None,
        owned: &[],
        measured: Measured::No,
    };

    fn plan(&self, _: &Provider) -> Result<(), Infallible> {
        Ok(())
    }

    fn lacks(&self, metadata: &Metadata) -> bool {
        metadata.deletion_timestamp.is_none() && !metadata.finalizers.iter().any(|each| each == FINALIZER)
    }

    fn schedule(&self, (): &()) -> Schedule {
        Schedule { interval: Duration::from_hours(24), retry: None, timeout: DEFAULT_TIMEOUT }
    }

    async fn reconcile(&self, _: &mut Run<'_, Self>, (): &()) -> Result<Outcome, Infallible> {
        Ok(Outcome::Unchanged(Next::Never))
    }
}

/// A Provider cannot be used as its spec and Secrets stand.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// A Secret cannot be read.
    #[error("failed to get secret '{secret}'")]
    Secret {
        /// Namespace and name.
        secret: String,
        /// What the API server said.
        #[source]
        source: KubeError,
    },
    /// The Secret's address is too long.
    #[error("invalid address in secret: address exceeds maximum length of {MAX_ADDRESS} bytes")]
    Address,
    /// The Secret's proxy cannot be used; its value is not shown.
    #[error("invalid 'proxy' in secret '{0}'")]
    Proxy(String),
    /// `spec.proxy` cannot be used; its value is not shown.
    #[error("invalid proxy in spec")]
    SpecProxy(#[source] flux_net::ProxyError),
    /// The headers are no map of text.
    #[error("failed to read headers from secret: expected a map of strings")]
    Headers,
    /// The Secret of the proxy cannot be used.
    #[error("failed to get proxy URL")]
    ProxySecret(#[source] SecretError),
    /// The Secret of the certificates cannot be used.
    #[error("failed to get TLS config")]
    Tls(#[source] SecretError),
    /// TLS or proxy cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A Provider ready to send.
#[derive(Clone, Debug)]
pub struct Ready {
    /// What its notifications hold.
    pub options: Options,
    /// Client with its TLS and proxy settings.
    pub client: reqwest::Client,
    /// Bound of a delivery.
    pub timeout: Duration,
    /// The Secret's token as it stands, used or not, which no error shows.
    pub hidden: Secret<String>,
}

#[derive(Deserialize)]
struct RawSecret {
    #[serde(default)]
    data: BTreeMap<String, String>,
}

/// Reads a Secret.
///
/// # Errors
/// The API server's.
pub async fn read_secret(target: &Target, name: &ObjectName) -> Result<SecretData, KubeError> {
    let secret: RawSecret = target.get_as(&Resource::SECRET, name).await?;
    // the API server stores nothing that is not base64
    let data = secret.data.into_iter().map(|(key, value)| (key, STANDARD.decode(value).unwrap_or_default()));
    Ok(SecretData::new(&name.namespace, &name.name, data))
}

/// Resolves the spec and the Secrets of a Provider; later settings take the place of earlier ones.
///
/// # Errors
/// [`ProviderError`] for a Secret that is missing or malformed.
pub async fn resolve(
    target: &Target,
    pool: &ClientPool,
    namespace: &str,
    spec: &ProviderSpec,
) -> Result<Ready, ProviderError> {
    let secret = async |reference: &flux_api::LocalObjectReference| {
        let name = ObjectName::new(namespace, &reference.name);
        let failed = |source| ProviderError::Secret { secret: name.to_string(), source };
        read_secret(target, &name).await.map_err(failed)
    };
    let mut options = Options {
        address: spec.address.clone().unwrap_or_default(),
        channel: spec.channel.clone().unwrap_or_default(),
        username: spec.username.clone().unwrap_or_default(),
        ..Options::default()
    };
    let mut client = ClientSettings::default();
    if let Some(proxy) = spec.proxy.as_deref().filter(|proxy| !proxy.is_empty()) {
        client.proxy = Some(Proxy::new(proxy).map_err(ProviderError::SpecProxy)?);
    }
    let mut hidden = String::new();
    if let Some(reference) = &spec.secret_ref {
        let secret = secret(reference).await?;
        take_secret(&mut options, &mut client, &secret)?;
        hidden = secret.text("token").unwrap_or_default();
    }
    if let Some(reference) = &spec.proxy_secret_ref {
        client.proxy = Some(secret(reference).await?.proxy().map_err(ProviderError::ProxySecret)?);
    }
    if let Some(reference) = &spec.cert_secret_ref {
        client.tls = secret(reference).await?.require_tls().map_err(ProviderError::Tls)?;
        client.trust = Trust::AuthorityOnly;
    }
    let timeout = spec.timeout.map_or(DEFAULT_TIMEOUT, flux_api::GoDuration::to_std);
    Ok(Ready { options, client: pool.client(&client)?, timeout, hidden: Secret::new(hidden) })
}

fn take_secret(
    options: &mut Options,
    client: &mut ClientSettings,
    secret: &SecretData,
) -> Result<(), ProviderError> {
    if let Some(address) = secret.text("address") {
        if address.len() > MAX_ADDRESS {
            return Err(ProviderError::Address);
        }
        address.trim().clone_into(&mut options.address);
    }
    if let Some(proxy) = secret.text("proxy") {
        client.proxy = Some(Proxy::new(proxy.trim()).map_err(|_| ProviderError::Proxy(secret.full_name()))?);
    }
    if let Some(headers) = secret.bytes("headers") {
        options.headers = parse_headers(headers).ok_or(ProviderError::Headers)?;
    }
    // one malformed group of credentials voids them all, without an error here
    if secret.tls().is_ok()
        && let Ok(basic) = secret.basic_auth()
    {
        options.token = secret.text("token").map(Secret::new);
        if let Some(basic) = basic {
            options.username = basic.username;
        }
    }
    Ok(())
}

/// A YAML map whose values are scalars.
fn parse_headers(yaml: &[u8]) -> Option<BTreeMap<String, String>> {
    let Some(document) = flux_yaml::parse_document(yaml).ok()? else { return Some(BTreeMap::new()) };
    let value = document.to_value().ok()?;
    if value.is_null() {
        return Some(BTreeMap::new());
    }
    let entries = value.as_object()?.iter().map(|(name, value)| {
        let text = match value {
            flux_yaml::Value::String(text) => text.to_string(),
            flux_yaml::Value::Bool(flag) => flag.to_string(),
            flux_yaml::Value::Int(number) => number.to_string(),
            flux_yaml::Value::Uint(number) => number.to_string(),
            flux_yaml::Value::Float(number) => number.to_string(),
            flux_yaml::Value::Null => String::new(),
            flux_yaml::Value::List(_) | flux_yaml::Value::Object(_) => return None,
        };
        Some((name.to_string(), text))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(data: &[(&str, &str)]) -> SecretData {
        SecretData::new(
            "apps",
            "s",
            data.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())),
        )
    }

    #[test]
    fn headers_are_a_yaml_map() {
        let headers = parse_headers(b"Authorization: Bearer x\nX-Number: 1\nX-Flag: true\n").unwrap();
        assert_eq!(headers["Authorization"], "Bearer x");
        assert_eq!((headers["X-Number"].as_str(), headers["X-Flag"].as_str()), ("1", "true"));
        assert!(parse_headers(b"a: [b]").is_none() && parse_headers(b"- a").is_none());
    }

    #[test]
    fn the_secrets_address_is_trimmed_and_the_token_is_not() {
        let (mut options, mut client) = (Options::default(), ClientSettings::default());
        take_secret(&mut options, &mut client, &secret(&[("address", " http://a \n"), ("token", "t\n")]))
            .unwrap();
        assert_eq!(options.address, "http://a");
        assert_eq!(options.token.unwrap().expose(), "t\n");
    }

    #[test]
    fn a_lone_user_name_voids_the_token() {
        let (mut options, mut client) = (Options::default(), ClientSettings::default());
        take_secret(&mut options, &mut client, &secret(&[("username", "u"), ("token", "t")])).unwrap();
        assert!(options.token.is_none() && options.username.is_empty());
    }
}
