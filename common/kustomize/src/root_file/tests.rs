use super::*;
use crate::file_system::MemoryFileSystem;

fn root_file(files: &[(&str, &str)], spec: &str) -> Result<RootFile> {
    let files = files.iter().copied().collect::<MemoryFileSystem>();
    generate(&files, "/app", &Overlay::parse(spec.as_bytes())?)
}

fn content(files: &[(&str, &str)], spec: &str) -> String {
    String::from_utf8(root_file(files, spec).unwrap().content).unwrap()
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}";
const HEAD: &str = "apiVersion: kustomize.config.k8s.io/v1beta1\n";

#[test]
fn a_directory_without_file_gets_one() {
    let files = [
        ("/app/b.yml", MAP),
        ("/app/a/c.yaml", MAP),
        ("/app/a/readme.md", "no"),
        ("/app/base/Kustomization", "x"),
        ("/app/base/d.yaml", "not: looked at"),
    ];
    let expected = format!("{HEAD}kind: Kustomization\nresources:\n- ./a/c.yaml\n- ./b.yml\n- ./base\n");
    assert_eq!(content(&files, "{}"), expected);
    let empty = content(&[("/app/readme.md", "")], "{}");
    assert_eq!(empty, format!("{HEAD}kind: Kustomization\nnamespace: _placeholder\n"));
    let message = root_file(&[("/app/a.yaml", "a: 1")], "{}").unwrap_err().message();
    assert_eq!(message, "failed to decode Kubernetes YAML from /app/a.yaml: missing Resource metadata");
}

#[test]
fn the_root_of_the_file_system_is_a_directory_like_others() {
    let files = MemoryFileSystem::from_iter([("/a/c.yaml", MAP), ("/b.yml", MAP)]);
    let root = generate(&files, "/", &Overlay::default()).unwrap();
    let expected = format!("{HEAD}kind: Kustomization\nresources:\n- ./a/c.yaml\n- ./b.yml\n");
    assert_eq!(String::from_utf8(root.content).unwrap(), expected);
}

#[test]
fn an_existing_file_is_read_leniently() {
    let file = "NAMEPREFIX: 1\nunknown: x\nnamespace: y\nresources: [a]\ncommonLabels: {f: 1.50}";
    let expected = format!(
        "{HEAD}commonLabels:\n  f: \"1.5\"\nkind: Kustomization\nnamePrefix: \"1\"\nnamespace: \"true\"\nresources:\n- a\n"
    );
    assert_eq!(content(&[("/app/kustomization.yml", file)], "{}"), expected);
    let without_resources = content(&[("/app/kustomization.yml", "namespace: n")], "{}");
    assert!(without_resources.contains("buildMetadata:\n- originAnnotations\n"), "{without_resources}");
}

#[test]
fn the_object_is_laid_over_it() {
    let file = "resources: [a]\nimages: [{name: x, newName: w, newTag: '1', digest: d}]\nnamePrefix: p";
    let spec = r#"{"targetNamespace": "n", "namePrefix": "", "components": ["c", "missing"],
        "ignoreMissingComponents": true, "images": [{"name": "x", "newTag": "2"}, {"name": "z", "digest": "e"}]}"#;
    let files = [("/app/kustomization.yaml", file), ("/app/c/kustomization.yaml", "")];
    let expected = format!(
        "{HEAD}components:\n- c\nimages:\n- name: x\n  newName: w\n  newTag: \"2\"\n- digest: e\n  name: z\n\
         kind: Kustomization\nnamespace: \"n\"\nresources:\n- a\n"
    );
    assert_eq!(content(&files, spec), expected);
    let message = |spec: &str| root_file(&files, spec).unwrap_err().message();
    for component in ["https://h/c", "GIT@h:c", "/c", "file:///c"] {
        let expected = format!("component path '{component}' must be local and relative");
        assert_eq!(message(&format!("components: ['{component}']")), expected);
    }
    assert_eq!(
        message("namePrefix: 5"),
        ".spec.namePrefix accessor error: 5 is of the type float64, expected string"
    );
}
