use super::*;

fn sorted(files: &[(&str, &str)]) -> Sorted {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    sort(&files, Order::Install).unwrap()
}

#[test]
fn manifests_are_sorted_by_kind_then_path_then_place() {
    let sorted = sorted(&[
        ("a/two.yaml", "kind: Unknown\nmetadata: {name: x}\n---\nkind: Deployment\n---\nkind: Abc\n"),
        ("a/one.yaml", "kind: Deployment\nmetadata: {name: first}\n---\nkind: Namespace\n"),
        ("a/_partial.yaml", "kind: Secret\n"),
    ]);
    let kinds: Vec<_> = sorted.manifests.iter().map(|m| (m.head.kind.as_str(), m.path.as_str())).collect();
    assert_eq!(
        kinds,
        [
            ("Namespace", "a/one.yaml"),
            ("Deployment", "a/one.yaml"),
            ("Deployment", "a/two.yaml"),
            ("Abc", "a/two.yaml"),
            ("Unknown", "a/two.yaml"),
        ]
    );
}

#[test]
fn hooks_are_told_by_their_annotation() {
    let hook = |events: &str| {
        format!("kind: Job\nmetadata:\n  name: j\n  annotations: {{helm.sh/hook: '{events}'}}\n")
    };
    let one = hook("Pre-Install, test-success");
    let sorted =
        sorted(&[("a", &one), ("b", &hook("crd-install")), ("c", &hook("post-install,")), ("d", &hook(""))]);
    assert!(sorted.manifests.is_empty());
    let [found] = sorted.hooks.as_slice() else { panic!("{sorted:?}") };
    assert_eq!(found.events, [HookEvent::PreInstall, HookEvent::Test]);
    assert_eq!((found.name.as_str(), found.kind.as_str(), found.weight), ("j", "Job", 0));
}

#[test]
fn weights_and_policies_are_read() {
    let text = "metadata:\n  annotations:\n    helm.sh/hook: test\n    helm.sh/hook-weight: -5\n    \
                helm.sh/hook-delete-policy: Hook-Failed, other\n    helm.sh/hook-output-log-policy: hook-failed\n";
    let sorted = sorted(&[("a", text)]);
    assert_eq!(sorted.hooks[0].weight, -5);
    assert_eq!(sorted.hooks[0].delete_policies, ["hook-failed", "other"]);
    assert_eq!(sorted.hooks[0].output_log_policies, ["hook-failed"]);
}

#[test]
fn errors_name_the_file_and_the_field() {
    let message = |text: &str| {
        let files = BTreeMap::from([("c/templates/a.yaml".to_owned(), text.to_owned())]);
        crate::message(&sort(&files, Order::Install).unwrap_err())
    };
    assert_eq!(
        message("a: b\n c: d\n"),
        "YAML parse error on c/templates/a.yaml: error converting YAML to JSON: yaml: line 2: mapping values are not \
         allowed in this context"
    );
    assert_eq!(
        message("kind: {}\n"),
        "YAML parse error on c/templates/a.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \
         object into Go struct field SimpleHead.kind of type string"
    );
    assert_eq!(
        message("metadata: {annotations: {a: [1]}}\n"),
        "YAML parse error on c/templates/a.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \
         array into Go struct field .metadata.annotations of type string"
    );
    assert_eq!(
        message("text\n"),
        "YAML parse error on c/templates/a.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \
         string into Go value of type util.SimpleHead"
    );
}
