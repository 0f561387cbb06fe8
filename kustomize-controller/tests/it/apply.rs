//! Applying: stages, drift, former managers, marks, force, errors.

use flux_lab::{ObjectKey, has_condition};
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::world::{World, applied, begins, says, shown, text};

#[tokio::test]
async fn definitions_and_classes_go_before_what_needs_them() {
    let world =
        World::with(|controller| controller.flag("--custom-apply-stage-kinds=ConfigMap, example.io/Other"))
            .await;
    let group = format!("{}.example.io", world.namespace());
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.{group}}}\nspec:\n  \
         group: {group}\n  names: {{kind: Widget, plural: widgets}}\n  scope: Namespaced\n  versions:\n    - name: v1\n      \
         served: true\n      storage: true\n      schema: {{openAPIV3Schema: {{type: object, \
         x-kubernetes-preserve-unknown-fields: true}}}}\n"
    );
    let space = format!("{}-made", world.namespace());
    let files = [
        (
            "a.yaml",
            format!("apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: w, namespace: {space}}}\n"),
        ),
        ("b.yaml", definition),
        ("c.yaml", format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {space}}}\n")),
        ("d.yaml", format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: {space}}}\n")),
        ("e.yaml", format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: {space}}}\n")),
        (
            "f.yaml",
            format!(
                "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {{name: {space}}}\nvalue: 1\n"
            ),
        ),
    ];
    let app = world.kustomization("app", json!({})).await;
    let revision = world.publish("app", &files).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let event = world.event("app", "CustomResourceDefinition/").await;
    let lines = [
        format!("CustomResourceDefinition/widgets.{group}"),
        format!("Namespace/{space}"),
        format!("PriorityClass/{space}"),
        format!("ConfigMap/{space}/c"),
        format!("Secret/{space}/s"),
        format!("Widget/{space}/w"),
    ];
    assert_eq!(text(&event, "message"), lines.map(|line| line + " created").join("\n"));
    world.env.delete(&app).await;
}

#[tokio::test]
async fn drift_is_reverted_and_foreign_fields_stay() {
    let world = World::new().await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let key = ObjectKey::new("v1", "ConfigMap", "a");
    let object = world.live_config_map("a").await.unwrap();
    // merge patches of the test have no manager of kubectl's
    world.env.merge(&object, json!({"data": {"key": "drifted", "foreign": "kept"}})).await;
    let told = world.events_about("app").len();
    world.reconcile(&app, "drift").await;
    let live = world.env.get(&key).await.unwrap();
    assert_eq!(live["data"], json!({"key": "one", "foreign": "kept"}));
    let configured = format!("ConfigMap/{}/a configured", world.namespace());
    assert_eq!(text(&world.event("app", &configured).await, "message"), configured);
    assert!(world.events_about("app").len() > told);

    // unchanged objects are not written
    let version = |live: &Value| text(&live["metadata"], "resourceVersion").to_owned();
    let mark = world.env.lab().audit_mark().unwrap();
    world.reconcile(&app, "again").await;
    let entries = world.env.lab().audit_since(mark).unwrap();
    let own =
        entries.iter().filter(|entry| entry.namespace == world.namespace() && entry.resource == "configmaps");
    let writes: Vec<_> = own.filter(|entry| entry.verb != "get" && !entry.is_dry_run()).collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert_eq!(version(&world.env.get(&key).await.unwrap()), version(&live));
}

