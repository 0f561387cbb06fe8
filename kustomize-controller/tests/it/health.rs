//! Waiting until what was applied is healthy. How each kind is judged is tested with the library.

use flux_lab::has_condition;
use serde_json::json;

use crate::world::{World, applied, begins, says, shown, text};

fn deployment(world: &World, name: &str, selector: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {}}}\nspec:\n  replicas: 1\n  selector: \
         {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{nodeSelector: \
         {{{selector}}}, containers: [{{name: a, image: a}}]}}\n",
        world.namespace()
    )
}

#[tokio::test]
async fn a_revision_is_ready_when_its_objects_are() {
    let world = World::new().await;
    let files = [("a.yaml", deployment(&world, "web", "")), ("b.yaml", world.config_map("b", "one"))];
    let one = world.publish("app", &files).await;
    let app = world.kustomization("app", json!({"wait": true})).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&one))).await;
    assert!(shown(&ready, "Healthy").starts_with("True Succeeded: Health check passed in "), "{ready:#}");
    let web = world.get("apps/v1", "Deployment", "web").await.unwrap();
    assert_eq!(web["status"]["availableReplicas"], 1);
    world.event("app", "Health check passed in ").await;
    // no news on a run that changes nothing
    world.reconcile(&app, "again").await;
    world.event("app", "Reconciliation finished in ").await;
    let passed = |events: Vec<serde_json::Value>| {
        events.iter().filter(|event| text(event, "message").starts_with("Health check passed")).count()
    };
    assert_eq!(passed(world.events_about("app")), 1);
    // neither wait nor checks: no condition
    world.env.merge(&app, json!({"spec": {"wait": false}})).await;
    let ready = world.env.eventually(&app, flux_lab::is_ready()).await;
    assert_eq!(shown(&ready, "Healthy"), "");
}

#[tokio::test]
async fn named_objects_are_checked_whoever_made_them() {
    let world = World::new().await;
    let one = world.publish("app", &[("a.yaml", deployment(&world, "stuck", "nowhere: 'true'"))]).await;
    let check = json!({"kind": "Deployment", "name": "theirs", "namespace": world.namespace()});
    let itself = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "name": "app",
        "namespace": world.namespace(),
    });
    let app = world.kustomization("app", json!({"healthChecks": [check, itself]})).await;
    let waiting =
        format!("Unknown Progressing: Running health checks for revision {one} with a timeout of 59m30s");
    world.env.eventually(&app, says("Healthy", waiting)).await;
    let theirs = deployment(&world, "theirs", "");
    world.env.apply_yaml(&theirs).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
}

#[tokio::test]
async fn a_failed_object_ends_the_wait() {
    let world = World::new().await;
    let job = |name: &str, deadline: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, namespace: {}}}\nspec: {{{deadline}backoffLimit: 0, template: \
             {{spec: {{nodeSelector: {{nowhere: 'true'}}, restartPolicy: Never, containers: [{{name: a, image: a}}]}}}}}}\n",
            world.namespace()
        )
    };
    let files = [
        ("a.yaml", job("fails", "activeDeadlineSeconds: 1, ")),
        ("b.yaml", deployment(&world, "stuck", "nowhere: 'true'")),
    ];
    world.publish("app", &files).await;
    let app = world.kustomization("app", json!({"wait": true})).await;
    let failed = world.env.eventually(&app, has_condition("Ready", "False", "HealthCheckFailed")).await;
    let cause =
        format!("failed early due to stalled resources: [Job/{}/fails status: 'Failed']", world.namespace());
    assert_eq!(shown(&failed, "Healthy"), format!("False HealthCheckFailed: {cause}"));
    let ready = shown(&failed, "Ready");
    assert!(
        ready.starts_with("False HealthCheckFailed: health check failed after ") && ready.ends_with(&cause),
        "{ready}"
    );
    assert_eq!(failed["status"]["history"][0]["lastReconciledStatus"], "HealthCheckFailed");
    assert_eq!(failed["status"]["inventory"]["entries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn without_fail_fast_the_others_are_awaited() {
    let world =
        World::with(|controller| controller.flag("--feature-gates=DisableFailFastBehavior=true")).await;
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: fails, namespace: {}}}\nspec: {{activeDeadlineSeconds: 1, backoffLimit: \
         0, template: {{spec: {{nodeSelector: {{nowhere: 'true'}}, restartPolicy: Never, containers: [{{name: a, image: \
         a}}]}}}}}}\n",
        world.namespace()
    );
    world
        .publish("app", &[("a.yaml", job), ("b.yaml", deployment(&world, "later", "nowhere: 'true'"))])
        .await;
    let app = world.kustomization("app", json!({"wait": true})).await;
    let failed_job = flux_lab::Condition::new("failed", |object| {
        let conditions = object["status"]["conditions"].as_array();
        conditions.into_iter().flatten().any(|condition| condition["type"] == "Failed")
    });
    world.env.eventually_key(&flux_lab::ObjectKey::new("batch/v1", "Job", "fails"), failed_job).await;
    let waiting = world.env.get(&flux_lab::ObjectKey::of(&app).unwrap()).await.unwrap();
    assert!(shown(&waiting, "Healthy").starts_with("Unknown Progressing"), "{waiting:#}");
    let later = world.get("apps/v1", "Deployment", "later").await.unwrap();
    world.env.merge(&later, json!({"spec": {"template": {"spec": {"nodeSelector": null}}}})).await;
    world
        .env
        .eventually(
            &app,
            begins("Healthy", "False HealthCheckFailed: failed early due to stalled resources: [Job/"),
        )
        .await;
}

