use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::configuration::Configuration;
use crate::error::{Error, Result};
use crate::gvk::Gvk;
use crate::kustomization::{Image, Replica};
use crate::patch::Inputs;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::schema::Schema;

/// The built-in field specs.
fn built_in() -> Configuration {
    struct Nothing;
    impl Inputs for Nothing {
        fn load(&mut self, path: &str) -> Result<Vec<u8>> {
            Err(Error::invalid(format!("no file {path}")))
        }

        fn parse(&mut self, _: &[u8]) -> Result<Vec<Resource>> {
            Ok(Vec::new())
        }
    }
    let mut configuration = Configuration::default();
    configuration.add_files(&[], &mut Nothing).unwrap();
    configuration
}

fn map(text: &str) -> ResourceMap {
    let schema = Arc::new(Schema::built_in());
    let documents = flux_yaml::parse_documents(text.as_bytes()).unwrap();
    documents.into_iter().map(|node| Resource::new(node, &schema).unwrap()).collect()
}

fn json(map: &ResourceMap, place: usize, path: &[&str]) -> String {
    let node = map.get(place).unwrap().node().path(path);
    node.map_or("-".to_owned(), |node| node.to_value().unwrap().to_json())
}

/// An object of this kind with nothing but names and an empty spec.
fn bare(api_version: &str, kind: &str) -> ResourceMap {
    map(&format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{}}\n"))
}

fn pairs() -> BTreeMap<String, String> {
    BTreeMap::from([("k".to_owned(), "v".to_owned())])
}

/// Which of the created paths of the table exist after setting a pair in a bare object.
fn created(specs: &[FieldSpec], api_version: &str, kind: &str) -> Vec<String> {
    let mut map = bare(api_version, kind);
    set_pairs(&mut map, &pairs(), specs).unwrap();
    let mut found = Vec::new();
    paths_to_pair(map.get(0).unwrap().node(), "", &mut found);
    found.sort();
    found
}

fn paths_to_pair(node: &flux_yaml::Node, path: &str, found: &mut Vec<String>) {
    if node.get_str("k") == Some("v") {
        found.push(path.to_owned());
    }
    for entry in node.entries() {
        let name = entry.name().unwrap();
        let below = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        paths_to_pair(&entry.value, &below, found);
    }
}

#[test]
fn common_labels_create_the_fields_of_their_table() {
    let tables = built_in();
    let workload = ["metadata/labels", "spec/selector/matchLabels", "spec/template/metadata/labels"];
    for (api_version, kind, expected) in [
        ("v1", "Service", &["metadata/labels", "spec/selector"][..]),
        ("serving.knative.dev/v1", "Service", &["metadata/labels", "spec/selector"]),
        (
            "v1",
            "ReplicationController",
            &["metadata/labels", "spec/selector", "spec/template/metadata/labels"],
        ),
        ("apps/v1", "Deployment", &workload),
        ("apps/v1", "ReplicaSet", &workload),
        ("apps/v1", "DaemonSet", &workload),
        ("apps/v1", "StatefulSet", &workload),
        ("batch/v1", "Job", &["metadata/labels", "spec/template/metadata/labels"]),
        (
            "batch/v1",
            "CronJob",
            &[
                "metadata/labels",
                "spec/jobTemplate/metadata/labels",
                "spec/jobTemplate/spec/template/metadata/labels",
            ],
        ),
        ("policy/v1", "PodDisruptionBudget", &["metadata/labels"]),
        ("networking.k8s.io/v1", "NetworkPolicy", &["metadata/labels"]),
        ("example.com/v1", "Thing", &["metadata/labels"]),
    ] {
        assert_eq!(created(&tables.common_labels, api_version, kind), expected, "{kind}");
    }
}

#[test]
fn template_labels_and_annotations_create_the_fields_of_their_tables() {
    let tables = built_in();
    for kind in ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"] {
        assert_eq!(
            created(&tables.template_labels, "apps/v1", kind),
            ["metadata/labels", "spec/template/metadata/labels"],
            "{kind}"
        );
        assert_eq!(
            created(&tables.common_annotations, "apps/v1", kind),
            ["metadata/annotations", "spec/template/metadata/annotations"],
            "{kind}"
        );
    }
    assert_eq!(created(&tables.template_labels, "v1", "Service"), ["metadata/labels"]);
    assert_eq!(
        created(&tables.common_annotations, "batch/v1", "CronJob"),
        [
            "metadata/annotations",
            "spec/jobTemplate/metadata/annotations",
            "spec/jobTemplate/spec/template/metadata/annotations"
        ]
    );
    assert_eq!(created(&tables.common_annotations, "v1", "ConfigMap"), ["metadata/annotations"]);
}

