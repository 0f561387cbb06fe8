//! What makes an unchanged object worth another look: what decides about it has changed.

use flux_lab::{Condition, ObjectKey};
use serde_json::{Value, json};

use crate::world::{World, applied, begins, says, text};

const INTERVAL: &str = "5s";

/// Runs so far with what was built, as the history counts them.
fn runs(object: &Value) -> i64 {
    let history = object["status"]["history"].as_array();
    history.into_iter().flatten().filter_map(|entry| entry["totalReconciliations"].as_i64()).sum()
}

/// At least one run more has trusted what it knows, and the next few would as well.
async fn trusting(world: &World, app: &Value) -> i64 {
    let more = Condition::new("looked at again", |object: &Value| runs(object) >= 2);
    runs(&world.env.eventually(app, more).await)
}

/// A configuration that counts in the test's namespace only.
fn in_namespace(world: &World) -> Value {
    json!({"matchLabels": {"kubernetes.io/metadata.name": world.namespace()}})
}

#[tokio::test]
async fn what_a_new_policy_changes_is_applied_at_the_next_interval() {
    let world = World::new().await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({"interval": INTERVAL})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let before = trusting(&world, &app).await;
    let name = format!("{}-label", world.namespace());
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail", "reinvocationPolicy": "Never",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                "resources": ["configmaps"],
            }]},
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {
                "expression": "Object{metadata: Object.metadata{labels: {\"policy\": \"new\"}}}",
            }}],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "matchResources": {"namespaceSelector": in_namespace(&world)}},
    });
    world.env.apply(&policy).await;
    world.env.apply(&binding).await;
    let labelled =
        Condition::new("labelled", |object: &Value| object["metadata"]["labels"]["policy"] == "new");
    world.env.eventually_key(&ObjectKey::new("v1", "ConfigMap", "a"), labelled).await;
    let after = runs(&world.env.get(&ObjectKey::of(&app).unwrap()).await.unwrap());
    // the server itself takes a moment to heed a policy
    assert!(after - before <= 3, "{} runs", after - before);
    world.env.delete(&binding).await;
    world.env.delete(&policy).await;
}

#[tokio::test]
async fn a_new_webhook_that_refuses_an_object_is_noticed_at_the_next_interval() {
    let world = World::new().await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({"interval": INTERVAL})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let before = trusting(&world, &app).await;
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": format!("{}-hook", world.namespace())},
        "webhooks": [{
            "name": "hook.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": "Fail", "timeoutSeconds": 1, "namespaceSelector": in_namespace(&world),
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["configmaps"],
            }],
        }],
    });
    world.env.apply(&webhook).await;
    let subject = format!("ConfigMap/{}/a dry-run failed (InternalError): ", world.namespace());
    let refused = begins("Ready", format!("False ReconciliationFailed: {subject}"));
    let failed = world.env.eventually(&app, refused).await;
    assert!(runs(&failed) - before <= 3, "{} runs", runs(&failed) - before);
    world.env.delete(&webhook).await;
}

#[tokio::test]
async fn a_new_definition_that_refuses_an_object_is_noticed_at_the_next_interval() {
    let world = World::new().await;
    let group = format!("{}.example.com", world.namespace());
    let definition = |field: &str| {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("things.{group}")},
            "spec": {
                "group": group, "scope": "Namespaced",
                "names": {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": {"type": "object", "properties": {field: {"type": "integer"}}}},
                }}}],
            },
        })
    };
    world.env.apply(&definition("size")).await;
    let thing = format!(
        "apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: a, namespace: {}}}\nspec: {{size: 5}}\n",
        world.namespace()
    );
    let revision = world.publish("app", &[("a.yaml", thing)]).await;
    let app = world.kustomization("app", json!({"interval": INTERVAL, "retryInterval": "1s"})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let before = trusting(&world, &app).await;
    world.env.apply(&definition("length")).await;
    let failed = flux_lab::has_condition("Ready", "False", "ReconciliationFailed");
    let failed = world.env.eventually(&app, failed).await;
    let message = text(crate::world::condition(&failed, "Ready").unwrap(), "message");
    assert!(
        message.contains("/a dry-run failed") && message.contains("field not declared in schema"),
        "{message}"
    );
    assert!(runs(&failed) - before <= 3, "{} runs", runs(&failed) - before);
}
