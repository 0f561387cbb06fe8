//! What a run leaves behind: conditions, status, history, events, metrics.

use serde_json::{Value, json};

use crate::world::{World, applied, begins, condition, handled, says, set_status, shown, text, types};

#[tokio::test]
async fn a_revision_is_applied_and_reported() {
    let world = World::new().await;
    let mut app = crate::world::kustomization("app", json!({}));
    app["metadata"]["annotations"] = json!({"event.toolkit.fluxcd.io/team": "blue"});
    let created = world.env.apply(&app).await;
    assert_eq!(created["status"]["observedGeneration"], -1);
    let metadata = json!({"metadata": {"org.opencontainers.image.revision": "v1@sha1:0"}});
    let archive = crate::world::archive(&[("a.yaml", world.config_map("a", "one"))]);
    let revision = world.publish_archive("app", &archive, metadata).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&revision))).await;

    assert_eq!(types(&ready), ["Ready"]);
    assert_eq!(ready["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));
    let status = &ready["status"];
    assert_eq!(status["observedGeneration"], ready["metadata"]["generation"]);
    assert_eq!(text(status, "lastAppliedRevision"), revision);
    assert_eq!(text(status, "lastAttemptedRevision"), revision);
    assert_eq!(text(status, "lastAppliedOriginRevision"), "v1@sha1:0");
    let id = format!("{}_a__ConfigMap", world.namespace());
    assert_eq!(status["inventory"], json!({"entries": [{"id": id, "v": "v1"}]}));
    let live = world.live_config_map("a").await.unwrap();
    assert_eq!(live["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"], "app");
    assert_eq!(live["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/namespace"], world.namespace());
    let managers = live["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(
        (text(&managers[0], "manager"), text(&managers[0], "operation")),
        ("kustomize-controller", "Apply")
    );

    let event = world.event("app", "ConfigMap/").await;
    assert_eq!(text(&event, "message"), format!("ConfigMap/{}/a created", world.namespace()));
    assert_eq!((text(&event, "severity"), text(&event, "reason")), ("info", "Progressing"));
    assert_eq!(text(&event, "reportingController"), "kustomize-controller");
    let facts = &event["metadata"];
    assert_eq!(text(facts, "kustomize.toolkit.fluxcd.io/revision"), revision);
    assert_eq!(text(facts, "kustomize.toolkit.fluxcd.io/originRevision"), "v1@sha1:0");
    assert_eq!(text(facts, "event.toolkit.fluxcd.io/team"), "blue");
    assert!(facts.get("kustomize.toolkit.fluxcd.io/commit_status").is_none());
    let event = world.event("app", "Reconciliation finished in ").await;
    assert!(text(&event, "message").ends_with(", next run in 1h0m0s"), "{event}");
    assert_eq!(text(&event, "reason"), "ReconciliationSucceeded");
    assert_eq!(event["metadata"]["kustomize.toolkit.fluxcd.io/commit_status"], "update");
    let recorded = world.env.event(&app, "ReconciliationSucceeded").await;
    assert_eq!(recorded.type_.as_deref(), Some("Normal"));

    // a run that changes nothing tells of its end only, and counts in the history
    let told = world.events_about("app").len();
    let again = world.reconcile(&app, "again").await;
    let history = &again["status"]["history"];
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(history[0]["totalReconciliations"], 2);
    assert_eq!(text(&history[0], "lastReconciledStatus"), "ReconciliationSucceeded");
    assert!(text(&history[0], "digest").starts_with("sha256:"));
    assert_eq!(history[0]["metadata"], json!({"revision": revision, "originRevision": "v1@sha1:0"}));
    let finished = |event: &Value| text(event, "message").starts_with("Reconciliation finished in ");
    let received = world.events.requests();
    received.more_than(told).await;
    assert!(received.after(told).iter().all(|request| finished(&request.json())));

    // an artifact that was not made from another one empties the origin
    let next = world.publish("app", &[("a.yaml", world.config_map("a", "two"))]).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&next))).await;
    assert!(ready["status"].get("lastAppliedOriginRevision").is_none());
    let series = format!(r#"kind="Kustomization",name="app",namespace="{}""#, world.namespace());
    let counted = format!("gotk_reconcile_duration_seconds_count{{{series}}}");
    let metrics = world.controller.metrics_with(&counted).await.unwrap();
    assert_eq!(metrics.matches("gotk_reconcile_duration_seconds_bucket").count(), 11);
    assert!(!metrics.contains("gotk_reconcile_condition{") && !metrics.contains("gotk_token_cached_items "));
    world.env.delete(&app).await;
    assert!(!world.controller.metrics().await.unwrap().contains(&series));
}

