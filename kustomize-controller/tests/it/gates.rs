//! Feature gates that change how a run goes.

use std::time::Duration;

use flux_lab::{Env, ObjectKey};
use serde_json::json;

use crate::world::{World, applied, archive, begins, says, shown};

/// A Deployment that becomes healthy when its node selector goes.
fn stuck(world: &World) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: stuck, namespace: {}}}\nspec:\n  replicas: 1\n  selector: \
         {{matchLabels: {{app: stuck}}}}\n  template:\n    metadata: {{labels: {{app: stuck}}}}\n    spec: {{nodeSelector: \
         {{nowhere: 'true'}}, containers: [{{name: a, image: a}}]}}\n",
        world.namespace()
    )
}

#[tokio::test]
async fn a_newer_revision_may_have_to_wait() {
    let world = World::with(|controller| {
        controller.flag("--feature-gates=CancelHealthCheckOnNewRevision=false,GroupChangeLog=true")
    })
    .await;
    let one = world.publish("app", &[("a.yaml", stuck(&world))]).await;
    let app = world.kustomization("app", json!({"wait": true})).await;
    world.env.eventually(&app, begins("Healthy", "Unknown Progressing: ")).await;
    let two = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    // the newer revision is known, and the wait goes on: a later object is reconciled meanwhile
    let other = world.kustomization("other", json!({})).await;
    world.env.eventually(&other, says("Ready", applied(&two))).await;
    let waiting = world.env.get(&ObjectKey::of(&app).unwrap()).await.unwrap();
    assert!(shown(&waiting, "Healthy").starts_with("Unknown Progressing: "), "{waiting:#}");
    let deployment = world.get("apps/v1", "Deployment", "stuck").await.unwrap();
    world.env.merge(&deployment, json!({"spec": {"template": {"spec": {"nodeSelector": null}}}})).await;
    world.env.eventually(&app, says("Ready", applied(&two))).await;
    let history = world.env.get(&ObjectKey::of(&app).unwrap()).await.unwrap()["status"]["history"].clone();
    assert_eq!(history[1]["metadata"]["revision"], json!(one));
    assert_eq!(history[1]["lastReconciledStatus"], "ReconciliationSucceeded");
    assert!(world.events_about("app").iter().all(|event| event["reason"] != "HealthCheckCanceled"));
    // what was applied is logged by what happened to it
    let log = world.controller.log().unwrap();
    let grouped = format!(r#""output":{{"created":["Deployment/{}/stuck"]}}"#, world.namespace());
    assert!(log.contains(&grouped), "{log}");
}

#[tokio::test]
async fn sources_may_be_read_from_the_api_server() {
    let world = World::with(|controller| controller.flag("--feature-gates=DirectSourceFetch=true")).await;
    let app = world.kustomization("app", json!({})).await;
    let missing = "False ArtifactFailed: gitrepositories.source.toolkit.fluxcd.io \"app\" not found";
    world.env.eventually(&app, says("Ready", missing)).await;
    let mark = world.env.lab().audit_mark().unwrap();
    let revision =
        world.publish_archive("app", &archive(&[("a.yaml", world.config_map("a", "one"))]), json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let entries = world.env.lab().audit_since(mark).unwrap();
    let reads = entries.iter().filter(|entry| {
        entry.resource == "gitrepositories"
            && entry.verb == "get"
            && entry.agent.starts_with("kustomize-controller")
    });
    assert!(reads.count() >= 1);
}

#[tokio::test]
async fn two_thousand_objects_fit_into_a_status() {
    let env = Env::start().await.patience(Duration::from_mins(3));
    let world = World::within(env, |controller| controller).await;
    let many = (0..2000)
        .map(|number| world.config_map(&format!("object-with-a-rather-long-name-{number:04}"), "one"));
    let many = many.collect::<Vec<_>>().join("---\n");
    let revision = world.publish("app", &[("many.yaml", many)]).await;
    let app = world.kustomization("app", json!({"wait": true, "deletionPolicy": "Orphan"})).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&revision))).await;
    assert_eq!(ready["status"]["inventory"]["entries"].as_array().unwrap().len(), 2000);
    assert!(ready["status"].to_string().len() < 1 << 20, "{}", ready["status"].to_string().len());
}
