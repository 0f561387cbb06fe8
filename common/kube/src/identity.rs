use http::HeaderValue;
use http::header::HeaderName;

use crate::error::Error;

/// Header by which the API server is asked to treat a request as another user's.
const IMPERSONATE_USER: HeaderName = HeaderName::from_static("impersonate-user");

/// As whom a request is made. There is no third way to get a [`Target`](crate::Target).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identity {
    /// The controller's own credentials.
    Controller,
    /// A service account that the controller impersonates; groups, uid and extra are never sent.
    Account {
        /// Namespace of the account.
        namespace: String,
        /// Name of the account.
        name: String,
    },
}

impl Identity {
    /// The account `name` of `namespace`.
    pub fn account(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self::Account { namespace: namespace.into(), name: name.into() }
    }

    /// User name as the API server knows it; `None` for the controller itself.
    pub fn user(&self) -> Option<String> {
        match self {
            Self::Controller => None,
            Self::Account { namespace, name } => Some(format!("system:serviceaccount:{namespace}:{name}")),
        }
    }

    /// The impersonation header of this identity. An account with an empty part is refused, since a request with a
    /// partial header, or with none, would act with rights that nobody gave it.
    pub(crate) fn header(&self) -> Result<Option<(HeaderName, HeaderValue)>, Error> {
        let Self::Account { namespace, name } = self else { return Ok(None) };
        let invalid = || Error::InvalidIdentity { namespace: namespace.clone(), name: name.clone() };
        let well_formed = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
        };
        if !well_formed(namespace) || !well_formed(name) {
            return Err(invalid());
        }
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let value = HeaderValue::try_from(user).map_err(|_| invalid())?;
        Ok(Some((IMPERSONATE_USER, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controller_sends_no_header() {
        assert!(Identity::Controller.header().unwrap().is_none());
    }

    #[test]
    fn an_account_is_a_service_account_user() {
        let (name, value) = Identity::account("apps", "deployer").header().unwrap().unwrap();
        assert_eq!(name, "impersonate-user");
        assert_eq!(value, "system:serviceaccount:apps:deployer");
    }

    #[test]
    fn a_partial_or_crafted_account_is_refused() {
        for (namespace, name) in [("", "x"), ("x", ""), ("a:b", "c"), ("a", "b\r\nc"), ("A", "b")] {
            assert!(Identity::account(namespace, name).header().is_err(), "{namespace}/{name}");
        }
    }
}
