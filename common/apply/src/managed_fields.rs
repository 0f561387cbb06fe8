//! Taking over the fields of former managers, so that fields removed from Git vanish from the cluster.

use serde_json::{Map, Value, json};

/// The field manager of server-side apply.
pub const MANAGER: &str = "kustomize-controller";

/// Annotations of `kubectl apply` and of Flux v1 and v2's first releases.
const STALE_ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kustomize.toolkit.fluxcd.io/checksum",
    "fluxcd.io/sync-checksum",
];
/// Labels of Flux v1.
const STALE_LABELS: [&str; 1] = ["fluxcd.io/sync-gc-mark"];

/// JSON patch that removes stale metadata from `live` and folds former managers into [`MANAGER`]; `None` if there is
/// nothing to do.
///
/// `overridden` are the managers of `--override-manager`. Source: kustomize-controller contract 14.6 (Flux 2.9).
pub fn cleanup_patch(live: &Value, overridden: &[String]) -> Option<Value> {
    let mut patch = Vec::new();
    for (place, keys) in [("annotations", &STALE_ANNOTATIONS[..]), ("labels", &STALE_LABELS[..])] {
        let present = live.pointer(&format!("/metadata/{place}"));
        for key in keys.iter().filter(|key| present.is_some_and(|map| map.get(**key).is_some())) {
            let pointer = key.replace('~', "~0").replace('/', "~1");
            patch.push(json!({"op": "remove", "path": format!("/metadata/{place}/{pointer}")}));
        }
    }
    if let Some(entries) = live.pointer("/metadata/managedFields").and_then(Value::as_array)
        && let Some(folded) = fold(entries, overridden)
    {
        patch.push(json!({"op": "replace", "path": "/metadata/managedFields", "value": folded}));
    }
    (!patch.is_empty()).then_some(Value::Array(patch))
}

/// JSON patch that moves all managed fields of `live` to another version of their API; `None` if they are there.
///
/// Source: kustomize-controller contract 14.5 (Flux 2.9).
pub fn migration_patch(live: &Value, api_version: &str) -> Option<Value> {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array)?;
    if entries.iter().all(|entry| text(entry, "apiVersion") == api_version) {
        return None;
    }
    let moved: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let mut entry = entry.clone();
            if let Some(fields) = entry.as_object_mut() {
                fields.insert("apiVersion".into(), api_version.into());
            }
            entry
        })
        .collect();
    Some(json!([{"op": "replace", "path": "/metadata/managedFields", "value": moved}]))
}

/// When our own fields of an object were last changed by an apply; `None` if we never applied it.
pub fn last_applied(object: &Value) -> Option<jiff::Timestamp> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array)?;
    text(entries.iter().find(|entry| is_own(entry))?, "time").parse().ok()
}

/// The entries with former managers folded into our own; `None` if no entry belongs to one.
fn fold(entries: &[Value], overridden: &[String]) -> Option<Vec<Value>> {
    let (taken, mut kept): (Vec<&Value>, Vec<&Value>) =
        entries.iter().partition(|entry| is_former(entry, overridden));
    let first = *taken.first()?;
    let own = kept.iter().position(|entry| is_own(entry)).map(|position| kept.remove(position));
    let mut merged = own.unwrap_or(first).clone();
    if let Some(merged) = merged.as_object_mut() {
        merged.insert("manager".into(), MANAGER.into());
        merged.insert("operation".into(), "Apply".into());
        let mut fields = merged.get("fieldsV1").cloned().unwrap_or_else(|| json!({}));
        for entry in taken {
            if let Some(more) = entry.get("fieldsV1") {
                unite(&mut fields, more);
            }
        }
        merged.insert("fieldsV1".into(), fields);
    }
    Some(kept.into_iter().cloned().chain([merged]).collect())
}

fn is_own(entry: &Value) -> bool {
    !has_subresource(entry) && text(entry, "manager") == MANAGER && text(entry, "operation") == "Apply"
}

fn is_former(entry: &Value, overridden: &[String]) -> bool {
    if has_subresource(entry) {
        return false;
    }
    let (manager, operation) = (text(entry, "manager"), text(entry, "operation"));
    let former = match operation {
        "Apply" => manager.starts_with("kubectl"),
        "Update" => ["kubectl", "before-first-apply", MANAGER].iter().any(|name| manager.starts_with(name)),
        _ => return false,
    };
    former || overridden.iter().any(|name| manager.starts_with(name.as_str()))
}

