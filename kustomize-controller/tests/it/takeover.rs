//! A namespace that Flux 2.9 applied is taken over without a write to its objects, and can be given back.

use std::time::Duration;

use flux_lab::{AuditEntry, Env, ObjectKey};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::world::{World, applied, kustomization, says, text, types};

/// Manifests as they stand in Git.
fn files(namespace: &str, image: &str) -> Vec<(&'static str, String)> {
    let metadata = format!("metadata:\n  name: web\n  namespace: {namespace}");
    vec![
        (
            "deployment.yaml",
            format!(
                "apiVersion: apps/v1\nkind: Deployment\n{metadata}\n  labels: {{app: web}}\nspec:\n  replicas: 1\n  selector: \
                 {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      \
                 containers:\n        - name: web\n          image: {image}\n          ports: [{{containerPort: 80}}]\n          \
                 env: [{{name: EMPTY, value: ''}}]\n          resources: {{limits: {{cpu: 1000m, memory: 1.5Gi}}}}\n"
            ),
        ),
        (
            "service.yaml",
            format!("apiVersion: v1\nkind: Service\n{metadata}\nspec: {{ports: [{{port: 80}}]}}\n"),
        ),
        ("secret.yaml", format!("apiVersion: v1\nkind: Secret\n{metadata}\nstringData: {{a: bee}}\n")),
        (
            "role.yaml",
            format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n{metadata}\nrules: [{{apiGroups: [''], resources: \
                 [pods], verbs: [get]}}]\n"
            ),
        ),
    ]
}

/// The same as Flux sends them to the API server; the forms are those that `common/apply` has recorded from it.
fn sent_by_flux(namespace: &str, image: &str) -> Vec<Value> {
    let owner = json!({
        "kustomize.toolkit.fluxcd.io/name": "app", "kustomize.toolkit.fluxcd.io/namespace": namespace,
    });
    let metadata = json!({"creationTimestamp": null, "labels": owner, "name": "web", "namespace": namespace});
    let mut labelled = metadata.clone();
    labelled["labels"]["app"] = json!("web");
    let mut plain = metadata.clone();
    // roles pass through the normalisation untouched
    plain.as_object_mut().unwrap().remove("creationTimestamp");
    vec![
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": plain,
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        }),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": "YmVl"}}),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 0}]},
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": labelled,
            "spec": {
                "replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "strategy": {},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{
                        "name": "web", "image": image, "env": [{"name": "EMPTY"}],
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                        "resources": {"limits": {"cpu": "1", "memory": "1536Mi"}},
                    }]},
                },
            },
        }),
    ]
}

async fn apply_as_flux(env: &Env, namespace: &str, image: &str) {
    for object in sent_by_flux(namespace, image) {
        let key = ObjectKey::of(&object).unwrap();
        let parameters = PatchParams::apply("kustomize-controller").force();
        env.api(&key).patch(&key.name, &parameters, &Patch::Apply(&object)).await.unwrap();
    }
}

/// The Kustomization with finalizer and status as Flux leaves them after its second run.
async fn kustomization_of_flux(env: &Env, revision: &str) -> Value {
    let object = env.apply(&kustomization("app", json!({"wait": true}))).await;
    let key = ObjectKey::of(&object).unwrap();
    let parameters =
        PatchParams { field_manager: Some("gotk-kustomize-controller".into()), ..PatchParams::default() };
    let finalizer = Patch::Merge(json!({"metadata": {"finalizers": ["finalizers.fluxcd.io"]}}));
    env.api(&key).patch("app", &parameters, &finalizer).await.unwrap();
    let time = "2026-01-02T03:04:05Z";
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": "True", "reason": reason, "message": message, "observedGeneration": 1,
            "lastTransitionTime": time,
        })
    };
    let namespace = env.namespace();
    // Flux lists the entries in the order in which it applied them
    let ids = [
        format!("{namespace}_web_rbac.authorization.k8s.io_Role"),
        format!("{namespace}_web__Secret"),
        format!("{namespace}_web__Service"),
        format!("{namespace}_web_apps_Deployment"),
    ];
    let status = json!({
        "conditions": [
            condition("Ready", "ReconciliationSucceeded", &format!("Applied revision: {revision}")),
            condition("Healthy", "Succeeded", "Health check passed in 1.024s"),
        ],
        "history": [{
            "digest": format!("sha256:{:064}", 7), "firstReconciled": time, "lastReconciled": time,
            "lastReconciledDuration": "1.5s", "lastReconciledStatus": "ReconciliationSucceeded",
            "metadata": {"revision": revision}, "totalReconciliations": 2,
        }],
        "inventory": {"entries": ids.map(|id| json!({"id": id, "v": "v1"}))},
        "lastAppliedRevision": revision, "lastAttemptedRevision": revision, "observedGeneration": 1,
    });
    let patch = Patch::Merge(json!({ "status": status }));
    env.api(&key).patch_status("app", &parameters, &patch).await.unwrap();
    env.eventually(&object, flux_lab::is_ready()).await
}

