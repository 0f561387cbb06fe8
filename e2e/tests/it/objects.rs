//! The objects that tests of few objects deliver.

use serde_json::{Value, json};

/// A GitRepository that is looked at every two seconds, and waits as long for its server.
pub(crate) fn git_repository(url: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "app"},
        "spec": {"interval": "2s", "timeout": "2s", "url": url, "ref": {"branch": "main"}},
    })
}

/// A Kustomization of that source, whose spec has these fields besides or instead.
pub(crate) fn kustomization(name: &str, fields: Value) -> Value {
    let mut object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name},
        "spec": {
            "interval": "1h", "retryInterval": "1s", "timeout": "30s", "prune": true, "path": name,
            "sourceRef": {"kind": "GitRepository", "name": "app"},
        },
    });
    if let (Some(spec), Some(fields)) = (object["spec"].as_object_mut(), fields.as_object()) {
        spec.extend(fields.clone());
    }
    object
}

/// A ConfigMap as YAML.
pub(crate) fn config_map(namespace: &str, text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map, namespace: {namespace}}}\ndata: {{text: {text}}}\n"
    )
}

/// The message of the condition Ready.
pub(crate) fn ready_message(object: &Value) -> String {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.filter(|condition| condition["type"] == "Ready");
    ready.filter_map(|condition| condition["message"].as_str()).collect()
}
