//! Values that do not show when they are printed.

use std::fmt;
use std::str::FromStr;

use url::Url;
use zeroize::Zeroize;

/// A value that prints as `***` and is wiped from memory when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that sends it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// An address that prints without user, password, query and fragment, any of which may hold credentials.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RedactedUrl(Url);

impl RedactedUrl {
    /// The whole address, for the one place that connects to it.
    pub const fn expose(&self) -> &Url {
        &self.0
    }
}

impl From<Url> for RedactedUrl {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl FromStr for RedactedUrl {
    type Err = url::ParseError;

    fn from_str(text: &str) -> Result<Self, url::ParseError> {
        Url::parse(text).map(Self)
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        if shown.set_username("").is_err() || shown.set_password(None).is_err() {
            // an address without a host has no user either
            return formatter.write_str(shown.as_str());
        }
        formatter.write_str(shown.as_str())
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Secret::new("password".to_owned())), "***");
    }

    #[test]
    fn addresses_print_without_credentials() {
        let url: RedactedUrl = "https://user:pass@host:1/path?sig=abc#x".parse().unwrap();
        assert_eq!(
            (url.to_string(), format!("{url:?}")),
            ("https://host:1/path".into(), "https://host:1/path".into())
        );
        assert_eq!(url.expose().password(), Some("pass"));
    }
}
