//! Apply order: stages that wait for each other, and ranks of kinds inside a stage.

use crate::object::ObjectId;
use std::cmp::Ordering;

/// Kinds that come before all others, in order. Source: kustomize-controller contract 14.5 (Flux 2.9).
const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
/// Kinds that come after all others: a webhook must not block the objects it is installed with.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Position of a kind in the apply order; only the kind counts, not its group.
///
/// Objects of one rank do not depend on each other and may be written in parallel.
pub fn rank(kind: &str) -> usize {
    if let Some(position) = FIRST.iter().position(|first| *first == kind) {
        return position;
    }
    let others = FIRST.len();
    LAST.iter().position(|last| *last == kind).map_or(others, |position| others + 1 + position)
}

/// Order in which objects are applied; deletion uses the reverse.
pub fn compare(a: &ObjectId, b: &ObjectId) -> Ordering {
    rank(&a.kind)
        .cmp(&rank(&b.kind))
        .then_with(|| a.group.cmp(&b.group))
        .then_with(|| a.kind.cmp(&b.kind))
        .then_with(|| a.namespace.cmp(&b.namespace))
        .then_with(|| a.name.cmp(&b.name))
}

/// Stages of an apply, each complete before the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// CRDs, Namespaces and ClusterRoles; followed by a health wait.
    Definitions,
    /// Kinds that end in `Class`; followed by a health wait.
    Classes,
    /// Kinds of `--custom-apply-stage-kinds`.
    Custom,
    /// Everything else.
    Rest,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 4] = [Self::Definitions, Self::Classes, Self::Custom, Self::Rest];

    /// The first stage that takes an object of this group and kind.
    pub fn of(id: &ObjectId, custom: &[GroupKind]) -> Self {
        match (id.group.as_str(), id.kind.as_str()) {
            ("apiextensions.k8s.io", "CustomResourceDefinition")
            | ("", "Namespace")
            | ("rbac.authorization.k8s.io", "ClusterRole") => Self::Definitions,
            (_, kind) if kind.ends_with("Class") => Self::Classes,
            (group, kind) if custom.iter().any(|k| k.group == group && k.kind == kind) => Self::Custom,
            _ => Self::Rest,
        }
    }

    /// Whether the next stage must wait until this one's objects are healthy.
    pub fn is_awaited(self) -> bool {
        matches!(self, Self::Definitions | Self::Classes)
    }
}

/// A group and kind as `--custom-apply-stage-kinds` lists them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupKind {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
}

impl GroupKind {
    /// Parses a comma-separated list of `group/Kind` or `Kind`, blanks trimmed and empty items left out.
    pub fn parse_list(text: &str) -> Vec<Self> {
        let item = |text: &str| {
            let (group, kind) = text.split_once('/').unwrap_or(("", text));
            Self { group: group.trim().to_owned(), kind: kind.trim().to_owned() }
        };
        text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectId {
        ObjectId { namespace: namespace.into(), name: name.into(), group: group.into(), kind: kind.into() }
    }

    #[test]
    fn kinds_follow_their_ranks() {
        let mut ids = [
            id("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", "v"),
            id("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "", "m"),
            id("batch", "Job", "a", "j"),
            id("apps", "Deployment", "b", "d"),
            id("apps", "Deployment", "a", "z"),
            id("", "ConfigMap", "a", "c"),
            id("", "Namespace", "", "a"),
            id("policy", "PodDisruptionBudget", "a", "p"),
        ];
        ids.sort_by(compare);
        let kinds: Vec<_> = ids.iter().map(ObjectId::subject).collect();
        assert_eq!(
            kinds,
            [
                "Namespace/a",
                "ConfigMap/a/c",
                "Deployment/a/z",
                "Deployment/b/d",
                "PodDisruptionBudget/a/p",
                "Job/a/j",
                "MutatingWebhookConfiguration/m",
                "ValidatingWebhookConfiguration/v",
            ]
        );
    }

    #[test]
    fn the_first_matching_stage_wins() {
        let custom = GroupKind::parse_list(" cert-manager.io/Issuer , Widget,storage.k8s.io/StorageClass,");
        assert_eq!(custom.len(), 3);
        let stage = |group, kind| Stage::of(&id(group, kind, "", "x"), &custom);
        assert_eq!(stage("apiextensions.k8s.io", "CustomResourceDefinition"), Stage::Definitions);
        assert_eq!(stage("", "Namespace"), Stage::Definitions);
        assert_eq!(stage("other.io", "Namespace"), Stage::Rest);
        assert_eq!(stage("storage.k8s.io", "StorageClass"), Stage::Classes);
        assert_eq!(stage("cert-manager.io", "Issuer"), Stage::Custom);
        assert_eq!(stage("", "Widget"), Stage::Custom);
        assert_eq!(stage("example.io", "Widget"), Stage::Rest);
    }
}
