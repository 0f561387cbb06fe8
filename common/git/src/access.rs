//! Who asks which server for which repository.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use url::Url;
use zeroize::Zeroizing;

/// The address of a repository over HTTP or HTTPS, without credentials: safe to print.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepositoryUrl(Url);

/// A text that is no address we can fetch from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Not a URL.
    #[error(transparent)]
    Parse(#[from] url::ParseError),
    /// A scheme other than `http` and `https`.
    #[error("unsupported scheme '{0}'")]
    Scheme(String),
    /// No host.
    #[error("missing host")]
    Host,
}

/// What a server is shown. Never printed.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nothing.
    #[default]
    Anonymous,
    /// User name and password; either may be empty.
    Basic {
        /// User name.
        username: String,
        /// Password or token.
        password: Zeroizing<String>,
    },
    /// A bearer token.
    Bearer(Zeroizing<String>),
}

/// Tells one access from another without showing it.
pub(crate) type AccessKey = Arc<str>;

/// One way to reach one repository.
#[derive(Clone, Debug)]
pub struct Access {
    /// Address of the repository.
    pub url: RepositoryUrl,
    /// HTTP client with the certificates and the proxy to use. It must not follow redirects, which are followed here,
    /// and only on the first request.
    pub client: reqwest::Client,
    /// Tells apart who answers under the same URL: a hash of proxy and certificates; empty for the defaults.
    pub responder: String,
    /// What the server is shown.
    pub credentials: Credentials,
}

impl RepositoryUrl {
    /// Reads an address, and the user name and password in it.
    ///
    /// # Errors
    /// [`InvalidUrl`].
    pub fn parse_with_credentials(text: &str) -> Result<(Self, Credentials), InvalidUrl> {
        let mut url = Url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidUrl::Scheme(url.scheme().to_owned()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(InvalidUrl::Host);
        }
        let decode = |text: &str| percent_decode(text);
        let username = decode(url.username());
        let password = Zeroizing::new(url.password().map(decode).unwrap_or_default());
        // both only fail for URLs without a host
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        let credentials = if username.is_empty() && password.is_empty() {
            Credentials::Anonymous
        } else {
            Credentials::Basic { username, password }
        };
        Ok((Self(url), credentials))
    }

    /// Scheme, host and port, which 8 requests at a time go to.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    pub(crate) const fn as_url(&self) -> &Url {
        &self.0
    }

    /// The same repository under whatever spelling: without `.git`, without slashes at the end.
    pub(crate) fn canonical(&self) -> String {
        let text = self.0.as_str().trim_end_matches('/');
        text.strip_suffix(".git").unwrap_or(text).to_owned()
    }
}

/// Decodes `%41`; what is not UTF-8 then is replaced.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let byte = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = match byte {
            Some(byte) => {
                bytes.push(byte);
                after.get(2..).unwrap_or_default()
            }
            None => {
                bytes.push(b'%');
                after
            }
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

impl FromStr for RepositoryUrl {
    type Err = InvalidUrl;

    /// Credentials in the address are dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_with_credentials(text).map(|(url, _)| url)
    }
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Basic { .. } => "Basic(***)",
            Self::Bearer(_) => "Bearer(***)",
        })
    }
}

impl Credentials {
    /// The `Authorization` header; `None` where nothing is shown, or the text cannot stand in a header.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::Anonymous => return None,
            Self::Basic { username, password } => {
                let pair = Zeroizing::new(format!("{username}:{}", password.as_str()));
                Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
            }
            Self::Bearer(token) => Zeroizing::new(format!("Bearer {}", token.as_str())),
        };
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl Access {
    /// Host and credentials in a form that can be shown: requests of one remote take turns.
    pub fn remote(&self) -> String {
        let header = self.credentials.header();
        let shown = header.as_ref().map(HeaderValue::as_bytes).unwrap_or_default();
        let digest = flux_artifact::Digest::of(flux_artifact::Algorithm::Sha256, shown);
        format!("{}#{}", self.url.origin(), digest.hex().get(..16).unwrap_or_default())
    }

    /// What listings are keyed by: accesses share one only if they show and see the same.
    pub(crate) fn key(&self) -> AccessKey {
        let header = self.credentials.header();
        let shown = header.as_ref().map(HeaderValue::as_bytes).unwrap_or_default();
        let parts = [self.url.as_url().as_str().as_bytes(), self.responder.as_bytes(), shown];
        let digest = flux_artifact::Digest::of(flux_artifact::Algorithm::Sha256, &parts.join(&0));
        Arc::from(digest.hex())
    }

    /// What mirrors are keyed by.
    pub(crate) fn mirror_key(&self) -> (String, String) {
        (self.url.canonical(), self.responder.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_address() {
        let (url, credentials) =
            RepositoryUrl::parse_with_credentials("https://us%40er:p%25w@git.example/org/repo.git")
                .expect("a URL");
        assert_eq!(url.to_string(), "https://git.example/org/repo.git");
        let Credentials::Basic { username, password } = credentials else { panic!("no credentials") };
        assert_eq!((username.as_str(), password.as_str()), ("us@er", "p%w"));
    }

    #[test]
    fn spellings_of_one_repository_share_a_mirror() {
        let canonical = |text: &str| text.parse::<RepositoryUrl>().expect("a URL").canonical();
        let want = canonical("https://git.example/org/repo");
        for text in [
            "https://git.example/org/repo.git",
            "https://GIT.example:443/org/repo/",
            "https://u@git.example/org/repo",
        ] {
            assert_eq!(canonical(text), want, "{text}");
        }
        assert_ne!(canonical("http://git.example/org/repo"), want);
    }

    #[test]
    fn other_schemes_are_refused() {
        assert_eq!("ssh://git@x/y".parse::<RepositoryUrl>(), Err(InvalidUrl::Scheme("ssh".to_owned())));
        assert!("not a url".parse::<RepositoryUrl>().is_err());
    }

    #[test]
    fn secrets_are_not_printed() {
        let bearer = Credentials::Bearer(Zeroizing::new("token".to_owned()));
        assert_eq!(format!("{bearer:?}"), "Bearer(***)");
        let header = bearer.header().expect("a header");
        assert_eq!(header.to_str().expect("text"), "Bearer token");
        assert!(!format!("{header:?}").contains("token"));
    }
}
