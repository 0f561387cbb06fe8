//! The definitions as the API server has them, and what it refuses by them.

use flux_lab::{Env, ObjectKey};
use serde_json::{Value, json};

use crate::support::object;

#[tokio::test]
async fn kinds_are_served_in_one_version_with_the_categories_of_flux() {
    let env = Env::start().await;
    for (plural, version, has_status, columns) in [
        ("alerts", "v1beta3", false, &["Age"][..]),
        ("providers", "v1beta3", false, &["Age"]),
        ("receivers", "v1", true, &["Age", "Ready", "Status"]),
    ] {
        let name = format!("{plural}.notification.toolkit.fluxcd.io");
        let key = ObjectKey::new("apiextensions.k8s.io/v1", "CustomResourceDefinition", &name);
        let definition = env.get(&key).await.unwrap();
        let names = &definition["spec"]["names"];
        assert_eq!(names["categories"], json!(["all", "fluxcd", "fluxcd-notifications"]));
        assert_eq!(names.get("shortNames"), None);
        let annotations = &definition["metadata"]["annotations"];
        assert_eq!(annotations["kustomize.toolkit.fluxcd.io/substitute"], "disabled");
        let versions = definition["spec"]["versions"].as_array().unwrap();
        assert_eq!(versions.len(), 1, "{plural}");
        let served = &versions[0];
        assert_eq!(
            (&served["name"], &served["served"], &served["storage"]),
            (&json!(version), &json!(true), &json!(true))
        );
        assert_eq!(served.pointer("/subresources/status").is_some(), has_status, "{plural}");
        let properties = &served["schema"]["openAPIV3Schema"]["properties"];
        assert_eq!(properties.get("status").is_some(), has_status, "{plural}");
        let shown = served["additionalPrinterColumns"].as_array().unwrap().iter();
        assert_eq!(shown.map(|column| column["name"].as_str().unwrap()).collect::<Vec<_>>(), columns);
    }
}

/// What the API server says to an object that it refuses.
async fn refusal(env: &Env, object: &Value) -> String {
    let arguments = ["create", "-n", env.namespace(), "-f", "-"];
    format!("{:#}", env.lab().kubectl(&arguments, Some(&object.to_string())).await.unwrap_err())
}

#[tokio::test]
async fn contradictions_are_refused_in_the_words_of_flux() {
    let env = Env::start().await;
    let expression = |kind: &str| json!({"type": kind, "commitStatusExpr": "'a'"});
    let only = "spec.commitStatusExpr is only supported for the 'github', 'gitlab', 'gitea', 'bitbucketserver', \
                'bitbucket', 'azuredevops' provider types";
    assert!(refusal(&env, &object("Provider", "chat", expression("slack"))).await.contains(only));
    env.apply(&object("Provider", "status", expression("github"))).await;
    let text = refusal(&env, &object("Provider", "later", json!({"type": "carrier-pigeon"}))).await;
    assert!(text.contains("Unsupported value: \"carrier-pigeon\""), "{text}");

    let issuer =
        json!({"issuerURL": "https://a.example", "validations": [{"expression": "true", "message": "m"}]});
    for (spec, want) in [
        (json!({"type": "generic"}), "secretRef is required when type is not generic-oidc"),
        (
            json!({"type": "generic-oidc", "oidcProviders": [issuer], "secretRef": {"name": "s"}}),
            "secretRef cannot be set when type is generic-oidc",
        ),
        (json!({"type": "generic-oidc"}), "generic-oidc receivers must define at least one oidcProvider"),
        (
            json!({"type": "generic", "oidcProviders": [issuer], "secretRef": {"name": "s"}}),
            "oidcProviders can only be set when type is generic-oidc",
        ),
        (json!({"type": "generic-oidc", "oidcProviders": [issuer, issuer]}), "Duplicate value"),
    ] {
        let mut spec = spec;
        spec["resources"] = json!([]);
        let text = refusal(&env, &object("Receiver", "wrong", spec)).await;
        assert!(text.contains(want), "{text}");
    }
}
