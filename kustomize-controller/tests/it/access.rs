//! Acting as accounts, and what these may not do.

use flux_lab::{AuditEntry, Env, has_condition};
use serde_json::{Value, json};

use crate::world::{World, applied, begins, says, shown, text};

fn tenant(namespace: &str, account: &str) -> String {
    format!("system:serviceaccount:{namespace}:{account}")
}

/// Requests about an object of the test's namespace.
fn about<'a>(entries: &'a [AuditEntry], world: &World, name: &str) -> Vec<&'a AuditEntry> {
    entries.iter().filter(|entry| entry.namespace == world.namespace() && entry.name == name).collect()
}

#[tokio::test]
async fn objects_are_touched_as_the_account_only() {
    let world = World::with(|controller| controller.flag("--default-service-account=fallback")).await;
    for account in ["fallback", "named"] {
        world.env.account(account).await;
        world.env.grant_here(account, "admin").await;
    }
    world
        .env
        .apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vars"}, "data": {"v": "one"}}))
        .await;
    let mark = world.env.lab().audit_mark().unwrap();
    let spec = |name: &str| {
        json!({
            "path": format!("./{name}"), "wait": true,
            "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]},
        })
    };
    let mut named = spec("b");
    named["serviceAccountName"] = json!("named");
    let (one, two) = (world.kustomization("one", spec("a")).await, world.kustomization("two", named).await);
    let files = [("a/a.yaml", world.config_map("a", "${v}")), ("b/b.yaml", world.config_map("b", "${v}"))];
    let revision = world.publish("app", &files).await;
    for object in [&one, &two] {
        world.env.eventually(object, says("Ready", applied(&revision))).await;
    }
    world.reconcile(&two, "again").await;
    world.env.delete(&two).await;
    assert!(world.live_config_map("b").await.is_none());
    let entries = world.env.lab().audit_since(mark).unwrap();
    for (object, account) in [("a", "fallback"), ("b", "named")] {
        let user = tenant(world.namespace(), account);
        let requests: Vec<_> = about(&entries, &world, object);
        let requests: Vec<_> =
            requests.into_iter().filter(|entry| entry.agent.starts_with("kustomize-controller")).collect();
        assert!(requests.len() >= 2, "{requests:?}");
        assert!(requests.iter().all(|entry| entry.impersonated.as_deref() == Some(&user)), "{requests:?}");
    }
    // variables are the controller's to read
    let reads = about(&entries, &world, "vars");
    assert!(!reads.is_empty() && reads.iter().all(|entry| entry.impersonated.is_none()), "{reads:?}");
}

#[tokio::test]
async fn a_tenant_neither_reads_nor_writes_elsewhere() {
    let world = World::new().await;
    let other = Env::start().await;
    let foreign = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "theirs", "labels": {
            "kustomize.toolkit.fluxcd.io/name": "app", "kustomize.toolkit.fluxcd.io/namespace": world.namespace(),
        }},
        "data": {"key": "confidential"},
    });
    other.apply(&foreign).await;
    // a Deployment that carries a tenant's labels, as the hub's watch would see it
    let healthy = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "theirs", "labels": {"kustomize.toolkit.fluxcd.io/name": "app"}},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}},
        },
    });
    other.apply(&healthy).await;
    world.env.account("tenant").await;
    world.env.grant_here("tenant", "admin").await;

    let theirs = world.config_map("theirs", "taken").replace(world.namespace(), other.namespace());
    world.publish("app", &[("a.yaml", world.config_map("a", "one")), ("b.yaml", theirs)]).await;
    let app = world.kustomization("app", json!({"serviceAccountName": "tenant"})).await;
    let refused = format!(
        "False ReconciliationFailed: ConfigMap/{}/theirs dry-run failed (Forbidden): configmaps \"theirs\" is forbidden: ",
        other.namespace()
    );
    let failed = world.env.eventually(&app, begins("Ready", refused)).await;
    assert!(!failed.to_string().contains("confidential"));
    assert!(world.live_config_map("a").await.is_none());

    // an inventory that the tenant cannot have come by deletes nothing
    let id = format!("{}_theirs__ConfigMap", other.namespace());
    crate::world::set_status(&world.env, &app, json!({"inventory": {"entries": [{"id": id, "v": "v1"}]}}))
        .await;
    world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    world.env.eventually(&app, has_condition("Ready", "False", "PruneFailed")).await;
    let key = flux_lab::ObjectKey::of(&foreign).unwrap();
    assert_eq!(other.get(&key).await.unwrap()["data"]["key"], "confidential");

    // nor is the health of a foreign object told
    crate::world::set_status(&world.env, &app, json!({"inventory": {"entries": []}})).await;
    let check = json!({"kind": "Deployment", "name": "theirs", "namespace": other.namespace()});
    world.env.merge(&app, json!({"spec": {"healthChecks": [check], "timeout": "30s"}})).await;
    let failed = world.env.eventually(&app, has_condition("Ready", "False", "HealthCheckFailed")).await;
    let cause = format!(
        "False HealthCheckFailed: timeout waiting for: [Deployment/{}/theirs status: 'Unknown': deployments.apps \
         \"theirs\" is forbidden: ",
        other.namespace()
    );
    assert!(shown(&failed, "Healthy").starts_with(&cause), "{}", shown(&failed, "Healthy"));
}

