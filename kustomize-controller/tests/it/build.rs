//! From an artifact to objects.

use serde_json::{Value, json};

use crate::world::{World, applied, begins, says, shown};

fn file(path: &str, content: impl Into<String>) -> (&str, String) {
    (path, content.into())
}

#[tokio::test]
async fn a_directory_without_kustomization_file_is_built_whole() {
    let world = World::new().await;
    let app = world.kustomization("app", json!({})).await;
    let files = [
        file("a.yaml", world.config_map("a", "one")),
        file("b.yml", world.config_map("b", "one")),
        file("c.json", "no manifest"),
        file("deep/c.yaml", world.config_map("c", "one")),
        file("own/kustomization.yaml", "namePrefix: own-\nresources: [d.yaml]\n"),
        file("own/d.yaml", world.config_map("d", "one")),
        file("own/unlisted.yaml", world.config_map("unlisted", "one")),
    ];
    let revision = world.publish("app", &files).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let entries = ready["status"]["inventory"]["entries"].as_array().unwrap();
    let names: Vec<_> =
        entries.iter().map(|entry| entry["id"].as_str().unwrap().split('_').nth(1).unwrap()).collect();
    assert_eq!(names, ["a", "b", "c", "own-d"]);

    // the same files give the same digest, under whatever revision
    let again = world.publish("app", &files).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&again))).await;
    assert_eq!(ready["status"]["history"].as_array().unwrap().len(), 1);

    world.publish("app", &[file("deep/broken.yaml", "a: [")]).await;
    let failed = world
        .env
        .eventually(&app, begins("Ready", "False BuildFailed: failed to decode Kubernetes YAML"))
        .await;
    assert!(shown(&failed, "Ready").contains("broken.yaml"), "{failed:#}");

    // nothing at all is no error, and prunes
    let empty = world.publish("app", &[file("README.md", "nothing")]).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&empty))).await;
    assert_eq!(ready["status"]["inventory"], json!({"entries": []}));
    assert!(world.live_config_map("a").await.is_none());
}

#[tokio::test]
async fn the_spec_overlays_the_kustomization_file() {
    let world = World::new().await;
    let other = flux_lab::Env::start().await;
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: ignored}\nspec:\n  replicas: 0\n  \
                      selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      \
                      containers: [{name: a, image: 'nginx:1'}, {name: b, image: 'redis:1'}]\n";
    let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigMapGenerator:\n  \
                     - name: made\n    literals: [key=value]\n    options: {disableNameSuffixHash: true}\n";
    let files = [
        file(
            "app/kustomization.yaml",
            "namespace: file\nnamePrefix: file-\nresources: [web.yaml]\nimages: [{name: nginx, newTag: '2'}, \
             {name: redis, newTag: '2'}]\nbuildMetadata: [transformerAnnotations]\n",
        ),
        file("app/web.yaml", deployment),
        file("component/kustomization.yaml", component),
    ];
    let spec = json!({
        "path": "./app", "targetNamespace": other.namespace(), "namePrefix": "pre-", "nameSuffix": "-post",
        "components": ["../component", "../missing"], "ignoreMissingComponents": true,
        "images": [{"name": "nginx", "digest": format!("sha256:{:064}", 1)}, {"name": "other", "newTag": "3"}],
        "patches": [{
            "patch": "{apiVersion: apps/v1, kind: Deployment, metadata: {name: any, annotations: {patched: 'yes'}}}",
            "target": {"kind": "Deployment"},
        }],
        "buildMetadata": ["originAnnotations"],
        "commonMetadata": {"labels": {"team": "blue"}, "annotations": {"note": "all"}},
    });
    let app = world.kustomization("app", spec).await;
    let revision = world.publish("app", &files).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let key = |kind: &str, version: &str, name: &str| flux_lab::ObjectKey::new(version, kind, name);
    let web = other.get(&key("Deployment", "apps/v1", "pre-web-post")).await.unwrap();
    let images: Vec<&Value> = web["spec"]["template"]["spec"]["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["image"])
        .collect();
    assert_eq!(images, [&json!(format!("nginx@sha256:{:064}", 1)), &json!("redis:2")]);
    let annotations = &web["metadata"]["annotations"];
    assert_eq!((&annotations["patched"], &annotations["note"]), (&json!("yes"), &json!("all")));
    let origin = annotations["config.kubernetes.io/origin"].as_str().unwrap();
    assert!(origin.contains("web.yaml"), "{origin}");
    assert!(annotations.get("alpha.config.kubernetes.io/transformations").is_none());
    let made = other.get(&key("ConfigMap", "v1", "pre-made-post")).await.unwrap();
    assert_eq!(made["metadata"]["labels"]["team"], "blue");

    for (component, path) in
        [("https://example.com/x", "https://example.com/x"), ("/component", "/component")]
    {
        world.env.merge(&app, json!({"spec": {"components": [component]}})).await;
        let refused = format!("False BuildFailed: component path '{path}' must be local and relative");
        world.env.eventually(&app, says("Ready", refused)).await;
    }
    world
        .env
        .merge(&app, json!({"spec": {"components": ["../missing"], "ignoreMissingComponents": false}}))
        .await;
    world.env.eventually(&app, begins("Ready", "False BuildFailed: kustomize build failed: ")).await;
}

