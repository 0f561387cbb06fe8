//! Whether the Kustomizations that one depends on are ready.

use super::plan::Source;
use flux_api::kustomize::Kustomization;
use flux_api::{ConditionStatus, NamespacedName, find_condition};

/// Why a dependency holds a run up. The text is the contract's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// It is not ready for its newest generation.
    #[error("dependency '{0}' is not ready")]
    NotReady(NamespacedName),
    /// It has the same source, and has not applied its newest revision.
    #[error("dependency '{0}' revision is not up to date")]
    Outdated(NamespacedName),
}

/// Checks one dependency; `own` is the source of who depends on it, at `revision`.
///
/// # Errors
/// [`NotReady`] if the run has to wait.
pub fn check(
    name: &NamespacedName,
    dependency: &Kustomization,
    own: &Source,
    revision: &str,
) -> Result<(), NotReady> {
    let status = dependency.status.clone().unwrap_or_default();
    let ready =
        find_condition(&status.conditions, "Ready").is_some_and(|c| c.status == ConditionStatus::True);
    if !ready || dependency.metadata.generation != status.observed_generation {
        return Err(NotReady::NotReady(name.clone()));
    }
    let source = &dependency.spec.source_ref;
    let namespace = source.namespace.as_deref().filter(|text| !text.is_empty()).unwrap_or(name.namespace());
    let shared =
        source.kind == own.kind && source.name == own.name.name() && namespace == own.name.namespace();
    if shared && status.last_applied_revision.as_deref() != Some(revision) {
        return Err(NotReady::Outdated(name.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flux_api::kustomize::KustomizationSourceKind;
    use serde_json::{Value, json};

    fn verdict(ready: &str, observed: i64, source: Value) -> Result<(), String> {
        let dependency: Kustomization = serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "base", "namespace": "flux", "generation": 2},
            "spec": {"interval": "1m", "prune": true, "sourceRef": source},
            "status": {
                "observedGeneration": observed, "lastAppliedRevision": "main@sha1:1",
                "conditions": [{
                    "type": "Ready", "status": ready, "reason": "X", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }],
            },
        }))
        .unwrap();
        let own = Source {
            kind: KustomizationSourceKind::GitRepository,
            name: NamespacedName::new("flux", "app"),
            text: String::new(),
        };
        check(&NamespacedName::new("flux", "base"), &dependency, &own, "main@sha1:2")
            .map_err(|e| e.to_string())
    }

    #[test]
    fn readiness_is_that_of_the_newest_generation() {
        let other = || json!({"kind": "GitRepository", "name": "other"});
        assert_eq!(verdict("True", 2, other()), Ok(()));
        assert_eq!(verdict("True", 1, other()), Err("dependency 'flux/base' is not ready".into()));
        assert_eq!(verdict("False", 2, other()), Err("dependency 'flux/base' is not ready".into()));
    }

    #[test]
    fn a_shared_source_must_be_at_the_same_revision() {
        let outdated = Err("dependency 'flux/base' revision is not up to date".into());
        assert_eq!(verdict("True", 2, json!({"kind": "GitRepository", "name": "app"})), outdated);
        let named = json!({"kind": "GitRepository", "name": "app", "namespace": "flux"});
        assert_eq!(verdict("True", 2, named), outdated);
        assert_eq!(
            verdict("True", 2, json!({"kind": "GitRepository", "name": "app", "namespace": "x"})),
            Ok(())
        );
        assert_eq!(verdict("True", 2, json!({"kind": "Bucket", "name": "app"})), Ok(()));
    }
}
