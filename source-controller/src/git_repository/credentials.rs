//! What the Secrets of a GitRepository say. Keys and texts: Flux 2.9, Git authentication and proxy Secrets.

use flux_driver::Run;
use flux_git::Credentials;
use flux_kube::{Identity, ObjectName, Resource};
use flux_net::{ClientError, ClientSettings, Redirects, SecretData, SecretError};
use k8s_openapi::api::core::v1::Secret;
use zeroize::Zeroizing;

use super::GitRepositories;
use super::error::Error;
use super::plan::Plan;

const SECRET: Resource = Resource::namespaced("", "v1", "Secret", "secrets");

/// What a server is shown and how it is reached.
#[derive(Debug)]
pub(super) struct AccessSettings {
    pub(super) credentials: Credentials,
    pub(super) client: ClientSettings,
}

/// Why a Secret with credentials is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error("invalid '{0}' auth option: 'password' requires 'username' to be set")]
    PasswordAlone(String),
    #[error("basic auth and bearer token cannot be set at the same time")]
    Both,
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Why a Secret with a proxy is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("secret '{0}' not found")]
    Missing(String),
    #[error("failed to get secret '{name}'")]
    Read { name: String, source: flux_kube::Error },
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Reads the Secrets that the plan names.
pub(super) async fn read(run: &Run<'_, GitRepositories>, plan: &Plan) -> Result<AccessSettings, Error> {
    // Git's client follows redirects itself, and on the first request only
    let mut client = ClientSettings { redirects: Redirects::Never, ..ClientSettings::default() };
    if let Some(secret) = &plan.proxy_secret {
        let name = ObjectName::new(&run.name().namespace, secret);
        let data = get(run, &name).await.map_err(|source| Error::Proxy(proxy_unread(&name, source)))?;
        let proxy = data.proxy().map_err(|error| Error::Proxy(error.into()))?;
        client.proxy = Some(proxy);
    }
    let Some(secret) = &plan.secret else {
        return Ok(AccessSettings { credentials: plan.url_credentials.clone(), client });
    };
    let name = ObjectName::new(&run.name().namespace, secret);
    let failed = |source| Error::Secret { name: name.to_string(), source };
    let data = get(run, &name).await.map_err(failed)?;
    if data.bytes("githubAppID").is_some() {
        return Err(Error::AppData(name.to_string()));
    }
    let scheme = if plan.url.origin().starts_with("https://") { "https" } else { "http" };
    let credentials = credentials_of(&data, &plan.url_credentials, scheme).map_err(Error::Credentials)?;
    client.tls = data.tls().map_err(|error| Error::Credentials(error.into()))?.unwrap_or_default();
    Ok(AccessSettings { credentials, client })
}

async fn get(run: &Run<'_, GitRepositories>, name: &ObjectName) -> Result<SecretData, flux_kube::Error> {
    let secret: Secret = run.target(&Identity::Controller)?.get_as(&SECRET, name).await?;
    let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
    Ok(SecretData::new(&name.namespace, &name.name, data))
}

fn proxy_unread(name: &ObjectName, source: flux_kube::Error) -> ProxyError {
    let name = name.to_string();
    if source.is_not_found() { ProxyError::Missing(name) } else { ProxyError::Read { name, source } }
}

/// User name and password, or a bearer token, which takes the place of both. What the Secret leaves empty the URL fills.
fn credentials_of(
    data: &SecretData,
    of_url: &Credentials,
    scheme: &str,
) -> Result<Credentials, CredentialsError> {
    let text = |key: &str| Zeroizing::new(data.text(key).unwrap_or_default());
    let bearer = text("bearerToken");
    let (mut username, mut password) = if bearer.is_empty() {
        (text("username"), text("password"))
    } else {
        (Zeroizing::default(), Zeroizing::default())
    };
    if let Credentials::Basic { username: url_username, password: url_password } = of_url {
        if username.is_empty() {
            username = Zeroizing::new(url_username.clone());
        }
        if password.is_empty() {
            password.clone_from(url_password);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(entries: &[(&str, &str)], of_url: &Credentials) -> String {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        match credentials_of(&SecretData::new("apps", "auth", entries), of_url, "https") {
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
}
