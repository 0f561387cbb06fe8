use std::sync::Arc;

use super::*;
use crate::schema::Schema;

/// A map of resources, with what each is renamed to.
fn renamed(resources: &[(&str, Option<&str>)]) -> ResourceMap {
    let schema = Arc::new(Schema::built_in());
    let make = |(text, name): &(&str, Option<&str>)| {
        let node = flux_yaml::parse_document(text.as_bytes()).unwrap().unwrap();
        let mut resource = Resource::new(node, &schema).unwrap();
        if let Some(name) = name {
            resource.store_previous_id().unwrap();
            resource.set_name(name);
        }
        resource
    };
    resources.iter().map(make).collect()
}

fn table() -> Vec<NameReference> {
    let spec = |kind: &str, path: &str| FieldSpec::new(Gvk::new("", "", kind), path, false);
    vec![
        NameReference {
            target: Gvk::new("", "v1", "ConfigMap"),
            referrers: vec![spec("Pod", "spec/volumes/configMap/name")],
        },
        NameReference {
            target: Gvk::new("", "v1", "ServiceAccount"),
            referrers: vec![spec("RoleBinding", "subjects")],
        },
    ]
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{configMap: {name: c}}, {configMap: {name: other}}]}";

fn volume(resources: &ResourceMap, place: usize) -> String {
    resources.get(place).unwrap().node().get("spec").unwrap().to_value().unwrap().to_json()
}

#[test]
fn a_reference_follows_the_renamed() {
    let mut resources = renamed(&[(POD, None), (MAP, Some("x-c"))]);
    update_references(&mut resources, &table()).unwrap();
    let expected = r#"{"volumes":[{"configMap":{"name":"x-c"}},{"configMap":{"name":"other"}}]}"#;
    assert_eq!(volume(&resources, 0), expected);
}

#[test]
fn several_referrals_are_an_error() {
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {}";
    let mut resources = renamed(&[(POD, None), (MAP, Some("x-c")), (other, Some("y-c"))]);
    let message = update_references(&mut resources, &table()).unwrap_err().message();
    assert!(
        message.contains("found multiple possible referrals: ConfigMap.v1.[noGrp]/x-c.[noNs], "),
        "{message}"
    );
    let mut resources = renamed(&[(POD, Some("y-p")), (MAP, Some("x-c")), (other, Some("y-c"))]);
    for (place, prefix) in [(0, "y-"), (1, "x-"), (2, "y-")] {
        resources.get_mut(place).unwrap().records_mut().prefixes.push(prefix.to_owned());
    }
    update_references(&mut resources, &table()).unwrap();
    assert!(volume(&resources, 0).contains("y-c"));
}

#[test]
fn subjects_follow_accounts_of_their_namespace() {
    let account = |namespace: &str| {
        format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: a, namespace: {namespace}}}")
    };
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: n1}\n\
                   subjects: [{kind: ServiceAccount, name: a, namespace: n2}]";
    let (first, second) = (account("n1"), account("n2"));
    let mut resources = renamed(&[(&first, Some("x-a")), (&second, Some("y-a")), (binding, None)]);
    update_references(&mut resources, &table()).unwrap();
    let subjects = resources.get(2).unwrap().node().get("subjects").unwrap().to_value().unwrap().to_json();
    assert_eq!(subjects, r#"[{"kind":"ServiceAccount","name":"y-a","namespace":"n2"}]"#);
}

#[test]
fn a_blank_namespace_of_an_account_is_rejected() {
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b}\n\
                   subjects: [{kind: ServiceAccount, name: a, namespace: }]";
    let message = update_references(&mut renamed(&[(binding, None)]), &table()).unwrap_err().message();
    let expected = "Invalid Input: namespace is blank for resource \"RoleBinding.v1.rbac.authorization.k8s.io/b.[noNs]\"\n";
    assert_eq!(message, expected);
}
