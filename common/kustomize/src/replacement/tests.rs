use std::sync::Arc;

use super::*;
use crate::schema::Schema;

const RESOURCES: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: source, labels: {app: web}}\ndata: {host: 'a:b:c', \
                         port: '8080'}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  \
                         replicas: 1\n  text: '{\"b\": 1, \"a\": {\"x\": \"y\"}}'\n  yaml: |\n    b: 1\n    a: x\n  list:\n  \
                         - {name: web, image: i}\n  - {name: web-2, image: i}\n  - {name: other, image: i}\n";

/// Carries out one replacement, given as YAML, and shows the spec of the target.
fn replaced(replacement: &str) -> Result<String, String> {
    let schema = Arc::new(Schema::built_in());
    let documents = flux_yaml::parse_documents(RESOURCES.as_bytes()).unwrap();
    let mut map: ResourceMap =
        documents.into_iter().map(|node| Resource::new(node, &schema).unwrap()).collect();
    let list = in_file(replacement.as_bytes()).map_err(|error| error.message())?;
    Replacements(list).apply(&mut map).map_err(|error| error.message())?;
    let spec = map.get(1).unwrap().node().get("spec").unwrap();
    spec.to_value().map(|value| value.to_json()).map_err(|error| error.to_string())
}

fn to_field(source: &str, path: &str, rest: &str) -> Result<String, String> {
    replaced(&format!(
        "source: {{kind: ConfigMap{source}}}\ntargets:\n- select: {{kind: Deployment}}\n  fieldPaths: ['{path}']\n{rest}"
    ))
}

#[test]
fn all_forms_of_paths_lead_to_their_fields() {
    for (path, expected) in [
        ("spec.list.*.image", 3),
        ("spec.list.[name=web].image", 2),
        ("spec.list.[name=^web$].image", 1),
        ("spec.list.2.image", 1),
        ("spec.list.[name=o.*].image", 1),
    ] {
        let text = to_field("", path, "").unwrap();
        assert_eq!(text.matches(r#""image":"source""#).count(), expected, "{path}: {text}");
    }
}

#[test]
fn options_choose_parts_and_create_fields() {
    let part = ", fieldPath: data.host, options: {delimiter: ':', index: 1}";
    assert!(to_field(part, "spec.list.0.image", "").unwrap().contains(r#""image":"b""#));
    let create = "  options: {create: true}\n";
    assert!(to_field("", "spec.new.deep", create).unwrap().contains(r#""new":{"deep":"source"}"#));
    assert!(
        to_field("", "spec.list.[name=new].image", create)
            .unwrap()
            .contains(r#"{"image":"source","name":"new"}"#)
    );
    let prefix = "  options: {delimiter: '/', index: -1}\n";
    assert!(to_field("", "spec.list.0.image", prefix).unwrap().contains(r#""image":"source/i""#));
    let suffix = "  options: {delimiter: '/', index: 9}\n";
    assert!(to_field("", "spec.list.0.image", suffix).unwrap().contains(r#""image":"i/source""#));
}

#[test]
fn typed_fields_keep_their_type() {
    let port = ", fieldPath: data.port";
    assert!(to_field(port, "spec.replicas", "").unwrap().contains(r#""replicas":8080"#));
    let message = to_field("", "spec.replicas", "").unwrap_err();
    assert_eq!(message, "yaml: cannot decode !!str `source` as a !!int");
}

#[test]
fn values_within_texts_are_set_in_place() {
    let text = to_field("", "spec.text.a.x", "").unwrap();
    assert!(text.contains(r#""text":"{\"a\":{\"x\":\"source\"},\"b\":1}""#), "{text}");
    let text = to_field("", "spec.yaml.a", "").unwrap();
    assert!(text.contains(r#""yaml":"b: 1\na: source""#), "{text}");
}

#[test]
fn what_cannot_be_replaced_is_an_error() {
    for (replacement, expected) in [
        ("targets: []", "replacements must specify a source and at least one target"),
        (
            "source: {kind: ConfigMap}\nsourceValue: a\ntargets: []",
            "value and resource selectors are mutually exclusive",
        ),
        ("source: {kind: Secret}\ntargets: []", "nothing selected by Secret.[noVer].[noGrp]/[noName].[noNs]"),
        ("source: {}\ntargets: []", "multiple matches for selector [noKind].[noVer].[noGrp]/[noName].[noNs]"),
        (
            "source: {kind: ConfigMap, fieldPath: data.x}\ntargets: []",
            "fieldPath `data.x` is missing for replacement source ConfigMap.[noVer].[noGrp]/[noName].[noNs]",
        ),
        (
            "source: {kind: ConfigMap, fieldPath: data.host, options: {delimiter: ':', index: 3}}\ntargets: []",
            "options.index 3 is out of bounds for value a:b:c",
        ),
        ("source: {kind: ConfigMap}\ntargets: [{}]", "target must specify resources to select"),
        (
            "source: {kind: ConfigMap}\ntargets: [{select: {kind: Deployment}, fieldPaths: [spec.x]}]",
            "unable to find field \"spec.x\" in replacement target",
        ),
        (
            "source: {kind: ConfigMap}\ntargets: [{select: {kind: Deployment}, fieldPaths: [spec.list.7.image]}]",
            "unable to find field \"spec.list.7.image\" in replacement target: index 7 specified but only 3 elements found",
        ),
        ("5", "unsupported replacement type encountered within replacement path: float64"),
    ] {
        assert_eq!(replaced(replacement).unwrap_err(), expected, "{replacement}");
    }
}

#[test]
fn rejected_and_foreign_resources_are_left_alone() {
    for reject in ["{name: web}", "{labelSelector: '!app'}", "{kind: Dep.*}"] {
        let text = to_field("", "spec.list.0.image", &format!("  reject: [{reject}]\n")).unwrap();
        assert!(!text.contains("source"), "{reject}");
    }
    assert!(to_field("", "spec.list.0.image", "  reject: [{name: other}]\n").unwrap().contains("source"));
}

#[test]
fn a_source_that_is_a_target_too_gives_its_new_value() {
    let text = replaced(
        "source: {kind: Deployment, fieldPath: spec.list.0.image}\ntargets:\n- select: {kind: Deployment}\n  \
         fieldPaths: ['spec.list.*.image']\n  options: {delimiter: '/', index: -1}\n",
    );
    assert!(text.unwrap().contains(r#""image":"i/i/i","name":"web-2""#));
}
