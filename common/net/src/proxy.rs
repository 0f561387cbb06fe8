//! Proxies by address and credentials.

use url::Url;

use crate::hidden::{RedactedUrl, Secret};

/// Addresses may be this long, in bytes.
const MAX_ADDRESS: usize = 2048;

/// A proxy for HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    address: RedactedUrl,
    credentials: Option<(String, Secret<String>)>,
}

/// The address of a proxy cannot be used. The address itself is not repeated, since it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// There is none.
    #[error("proxy address is empty")]
    Empty,
    /// It is longer than 2048 bytes.
    #[error("proxy address exceeds {MAX_ADDRESS} bytes")]
    TooLong,
    /// It is no URL.
    #[error("failed to parse proxy address")]
    Malformed(#[source] url::ParseError),
    /// It has another scheme than http, https or socks5.
    #[error("proxy URL must use one of the supported schemes (http, https, socks5), got '{0}'")]
    Scheme(String),
}

impl Proxy {
    /// A proxy at `address`; credentials in it are used unless others are given by [`Self::with_credentials`].
    ///
    /// # Errors
    /// [`ProxyError`] if the address cannot be used.
    pub fn new(address: &str) -> Result<Self, ProxyError> {
        if address.is_empty() {
            return Err(ProxyError::Empty);
        }
        if address.len() > MAX_ADDRESS {
            return Err(ProxyError::TooLong);
        }
        let url = Url::parse(address).map_err(ProxyError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https" | "socks5") {
            return Err(ProxyError::Scheme(url.scheme().to_owned()));
        }
        Ok(Self { address: url.into(), credentials: None })
    }

    /// The same with these credentials.
    #[must_use]
    pub fn with_credentials(mut self, username: String, password: Secret<String>) -> Self {
        self.credentials = Some((username, password));
        self
    }

    /// The address, which may hold credentials.
    pub const fn address(&self) -> &RedactedUrl {
        &self.address
    }

    pub(crate) fn build(&self) -> Result<reqwest::Proxy, reqwest::Error> {
        let proxy = reqwest::Proxy::all(self.address.expose().clone())?;
        Ok(match &self.credentials {
            Some((username, password)) => proxy.basic_auth(username, password.expose()),
            None => proxy,
        })
    }

    /// All that tells this proxy from others, for the key of a pool.
    pub(crate) fn identity(&self) -> String {
        let (username, password) = match &self.credentials {
            Some((username, password)) => (username.as_str(), password.expose().as_str()),
            None => ("", ""),
        };
        [self.address.expose().as_str(), username, password].join("\0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_schemes_are_taken() {
        assert_eq!(Proxy::new(""), Err(ProxyError::Empty));
        assert_eq!(Proxy::new(&"x".repeat(2049)), Err(ProxyError::TooLong));
        assert_eq!(
            Proxy::new("ftp://host").unwrap_err().to_string(),
            "proxy URL must use one of the supported schemes (http, https, socks5), got 'ftp'"
        );
        assert!(Proxy::new("socks5://host:1080").is_ok());
    }

    #[test]
    fn an_error_does_not_repeat_the_address() {
        let error = Proxy::new("http://user:hunter2@[bad").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}
