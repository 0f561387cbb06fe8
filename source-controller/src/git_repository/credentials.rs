//! What the Secrets of a GitRepository say. Keys and texts: Flux 2.9, Git authentication and proxy Secrets.

use std::collections::BTreeMap;

use flux_driver::Run;
use flux_git::Credentials;
use flux_kube::{Identity, ObjectName, Resource};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use tracing::error;
use zeroize::Zeroizing;

use super::GitRepositories;
use super::error::Error;
use super::plan::Plan;
use crate::connection::{ClientIdentity, ConnectionError, ConnectionSettings, ProxySettings};

const SECRET: Resource = Resource::namespaced("", "v1", "Secret", "secrets");
/// Longest address of a proxy, in bytes.
const MAX_PROXY_ADDRESS: usize = 2048;

/// What a server is shown and how it is reached.
pub(super) struct AccessSettings {
    pub(super) credentials: Credentials,
    pub(super) connection: ConnectionSettings,
}

/// Why a Secret with credentials is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error("invalid '{0}' auth option: 'password' requires 'username' to be set")]
    PasswordAlone(String),
    #[error("basic auth and bearer token cannot be set at the same time")]
    Both,
    #[error("secret '{name}' contains '{present}' but missing '{missing}'")]
    HalfIdentity { name: String, present: &'static str, missing: &'static str },
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}

/// Why a Secret with a proxy is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("secret '{0}' not found")]
    Missing(String),
    #[error("failed to get secret '{name}'")]
    Secret { name: String, source: flux_kube::Error },
    #[error("secret '{0}': key 'address' not found")]
    NoAddress(String),
    #[error("secret '{0}': proxy address is empty")]
    EmptyAddress(String),
    #[error("secret '{0}': proxy address is longer than {MAX_PROXY_ADDRESS} characters")]
    LongAddress(String),
    #[error("secret '{name}': failed to parse proxy address")]
    InvalidAddress { name: String, source: url::ParseError },
    #[error("secret '{name}': proxy scheme '{scheme}' is not one of http, https, socks5")]
    Scheme { name: String, scheme: String },
}

/// Reads the Secrets that the plan names.
pub(super) async fn read(run: &Run<'_, GitRepositories>, plan: &Plan) -> Result<AccessSettings, Error> {
    let mut connection = ConnectionSettings::default();
    if let Some(secret) = &plan.proxy_secret {
        connection.proxy = Some(read_proxy(run, secret).await.map_err(Error::Proxy)?);
    }
    let Some(secret) = &plan.secret else {
        return Ok(AccessSettings { credentials: plan.url_credentials.clone(), connection });
    };
    let name = ObjectName::new(&run.name().namespace, secret);
    let failed = |source| Error::Secret { name: name.to_string(), source };
    let data = get(run, &name).await.map_err(failed)?;
    if data.contains_key("githubAppID") {
        return Err(Error::AppData(name.to_string()));
    }
    let scheme = if plan.url.origin().starts_with("https://") { "https" } else { "http" };
    let credentials = credentials_of(&data, &plan.url_credentials, scheme).map_err(Error::Credentials)?;
    let (authorities, identity) = certificates_of(&data, &name).map_err(Error::Credentials)?;
    Ok(AccessSettings { credentials, connection: ConnectionSettings { authorities, identity, ..connection } })
}

type Data = BTreeMap<String, ByteString>;

async fn get(run: &Run<'_, GitRepositories>, name: &ObjectName) -> Result<Data, flux_kube::Error> {
    let secret: Secret = run.target(&Identity::Controller)?.get_as(&SECRET, name).await?;
    Ok(secret.data.unwrap_or_default())
}

/// User name and password, or a bearer token, which takes the place of both. What the Secret leaves empty the URL fills.
fn credentials_of(data: &Data, of_url: &Credentials, scheme: &str) -> Result<Credentials, CredentialsError> {
    let bearer = text(data, "bearerToken");
    let (mut username, mut password) = if bearer.is_empty() {
        (text(data, "username"), text(data, "password"))
    } else {
        (Zeroizing::default(), Zeroizing::default())
    };
    if let Credentials::Basic { username: url_username, password: url_password } = of_url {
        if username.is_empty() {
            username = Zeroizing::new(url_username.clone());
        }
        if password.is_empty() {
            password = url_password.clone();
        }
    }
    match (username.is_empty() && password.is_empty(), bearer.is_empty()) {
        (true, true) => Ok(Credentials::Anonymous),
        (true, false) => Ok(Credentials::Bearer(bearer)),
        (false, false) => Err(CredentialsError::Both),
        (false, true) if username.is_empty() => Err(CredentialsError::PasswordAlone(scheme.to_owned())),
        (false, true) => Ok(Credentials::Basic { username: username.to_string(), password }),
    }
}

