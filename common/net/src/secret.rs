//! The keys of a Kubernetes Secret and what they mean (platform contract, section 14).

use std::collections::BTreeMap;

use tracing::info;

use crate::hidden::Secret;
use crate::proxy::{Proxy, ProxyError};
use crate::tls::{TlsError, TlsSettings};

/// The data of a Secret, decoded.
#[derive(Clone, Debug)]
pub struct SecretData {
    namespace: String,
    name: String,
    data: BTreeMap<String, Secret<Vec<u8>>>,
}

/// User name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicAuth {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret<String>,
}

/// A Secret does not hold what it should.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A key is missing.
    #[error("secret '{secret}': key '{key}' not found")]
    KeyNotFound {
        /// Namespace and name.
        secret: String,
        /// The key.
        key: String,
    },
    /// One half of user name and password is missing.
    #[error("secret '{secret}': malformed basic auth - has '{has}' but missing '{missing}'")]
    HalfBasicAuth {
        /// Namespace and name.
        secret: String,
        /// Key that is there.
        has: &'static str,
        /// Key that is not.
        missing: &'static str,
    },
    /// One half of certificate and key is missing.
    #[error("secret '{secret}' contains '{has}' but missing '{missing}'")]
    HalfTls {
        /// Namespace and name.
        secret: String,
        /// Key that is there.
        has: &'static str,
        /// Key that is not.
        missing: &'static str,
    },
    /// There is nothing for TLS at all.
    #[error("secret '{0}' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'")]
    NoTls(String),
    /// The TLS material is malformed.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address of the proxy cannot be used.
    #[error("secret '{secret}': invalid proxy")]
    Proxy {
        /// Namespace and name.
        secret: String,
        /// Why.
        #[source]
        source: ProxyError,
    },
}

impl SecretData {
    /// The decoded `data` of a Secret.
    pub fn new(
        namespace: impl Into<String>,
        name: impl Into<String>,
        data: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Self {
        let data = data.into_iter().map(|(key, value)| (key, Secret::new(value))).collect();
        Self { namespace: namespace.into(), name: name.into(), data }
    }

    /// `<namespace>/<name>`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The bytes of a key.
    pub fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.data.get(key).map(|value| value.expose().as_slice())
    }

    /// The text of a key; what is not UTF-8 is replaced.
    pub fn text(&self, key: &str) -> Option<String> {
        self.bytes(key).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The bytes of a key that has to be there.
    ///
    /// # Errors
    /// [`SecretError::KeyNotFound`].
    pub fn require(&self, key: &str) -> Result<&[u8], SecretError> {
        self.bytes(key)
            .ok_or_else(|| SecretError::KeyNotFound { secret: self.full_name(), key: key.to_owned() })
    }

    /// `username` and `password`; `None` if neither is there.
    ///
    /// # Errors
    /// [`SecretError::HalfBasicAuth`] if just one is there.
    pub fn basic_auth(&self) -> Result<Option<BasicAuth>, SecretError> {
        let half = |has, missing| SecretError::HalfBasicAuth { secret: self.full_name(), has, missing };
        match (self.text("username"), self.text("password")) {
            (Some(username), Some(password)) => {
                Ok(Some(BasicAuth { username, password: Secret::new(password) }))
            }
            (Some(_), None) => Err(half("username", "password")),
            (None, Some(_)) => Err(half("password", "username")),
            (None, None) => Ok(None),
        }
    }

    /// `bearerToken`.
    pub fn bearer_token(&self) -> Option<Secret<String>> {
        self.text("bearerToken").map(Secret::new)
    }

    /// `tls.crt`, `tls.key` and `ca.crt`, or their older names; `None` if there are none of them. The material is checked.
    ///
    /// # Errors
    /// [`SecretError::HalfTls`] for a certificate without its key or the reverse, [`SecretError::Tls`] if malformed.
    pub fn tls(&self) -> Result<Option<TlsSettings>, SecretError> {
        let half = |has, missing| SecretError::HalfTls { secret: self.full_name(), has, missing };
        let authority = self.renamed("ca.crt", "caFile").map(<[u8]>::to_vec);
        let identity = match (self.renamed("tls.crt", "certFile"), self.renamed("tls.key", "keyFile")) {
            (Some(chain), Some(key)) => Some((chain.to_vec(), Secret::new(key.to_vec()))),
            (Some(_), None) => return Err(half("tls.crt", "tls.key")),
            (None, Some(_)) => return Err(half("tls.key", "tls.crt")),
            (None, None) => None,
        };
        if authority.is_none() && identity.is_none() {
            return Ok(None);
        }
        let settings = TlsSettings { authority, identity };
        settings.check()?;
        Ok(Some(settings))
    }

    /// As [`Self::tls`], but there has to be something.
    ///
    /// # Errors
    /// [`SecretError::NoTls`] if there is nothing, and as [`Self::tls`].
    pub fn require_tls(&self) -> Result<TlsSettings, SecretError> {
        self.tls()?.ok_or_else(|| SecretError::NoTls(self.full_name()))
    }

    /// `address`, with `username` and `password` if they are there.
    ///
    /// # Errors
    /// [`SecretError::KeyNotFound`] without an address, [`SecretError::Proxy`] for one that cannot be used.
    pub fn proxy(&self) -> Result<Proxy, SecretError> {
        let address = String::from_utf8_lossy(self.require("address")?).into_owned();
        let invalid = |source| SecretError::Proxy { secret: self.full_name(), source };
        let proxy = Proxy::new(&address).map_err(invalid)?;
        Ok(match self.text("username") {
            Some(username) => {
                let password = self.text("password").unwrap_or_default();
                proxy.with_credentials(username, Secret::new(password))
            }
            None => proxy,
        })
    }

    fn renamed(&self, key: &str, older: &'static str) -> Option<&[u8]> {
        self.bytes(key).or_else(|| {
            let value = self.bytes(older)?;
            info!(secret = self.full_name(), key = older, "using a deprecated key of a TLS secret");
            Some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(data: &[(&str, &str)]) -> SecretData {
        SecretData::new(
            "apps",
            "auth",
            data.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())),
        )
    }

    #[test]
    fn half_of_a_pair_is_an_error() {
        assert_eq!(
            secret(&[("username", "u")]).basic_auth().unwrap_err().to_string(),
            "secret 'apps/auth': malformed basic auth - has 'username' but missing 'password'"
        );
        assert_eq!(
            secret(&[("tls.key", "k")]).tls().unwrap_err().to_string(),
            "secret 'apps/auth' contains 'tls.key' but missing 'tls.crt'"
        );
        assert_eq!(
            secret(&[]).require_tls().unwrap_err().to_string(),
            "secret 'apps/auth' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'"
        );
    }

    #[test]
    fn malformed_material_is_refused() {
        assert_eq!(
            secret(&[("ca.crt", "x")]).tls().unwrap_err().to_string(),
            "failed to parse CA certificate"
        );
    }

    #[test]
    fn older_keys_are_read_where_the_newer_are_missing() {
        let authority = rcgen::generate_simple_self_signed(vec!["host".to_owned()]).unwrap().cert.pem();
        let tls = secret(&[("caFile", &authority)]).tls().unwrap().unwrap();
        assert_eq!(tls.authority, Some(authority.into_bytes()));
    }

    #[test]
    fn nothing_shows_in_debug_output() {
        assert!(!format!("{:?}", secret(&[("password", "hunter2")])).contains("hunter2"));
    }
}
