//! What the API server makes of a Kustomization by its CRD.

use flux_lab::{Env, ObjectKey};
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::world::kustomization;

/// Creates a Kustomization and gives it as stored, or the API server's refusal.
async fn create(env: &Env, spec: Value) -> Result<Value, String> {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let object = kustomization(&format!("a{number}"), spec);
    let api = env.api(&ObjectKey::of(&object).unwrap());
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let created = api.create(&parameters, &serde_json::from_value(object).unwrap()).await;
    created.map(|object| serde_json::to_value(object).unwrap()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_api_server_checks_specs_and_fills_in_defaults() {
    let env = Env::start().await;
    let stored = create(&env, json!({})).await.unwrap();
    assert_eq!(stored["status"]["observedGeneration"], -1);
    assert_eq!(stored["spec"]["force"], false);
    for accepted in ["1h30m", "1.5s", "500ms"] {
        create(&env, json!({ "interval": accepted })).await.unwrap();
    }
    for (spec, reason) in [
        (json!({"interval": "1"}), "spec.interval"),
        (json!({"timeout": "1w"}), "spec.timeout"),
        (json!({"targetNamespace": ""}), "spec.targetNamespace"),
        (json!({"namePrefix": "x".repeat(201)}), "spec.namePrefix"),
        (json!({"deletionPolicy": "Never"}), "spec.deletionPolicy"),
        (json!({"sourceRef": {"kind": "HelmChart", "name": "x"}}), "spec.sourceRef.kind"),
        (json!({"postBuild": {"substituteFrom": [{"kind": "Node", "name": "x"}]}}), "substituteFrom"),
        (json!({"buildMetadata": ["other"]}), "spec.buildMetadata"),
        (json!({"decryption": {"provider": "other"}}), "spec.decryption.provider"),
    ] {
        let refusal = create(&env, spec).await.unwrap_err();
        assert!(refusal.contains(reason), "{refusal}");
    }
    let exactly_one =
        "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified";
    for references in [json!({}), json!({"configMapRef": {"name": "a"}, "secretRef": {"name": "a"}})] {
        let refusal = create(&env, json!({ "kubeConfig": references })).await.unwrap_err();
        assert!(refusal.contains(exactly_one), "{refusal}");
    }
    create(&env, json!({"kubeConfig": {"secretRef": {"name": "a"}}})).await.unwrap();
}

#[tokio::test]
async fn the_definition_has_its_names_and_columns() {
    let env = Env::start().await;
    let name = "kustomizations.kustomize.toolkit.fluxcd.io";
    let key = ObjectKey::new("apiextensions.k8s.io/v1", "CustomResourceDefinition", name);
    let definition = env.get(&key).await.unwrap();
    let names = &definition["spec"]["names"];
    assert_eq!(names["shortNames"], json!(["ks"]));
    assert_eq!(names["categories"], json!(["all", "fluxcd", "fluxcd-appliers"]));
    let versions = definition["spec"]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0]["name"], "v1");
    assert_eq!(versions[0]["subresources"], json!({"status": {}}));
    let columns = versions[0]["additionalPrinterColumns"].as_array().unwrap();
    let columns: Vec<_> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(columns, ["Age", "Ready", "Status"]);
}
