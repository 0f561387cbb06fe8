//! JSON merge patches (RFC 7386) between two states. Pure.

use serde_json::{Map, Value};

/// The patch that makes `new` of `old`; `None` if they are equal.
pub(crate) fn difference(old: &Map<String, Value>, new: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut patch = Map::new();
    for (key, value) in new {
        match (old.get(key), value) {
            (Some(before), value) if before == value => {}
            (Some(Value::Object(before)), Value::Object(after)) => {
                if let Some(inner) = difference(before, after) {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            _ => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(patch)
}

/// Carries a patch out.
pub(crate) fn apply(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.remove(&key);
            }
            Value::Object(inner) => {
                let slot = target.entry(key).or_insert_with(|| Value::Object(Map::new()));
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(fields) = slot {
                    apply(fields, inner);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                target.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other
            @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                panic!("not an object: {other}")
            }
        }
    }

    #[test]
    fn equal_states_need_no_patch() {
        let state = map(json!({ "a": { "b": [1] } }));
        assert_eq!(difference(&state, &state), None);
    }

    #[test]
    fn a_patch_carries_changes_additions_and_removals() {
        let old = map(
            json!({ "kept": 1, "list": [1, 2], "gone": 1, "deep": { "same": 1, "changed": 1, "gone": 1 } }),
        );
        let new =
            map(json!({ "kept": 1, "list": [1], "new": { "x": 1 }, "deep": { "same": 1, "changed": 2 } }));
        let patch = difference(&old, &new).unwrap();
        let want =
            json!({ "list": [1], "gone": null, "new": { "x": 1 }, "deep": { "changed": 2, "gone": null } });
        assert_eq!(Value::Object(patch.clone()), want);
        let mut patched = old;
        apply(&mut patched, patch);
        assert_eq!(patched, new);
    }
}