fn has_subresource(entry: &Value) -> bool {
    !text(entry, "subresource").is_empty()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Adds to a set in `FieldsV1` form all members of another; both are as deep as the object, which the API server bounds.
fn unite(fields: &mut Value, more: &Value) {
    let Some(more) = more.as_object() else { return };
    if !fields.is_object() {
        *fields = Value::Object(Map::new());
    }
    let Some(fields) = fields.as_object_mut() else { return };
    for (key, below) in more {
        match fields.get_mut(key) {
            Some(own) => unite(own, below),
            None => {
                fields.insert(key.clone(), below.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields})
    }

    fn live(entries: &[Value]) -> Value {
        json!({"metadata": {"managedFields": entries}})
    }

    #[test]
    fn clean_objects_need_no_patch() {
        let own = entry(MANAGER, "Apply", json!({"f:data": {}}));
        let status = json!({"manager": "kubectl-edit", "operation": "Update", "subresource": "status"});
        let foreign = entry("hpa", "Update", json!({}));
        assert_eq!(cleanup_patch(&live(&[own, status, foreign]), &[]), None);
    }

    #[test]
    fn a_kubectl_entry_becomes_our_own() {
        let kubectl = entry("kubectl-client-side-apply", "Update", json!({"f:data": {"f:a": {}}}));
        let foreign = entry("hpa", "Update", json!({}));
        let patch = cleanup_patch(&live(&[kubectl, foreign.clone()]), &[]).unwrap();
        let own = entry(MANAGER, "Apply", json!({"f:data": {"f:a": {}}}));
        assert_eq!(
            patch,
            json!([{"op": "replace", "path": "/metadata/managedFields", "value": [foreign, own]}])
        );
    }

    #[test]
    fn several_entries_are_united_behind_the_rest() {
        let own = entry(MANAGER, "Apply", json!({"f:data": {"f:a": {}}}));
        let edit = entry("kubectl-edit", "Update", json!({"f:data": {"f:b": {}}}));
        let update = entry(MANAGER, "Update", json!({"f:metadata": {"f:labels": {"f:x": {}}}}));
        let helm = entry("helm", "Update", json!({"f:data": {"f:c": {}}}));
        let patch = cleanup_patch(&live(&[own, edit, update, helm]), &["helm".into()]).unwrap();
        let fields =
            json!({"f:data": {"f:a": {}, "f:b": {}, "f:c": {}}, "f:metadata": {"f:labels": {"f:x": {}}}});
        assert_eq!(patch.pointer("/0/value"), Some(&json!([entry(MANAGER, "Apply", fields)])));
    }

    #[test]
    fn entries_of_an_older_version_are_moved() {
        let mut older = entry("hpa", "Update", json!({}));
        older["apiVersion"] = "autoscaling/v1".into();
        let mut newer = older.clone();
        newer["apiVersion"] = "autoscaling/v2".into();
        let patch = migration_patch(&live(&[older, newer.clone()]), "autoscaling/v2").unwrap();
        assert_eq!(patch.pointer("/0/value"), Some(&json!([newer, newer])));
        assert_eq!(migration_patch(&live(&[newer]), "autoscaling/v2"), None);
    }

    #[test]
    fn the_time_is_that_of_our_own_entry() {
        let mut own = entry(MANAGER, "Apply", json!({}));
        own["time"] = "2026-01-02T03:04:05Z".into();
        let mut foreign = entry("hpa", "Update", json!({}));
        foreign["time"] = "2026-01-02T03:04:06Z".into();
        let time = last_applied(&live(&[foreign.clone(), own])).unwrap();
        assert_eq!(time.to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(last_applied(&live(&[foreign])), None);
    }

    #[test]
    fn stale_annotations_and_labels_are_removed() {
        let live = json!({"metadata": {
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "x"},
            "labels": {"fluxcd.io/sync-gc-mark": "x"},
        }});
        assert_eq!(
            cleanup_patch(&live, &[]),
            Some(json!([
                {"op": "remove", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},
                {"op": "remove", "path": "/metadata/labels/fluxcd.io~1sync-gc-mark"},
            ]))
        );
    }
}