#[tokio::test]
async fn failed_pods_of_a_stateful_set_end_the_wait() {
    let world = World::new().await;
    let set = format!(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: db, namespace: {}}}\nspec:\n  serviceName: db\n  replicas: 1\n  \
         selector: {{matchLabels: {{app: db}}}}\n  template:\n    metadata: {{labels: {{app: db}}}}\n    spec: {{schedulerName: \
         nobody, containers: [{{name: a, image: a}}]}}\n",
        world.namespace()
    );
    world.publish("app", &[("a.yaml", set)]).await;
    let app = world.kustomization("app", json!({"wait": true})).await;
    let pod = flux_lab::ObjectKey::new("v1", "Pod", "db-0");
    let object = world.env.eventually_key(&pod, flux_lab::Condition::new("there", |_| true)).await;
    let crash = json!({"phase": "Running", "containerStatuses": [{
        "name": "a", "image": "a", "imageID": "", "ready": false, "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    }]});
    crate::world::set_status(&world.env, &object, crash).await;
    let cause = format!(
        "False HealthCheckFailed: failed early due to stalled resources: [StatefulSet/{}/db status: 'Failed']",
        world.namespace()
    );
    world.env.eventually(&app, says("Healthy", cause)).await;
}

#[tokio::test]
async fn a_job_that_deletes_itself_counts_as_passed() {
    let world = World::new().await;
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: once, namespace: {}}}\nspec: {{ttlSecondsAfterFinished: 0, template: \
         {{spec: {{restartPolicy: Never, containers: [{{name: a, image: a}}]}}}}}}\n",
        world.namespace()
    );
    let one = world.publish("app", &[("a.yaml", job)]).await;
    let app = world.kustomization("app", json!({"wait": true})).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
}

#[tokio::test]
async fn a_time_out_names_everything_that_is_not_there() {
    let world = World::new().await;
    world.publish("app", &[("a.yaml", deployment(&world, "stuck", "nowhere: 'true'"))]).await;
    let absent = json!({"kind": "Deployment", "name": "absent", "namespace": world.namespace()});
    let stuck = json!({"kind": "Deployment", "name": "stuck", "namespace": world.namespace()});
    let app = world.kustomization("app", json!({"healthChecks": [absent, stuck], "timeout": "1s"})).await;
    let failed = world.env.eventually(&app, has_condition("Ready", "False", "HealthCheckFailed")).await;
    let namespace = world.namespace();
    let cause = format!(
        "False HealthCheckFailed: timeout waiting for: [Deployment/{namespace}/absent status: 'NotFound', \
         Deployment/{namespace}/stuck status: 'InProgress']"
    );
    assert_eq!(shown(&failed, "Healthy"), cause);
    // the floor of thirty seconds
    assert!(
        shown(&failed, "Ready").starts_with("False HealthCheckFailed: health check failed after 30"),
        "{failed:#}"
    );
}
