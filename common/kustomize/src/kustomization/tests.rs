use super::*;

fn error(text: &str) -> String {
    let parsed = Kustomization::parse(text.as_bytes());
    parsed.and_then(|mut parsed| parsed.check("/root")).unwrap_err().message()
}

#[test]
fn deprecated_fields_move_and_warn() {
    let text = "bases: [b]\nresources: [a]\nimageTags: [{name: x, newTag: '1'}]\nconfigMapGenerator: [{name: c, env: e, envs: [d]}]";
    let parsed = Kustomization::parse(text.as_bytes()).unwrap();
    assert_eq!(parsed.resources, ["a", "b"]);
    assert_eq!(parsed.images.len(), 1);
    assert_eq!(parsed.config_map_generator[0].envs, ["d", "e"]);
    assert_eq!(parsed.warnings.len(), 2);
}

#[test]
fn unknown_fields_are_named() {
    assert_eq!(error("foo: 1"), "invalid Kustomization: json: unknown field \"foo\"");
    assert_eq!(error("images: [{nam: x}]"), "invalid Kustomization: json: unknown field \"nam\"");
    let expected = "invalid Kustomization: json: cannot unmarshal number into Go struct field Kustomization.namePrefix of type string";
    assert_eq!(error("namePrefix: 1"), expected);
}

#[test]
fn empty_and_foreign_files_are_rejected() {
    assert_eq!(error(""), "kustomization.yaml is empty");
    assert_eq!(error("kind: Kustomization\nresources:\nnamespace: ''"), "kustomization.yaml is empty");
    assert_eq!(
        error("kind: Foo\nnamespace: a\napiVersion: b"),
        "Failed to read kustomization file under /root:\nkind should be Kustomization or Component\n\
         apiVersion for Foo should be kustomize.config.k8s.io/v1beta1"
    );
    let mut parsed = Kustomization::parse(b"resources: []").unwrap();
    parsed.check("/root").unwrap();
}