#[test]
fn existing_selectors_of_the_table_get_labels() {
    let tables = built_in();
    let selector = "{matchLabels: {x: y}}";
    for (api_version, kind, spec, path) in [
        ("batch/v1", "Job", format!("{{selector: {selector}}}"), "spec/selector/matchLabels"),
        (
            "policy/v1",
            "PodDisruptionBudget",
            format!("{{selector: {selector}}}"),
            "spec/selector/matchLabels",
        ),
        (
            "batch/v1",
            "CronJob",
            format!("{{jobTemplate: {{spec: {{selector: {selector}}}}}}}"),
            "spec/jobTemplate/spec/selector/matchLabels",
        ),
        (
            "networking.k8s.io/v1",
            "NetworkPolicy",
            format!("{{podSelector: {selector}}}"),
            "spec/podSelector/matchLabels",
        ),
    ] {
        let mut map =
            map(&format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n"));
        set_pairs(&mut map, &pairs(), &tables.common_labels).unwrap();
        let path: Vec<&str> = path.split('/').collect();
        assert_eq!(json(&map, 0, &path), r#"{"k":"v","x":"y"}"#, "{kind}");
    }
    let mut map = map(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {affinity: {podAffinity: \
         {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {x: y}}}]}}, \
         topologySpreadConstraints: [{labelSelector: {matchLabels: {x: y}}}]}}}\n",
    );
    set_pairs(&mut map, &pairs(), &tables.common_labels).unwrap();
    let text = json(&map, 0, &["spec", "template", "spec"]);
    assert_eq!(text.matches(r#"{"k":"v","x":"y"}"#).count(), 2, "{text}");
}

#[test]
fn labels_put_into_several_places_change_together() {
    let tables = built_in();
    let mut map = bare("apps/v1", "Deployment");
    set_pairs(&mut map, &pairs(), &tables.common_labels).unwrap();
    let only_metadata = [FieldSpec::new(Gvk::default(), "metadata/labels", true)];
    let new = BTreeMap::from([("k".to_owned(), "new".to_owned())]);
    set_pairs(&mut map, &new, &only_metadata).unwrap();
    assert_eq!(json(&map, 0, &["spec", "selector", "matchLabels"]), r#"{"k":"new"}"#);
    assert_eq!(json(&map, 0, &["spec", "template", "metadata", "labels"]), r#"{"k":"new"}"#);
}

fn namespace(text: &str, subjects: SubjectMode) -> Result<ResourceMap, String> {
    let mut map = map(text);
    let specs = built_in().namespace.clone();
    let config = NamespaceConfig { namespace: "ns".to_owned(), specs, subjects, fill: Fill::Always };
    set_namespace(&mut map, &config).map_err(|error| error.message())?;
    Ok(map)
}

#[test]
fn namespaces_are_set_where_resources_have_one() {
    let default = SubjectMode::DefaultOnly;
    let metadata = |api_version: &str, kind: &str| {
        let text = format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n");
        json(&namespace(&text, default).unwrap(), 0, &["metadata"])
    };
    assert_eq!(metadata("v1", "ConfigMap"), r#"{"name":"a","namespace":"ns"}"#);
    assert_eq!(metadata("v1", "Namespace"), r#"{"name":"ns"}"#);
    assert_eq!(metadata("example.com/v1", "Namespace"), r#"{"name":"a","namespace":"ns"}"#);
    assert_eq!(metadata("rbac.authorization.k8s.io/v1", "ClusterRole"), r#"{"name":"a"}"#);
    assert_eq!(metadata("cert-manager.io/v1", "ClusterIssuer"), r#"{"name":"a","namespace":"ns"}"#);
    let service =
        namespace("apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: a}\n", default);
    assert_eq!(json(&service.unwrap(), 0, &["spec"]), r#"{"service":{"namespace":"ns"}}"#);
    let conflict = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: x}\n---\napiVersion: v1\nkind: Secret\n\
                    metadata: {name: a, namespace: y}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: ns}\n";
    let message = namespace(conflict, default).unwrap_err();
    assert!(message.starts_with("namespace transformation produces ID conflict: [{"), "{message}");
}

#[test]
fn subjects_of_role_bindings_follow_the_mode() {
    let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: a}\nsubjects:\n\
                - {kind: ServiceAccount, name: default}\n- {kind: ServiceAccount, name: other, namespace: x}\n\
                - {kind: User, name: default}\n";
    for (mode, expected) in [
        (SubjectMode::DefaultOnly, ["ns", "x", "ns"]),
        (SubjectMode::AllServiceAccounts, ["ns", "ns", "-"]),
        (SubjectMode::None, ["-", "x", "-"]),
    ] {
        let map = namespace(text, mode).unwrap();
        let subjects = map.get(0).unwrap().node().get("subjects").unwrap();
        let found: Vec<_> =
            subjects.items().iter().map(|item| item.get_str("namespace").unwrap_or("-")).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn prefixes_spare_definitions_and_namespaces() {
    let specs = built_in().name_prefix.clone();
    for (api_version, kind, expected) in [
        ("v1", "Secret", "p-a"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a"),
        ("apiregistration.k8s.io/v1", "APIService", "a"),
        ("example.com/v1", "APIService", "p-a"),
        ("v1", "Namespace", "a"),
    ] {
        let mut map = bare(api_version, kind);
        add_to_names(&mut map, Affix::Prefix("p-"), &specs).unwrap();
        let resource = map.get(0).unwrap();
        assert_eq!(resource.name(), expected, "{kind}");
        assert_eq!(resource.records().prefixes.len(), usize::from(expected != "a"));
    }
}

#[test]
fn suffixes_of_images_are_added_twice_where_both_passes_come_by() {
    let mut map = map(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{image: 'nginx:1.2'}]\n---\n\
         apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\ndeep: {containers: [{image: 'nginx:1.2'}]}\n---\n\
         apiVersion: v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec: {containers: [{image: 'nginx:1.2'}]}\n",
    );
    let image = Image { name: "nginx".to_owned(), tag_suffix: "-x".to_owned(), ..Image::default() };
    replace_images(&mut map, &image, &built_in().images).unwrap();
    assert_eq!(json(&map, 0, &["spec", "containers"]), r#"[{"image":"nginx:1.2-x-x"}]"#);
    assert_eq!(json(&map, 1, &["deep", "containers"]), r#"[{"image":"nginx:1.2-x"}]"#);
    assert_eq!(json(&map, 2, &["spec", "containers"]), r#"[{"image":"nginx:1.2"}]"#);
}

#[test]
fn every_image_path_of_the_table_is_visited() {
    for spec in ["containers", "initContainers"] {
        for wrap in ["{}", "template: {spec: {}}"] {
            let inner = format!("{{{spec}: [{{image: nginx}}]}}");
            let body = if wrap == "{}" { inner } else { format!("{{template: {{spec: {inner}}}}}") };
            assert_eq!(images_replaced(&body), 1, "{body}");
        }
    }
    assert_eq!(images_replaced("{volumes: [{image: {reference: nginx}}]}"), 1);
    assert_eq!(images_replaced("{template: {spec: {volumes: [{image: {reference: nginx}}]}}}"), 1);
    assert_eq!(images_replaced("{jobTemplate: {volumes: [{image: {reference: nginx}}]}}"), 0);
}

fn images_replaced(spec: &str) -> usize {
    let mut map = map(&format!("apiVersion: v1\nkind: Any\nmetadata: {{name: a}}\nspec: {spec}\n"));
    let image = Image { name: "nginx".to_owned(), new_name: "other".to_owned(), ..Image::default() };
    replace_images(&mut map, &image, &built_in().images).unwrap();
    json(&map, 0, &["spec"]).matches("other").count()
}

#[test]
fn replicas_are_set_on_four_kinds() {
    let specs = built_in().replicas.clone();
    let replica = Replica { name: "a".to_owned(), count: 7 };
    for kind in ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"] {
        let mut map = bare("apps/v1", kind);
        set_replicas(&mut map, &replica, &specs).unwrap();
        assert_eq!(json(&map, 0, &["spec"]), r#"{"replicas":7}"#, "{kind}");
    }
    let mut quoted =
        map("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: '1'}\n");
    set_replicas(&mut quoted, &replica, &specs).unwrap();
    assert_eq!(json(&quoted, 0, &["spec"]), r#"{"replicas":"7"}"#);
    let message = set_replicas(&mut bare("apps/v1", "DaemonSet"), &replica, &specs).unwrap_err().message();
    assert_eq!(
        message,
        "resource with name a does not match a config with the following GVK [Deployment.[noVer].[noGrp] \
         StatefulSet.[noVer].[noGrp] ReplicaSet.[noVer].[noGrp] ReplicationController.[noVer].[noGrp]]"
    );
}
