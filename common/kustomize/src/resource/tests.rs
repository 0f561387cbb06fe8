use super::*;

fn resource(text: &str) -> Resource {
    let node = flux_yaml::parse_document(text.as_bytes()).unwrap().unwrap();
    Resource::new(node, &Arc::new(Schema::built_in())).unwrap()
}

#[test]
fn ids_follow_the_tree_and_remember() {
    let mut resource = resource("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n");
    assert_eq!(resource.id().to_string(), "Deployment.v1.apps/a.[noNs]");
    resource.store_previous_id().unwrap();
    resource.set_name("b");
    resource.set_namespace("n");
    assert_eq!(resource.id().to_string(), "Deployment.v1.apps/b.n");
    assert_eq!(resource.original_id().to_string(), "Deployment.v1.apps/a.default");
    resource.set_namespace("");
    assert_eq!(resource.id().effective_namespace(), "default");
}

#[test]
fn a_name_with_a_comma_fails_as_upstream_panics() {
    let mut resource = resource("apiVersion: v1\nkind: Secret\nmetadata: {name: 'a,b'}\n");
    let message = resource.store_previous_id().unwrap_err().message();
    assert!(
        message.starts_with("recovered from kustomize build panic: number of previous names"),
        "{message}"
    );
}

#[test]
fn records_of_a_manifest_are_taken_over() {
    let mut resource = resource(
        "kind: A\nmetadata:\n  name: a\n  annotations:\n    internal.config.kubernetes.io/needsHashSuffix: enabled\n",
    );
    assert!(resource.records().needs_hash);
    assert_eq!(resource.annotations().count(), 0);
    resource.write_records();
    assert_eq!(resource.annotation("internal.config.kubernetes.io/needsHashSuffix"), Some("enabled"));
    resource.absorb_records().unwrap();
    assert_eq!(resource.annotations().count(), 0);
}

#[test]
fn rewritten_labels_are_strings() {
    let mut resource = resource("kind: A\nmetadata: {labels: {b: 1, a: ~}}\n");
    let labels = resource.label_texts();
    resource.set_labels(labels);
    let value = resource.node().path(&["metadata", "labels"]).unwrap().to_value().unwrap();
    assert_eq!(value.to_json(), r#"{"a":"~","b":"1"}"#);
}
