//! Labels and annotations by which users steer how a single object is applied and pruned.
//!
//! Values are compared without case, and an empty value never matches. A key may stand among the labels or the
//! annotations. Source: kustomize-controller contract, section 2 (Flux 2.9).

use serde_json::Value;

/// API group whose name prefixes the keys.
pub const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// Why an object is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// `reconcile: disabled` or `ssa: Ignore`; such an object is never pruned either.
    Unmanaged,
    /// `ssa: IfNotPresent` and the object exists.
    Present,
}

/// Whether the desired object or its live state asks not to be applied.
pub fn skip(desired: &Value, live: Option<&Value>) -> Option<Skip> {
    let either =
        |name, value| marked(desired, name, value) || live.is_some_and(|live| marked(live, name, value));
    if either("reconcile", "disabled") || either("ssa", "Ignore") {
        return Some(Skip::Unmanaged);
    }
    (live.is_some() && either("ssa", "IfNotPresent")).then_some(Skip::Present)
}

/// Whether an immutable field may be changed by deleting and creating the object.
pub fn forced(desired: &Value, live: Option<&Value>) -> bool {
    marked(desired, "force", "enabled") || live.is_some_and(|live| marked(live, "force", "enabled"))
}

/// Whether foreign field managers and annotations are left as they are.
pub fn merged(desired: &Value, live: Option<&Value>) -> bool {
    marked(desired, "ssa", "Merge") || live.is_some_and(|live| marked(live, "ssa", "Merge"))
}

/// Whether what the desired object says depends on its live state, so that it must be read before an apply.
pub fn needs_live_state(desired: &Value) -> bool {
    marked(desired, "ssa", "IfNotPresent")
}

/// Whether a live object may be deleted by the owner `name` in `namespace`.
pub fn prunable(live: &Value, name: &str, namespace: &str) -> bool {
    let owner =
        |key| live.pointer("/metadata/labels").and_then(|labels| labels.get(format!("{GROUP}/{key}")));
    let ours = owner("name").is_some_and(|label| label == name)
        && owner("namespace").is_some_and(|label| label == namespace);
    ours && !marked(live, "prune", "disabled")
        && !marked(live, "reconcile", "disabled")
        && !marked(live, "ssa", "Ignore")
}

/// Whether `kustomize.toolkit.fluxcd.io/<name>` has the value, among labels or annotations.
fn marked(object: &Value, name: &str, value: &str) -> bool {
    let key = format!("{GROUP}/{name}");
    ["/metadata/labels", "/metadata/annotations"].into_iter().any(|pointer| {
        object
            .pointer(pointer)
            .and_then(|map| map.get(&key))
            .and_then(Value::as_str)
            .is_some_and(|text| text.eq_ignore_ascii_case(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(place: &str, name: &str, value: &str) -> Value {
        json!({"metadata": {place: {format!("{GROUP}/{name}"): value}}})
    }

    #[test]
    fn values_match_without_case_in_labels_and_annotations() {
        for place in ["labels", "annotations"] {
            assert_eq!(skip(&object(place, "reconcile", "Disabled"), None), Some(Skip::Unmanaged));
            assert_eq!(skip(&object(place, "ssa", "ignore"), None), Some(Skip::Unmanaged));
            assert_eq!(skip(&object(place, "ssa", ""), None), None);
            assert_eq!(skip(&object(place, "ssa", "Override"), None), None);
        }
    }

    #[test]
    fn live_marks_count_as_desired_ones_do() {
        let plain = json!({});
        assert_eq!(skip(&plain, Some(&object("labels", "ssa", "Ignore"))), Some(Skip::Unmanaged));
        assert!(forced(&plain, Some(&object("annotations", "force", "enabled"))));
        assert!(merged(&plain, Some(&object("annotations", "ssa", "merge"))));
    }

    #[test]
    fn if_not_present_skips_only_what_exists() {
        let desired = object("annotations", "ssa", "IfNotPresent");
        assert_eq!(skip(&desired, None), None);
        assert_eq!(skip(&desired, Some(&json!({}))), Some(Skip::Present));
        assert!(needs_live_state(&desired));
    }

    #[test]
    fn only_the_owners_unmarked_objects_are_pruned() {
        let owned = |extra: Value| {
            let mut labels = json!({format!("{GROUP}/name"): "app", format!("{GROUP}/namespace"): "flux"});
            if let (Some(labels), Some(extra)) = (labels.as_object_mut(), extra.as_object()) {
                labels.extend(extra.clone());
            }
            json!({"metadata": {"labels": labels}})
        };
        assert!(prunable(&owned(json!({})), "app", "flux"));
        assert!(!prunable(&owned(json!({})), "other", "flux"));
        assert!(!prunable(&owned(json!({})), "app", "other"));
        assert!(!prunable(&json!({}), "app", "flux"));
        for (name, value) in [("prune", "disabled"), ("reconcile", "disabled"), ("ssa", "Ignore")] {
            assert!(!prunable(&owned(json!({format!("{GROUP}/{name}"): value})), "app", "flux"), "{name}");
        }
    }
}
