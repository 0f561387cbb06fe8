use std::fmt;

/// Name of an object inside its kind: namespace and name; the namespace is empty for cluster-scoped objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ObjectName {
    /// Namespace, empty for cluster-scoped objects.
    pub namespace: String,
    /// Name inside the namespace.
    pub name: String,
}

impl ObjectName {
    /// Name of a namespaced object.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// Name of a cluster-scoped object.
    pub fn cluster(name: impl Into<String>) -> Self {
        Self::new("", name)
    }
}

/// `namespace/name`, or only the name for cluster-scoped objects.
impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            formatter.write_str(&self.name)
        } else {
            write!(formatter, "{}/{}", self.namespace, self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_namespace_only_where_there_is_one() {
        assert_eq!(ObjectName::new("apps", "web").to_string(), "apps/web");
        assert_eq!(ObjectName::cluster("apps").to_string(), "apps");
    }
}
