//! What becomes of objects that are no longer wanted.

use std::time::Duration;

use flux_lab::{Condition, Env, ObjectKey, gone, has_condition};
use serde_json::{Value, json};

use crate::world::{World, applied, says, set_status, text};

#[tokio::test]
async fn stale_objects_are_deleted_unless_they_are_kept_or_foreign() {
    let world = World::new().await;
    let names = ["gone", "kept", "foreign", "missing", "stays"];
    let files: Vec<(String, String)> =
        names.iter().map(|name| (format!("{name}.yaml"), world.config_map(name, "one"))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let one = world.publish("app", &files).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
    let object = async |name: &str| world.live_config_map(name).await.unwrap();
    let keep = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/prune": "Disabled"}}});
    world.env.merge(&object("kept").await, keep).await;
    let other = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "other"}}});
    world.env.merge(&object("foreign").await, other).await;
    world.env.delete(&object("missing").await).await;
    let two = world.publish("app", &[("stays.yaml", world.config_map("stays", "one"))]).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&two))).await;
    let id = |name: &str| json!({"id": format!("{}_{name}__ConfigMap", world.namespace()), "v": "v1"});
    assert_eq!(ready["status"]["inventory"]["entries"], json!([id("stays")]));
    let line = |name: &str, what: &str| format!("ConfigMap/{}/{name} {what}", world.namespace());
    let event = world.event("app", &line("missing", "deleted")).await;
    let lines = [
        line("missing", "deleted"),
        line("kept", "skipped"),
        line("gone", "deleted"),
        line("foreign", "skipped"),
    ];
    assert_eq!(text(&event, "message"), lines.join("\n"));
    assert!(world.live_config_map("gone").await.is_none());
    assert!(
        world.live_config_map("kept").await.is_some() && world.live_config_map("foreign").await.is_some()
    );

    // without prune, what is no longer there is forgotten
    world.env.merge(&app, json!({"spec": {"prune": false}})).await;
    let three = world.publish("app", &[("new.yaml", world.config_map("new", "one"))]).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&three))).await;
    assert_eq!(ready["status"]["inventory"]["entries"], json!([id("new")]));
    assert!(world.live_config_map("stays").await.is_some());
}

#[tokio::test]
async fn a_refused_deletion_is_tried_again() {
    let world = World::new().await;
    let policy = format!("{}-keep", world.namespace());
    let admission = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": policy},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["configmaps"],
            }]},
            "validations": [{"expression": "oldObject.metadata.name != 'locked'", "message": "it is locked"}],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": policy},
        "spec": {
            "policyName": policy, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {
                "kubernetes.io/metadata.name": world.namespace(),
            }}},
        },
    });
    world.env.apply(&admission).await;
    world.env.apply(&binding).await;
    let files = [("a.yaml", world.config_map("locked", "one")), ("b.yaml", world.config_map("free", "one"))];
    let one = world.publish("app", &files).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
    refuses_deletion(&world, "locked").await;
    let two = world.publish("app", &[("c.yaml", world.config_map("new", "one"))]).await;
    let failed = world.env.eventually(&app, has_condition("Ready", "False", "PruneFailed")).await;
    let message = text(crate::world::condition(&failed, "Ready").unwrap(), "message");
    let start = format!("delete failed, errors: ConfigMap/{}/locked delete failed: ", world.namespace());
    assert!(message.starts_with(&start) && message.ends_with(';'), "{message}");
    let ids = failed["status"]["inventory"]["entries"].to_string();
    assert!(ids.contains("_locked__") && ids.contains("_new__") && !ids.contains("_free__"), "{ids}");
    assert_eq!(failed["status"]["history"][0]["lastReconciledStatus"], "PruneFailed");
    world.env.delete(&binding).await;
    world.env.delete(&admission).await;
    accepts_deletion(&world, "locked").await;
    world.ask(&app, "unlocked").await;
    world.env.eventually(&app, says("Ready", applied(&two))).await;
    world.env.eventually_key(&ObjectKey::new("v1", "ConfigMap", "locked"), gone()).await;
}

/// Waits until the API server has taken the policy up.
async fn refuses_deletion(world: &World, name: &str) {
    while try_deletion(world, name).await {
        tokio::task::yield_now().await;
    }
}

