use super::*;

struct Files(Vec<(&'static str, &'static str)>);

impl Inputs for Files {
    fn load(&mut self, path: &str) -> Result<Vec<u8>> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        found
            .map(|(_, content)| content.as_bytes().to_vec())
            .ok_or_else(|| Error::invalid(format!("no {path}")))
    }

    fn parse(&mut self, _: &[u8]) -> Result<Vec<crate::Resource>> {
        Err(Error::invalid("no resources here"))
    }
}

fn configured(content: &'static str) -> Result<Configuration> {
    let mut configuration = Configuration::default();
    configuration.add_files(&["c.yaml".to_owned()], &mut Files(vec![("c.yaml", content)]))?;
    Ok(configuration)
}

#[test]
fn the_built_in_tables_are_complete() {
    let tables = &*BUILT_IN;
    let references: usize = tables.name_reference.iter().map(|entry| entry.referrers.len()).sum();
    let sizes = [
        tables.namespace.len(),
        tables.common_labels.len(),
        tables.template_labels.len(),
        tables.common_annotations.len(),
        tables.images.len(),
        tables.replicas.len(),
        tables.var_reference.len(),
        tables.name_reference.len(),
        references,
    ];
    assert_eq!(sizes, [3, 32, 10, 9, 6, 4, 72, 16, 166]);
}

#[test]
fn merging_the_built_in_specs_into_nothing_keeps_them() {
    let mut tables = Tables::default();
    tables.merge(&BUILT_IN).unwrap();
    assert_eq!(tables.common_labels, BUILT_IN.common_labels);
    assert_eq!(tables.var_reference, BUILT_IN.var_reference);
    let targets = |tables: &Tables| {
        tables
            .name_reference
            .iter()
            .map(|entry| (entry.target.clone(), entry.referrers.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(targets(&tables), targets(&BUILT_IN));
}

#[test]
fn a_spec_for_fewer_kinds_displaces_the_one_for_all() {
    let configuration = configured("namePrefix: [{path: metadata/name, kind: Foo}]").unwrap();
    assert_eq!(configuration.name_prefix, [FieldSpec::new(Gvk::new("", "", "Foo"), "metadata/name", false)]);
}

#[test]
fn contradictions_and_unknown_fields_are_errors() {
    let message = |content| configured(content).unwrap_err().message();
    assert_eq!(
        message("replicas: [{path: spec/replicas, kind: Deployment}]"),
        "failed to merge Replicas fieldSpec: conflicting fieldspecs"
    );
    assert_eq!(
        message("foo: []"),
        "error unmarshaling JSON: while decoding JSON: json: unknown field \"foo\""
    );
}

#[test]
fn definitions_of_custom_resources_give_specs() {
    let crd = r#"{"a.b.Foo": {"Schema": {"properties": {"kind": {}, "apiVersion": {}, "metadata": {},
        "spec": {"$ref": "a.b.Spec"}}}},
      "a.b.Spec": {"Schema": {"properties": {
        "self": {"$ref": "a.b.Spec"},
        "notes": {"x-kubernetes-annotation": ""},
        "labels": {"x-kubernetes-label-selector": ""},
        "id": {"x-kubernetes-identity": ""},
        "secret": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "Secret"}}}}}"#;
    let mut configuration = Configuration::default();
    configuration.add_crds(&["crd.json".to_owned()], &mut Files(vec![("crd.json", crd)])).unwrap();
    let spec = |path: &str| FieldSpec::new(Gvk::new("", "", "Foo"), path, false);
    assert_eq!(configuration.common_annotations, [spec("spec/notes")]);
    assert_eq!(configuration.common_labels, [spec("spec/labels")]);
    assert_eq!(configuration.name_prefix, [spec("spec/id")]);
    let reference = configuration.name_reference.first().unwrap();
    assert_eq!(reference.target, Gvk::new("", "v1", "Secret"));
    assert_eq!(reference.referrers, [spec("spec/secret/name")]);
    let message =
        configuration.add_crds(&["e".to_owned()], &mut Files(vec![("e", "")])).unwrap_err().message();
    assert_eq!(
        message,
        "recovered from kustomize build panic: runtime error: index out of range [0] with length 0"
    );
}