/// The authority and the client certificate of a Secret, under their present or their former keys.
fn certificates_of(
    data: &Data,
    name: &ObjectName,
) -> Result<(Option<Vec<u8>>, Option<ClientIdentity>), CredentialsError> {
    let bytes = |key: &'static str, former: &'static str| {
        let present = data.get(key).filter(|value| !value.0.is_empty());
        let found = present.or_else(|| {
            let value = data.get(former).filter(|value| !value.0.is_empty())?;
            // upstream's level
            error!(secret = %name, key = former, replacement = key, "deprecated key in TLS secret");
            Some(value)
        });
        found.map(|value| value.0.clone())
    };
    let authorities = bytes("ca.crt", "caFile");
    let (certificate, key) = (bytes("tls.crt", "certFile"), bytes("tls.key", "keyFile"));
    let half = |present, missing| CredentialsError::HalfIdentity { name: name.to_string(), present, missing };
    let identity = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(ClientIdentity { certificate, key: key.into() }),
        (Some(_), None) => return Err(half("tls.crt", "tls.key")),
        (None, Some(_)) => return Err(half("tls.key", "tls.crt")),
    };
    Ok((authorities, identity))
}

async fn read_proxy(run: &Run<'_, GitRepositories>, secret: &str) -> Result<ProxySettings, ProxyError> {
    let name = ObjectName::new(&run.name().namespace, secret);
    let data = get(run, &name).await.map_err(|source| {
        let name = name.to_string();
        if source.is_not_found() { ProxyError::Missing(name) } else { ProxyError::Secret { name, source } }
    })?;
    proxy_of(&data, &name)
}

fn proxy_of(data: &Data, name: &ObjectName) -> Result<ProxySettings, ProxyError> {
    let name = name.to_string();
    if !data.contains_key("address") {
        return Err(ProxyError::NoAddress(name));
    }
    let address = text(data, "address").to_string();
    if address.is_empty() {
        return Err(ProxyError::EmptyAddress(name));
    }
    if address.len() > MAX_PROXY_ADDRESS {
        return Err(ProxyError::LongAddress(name));
    }
    let url = match url::Url::parse(&address) {
        Ok(url) => url,
        Err(source) => return Err(ProxyError::InvalidAddress { name, source }),
    };
    if !matches!(url.scheme(), "http" | "https" | "socks5") {
        return Err(ProxyError::Scheme { name, scheme: url.scheme().to_owned() });
    }
    let username = text(data, "username").to_string();
    Ok(ProxySettings { address, username, password: text(data, "password") })
}

/// A value as text; what is not UTF-8 is replaced, and then does not fit anything.
fn text(data: &Data, key: &str) -> Zeroizing<String> {
    let bytes = data.get(key).map(|value| value.0.as_slice()).unwrap_or_default();
    Zeroizing::new(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(entries: &[(&str, &str)]) -> Data {
        let entry = |(key, value): &(&str, &str)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec()));
        entries.iter().map(entry).collect()
    }

    fn shown(entries: &[(&str, &str)], of_url: &Credentials) -> String {
        match credentials_of(&data(entries), of_url, "https") {
            Ok(Credentials::Anonymous) => "none".to_owned(),
            Ok(Credentials::Basic { username, password }) => format!("{username}:{}", password.as_str()),
            Ok(Credentials::Bearer(token)) => format!("bearer {}", token.as_str()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_bearer_token_takes_the_place_of_user_and_password() {
        let none = Credentials::Anonymous;
        assert_eq!(shown(&[], &none), "none");
        assert_eq!(shown(&[("username", "u"), ("password", "p")], &none), "u:p");
        assert_eq!(shown(&[("username", "u"), ("password", "p"), ("bearerToken", "t")], &none), "bearer t");
        let alone = "invalid 'https' auth option: 'password' requires 'username' to be set";
        assert_eq!(shown(&[("password", "p")], &none), alone);
    }

    #[test]
    fn the_url_fills_what_the_secret_leaves_empty() {
        let of_url = Credentials::Basic { username: "url".to_owned(), password: "pass".to_owned().into() };
        assert_eq!(shown(&[("username", "u")], &of_url), "u:pass");
        assert_eq!(shown(&[("password", "p")], &of_url), "url:p");
        let both = "basic auth and bearer token cannot be set at the same time";
        assert_eq!(shown(&[("bearerToken", "t")], &of_url), both);
    }

    #[test]
    fn certificates_come_in_pairs_under_either_name() {
        let name = ObjectName::new("apps", "tls");
        let of = |entries: &[(&str, &str)]| {
            certificates_of(&data(entries), &name).map_err(|error| error.to_string())
        };
        let (authorities, identity) =
            of(&[("caFile", "CA"), ("certFile", "C"), ("keyFile", "K")]).expect("a pair");
        assert_eq!(authorities.as_deref(), Some(b"CA".as_slice()));
        assert_eq!(identity.expect("an identity").certificate, b"C");
        let error = of(&[("tls.crt", "C")]).err().expect("half");
        assert_eq!(error, "secret 'apps/tls' contains 'tls.crt' but missing 'tls.key'");
    }

    #[test]
    fn proxies_have_an_address_that_is_one() {
        let name = ObjectName::new("apps", "proxy");
        let of =
            |entries: &[(&str, &str)]| proxy_of(&data(entries), &name).map_err(|error| error.to_string());
        assert!(of(&[("address", "socks5://proxy:1080"), ("username", "u")]).is_ok());
        assert_eq!(of(&[]).err().expect("missing"), "secret 'apps/proxy': key 'address' not found");
        assert_eq!(
            of(&[("address", "")]).err().expect("empty"),
            "secret 'apps/proxy': proxy address is empty"
        );
        assert!(of(&[("address", "ftp://proxy")]).is_err());
    }
}
