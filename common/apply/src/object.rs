//! Identity of a Kubernetes object: what the inventory, change sets and messages name it by.

use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// An object's identity without its version, so that an object keeps its identity when its API is promoted.
///
/// The text form is the inventory's id, `<namespace>_<name>_<group>_<kind>` with empty parts kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// API group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
}

/// An id that does not have the form `<namespace>_<name>_<group>_<kind>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse stored object metadata: {0}")]
pub struct InvalidObjectId(String);

impl ObjectId {
    /// Reads the identity of `object`; absent fields are empty.
    pub fn of(object: &Value) -> Self {
        let (group, _) = split_api_version(text_at(object, "/apiVersion"));
        Self {
            namespace: text_at(object, "/metadata/namespace").to_owned(),
            name: text_at(object, "/metadata/name").to_owned(),
            group: group.to_owned(),
            kind: text_at(object, "/kind").to_owned(),
        }
    }

    /// `Kind/namespace/name`, or `Kind/name` without a namespace: the form of messages and events.
    pub fn subject(&self) -> String {
        if self.namespace.is_empty() {
            format!("{}/{}", self.kind, self.name)
        } else {
            format!("{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }

    /// RBAC names may hold a colon, which label-safe ids write as two underscores.
    fn escapes_colons(&self) -> bool {
        self.group == "rbac.authorization.k8s.io"
            && matches!(self.kind.as_str(), "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding")
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, name, group, kind } = self;
        if self.escapes_colons() {
            write!(f, "{namespace}_{}_{group}_{kind}", name.replace(':', "__"))
        } else {
            write!(f, "{namespace}_{name}_{group}_{kind}")
        }
    }
}

impl FromStr for ObjectId {
    type Err = InvalidObjectId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidObjectId(text.to_owned());
        let (namespace, rest) = text.split_once('_').ok_or_else(invalid)?;
        let (rest, kind) = rest.rsplit_once('_').ok_or_else(invalid)?;
        let (name, group) = rest.rsplit_once('_').ok_or_else(invalid)?;
        if name.is_empty() || kind.is_empty() {
            return Err(invalid());
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.replace("__", ":"),
            group: group.to_owned(),
            kind: kind.to_owned(),
        })
    }
}

/// Splits `apps/v1` into group and version; the core group is empty.
pub fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Joins group and version as `apiVersion` writes them.
pub fn join_api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// The text at a JSON pointer, empty if there is none.
pub(crate) fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn ids_keep_empty_parts() {
        let service = ObjectId::of(&json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "default", "name": "podinfo"}
        }));
        assert_eq!(service.to_string(), "default_podinfo__Service");
        assert_eq!(service.subject(), "Service/default/podinfo");
        let namespace =
            ObjectId::of(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}));
        assert_eq!(namespace.to_string(), "_x__Namespace");
        assert_eq!(namespace.subject(), "Namespace/x");
    }

    #[test]
    fn colons_of_rbac_names_are_escaped() {
        let role = ObjectId::of(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "system:x"}
        }));
        assert_eq!(role.to_string(), "_system__x_rbac.authorization.k8s.io_ClusterRole");
        assert_eq!(role.to_string().parse(), Ok(role));
    }

    #[test]
    fn malformed_ids_are_refused_with_the_contract_text() {
        for text in ["", "a", "a_b", "a_b_c", "ns__group_Kind", "ns_name_group_"] {
            let error = text.parse::<ObjectId>().expect_err(text);
            assert_eq!(error.to_string(), format!("unable to parse stored object metadata: {text}"));
        }
    }

    proptest! {
        #[test]
        fn ids_round_trip(
            namespace in "[a-z0-9-]{0,8}",
            name in "[a-z0-9][a-z0-9.-]{0,12}",
            group in "[a-z.]{0,8}",
            kind in "[A-Z][A-Za-z]{0,8}",
        ) {
            let id = ObjectId { namespace, name, group, kind };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
}
