//! Whether the cluster differs from what is desired.

use serde_json::Value;

/// Whether a dry-run's answer differs from the live object in what apply owns: labels, annotations, and everything but
/// `metadata` and `status`. Absent and empty collections are equal.
pub fn differs(live: &Value, merged: &Value) -> bool {
    for pointer in ["/metadata/labels", "/metadata/annotations"] {
        if !equal(live.pointer(pointer), merged.pointer(pointer)) {
            return true;
        }
    }
    let (Some(live_fields), Some(merged_fields)) = (live.as_object(), merged.as_object()) else {
        return live != merged;
    };
    let compared = |key: &str| !matches!(key, "metadata" | "status");
    let autoscaler = is_autoscaler(merged);
    let keys = live_fields.keys().chain(merged_fields.keys().filter(|key| !live_fields.contains_key(*key)));
    keys.filter(|key| compared(key)).any(|key| {
        let (live, merged) = (live_fields.get(key), merged_fields.get(key));
        if autoscaler && key == "spec" {
            !equal(live.map(canonical_metrics).as_ref(), merged.map(canonical_metrics).as_ref())
        } else {
            !equal(live, merged)
        }
    })
}

/// Semantic equality: an absent, null or empty collection equals any other of these.
fn equal(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.iter().all(|(key, value)| equal(Some(value), b.get(key)))
                && b.iter().all(|(key, value)| a.contains_key(key) || equal(None, Some(value)))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(Some(a), Some(b)))
        }
        (Some(a), Some(b)) => a == b || (is_empty(a) && is_empty(b)),
        (Some(only), None) | (None, Some(only)) => is_empty(only),
        (None, None) => true,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_autoscaler(object: &Value) -> bool {
    object.get("kind").is_some_and(|kind| kind == "HorizontalPodAutoscaler")
}

/// An autoscaler's spec without duplicate metrics and metrics without type, which its controller drops.
fn canonical_metrics(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(metrics) = spec.get_mut("metrics").and_then(Value::as_array_mut) {
        let mut seen = Vec::new();
        metrics.retain(|metric| {
            let typed = metric.get("type").and_then(Value::as_str).is_some_and(|kind| !kind.is_empty());
            let keep = typed && !seen.contains(metric);
            if keep {
                seen.push(metric.clone());
            }
            keep
        });
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_owned_parts_are_compared() {
        let live = json!({"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}, "status": {"x": 1}, "data": {"k": "v"}});
        let merged = json!({"metadata": {"resourceVersion": "2", "labels": {"a": "b"}}, "data": {"k": "v"}});
        assert!(!differs(&live, &merged));
        assert!(differs(&live, &json!({"metadata": {"labels": {"a": "c"}}, "data": {"k": "v"}})));
        assert!(differs(&live, &json!({"metadata": {"labels": {"a": "b"}}, "data": {"k": "w"}})));
        assert!(differs(&live, &json!({"metadata": {"labels": {"a": "b"}}})));
    }

    #[test]
    fn empty_and_absent_collections_are_equal() {
        let live = json!({"metadata": {}, "spec": {"list": [], "map": {}, "x": 0}});
        assert!(!differs(&live, &json!({"spec": {"x": 0, "list": null}})));
        assert!(differs(&live, &json!({"spec": {"list": null}})));
    }

    #[test]
    fn autoscalers_are_compared_without_repeated_metrics() {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu"}});
        let object =
            |metrics: Value| json!({"kind": "HorizontalPodAutoscaler", "spec": {"metrics": metrics}});
        assert!(!differs(&object(json!([metric])), &object(json!([metric, metric, {"resource": {}}]))));
        assert!(differs(&object(json!([metric])), &object(json!([]))));
    }
}