#[tokio::test]
async fn a_failure_says_why_and_keeps_the_step() {
    let world = World::new().await;
    let good = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({"retryInterval": "1s"})).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&good))).await;
    world.env.merge(&app, json!({"spec": {"retryInterval": "2h"}})).await;
    world.env.eventually(&app, flux_lab::is_ready()).await;

    // the build fails: no history, and observedGeneration stays behind a new generation
    let broken = world.publish("app", &[("a.yaml", "a: [".to_owned())]).await;
    let failed = world.env.eventually(&app, begins("Ready", "False BuildFailed: ")).await;
    assert!(shown(&failed, "Ready").contains("a.yaml"), "{failed:#}");
    let step = format!(
        "True ProgressingWithRetry: Building manifests for revision {broken} with a timeout of 59m30s"
    );
    assert_eq!(shown(&failed, "Reconciling"), step);
    assert_eq!(types(&failed), ["Reconciling", "Ready"]);
    assert_eq!(failed["status"]["history"].as_array().unwrap().len(), 1);
    assert_eq!(text(&failed["status"], "lastAttemptedRevision"), broken);
    assert_eq!(text(&failed["status"], "lastAppliedRevision"), good);
    assert_eq!(failed["status"]["inventory"], ready["status"]["inventory"]);
    world.env.merge(&app, json!({"spec": {"interval": "2h"}})).await;
    let newer = world.env.eventually(&app, begins("Reconciling", step.replace("59m30s", "1h59m30s"))).await;
    assert_ne!(newer["status"]["observedGeneration"], newer["metadata"]["generation"]);
    let event = world.event("app", "failed to decode Kubernetes YAML").await;
    assert_eq!((text(&event, "severity"), text(&event, "reason")), ("error", "BuildFailed"));
    assert_eq!(text(&event["metadata"], "kustomize.toolkit.fluxcd.io/revision"), broken);

    // an apply that is refused counts in the history
    let invalid = world.config_map("a", "one").replace("key:", "'not a key!':");
    world.publish("app", &[("a.yaml", invalid)]).await;
    let failed = world.env.eventually(&app, begins("Ready", "False ReconciliationFailed: ")).await;
    let history = failed["status"]["history"].as_array().unwrap();
    let shown: Vec<_> = history.iter().map(|entry| text(entry, "lastReconciledStatus")).collect();
    assert_eq!(shown, ["ReconciliationFailed", "ReconciliationSucceeded"]);

    // and the retry interval brings the next try without anyone's doing
    world.env.merge(&app, json!({"spec": {"retryInterval": "1s"}})).await;
    let retried = flux_lab::Condition::new("tried three times", |object| {
        object["status"]["history"][0]["totalReconciliations"].as_i64() >= Some(3)
    });
    world.env.eventually(&app, retried).await;
}

#[tokio::test]
async fn a_suspended_object_answers_requests_and_does_nothing_else() {
    let world = World::new().await;
    let first = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&first))).await;
    world.event("app", "Reconciliation finished in ").await;
    world.env.merge(&app, json!({"spec": {"suspend": true}})).await;
    let before = world.env.eventually(&app, says("Ready", applied(&first))).await;
    let told = world.events_about("app").len();
    world.publish("app", &[("a.yaml", world.config_map("a", "two"))]).await;
    let after = world.reconcile(&app, "asked").await;
    assert_eq!(after["status"]["conditions"], before["status"]["conditions"]);
    assert_eq!(world.live_config_map("a").await.unwrap()["data"]["key"], "one");
    assert_eq!(world.events_about("app").len(), told);
    // a status written by others is nobody's business
    let foreign = json!({
        "type": "Foreign", "status": "True", "reason": "X", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    });
    let mut conditions = after["status"]["conditions"].as_array().unwrap().clone();
    conditions.push(foreign);
    set_status(&world.env, &app, json!({"conditions": conditions})).await;
    world.env.merge(&app, json!({"spec": {"suspend": false}})).await;
    let resumed = flux_lab::Condition::new("two", |object| object["data"]["key"] == "two");
    world.env.eventually_key(&flux_lab::ObjectKey::new("v1", "ConfigMap", "a"), resumed).await;
    let ready = world.env.eventually(&app, flux_lab::is_ready()).await;
    assert!(condition(&ready, "Foreign").is_some());
    assert_eq!(types(&ready), ["Ready", "Foreign"]);
}

#[tokio::test]
async fn progress_shows_when_a_step_lasts() {
    let world = World::new().await;
    let slow = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: slow\n  namespace: NAMESPACE\nspec:\n  replicas: 1\n  \
                selector: {matchLabels: {app: slow}}\n  template:\n    metadata: {labels: {app: slow}}\n    spec:\n      \
                nodeSelector: {nowhere: 'true'}\n      containers: [{name: a, image: a}]\n"
        .replace("NAMESPACE", world.namespace());
    let revision = world.publish("app", &[("a.yaml", slow)]).await;
    let app = world.kustomization("app", json!({"wait": true, "interval": "10m"})).await;
    let message = format!("Running health checks for revision {revision} with a timeout of 9m30s");
    let waiting =
        world.env.eventually(&app, says("Reconciling", format!("True Progressing: {message}"))).await;
    assert_eq!(shown(&waiting, "Ready"), "Unknown Progressing: Reconciliation in progress");
    assert_eq!(shown(&waiting, "Healthy"), format!("Unknown Progressing: {message}"));
    assert_eq!(types(&waiting), ["Reconciling", "Ready", "Healthy"]);
    // a request is answered at the end of the run that it sets off
    world.ask(&app, "token").await;
    let cancelled = "False HealthCheckCanceled: New reconciliation triggered by Kustomization/";
    let event = world
        .event("app", "Health checks canceled due to new reconciliation triggered by Kustomization/")
        .await;
    assert_eq!(text(&event, "reason"), cancelled.split_once(' ').unwrap().1.split_once(':').unwrap().0);
    world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    world.event("app", "Health checks canceled due to new reconciliation triggered by GitRepository/").await;
    let ready = world.env.eventually(&app, handled("token")).await;
    assert_eq!(text(&ready["status"], "lastHandledReconcileAt"), "token");
    world.env.eventually(&app, flux_lab::is_ready()).await;
    assert!(world.get("apps/v1", "Deployment", "slow").await.is_none());
}

#[tokio::test]
async fn long_messages_are_cut() {
    let world = World::new().await;
    let app = world
        .kustomization("app", json!({"components": ["https://x/".to_owned() + &"y".repeat(40_000)]}))
        .await;
    world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let failed =
        world.env.eventually(&app, begins("Ready", "False BuildFailed: component path 'https://x/yyy")).await;
    let message = text(condition(&failed, "Ready").unwrap(), "message");
    assert_eq!(message.len(), 32_768);
    assert!(message.ends_with("y..."));
}