#[tokio::test]
async fn former_managers_are_taken_over() {
    let world =
        World::with(|controller| controller.flag("--override-manager=a,b").flag("--override-manager=old"))
            .await;
    let create = async |name: &str, manager: &str, annotations: Value| {
        let mut object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "annotations": annotations},
            "data": {"key": "one", "dropped": "theirs"},
        });
        object["metadata"]["namespace"] = json!(world.namespace());
        let parameters = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
        let api = world.env.api(&ObjectKey::of(&object).unwrap());
        api.create(&parameters, &serde_json::from_value(object).unwrap()).await.unwrap();
    };
    let last = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
    create("client", "kubectl-client-side-apply", last).await;
    create("comma", "a,b", json!({})).await;
    create("old", "old", json!({})).await;
    create("a", "a", json!({})).await;
    create("merge", "kubectl-create", json!({"kustomize.toolkit.fluxcd.io/ssa": "Merge"})).await;
    let names = ["client", "comma", "old", "a", "merge"];
    let files: Vec<(String, String)> =
        names.iter().map(|name| (format!("{name}.yaml"), world.config_map(name, "one"))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let revision = world.publish("app", &files).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    for (name, kept) in [("client", false), ("comma", false), ("old", false), ("a", true), ("merge", true)] {
        let live = world.live_config_map(name).await.unwrap();
        assert_eq!(live["data"].get("dropped").is_some(), kept, "{live:#}");
        let annotations = &live["metadata"]["annotations"];
        assert!(annotations.get("kubectl.kubernetes.io/last-applied-configuration").is_none());
    }
}

#[tokio::test]
async fn marks_keep_objects_from_being_applied_or_deleted() {
    let world = World::new().await;
    let marked = |name: &str, mark: &str, value: &str| {
        let annotation = format!("\n  annotations: {{kustomize.toolkit.fluxcd.io/{mark}}}\ndata:");
        world.config_map(name, value).replace("\ndata:", &annotation)
    };
    let files = |value: &str| {
        [
            ("ignored.yaml", marked("ignored", "ssa: Ignore", value)),
            ("disabled.yaml", marked("disabled", "reconcile: disabled", value)),
            ("once.yaml", marked("once", "ssa: IfNotPresent", value)),
            ("live.yaml", world.config_map("live", value)),
        ]
    };
    let app = world.kustomization("app", json!({})).await;
    let one = world.publish("app", &files("one")).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
    assert!(
        world.live_config_map("ignored").await.is_none() && world.live_config_map("disabled").await.is_none()
    );
    let object = world.live_config_map("live").await.unwrap();
    let mark = json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/ssa": "ignore"}}});
    world.env.merge(&object, mark).await;
    let two = world.publish("app", &files("two")).await;
    world.env.eventually(&app, says("Ready", applied(&two))).await;
    for name in ["once", "live"] {
        assert_eq!(world.live_config_map(name).await.unwrap()["data"]["key"], "one", "{name}");
    }
    // what is ignored stays, what was only to be made once goes
    let three = world.publish("app", &[("none.yaml", world.config_map("none", "one"))]).await;
    world.env.eventually(&app, says("Ready", applied(&three))).await;
    assert!(world.live_config_map("live").await.is_some() && world.live_config_map("once").await.is_none());
}

#[tokio::test]
async fn immutable_fields_need_force() {
    let world = World::new().await;
    let immutable = |name: &str, value: &str| world.config_map(name, value) + "immutable: true\n";
    let one = world.publish("app", &[("a.yaml", immutable("a", "one"))]).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
    let before = world.live_config_map("a").await.unwrap();
    let two = world
        .publish("app", &[("a.yaml", immutable("a", "two")), ("new.yaml", world.config_map("new", "one"))])
        .await;
    let start =
        format!("False ReconciliationFailed: ConfigMap/{}/a dry-run failed (Invalid): ", world.namespace());
    let failed = world.env.eventually(&app, begins("Ready", start)).await;
    let message = crate::world::condition(&failed, "Ready").unwrap()["message"].as_str().unwrap();
    assert!(message.ends_with('\n'), "{message:?}");
    // the intent is there, the new object is not: nothing of a stage is written before all of it is allowed
    let ids = failed["status"]["inventory"].to_string();
    assert!(ids.contains("_new__ConfigMap") && ids.contains("_a__ConfigMap"), "{ids}");
    assert!(world.live_config_map("new").await.is_none());
    world.env.merge(&app, json!({"spec": {"force": true}})).await;
    world.env.eventually(&app, says("Ready", applied(&two))).await;
    let after = world.live_config_map("a").await.unwrap();
    assert_eq!(after["data"]["key"], "two");
    assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"]);

    // an invalid manifest deletes nothing
    let invalid = world.config_map("a", "two").replace("key:", "'not a key!':");
    world.publish("app", &[("a.yaml", invalid)]).await;
    world.env.eventually(&app, has_condition("Ready", "False", "ReconciliationFailed")).await;
    assert_eq!(world.live_config_map("a").await.unwrap()["metadata"]["uid"], after["metadata"]["uid"]);

    // an object may ask for force by itself
    world.env.merge(&app, json!({"spec": {"force": false}})).await;
    let annotation = "\n  annotations: {kustomize.toolkit.fluxcd.io/force: Enabled}\ndata:";
    let forced = immutable("a", "three").replace("\ndata:", annotation);
    let three = world.publish("app", &[("a.yaml", forced)]).await;
    world.env.eventually(&app, says("Ready", applied(&three))).await;
    assert_eq!(world.live_config_map("a").await.unwrap()["data"]["key"], "three");
}