async fn accepts_deletion(world: &World, name: &str) {
    while !try_deletion(world, name).await {
        tokio::task::yield_now().await;
    }
}

async fn try_deletion(world: &World, name: &str) -> bool {
    let parameters = kube::api::DeleteParams { dry_run: true, ..kube::api::DeleteParams::default() };
    world.env.api(&ObjectKey::new("v1", "ConfigMap", name)).delete(name, &parameters).await.is_ok()
}

#[tokio::test]
async fn deletion_follows_policy_prune_and_suspend() {
    let world = World::new().await;
    let cases = [
        ("mirror", json!({}), false),
        ("mirror-off", json!({"prune": false}), true),
        ("delete", json!({"prune": false, "deletionPolicy": "Delete"}), false),
        ("orphan", json!({"deletionPolicy": "Orphan"}), true),
        ("suspended", json!({}), true),
    ];
    let files: Vec<(String, String)> =
        cases.iter().map(|(name, ..)| (format!("{name}/a.yaml"), world.config_map(name, "one"))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let revision = world.publish("app", &files).await;
    for (name, spec, stays) in cases {
        let mut spec = spec;
        spec["path"] = json!(format!("./{name}"));
        let app = world.kustomization(name, spec).await;
        world.env.eventually(&app, says("Ready", applied(&revision))).await;
        if name == "suspended" {
            world.env.merge(&app, json!({"spec": {"suspend": true}})).await;
        }
        world.env.delete(&app).await;
        assert_eq!(world.live_config_map(name).await.is_some(), stays, "{name}");
    }
    let event = world.event("mirror", "ConfigMap/").await;
    assert_eq!(text(&event, "message"), format!("ConfigMap/{}/mirror created", world.namespace()));
    let deleted = format!("ConfigMap/{}/mirror deleted", world.namespace());
    let event = world.event("mirror", &deleted).await;
    assert_eq!(text(&event["metadata"], "kustomize.toolkit.fluxcd.io/revision"), revision);
}

#[tokio::test]
async fn the_end_of_objects_is_awaited_where_the_policy_says_so() {
    let world = World::new().await;
    let held = world.config_map("held", "one").replace("\ndata:", "\n  finalizers: [example.io/hold]\ndata:");
    let revision = world.publish("app", &[("a.yaml", held)]).await;
    let app = world.kustomization("app", json!({"deletionPolicy": "WaitForTermination"})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let key = ObjectKey::of(&app).unwrap();
    world.env.api(&key).delete("app", &kube::api::DeleteParams::default()).await.unwrap();
    let ending =
        Condition::new("being deleted", |object| object["metadata"].get("deletionTimestamp").is_some());
    world.env.eventually_key(&ObjectKey::new("v1", "ConfigMap", "held"), ending).await;
    world.event("app", &format!("ConfigMap/{}/held deleted", world.namespace())).await;
    assert!(world.env.get(&key).await.is_some());
    let object = world.live_config_map("held").await.unwrap();
    world.env.merge(&object, json!({"metadata": {"finalizers": null}})).await;
    world.env.eventually_key(&key, gone()).await;
}

#[tokio::test]
async fn a_deletion_waits_no_longer_than_the_timeout() {
    let env = Env::start().await.patience(Duration::from_mins(2));
    let world = World::within(env, |controller| controller).await;
    let held = world.config_map("held", "one").replace("\ndata:", "\n  finalizers: [example.io/hold]\ndata:");
    let revision = world.publish("app", &[("a.yaml", held)]).await;
    // the shortest that there is
    let spec = json!({"deletionPolicy": "WaitForTermination", "timeout": "30s"});
    let app = world.kustomization("app", spec).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let key = ObjectKey::of(&app).unwrap();
    let begun = tokio::time::Instant::now();
    world.env.api(&key).delete("app", &kube::api::DeleteParams::default()).await.unwrap();
    world.env.eventually_key(&key, gone()).await;
    assert!(begun.elapsed() >= Duration::from_secs(30), "{:?}", begun.elapsed());
    let event = world.event("app", "failed to wait for resources termination").await;
    assert_eq!(text(&event, "severity"), "error");
    let object = world.live_config_map("held").await.unwrap();
    world.env.merge(&object, json!({"metadata": {"finalizers": null}})).await;
}

#[tokio::test]
async fn without_its_account_a_deletion_leaves_the_objects() {
    let world = World::new().await;
    world.env.account("deployer").await;
    world.env.grant_here("deployer", "admin").await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({"serviceAccountName": "deployer"})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    world
        .env
        .delete(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "deployer"}}))
        .await;
    world.env.delete(&app).await;
    let event = world.event("app", "unable to prune objects: ").await;
    let message = format!("unable to prune objects: \nConfigMap/{}/a", world.namespace());
    assert_eq!((text(&event, "severity"), text(&event, "message")), ("error", message.as_str()));
    assert!(world.live_config_map("a").await.is_some());
}

