//! Names of objects.

use std::fmt;
use std::str::FromStr;

/// Namespace and name of an object, `<namespace>/<name>` in text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespacedName {
    namespace: String,
    name: String,
}

/// The text has no slash, or more than one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid object name {0:?}: expected <namespace>/<name>")]
pub struct InvalidName(String);

impl NamespacedName {
    /// Both parts as they stand in an object's metadata.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The namespace; empty for objects that have none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

impl FromStr for NamespacedName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.split_once('/') {
            Some((namespace, name)) if !name.contains('/') => Ok(Self::new(namespace, name)),
            _ => Err(InvalidName(text.to_owned())),
        }
    }
}