#[tokio::test]
async fn a_right_that_was_taken_back_counts_at_the_next_interval() {
    let world = World::new().await;
    world.env.account("tenant").await;
    world.env.grant_here("tenant", "admin").await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let spec = json!({"serviceAccountName": "tenant", "interval": "1s"});
    let app = world.kustomization("app", spec).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let twice = flux_lab::Condition::new("checked twice", |object: &Value| {
        object["status"]["history"][0]["totalReconciliations"].as_i64() >= Some(2)
    });
    world.env.eventually(&app, twice).await;
    // the tenant may still look, but no longer change: an unchanged object must not count as applied
    world.env.grant_here("tenant", "view").await;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "tenant-admin"},
    });
    world.env.delete(&binding).await;
    let refused = format!(
        "False ReconciliationFailed: ConfigMap/{}/a dry-run failed (Forbidden): configmaps \"a\" is forbidden: ",
        world.namespace()
    );
    let failed = world.env.eventually(&app, begins("Ready", refused)).await;
    assert!(shown(&failed, "Ready").contains(&tenant(world.namespace(), "tenant")), "{failed:#}");
    assert_eq!(text(&failed["status"], "lastAppliedRevision"), revision);
}

#[tokio::test]
async fn a_deletion_that_is_refused_keeps_the_finalizer() {
    let world = World::new().await;
    world.env.account("tenant").await;
    world.env.grant_here("tenant", "admin").await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({"serviceAccountName": "tenant"})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "tenant-admin"},
    });
    world.env.delete(&binding).await;
    let key = flux_lab::ObjectKey::of(&app).unwrap();
    world.env.api(&key).delete("app", &kube::api::DeleteParams::default()).await.unwrap();
    let event = world.event("app", "pruning for deleted resource failed").await;
    assert_eq!(text(&event, "severity"), "error");
    let ending = world.env.get(&key).await.unwrap();
    assert_eq!(ending["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));
    // tried again with growing delays, until it is allowed
    world.env.grant_here("tenant", "admin").await;
    world.env.eventually_key(&key, flux_lab::gone()).await;
    assert!(world.live_config_map("a").await.is_none());
}

#[tokio::test]
async fn a_controller_that_may_only_impersonate_still_waits() {
    let env = Env::start().await;
    let account = env.account("kustomize-controller").await;
    env.grant_everywhere("kustomize-controller", "crd-controller").await;
    // the rights that docs/rights.md names, and no others
    env.apply_yaml(include_str!("../../../docs/impersonator.yaml")).await;
    env.grant_everywhere("kustomize-controller", "flux-impersonator").await;
    let mark = env.lab().audit_mark().unwrap();
    env.account("tenant").await;
    env.grant_here("tenant", "admin").await;
    let world = World::started(env, async |env, controller| {
        let controller = controller.flag("--watch-all-namespaces=false");
        controller.start(env.lab(), &account, env.namespace()).await.unwrap()
    })
    .await;
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: {}}}\nspec:\n  replicas: 1\n  selector: \
         {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: \
         a, image: a}}]}}\n",
        world.namespace()
    );
    let revision = world.publish("app", &[("a.yaml", deployment)]).await;
    let app = world.kustomization("app", json!({"serviceAccountName": "tenant", "wait": true})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    // what it may not do itself, it does not do for itself
    let own = world.kustomization("own", json!({})).await;
    let refused = format!(
        "False ReconciliationFailed: Deployment/{}/web dry-run failed (Forbidden): ",
        world.namespace()
    );
    world.env.eventually(&own, begins("Ready", refused)).await;
    world.env.delete(&app).await;
    assert!(world.get("apps/v1", "Deployment", "web").await.is_none(), "it is deleted as the account");
    // the controller asks for no more than watches that would serve all, and for what has no account
    let user = format!("system:serviceaccount:{}:kustomize-controller", world.namespace());
    let entries = world.env.lab().audit_since(mark).unwrap();
    let refused = entries.iter().filter(|entry| {
        entry.user == user && entry.impersonated.is_none() && entry.code == 403 && entry.name != "web"
    });
    let refused: Vec<_> = refused.map(|entry| (entry.verb.as_str(), entry.resource.as_str())).collect();
    let spared = ["deployments", "customresourcedefinitions"];
    assert!(
        refused.iter().all(|(verb, resource)| ["watch", "list"].contains(verb) && spared.contains(resource)),
        "{refused:?}"
    );
}
