use std::borrow::Cow;
use std::fmt::Write as _;

use crate::name::ObjectName;

/// Whether objects of a resource live in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Objects have a namespace.
    Namespaced,
    /// Objects belong to the cluster.
    Cluster,
}

/// A resource of the API server: the kind, and where it is served.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    /// API group, empty for the core group.
    pub group: Cow<'static, str>,
    /// Version inside the group.
    pub version: Cow<'static, str>,
    /// Kind of the objects.
    pub kind: Cow<'static, str>,
    /// Plural name, as in URLs.
    pub plural: Cow<'static, str>,
    /// Whether objects live in a namespace.
    pub scope: Scope,
}

impl Resource {
    /// A namespaced resource known at compile time.
    pub const fn namespaced(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Self {
        Self {
            group: Cow::Borrowed(group),
            version: Cow::Borrowed(version),
            kind: Cow::Borrowed(kind),
            plural: Cow::Borrowed(plural),
            scope: Scope::Namespaced,
        }
    }

    /// A cluster-scoped resource known at compile time.
    pub const fn cluster(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Self {
        Self {
            group: Cow::Borrowed(group),
            version: Cow::Borrowed(version),
            kind: Cow::Borrowed(kind),
            plural: Cow::Borrowed(plural),
            scope: Scope::Cluster,
        }
    }

    /// core/v1 `ConfigMap`.
    pub const CONFIG_MAP: Self = Self::namespaced("", "v1", "ConfigMap", "configmaps");
    /// core/v1 Secret.
    pub const SECRET: Self = Self::namespaced("", "v1", "Secret", "secrets");
    /// core/v1 Event.
    pub const EVENT: Self = Self::namespaced("", "v1", "Event", "events");
    /// core/v1 Namespace.
    pub const NAMESPACE: Self = Self::cluster("", "v1", "Namespace", "namespaces");
    /// core/v1 `ServiceAccount`.
    pub const SERVICE_ACCOUNT: Self = Self::namespaced("", "v1", "ServiceAccount", "serviceaccounts");
    /// coordination.k8s.io/v1 Lease.
    pub const LEASE: Self = Self::namespaced("coordination.k8s.io", "v1", "Lease", "leases");

    /// `group/version`, or the version alone for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Path of the collection; an empty namespace means all of them.
    pub(crate) fn collection(&self, namespace: &str) -> String {
        let mut path = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if self.scope == Scope::Namespaced && !namespace.is_empty() {
            path.push_str("/namespaces/");
            push_segment(&mut path, namespace);
        }
        path.push('/');
        path.push_str(&self.plural);
        path
    }

    /// Path of one object.
    pub(crate) fn path(&self, name: &ObjectName) -> String {
        let mut path = self.collection(&name.namespace);
        path.push('/');
        push_segment(&mut path, &name.name);
        path
    }
}

/// Appends a path segment or query value, percent-encoding all but unreserved characters: a name from outside can
/// neither leave its segment nor start a query.
pub(crate) fn push_segment(path: &mut String, segment: &str) {
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && segment.len() > 2) {
            path.push(char::from(byte));
        } else {
            // writing to a String cannot fail
            let _ = write!(path, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_group_and_scope() {
        assert_eq!(Resource::SECRET.path(&ObjectName::new("a", "b")), "/api/v1/namespaces/a/secrets/b");
        assert_eq!(Resource::NAMESPACE.path(&ObjectName::cluster("b")), "/api/v1/namespaces/b");
        let lease = Resource::LEASE.collection("");
        assert_eq!(lease, "/apis/coordination.k8s.io/v1/leases");
    }

    #[test]
    fn names_cannot_leave_their_segment() {
        let path = Resource::SECRET.path(&ObjectName::new("..", "a/b?c=d#e"));
        assert_eq!(path, "/api/v1/namespaces/%2E%2E/secrets/a%2Fb%3Fc%3Dd%23e");
        assert_eq!(
            Resource::SECRET.path(&ObjectName::new("a", "system:x")),
            "/api/v1/namespaces/a/secrets/system%3Ax"
        );
    }
}
