//! Something newer that comes while a stage or a prune is awaited: the run starts over, and nobody hears of health checks.

use flux_lab::{Condition, ObjectKey};
use serde_json::{Value, json};

use crate::world::{World, applied, says, shown};

fn holds(value: &'static str) -> Condition {
    Condition::new(format!("key = {value}"), move |object: &Value| object["data"]["key"] == value)
}

/// What was told and counted of an object: nothing about health checks, and nothing but successes.
async fn assert_untold(world: &World, app: &Value) {
    let object = world.env.get(&ObjectKey::of(app).unwrap()).await.unwrap();
    let history = object["status"]["history"].as_array().unwrap();
    assert!(history.iter().all(|e| e["lastReconciledStatus"] == "ReconciliationSucceeded"), "{object:#}");
    let told = world.events_about("app");
    assert!(told.iter().all(|event| event["reason"] != "HealthCheckCanceled"), "{told:#?}");
}

/// Keeps what is deleted from going.
fn held() -> Value {
    json!({"metadata": {"finalizers": ["example.com/held"]}})
}

fn released() -> Value {
    json!({"metadata": {"finalizers": null}})
}

#[tokio::test]
async fn a_newer_revision_ends_the_wait_for_a_stage_in_silence() {
    let world = World::new().await;
    let name = format!("{}-ending", world.namespace());
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    world.env.apply(&namespace).await;
    let holder =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "holder", "namespace": name}});
    world.env.apply(&holder).await;
    world.env.merge(&holder, held()).await;
    let key = ObjectKey::of(&namespace).unwrap();
    world.env.api(&key).delete(&name, &kube::api::DeleteParams::background()).await.unwrap();

    let manifest = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    world.publish("app", &[("a.yaml", manifest), ("b.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({"prune": false})).await;
    let waiting = Condition::new("a stage is awaited", |object: &Value| {
        shown(object, "Reconciling").starts_with("True Progressing: Detecting drift ")
    });
    world.env.eventually(&app, waiting).await;
    let two = world.publish("app", &[("b.yaml", world.config_map("a", "two"))]).await;
    let begun = tokio::time::Instant::now();
    world.env.eventually(&app, says("Ready", applied(&two))).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(45), "the stage was awaited to its end");
    assert_untold(&world, &app).await;
    world.env.merge(&holder, released()).await;
}

#[tokio::test]
async fn a_newer_revision_ends_the_wait_for_a_prune_in_silence() {
    let world = World::new().await;
    let source = format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: other, namespace: {}}}\n\
         spec: {{interval: 1h, url: 'https://git.example/other'}}\n",
        world.namespace()
    );
    let one = world.publish("app", &[("a.yaml", source), ("b.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({"timeout": "30m"})).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
    let other = ObjectKey::new("source.toolkit.fluxcd.io/v1", "GitRepository", "other");
    let object = world.env.get(&other).await.unwrap();
    world.env.merge(&object, held()).await;
    world.publish("app", &[("b.yaml", world.config_map("a", "two"))]).await;
    let ending =
        Condition::new("being deleted", |object: &Value| object["metadata"]["deletionTimestamp"].is_string());
    world.env.eventually_key(&other, ending).await;
    // the prune waits for it for half an hour; the next revision does not
    let three = world.publish("app", &[("b.yaml", world.config_map("a", "three"))]).await;
    world.env.eventually_key(&ObjectKey::new("v1", "ConfigMap", "a"), holds("three")).await;
    world.env.merge(&object, released()).await;
    world.env.eventually(&app, says("Ready", applied(&three))).await;
    assert_untold(&world, &app).await;
}