#[tokio::test]
async fn refusals_name_all_objects_of_a_stage() {
    let world = World::new().await;
    let space = format!("{}-late", world.namespace());
    let namespace =
        format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {}-early}}\n", world.namespace());
    let nowhere = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nowhere}\n".to_owned();
    let late = world
        .config_map("late", "one")
        .replace(&format!("namespace: {}", world.namespace()), &format!("namespace: {space}"));
    let kind = "late.example.io/v1";
    let unknown =
        format!("apiVersion: {kind}\nkind: Thing\nmetadata: {{name: t, namespace: {}}}\n", world.namespace());
    let files = [("a.yaml", namespace), ("b.yaml", nowhere), ("c.yaml", late), ("d.yaml", unknown)];
    world.publish("app", &files).await;
    let app = world.kustomization("app", json!({})).await;
    let failed = world.env.eventually(&app, has_condition("Ready", "False", "ReconciliationFailed")).await;
    let want = format!(
        "False ReconciliationFailed: ConfigMap/nowhere namespace not specified: the server could not find the requested \
         resource\nConfigMap/{space}/late not found: namespaces \"{space}\" not found\nThing/{}/t dry-run failed: no \
         matches for kind \"Thing\" in version \"{kind}\"\nNamespace/{}-early created",
        world.namespace(),
        world.namespace()
    );
    assert_eq!(shown(&failed, "Ready"), want);
    world.env.delete(&app).await;
}

#[tokio::test]
async fn what_is_missing_wakes_the_run_when_it_comes() {
    let world = World::new().await;
    let space = format!("{}-late", world.namespace());
    let group = format!("{}.late.io", world.namespace());
    let files =
        [("a.yaml", format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: {space}}}\n"))];
    let one = world.publish("app", &files).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, has_condition("Ready", "False", "ReconciliationFailed")).await;
    world.env.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;

    let widget = format!("apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: w, namespace: {space}}}\n");
    let two = world.publish("app", &[("a.yaml", widget)]).await;
    world.env.eventually(&app, has_condition("Ready", "False", "ReconciliationFailed")).await;
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {
            "group": group, "names": {"kind": "Widget", "plural": "widgets"}, "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    });
    world.env.apply(&definition).await;
    world.env.eventually(&app, says("Ready", applied(&two))).await;
    world.env.delete(&app).await;
    world.env.delete(&definition).await;
}

