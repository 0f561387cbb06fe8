//! Identity of resources: group, version, kind; name and namespace.

use std::cmp::Ordering;
use std::fmt;

/// The namespace that stands for "cannot be in a namespace" wherever effective namespaces are compared.
pub(crate) const NOT_NAMESPACEABLE: &str = "_non_namespaceable_";
/// The namespace of a namespaced resource that names none.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// Group, version and kind. As a selector, an empty part matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gvk {
    /// API group; empty for the core group.
    pub group: String,
    /// API version within the group.
    pub version: String,
    /// Kind.
    pub kind: String,
}

/// The identity of a resource at one moment of a build.
///
/// Equality of this type compares the raw namespace; resources are the same if [`ResourceId::is_same`] holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ResourceId {
    /// Group, version, kind.
    pub gvk: Gvk,
    /// Name; may be empty for kinds that end in `List`.
    pub name: String,
    /// Namespace as the resource has it; empty if it has none.
    pub namespace: String,
    /// Whether the schema in force says that this kind is never in a namespace.
    pub cluster_scoped: bool,
}

impl Gvk {
    /// A GVK of the three given parts.
    pub fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// A GVK from an `apiVersion` (`group/version`, or `version` in the core group) and a kind.
    pub fn from_api_version(api_version: &str, kind: &str) -> Self {
        let (group, version) = split_api_version(api_version);
        Self::new(group, version, kind)
    }

    /// `group/version`, or `version` alone in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether every non-empty part of `selector` equals this one's.
    pub fn is_selected_by(&self, selector: &Self) -> bool {
        let matches = |wanted: &str, actual: &str| wanted.is_empty() || wanted == actual;
        matches(&selector.group, &self.group)
            && matches(&selector.version, &self.version)
            && matches(&selector.kind, &self.kind)
    }

    /// Orders GVKs of the same rank, by the text `<group or ~G>_<version or ~V>_<kind or ~K>`.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(other.sort_key())
    }

    fn sort_key(&self) -> impl Iterator<Item = u8> {
        let parts = [or(&self.group, "~G"), "_", or(&self.version, "~V"), "_", or(&self.kind, "~K")];
        parts.into_iter().flat_map(str::bytes)
    }
}

impl fmt::Display for Gvk {
    /// `<Kind>.<version>.<group>` with `[noKind]`, `[noVer]` and `[noGrp]` for empty parts.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}.{}.{}",
            or(&self.kind, "[noKind]"),
            or(&self.version, "[noVer]"),
            or(&self.group, "[noGrp]")
        )
    }
}

impl ResourceId {
    /// The namespace that counts in comparisons: `_non_namespaceable_` for certainly cluster-scoped
    /// kinds, `default` for none, else the namespace.
    pub fn effective_namespace(&self) -> &str {
        if self.cluster_scoped {
            NOT_NAMESPACEABLE
        } else if self.namespace.is_empty() {
            DEFAULT_NAMESPACE
        } else {
            &self.namespace
        }
    }

    /// Whether two ids denote the same resource: equal GVK, name and effective namespace.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.gvk == other.gvk
            && self.effective_namespace() == other.effective_namespace()
    }

    /// Whether every non-empty part of `selector` equals this one's, namespaces by their effective value.
    pub fn is_selected_by(&self, selector: &Self) -> bool {
        (selector.name.is_empty() || selector.name == self.name)
            && (selector.namespace.is_empty() || selector.effective_namespace() == self.effective_namespace())
            && self.gvk.is_selected_by(&selector.gvk)
    }

    /// The id as Go's `%#v` prints it, which some messages of kustomize contain.
    pub fn go_syntax(&self) -> String {
        format!(
            "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, \
             Namespace:{:?}}}",
            self.gvk.group, self.gvk.version, self.gvk.kind, self.cluster_scoped, self.name, self.namespace
        )
    }
}

impl fmt::Display for ResourceId {
    /// `<Kind>.<version>.<group>/<name>.<namespace>` with `[noName]` and `[noNs]` for empty parts.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}.{}", self.gvk, or(&self.name, "[noName]"), or(&self.namespace, "[noNs]"))
    }
}

/// Splits an `apiVersion` at its first slash into group and version.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.is_empty() { none } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq)]
    enum Scope {
        Cluster,
        Namespaced,
    }

    fn id(namespace: &str, scope: Scope) -> ResourceId {
        ResourceId {
            gvk: Gvk::new("", "v1", "ConfigMap"),
            name: "a".to_owned(),
            namespace: namespace.to_owned(),
            cluster_scoped: scope == Scope::Cluster,
        }
    }

    #[test]
    fn no_namespace_is_the_default_namespace() {
        assert!(id("", Scope::Namespaced).is_same(&id("default", Scope::Namespaced)));
        assert!(!id("", Scope::Namespaced).is_same(&id("other", Scope::Namespaced)));
        assert!(id("x", Scope::Cluster).is_same(&id("y", Scope::Cluster)));
        assert!(!id("", Scope::Cluster).is_same(&id("", Scope::Namespaced)));
    }

    #[test]
    fn empty_parts_print_as_placeholders() {
        assert_eq!(ResourceId::default().to_string(), "[noKind].[noVer].[noGrp]/[noName].[noNs]");
        assert_eq!(id("n", Scope::Namespaced).to_string(), "ConfigMap.v1.[noGrp]/a.n");
    }

    #[test]
    fn an_empty_selector_part_selects_all() {
        let gvk = Gvk::from_api_version("apps/v1", "Deployment");
        assert!(gvk.is_selected_by(&Gvk::new("", "v1", "")));
        assert!(!gvk.is_selected_by(&Gvk::new("batch", "", "")));
        assert!(gvk.sort_key().eq("apps_v1_Deployment".bytes()));
        assert!(Gvk::default().sort_key().eq("~G_~V_~K".bytes()));
    }
}