/// The objects with all that a write would change.
async fn objects(env: &Env) -> Vec<Value> {
    let mut found = Vec::new();
    for object in sent_by_flux(env.namespace(), "") {
        let mut live = env.get(&ObjectKey::of(&object).unwrap()).await.unwrap();
        // its controller's part of a Deployment goes on
        let fields = live.as_object_mut().unwrap();
        fields.remove("status");
        let managed = live["metadata"]["managedFields"].as_array_mut().unwrap();
        managed.retain(|entry| text(entry, "subresource").is_empty());
        let metadata = live["metadata"].as_object_mut().unwrap();
        metadata.remove("annotations");
        if live["kind"] == "Deployment" {
            live["metadata"].as_object_mut().unwrap().remove("resourceVersion");
            live["metadata"]["managedFields"]
                .as_array_mut()
                .unwrap()
                .retain(|entry| text(entry, "manager") != "kube-controller-manager");
        }
        found.push(live);
    }
    found
}

fn writes(entries: &[AuditEntry], namespace: &str) -> Vec<String> {
    let own = |entry: &&AuditEntry| {
        entry.namespace == namespace
            && entry.name == "web"
            && entry.agent.starts_with("kustomize-controller")
            && !matches!(entry.verb.as_str(), "get" | "list" | "watch")
            && !entry.is_dry_run()
    };
    entries.iter().filter(own).map(|entry| format!("{} {}", entry.verb, entry.uri)).collect()
}

#[tokio::test]
async fn what_flux_applied_is_adopted_and_given_back() {
    let env = Env::start().await;
    let namespace = env.namespace().to_owned();
    apply_as_flux(&env, &namespace, "web:1").await;
    let deployment = ObjectKey::new("apps/v1", "Deployment", "web");
    let available = flux_lab::has_condition("Available", "True", "MinimumReplicasAvailable");
    env.eventually_key(&deployment, available).await;
    // the first revision of the World below
    let revision = format!("main@sha1:{:040x}", 1);
    let app = kustomization_of_flux(&env, &revision).await;
    let before = objects(&env).await;
    let mark = env.lab().audit_mark().unwrap();

    let world = World::within(env, |controller| controller).await;
    let published = world.publish("app", &files(&namespace, "web:1")).await;
    assert_eq!(published, revision);
    // its first run found no source, and the one that comes is of a revision that it has tried: it would wait for 30 s
    let adopted = world.reconcile(&app, "taken over").await;
    world.event("app", "Reconciliation finished in ").await;
    let entries = world.env.lab().audit_since(mark).unwrap();
    assert_eq!(writes(&entries, &namespace), Vec::<String>::new());
    assert_eq!(objects(&world.env).await, before);
    assert_eq!(types(&adopted), ["Ready", "Healthy"]);
    assert_eq!(text(&adopted["status"], "lastAppliedRevision"), revision);
    assert_eq!(adopted["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));
    let ids = |object: &Value| {
        let entries = object["status"]["inventory"]["entries"].as_array().unwrap();
        let mut ids: Vec<String> = entries.iter().map(|entry| text(entry, "id").to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&adopted), ids(&app));
    let told = world.events_about("app");
    let only_ends = |event: &Value| text(event, "message").starts_with("Reconciliation finished in ");
    assert!(told.iter().all(only_ends), "{told:#?}");

    // a revision of our own is written so that Flux finds nothing to do
    let next = world.publish("app", &files(&namespace, "web:2")).await;
    world.env.eventually(&app, says("Ready", applied(&next))).await;
    let World { env, controller, .. } = world;
    controller.stop(Duration::from_secs(30)).await.unwrap();
    let ours = objects(&env).await;
    apply_as_flux(&env, &namespace, "web:2").await;
    assert_eq!(objects(&env).await, ours);
    for object in &ours {
        let managers = object["metadata"]["managedFields"].as_array().unwrap();
        let managers: Vec<_> = managers.iter().map(|entry| text(entry, "manager")).collect();
        assert_eq!(managers, ["kustomize-controller"], "{object:#}");
    }
    let object = env.get(&ObjectKey::of(&app).unwrap()).await.unwrap();
    assert_eq!(object["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));
    let managers = object["metadata"]["managedFields"].as_array().unwrap();
    let managers: Vec<_> = managers.iter().map(|entry| text(entry, "manager")).collect();
    let known = |manager: &&str| matches!(*manager, "flux-lab" | "gotk-kustomize-controller" | "unknown");
    assert!(managers.iter().all(known), "{managers:?}");
}
