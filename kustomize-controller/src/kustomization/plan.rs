//! What a Kustomization asks for, with its defaults resolved and its rules compiled.

use flux_api::kustomize::{DeletionPolicy, IgnoreRule, KustomizationSourceKind, KustomizationSpec, Selector};
use flux_api::{GoDuration, NamespacedName};
use flux_apply::apply::Force;
use flux_apply::ignore::{self, InvalidTarget, Target, TargetPatterns};
use flux_apply::object::{ObjectId, split_api_version};
use std::sync::Arc;

/// Health checks and deletions get at least this long, whatever the spec says.
const SHORTEST_TIMEOUT: GoDuration = GoDuration::from_secs(30);

/// Where the manifests come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Kind of the source.
    pub kind: KustomizationSourceKind,
    /// Namespace, the Kustomization's own by default, and name.
    pub name: NamespacedName,
    /// How the spec writes it: `Kind/namespace/name`, or `Kind/name` where it gives no namespace.
    pub text: String,
}

/// What must be healthy before a revision counts as applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaits {
    /// Nothing.
    Nothing,
    /// Everything that was applied.
    Applied,
    /// These objects, each with its version.
    References(Vec<(ObjectId, String)>),
}

/// What deleting the Kustomization does to its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDeletion {
    /// They stay.
    Orphan,
    /// They are deleted.
    Delete,
    /// They are deleted, and their end is awaited.
    DeleteAndWait,
}

/// What happens to objects that a revision no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// They stay and are forgotten.
    Keep,
    /// They are deleted.
    Prune,
}

/// A configuration error; only a change of the object helps.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSpec {
    /// A field that this version does not act on, and must not ignore.
    #[error("{0} is not supported yet")]
    Unsupported(&'static str),
}

/// A Kustomization's spec, ready to be carried out.
#[derive(Debug)]
pub struct Plan {
    /// Where the manifests come from.
    pub source: Source,
    /// Directory inside the artifact; may be empty.
    pub path: String,
    /// Period between successful runs.
    pub interval: GoDuration,
    /// Delay after a failed run.
    pub retry_interval: GoDuration,
    /// Limit of health checks and of the wait for deletions.
    pub timeout: GoDuration,
    /// What happens to stale objects.
    pub stale: Stale,
    /// What happens to all objects in the end.
    pub on_deletion: OnDeletion,
    /// Kustomizations that must be ready first, in order.
    pub dependencies: Vec<NamespacedName>,
    /// Account to act as, in the Kustomization's namespace.
    pub account: Option<String>,
    /// What must be healthy.
    pub awaits: Awaits,
    /// What to do about immutable fields.
    pub force: Force,
}

impl Plan {
    /// Resolves the spec of the Kustomization `own`.
    ///
    /// # Errors
    /// [`InvalidSpec`] for what cannot be carried out.
    pub fn new(own: &NamespacedName, spec: &KustomizationSpec) -> Result<Self, InvalidSpec> {
        refuse_unsupported(spec)?;
        let in_namespace = |namespace: &Option<String>, name: &str| {
            let namespace = namespace.as_deref().filter(|namespace| !namespace.is_empty());
            NamespacedName::new(namespace.unwrap_or(own.namespace()), name)
        };
        let reference = &spec.source_ref;
        let name = in_namespace(&reference.namespace, &reference.name);
        let text = match reference.namespace.as_deref() {
            None | Some("") => format!("{}/{}", reference.kind, reference.name),
            Some(namespace) => format!("{}/{namespace}/{}", reference.kind, reference.name),
        };
        let non_empty = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Ok(Self {
            source: Source { kind: reference.kind, name, text },
            path: spec.path.clone().unwrap_or_default(),
            interval: spec.interval,
            retry_interval: spec.retry_interval.unwrap_or(spec.interval),
            timeout: timeout(spec),
            stale: if spec.prune { Stale::Prune } else { Stale::Keep },
            on_deletion: on_deletion(spec),
            dependencies: spec.depends_on.iter().map(|on| in_namespace(&on.namespace, &on.name)).collect(),
            account: non_empty(&spec.service_account_name),
            awaits: awaits(own, spec),
            force: if spec.force { Force::Always } else { Force::OnRequest },
        })
    }
}