#[tokio::test]
async fn a_build_stays_inside_its_artifact() {
    let world = World::new().await;
    let app = world.kustomization("app", json!({"path": "./app"})).await;
    for resource in ["../../../../etc/passwd", "/etc/passwd"] {
        let file_of = format!("resources: ['{resource}']\n");
        world.publish("app", &[file("app/kustomization.yaml", file_of)]).await;
        let failed =
            world.env.eventually(&app, begins("Ready", "False BuildFailed: kustomize build failed: ")).await;
        let revision = failed["status"]["lastAttemptedRevision"].clone();
        let refused =
            "fs-security-constraint read /etc/passwd: path '/etc/passwd' is not in or below '/artifact'";
        assert!(shown(&failed, "Ready").contains(refused), "{failed:#}");
        // a neighbour inside the artifact is fine
        let neighbour = [
            file("app/kustomization.yaml", "resources: ['../base']\n"),
            file("base/kustomization.yaml", "resources: [a.yaml]\n"),
            file("base/a.yaml", world.config_map("a", "one")),
        ];
        let next = world.publish("app", &neighbour).await;
        assert_ne!(revision, next);
        world.env.eventually(&app, says("Ready", applied(&next))).await;
    }
    let url = "https://github.com/example/base?ref=v1";
    world.publish("app", &[file("app/kustomization.yaml", format!("resources: ['{url}']\n"))]).await;
    let refused = format!("False BuildFailed: remote base '{url}' is not supported yet");
    world.env.eventually(&app, says("Ready", refused)).await;
}

#[tokio::test]
async fn what_is_not_supported_is_refused_and_can_be_deleted() {
    let world = World::new().await;
    let one = world.publish("app", &[file("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({})).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&one))).await;
    let fields = [
        ("spec.decryption", json!({"decryption": {"provider": "sops"}})),
        ("spec.kubeConfig", json!({"decryption": null, "kubeConfig": {"secretRef": {"name": "x"}}})),
        (
            "spec.healthCheckExprs",
            json!({"kubeConfig": null, "healthCheckExprs": [{"apiVersion": "v1", "kind": "X", "current": "true"}]}),
        ),
        (
            "spec.dependsOn.readyExpr",
            json!({"healthCheckExprs": null, "dependsOn": [{"name": "a", "readyExpr": "true"}]}),
        ),
    ];
    for (path, spec) in fields {
        world.env.merge(&app, json!({ "spec": spec })).await;
        let message = format!("UnsupportedFeature: {path} is not supported yet");
        let refused = world.env.eventually(&app, says("Stalled", format!("True {message}"))).await;
        assert_eq!(shown(&refused, "Ready"), format!("False {message}"));
        assert_eq!(refused["status"]["inventory"], ready["status"]["inventory"]);
        assert_eq!(refused["status"]["lastAppliedRevision"], ready["status"]["lastAppliedRevision"]);
        assert_eq!(refused["status"]["observedGeneration"], refused["metadata"]["generation"]);
        world.event("app", &format!("{path} is not supported yet")).await;
    }
    let two = world.publish("app", &[file("a.yaml", world.config_map("a", "two"))]).await;
    let refused = world.reconcile(&app, "still refused").await;
    assert_ne!(refused["status"]["lastAttemptedRevision"], two);
    assert_eq!(world.live_config_map("a").await.unwrap()["data"]["key"], "one");
    let warnings = world.events_about("app");
    let warnings = warnings.iter().filter(|event| event["reason"] == "UnsupportedFeature").count();
    assert!((4..=6).contains(&warnings), "{warnings}");
    world.env.delete(&app).await;
    assert!(world.live_config_map("a").await.is_none());
}