#[tokio::test]
async fn flux_objects_end_before_the_accounts_that_they_need() {
    let world = World::new().await;
    let namespace = world.namespace().to_owned();
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: deployer, namespace: {namespace}}}\n---\napiVersion: \
         rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: deployer, namespace: {namespace}}}\nroleRef: \
         {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}}\nsubjects: [{{kind: ServiceAccount, name: \
         deployer, namespace: {namespace}}}]\n"
    );
    let inner = format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: inner, namespace: \
         {namespace}}}\nspec: {{interval: 1h, prune: true, path: ./inner, deletionPolicy: WaitForTermination, \
         serviceAccountName: deployer, sourceRef: {{kind: GitRepository, name: app}}}}\n"
    );
    let held = world.config_map("held", "one").replace("\ndata:", "\n  finalizers: [example.io/hold]\ndata:");
    let files = [
        ("outer/account.yaml", account),
        ("outer/inner.yaml", inner),
        ("inner/a.yaml", held),
        ("none/a.yaml", world.config_map("none", "one")),
    ];
    let revision = world.publish("app", &files).await;
    let outer = world.kustomization("outer", json!({"path": "./outer", "wait": true})).await;
    world.env.eventually(&outer, says("Ready", applied(&revision))).await;
    world.env.merge(&outer, json!({"spec": {"path": "./none", "wait": false}})).await;
    // the inner one ends as slowly as what it made, and keeps its account until then
    world.event("inner", &format!("ConfigMap/{namespace}/held deleted")).await;
    assert!(world.get("v1", "ServiceAccount", "deployer").await.is_some());
    let held = world.live_config_map("held").await.unwrap();
    world.env.merge(&held, json!({"metadata": {"finalizers": null}})).await;
    world.env.eventually_key(&ObjectKey::new("v1", "ServiceAccount", "deployer"), gone()).await;
    world.env.eventually(&outer, flux_lab::is_ready()).await;
    assert!(world.live_config_map("held").await.is_none());
    let errors = world.events_about("inner");
    assert!(errors.iter().all(|event| event["severity"] == "info"), "{errors:#?}");
}

#[tokio::test]
async fn ids_of_the_inventory_are_those_of_flux() {
    let world = World::new().await;
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: 'NAME:reader'}\nrules: []\n"
        .replace("NAME", world.namespace());
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: j, namespace: {}}}\nspec: {{suspend: true, template: {{spec: \
         {{restartPolicy: Never, containers: [{{name: a, image: a}}]}}}}}}\n",
        world.namespace()
    );
    let one = world.publish("app", &[("a.yaml", role), ("b.yaml", job)]).await;
    let app = world.kustomization("app", json!({})).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&one))).await;
    let entries = json!([
        {"id": format!("_{}__reader_rbac.authorization.k8s.io_ClusterRole", world.namespace()), "v": "v1"},
        {"id": format!("{}_j_batch_Job", world.namespace()), "v": "v1"},
    ]);
    assert_eq!(ready["status"]["inventory"]["entries"], entries);
    // an id that cannot be read stops a run, and no deletion
    let mut broken = ready["status"]["inventory"]["entries"].as_array().unwrap().clone();
    broken.push(json!({"id": "broken", "v": "v1"}));
    set_status(&world.env, &app, json!({"inventory": {"entries": broken}})).await;
    world.ask(&app, "broken").await;
    let unreadable = "False ReconciliationFailed: unable to parse stored object metadata: broken";
    world.env.eventually(&app, says("Ready", unreadable)).await;
    world.env.delete(&app).await;
    let name = format!("{}:reader", world.namespace());
    let role: Option<Value> =
        world.env.get(&ObjectKey::new("rbac.authorization.k8s.io/v1", "ClusterRole", &name)).await;
    assert!(role.is_none());
}