fn refuse_unsupported(spec: &KustomizationSpec) -> Result<(), InvalidSpec> {
    let unsupported = if spec.decryption.is_some() {
        "spec.decryption"
    } else if spec.kube_config.is_some() {
        "spec.kubeConfig"
    } else if !spec.health_check_exprs.is_empty() {
        "spec.healthCheckExprs"
    } else if spec.depends_on.iter().any(|on| on.ready_expr.as_deref().is_some_and(|text| !text.is_empty())) {
        "spec.dependsOn.readyExpr"
    } else {
        return Ok(());
    };
    Err(InvalidSpec::Unsupported(unsupported))
}

/// The explicit timeout, else 30 s less than the interval; never below 30 s. Source: contract 1.1 (Flux 2.9).
pub(super) fn timeout(spec: &KustomizationSpec) -> GoDuration {
    let less = GoDuration::from_nanos(spec.interval.as_nanos().saturating_sub(SHORTEST_TIMEOUT.as_nanos()));
    let asked = spec.timeout.unwrap_or(less);
    if asked.as_nanos() < SHORTEST_TIMEOUT.as_nanos() { SHORTEST_TIMEOUT } else { asked }
}

pub(super) fn on_deletion(spec: &KustomizationSpec) -> OnDeletion {
    match spec.deletion_policy.unwrap_or(DeletionPolicy::MirrorPrune) {
        DeletionPolicy::MirrorPrune if spec.prune => OnDeletion::Delete,
        DeletionPolicy::MirrorPrune | DeletionPolicy::Orphan => OnDeletion::Orphan,
        DeletionPolicy::Delete => OnDeletion::Delete,
        DeletionPolicy::WaitForTermination => OnDeletion::DeleteAndWait,
    }
}

fn awaits(own: &NamespacedName, spec: &KustomizationSpec) -> Awaits {
    if spec.wait {
        return Awaits::Applied;
    }
    let references: Vec<_> = spec
        .health_checks
        .iter()
        .map(|check| {
            let api_version =
                check.api_version.as_deref().filter(|text| !text.is_empty()).unwrap_or("apps/v1");
            let (group, version) = split_api_version(api_version);
            let id = ObjectId {
                namespace: check.namespace.clone().unwrap_or_default(),
                name: check.name.clone(),
                group: group.to_owned(),
                kind: check.kind.clone(),
            };
            (id, version.to_owned())
        })
        .filter(|(id, _)| !is_itself(own, id))
        .collect();
    if references.is_empty() { Awaits::Nothing } else { Awaits::References(references) }
}

/// A Kustomization that is among its own objects must not wait for itself.
pub fn is_itself(own: &NamespacedName, id: &ObjectId) -> bool {
    id.kind == "Kustomization" && id.name == own.name() && id.namespace == own.namespace()
}

/// The drift that a spec leaves alone.
///
/// # Errors
/// [`InvalidTarget`] for the first rule that selects by something that is no pattern.
pub(super) fn ignored(spec: &KustomizationSpec) -> Result<Vec<Arc<ignore::IgnoreRule>>, InvalidTarget> {
    spec.ignore.iter().map(|rule| compile(rule).map(Arc::new)).collect()
}