#[tokio::test]
async fn ignored_drift_is_left_alone() {
    let world = World::new().await;
    let deployment = |image: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: {}}}\nspec:\n  replicas: 0\n  \
             selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec: \
             {{containers: [{{name: a, image: '{image}'}}]}}\n",
            world.namespace()
        )
    };
    let rules = json!({"ignore": [
        {"paths": ["/spec/replicas"], "target": {"kind": "Deploy.*", "name": "we."}},
        {"paths": ["/data/key"], "target": {"kind": "Config"}},
    ]});
    let one = world
        .publish("app", &[("a.yaml", deployment("a:1")), ("b.yaml", world.config_map("b", "one"))])
        .await;
    let app = world.kustomization("app", rules).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
    let web = world.get("apps/v1", "Deployment", "web").await.unwrap();
    world.env.merge(&web, json!({"spec": {"replicas": 2}})).await;
    let map = world.live_config_map("b").await.unwrap();
    world.env.merge(&map, json!({"data": {"key": "drifted"}})).await;
    world.reconcile(&app, "drift").await;
    let replicas =
        async || world.get("apps/v1", "Deployment", "web").await.unwrap()["spec"]["replicas"].clone();
    assert_eq!(replicas().await, 2);
    // a target's patterns are anchored: `Config` is not `ConfigMap`
    assert_eq!(world.live_config_map("b").await.unwrap()["data"]["key"], "one");
    let two = world
        .publish("app", &[("a.yaml", deployment("a:2")), ("b.yaml", world.config_map("b", "one"))])
        .await;
    world.env.eventually(&app, says("Ready", applied(&two))).await;
    let web = world.get("apps/v1", "Deployment", "web").await.unwrap();
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], "a:2");
    assert_eq!(replicas().await, 2);

    world.env.merge(&app, json!({"spec": {"ignore": [{"paths": ["/x"], "target": {"kind": "("}}]}})).await;
    world
        .env
        .eventually(
            &app,
            begins("Ready", "False ReconciliationFailed: failed to create ignore rule selector: "),
        )
        .await;
}

#[tokio::test]
async fn manifests_are_normalised() {
    let world = World::new().await;
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: {}}}\ndata: {{a: MQ==, b: MQ==}}\nstringData: {{b: '2'}}\n",
        world.namespace()
    );
    let service = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: {}}}\nunknown: field\nspec: {{clusterIP: None, ports: \
         [{{port: 80}}]}}\nstatus: {{loadBalancer: {{}}}}\n",
        world.namespace()
    );
    let one = world.publish("app", &[("a.yaml", secret), ("b.yaml", service)]).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
    let secret = world.get("v1", "Secret", "s").await.unwrap();
    assert_eq!(secret["data"], json!({"a": "MQ==", "b": "Mg=="}));
    let service = world.get("v1", "Service", "web").await.unwrap();
    assert_eq!(service["spec"]["ports"][0]["protocol"], "TCP");

    let encrypted = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: e, namespace: {}}}\nstringData: {{a: x}}\nsops: {{mac: x}}\n",
        world.namespace()
    );
    world.publish("app", &[("a.yaml", encrypted)]).await;
    let refused = format!(
        "False ReconciliationFailed: Secret/{}/e is SOPS encrypted, configuring decryption is required for this secret to \
         be reconciled",
        world.namespace()
    );
    world.env.eventually(&app, says("Ready", refused)).await;
}

#[tokio::test]
async fn api_versions_of_managed_fields_may_be_migrated() {
    let world = World::with(|controller| controller.flag("--feature-gates=MigrateAPIVersion=true")).await;
    let autoscaler = |version: &str, target: &str| {
        format!(
            "apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web, namespace: {}}}\nspec: \
             {{maxReplicas: 2, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}{target}}}\n",
            world.namespace()
        )
    };
    let one =
        world.publish("app", &[("a.yaml", autoscaler("v1", ", targetCPUUtilizationPercentage: 80"))]).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
    let metrics = ", metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]";
    let two = world.publish("app", &[("a.yaml", autoscaler("v2", metrics))]).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&two))).await;
    assert_eq!(ready["status"]["inventory"]["entries"][0]["v"], "v2");
    let live = world.get("autoscaling/v2", "HorizontalPodAutoscaler", "web").await.unwrap();
    for entry in live["metadata"]["managedFields"].as_array().unwrap() {
        assert_eq!(entry["apiVersion"], "autoscaling/v2", "{live:#}");
    }
    world.event("app", &format!("HorizontalPodAutoscaler/{}/web configured", world.namespace())).await;
    let before = world.events_about("app").len();
    let third = world.reconcile(&app, "again").await;
    assert_eq!(third["status"]["history"][0]["totalReconciliations"], 2);
    let configured = |event: &Value| text(event, "message").contains("configured");
    assert!(!world.events_about("app")[before..].iter().any(configured));
}