fn compile(rule: &IgnoreRule) -> Result<ignore::IgnoreRule, InvalidTarget> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let target = rule.target.as_ref().map_or_else(Target::default, |selector: &Selector| Target {
        patterns: TargetPatterns {
            group: text(&selector.group),
            version: text(&selector.version),
            kind: text(&selector.kind),
            name: text(&selector.name),
            namespace: text(&selector.namespace),
        },
        label_selector: text(&selector.label_selector),
        annotation_selector: text(&selector.annotation_selector),
    });
    ignore::IgnoreRule::new(&target, rule.paths.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn plan(extra: Value) -> Result<Plan, InvalidSpec> {
        let mut spec = json!({
            "interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"}
        });
        spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        Plan::new(&NamespacedName::new("flux", "own"), &serde_json::from_value(spec).unwrap())
    }

    #[test]
    fn references_default_to_the_own_namespace() {
        let plan = plan(json!({"dependsOn": [{"name": "a"}, {"name": "b", "namespace": "other"}]})).unwrap();
        assert_eq!(plan.source.name, NamespacedName::new("flux", "app"));
        assert_eq!(plan.source.text, "GitRepository/app");
        assert_eq!(plan.dependencies, [NamespacedName::new("flux", "a"), NamespacedName::new("other", "b")]);
    }

    #[test]
    fn timeouts_have_a_floor() {
        let timeout = |extra: Value| plan(extra).unwrap().timeout.to_string();
        assert_eq!(timeout(json!({})), "9m30s");
        assert_eq!(timeout(json!({"interval": "40s"})), "30s");
        assert_eq!(timeout(json!({"timeout": "1s"})), "30s");
        assert_eq!(timeout(json!({"timeout": "5m"})), "5m0s");
    }

    #[test]
    fn the_retry_interval_falls_back() {
        assert_eq!(plan(json!({})).unwrap().retry_interval.to_string(), "10m0s");
        assert_eq!(plan(json!({"retryInterval": "1m"})).unwrap().retry_interval.to_string(), "1m0s");
    }

    #[test]
    fn deletion_mirrors_prune_by_default() {
        let deletion = |extra: Value| plan(extra).unwrap().on_deletion;
        assert_eq!(deletion(json!({})), OnDeletion::Delete);
        assert_eq!(deletion(json!({"prune": false})), OnDeletion::Orphan);
        assert_eq!(deletion(json!({"prune": false, "deletionPolicy": "Delete"})), OnDeletion::Delete);
        assert_eq!(deletion(json!({"deletionPolicy": "Orphan"})), OnDeletion::Orphan);
        assert_eq!(deletion(json!({"deletionPolicy": "WaitForTermination"})), OnDeletion::DeleteAndWait);
    }

    #[test]
    fn health_checks_default_to_apps_and_leave_the_object_itself_out() {
        let checks = json!([
            {"kind": "Deployment", "name": "web", "namespace": "a"},
            {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "name": "own", "namespace": "flux"},
        ]);
        let Awaits::References(references) = plan(json!({ "healthChecks": checks })).unwrap().awaits else {
            panic!("references expected")
        };
        assert_eq!(references, [("a_web_apps_Deployment".parse().unwrap(), "v1".to_owned())]);
        let both = json!({"wait": true, "healthChecks": [{"kind": "Deployment", "name": "web"}]});
        assert_eq!(plan(both).unwrap().awaits, Awaits::Applied);
        assert_eq!(plan(json!({})).unwrap().awaits, Awaits::Nothing);
    }

    #[test]
    fn what_is_not_supported_is_refused_by_its_path() {
        for (extra, path) in [
            (json!({"decryption": {"provider": "sops"}}), "spec.decryption"),
            (json!({"kubeConfig": {"secretRef": {"name": "x"}}}), "spec.kubeConfig"),
            (
                json!({"healthCheckExprs": [{"apiVersion": "v1", "kind": "X", "current": "true"}]}),
                "spec.healthCheckExprs",
            ),
            (json!({"dependsOn": [{"name": "a", "readyExpr": "true"}]}), "spec.dependsOn.readyExpr"),
        ] {
            let error = plan(extra).unwrap_err();
            assert_eq!(error.to_string(), format!("{path} is not supported yet"));
        }
    }
}
