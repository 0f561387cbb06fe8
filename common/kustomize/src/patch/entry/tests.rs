use std::sync::Arc;

use super::*;
use crate::schema::Schema;

struct Texts;

impl Inputs for Texts {
    fn load(&mut self, path: &str) -> Result<Vec<u8>> {
        match path {
            "two.yaml" => {
                Ok(b"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\n\
                              metadata: {name: b}\n"
                    .to_vec())
            }
            "empty" => Ok(Vec::new()),
            _ => Err(Error::invalid(format!("no file {path}"))),
        }
    }

    fn parse(&mut self, content: &[u8]) -> Result<Vec<Resource>> {
        crate::reader::read_resources(content, &Arc::new(Schema::built_in()))
    }
}

fn map() -> ResourceMap {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: {x: y, z: w}}\n---\napiVersion: v1\nkind: ConfigMap\n\
                metadata: {name: a}\n";
    Texts.parse(text.as_bytes()).unwrap().into_iter().collect()
}

#[expect(clippy::unnecessary_wraps, reason = "as the field has it")]
fn selector(kind: &str) -> Option<kustomization::Selector> {
    let mut selector = kustomization::Selector::default();
    kind.clone_into(&mut selector.id.gvk.kind);
    Some(selector)
}

fn applied(patch: &str, path: &str, target: Option<kustomization::Selector>) -> Result<String, String> {
    let entry = kustomization::Patch {
        patch: patch.to_owned(),
        path: path.to_owned(),
        target,
        ..kustomization::Patch::default()
    };
    let entry = PatchEntry::new(&entry, "CONFIG", &mut Texts).map_err(|error| error.message())?;
    let mut map = map();
    entry.apply(&mut map).map_err(|error| error.message())?;
    Ok(map
        .iter()
        .map(|resource| resource.node().to_value().unwrap().to_json())
        .collect::<Vec<_>>()
        .join("\n"))
}

#[test]
fn bad_entries_have_kustomize_texts() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
    for (patch, path, target, expected) in [
        ("", "", None, "must specify one of patch and path in\nCONFIG"),
        ("x", "y", None, "patch and path can't be set at the same time\nCONFIG"),
        ("", "y", None, "failed to get the patch file from path(y): no file y"),
        ("x", "", None, "unable to parse SM or JSON patch from [patch: \"x\"]"),
        (
            "- {op: remove, path: /a}",
            "",
            None,
            "must specify a target for JSON patch [patch: \"- {op: remove, path: /a}\"]",
        ),
        (
            "",
            "two.yaml",
            selector("Secret"),
            "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: \
             [path: \"two.yaml\"]",
        ),
        (
            "",
            "two.yaml",
            None,
            "no resource matches strategic merge patch \"Secret.v1.[noGrp]/b.[noNs]\": no matches for Id \
             Secret.v1.[noGrp]/b.[noNs]; failed to find unique target for patch Secret.v1.[noGrp]/b.[noNs]",
        ),
    ] {
        assert_eq!(applied(patch, path, target).unwrap_err(), expected);
    }
    assert!(applied(secret, "", selector("Other")).is_ok());
    assert!(applied("- {op: remove, path: /a}", "", selector("Other")).is_ok());
    assert!(applied("", "empty", None).is_ok());
}

#[test]
fn a_null_label_deletes_only_without_target() {
    let patch = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: {x: null}}\n";
    assert!(applied(patch, "", None).unwrap().contains(r#""labels":{"z":"w"}"#));
    assert!(applied(patch, "", selector("Secret")).unwrap().contains(r#""labels":{"x":"null","z":"w"}"#));
}

#[test]
fn names_kinds_and_namespaces_stay() {
    let patch = "apiVersion: v1\nkind: Other\nmetadata: {name: new, namespace: ns}\nextra: 1\n";
    let text = applied(patch, "", selector("Secret")).unwrap();
    let first = text.lines().next().unwrap();
    assert!(
        first.contains(r#""kind":"Secret""#) && first.contains(r#""name":"a""#) && !first.contains("ns"),
        "{first}"
    );
    let mut entry = kustomization::Patch {
        patch: patch.to_owned(),
        target: selector("Secret"),
        ..kustomization::Patch::default()
    };
    entry.options.allow_name_change = true;
    entry.options.allow_kind_change = true;
    let mut map = map();
    PatchEntry::new(&entry, "", &mut Texts).unwrap().apply(&mut map).unwrap();
    let resource = map.get(0).unwrap();
    assert_eq!((resource.kind(), resource.name(), resource.namespace()), ("Other", "new", ""));
    assert_eq!(resource.original_id().name, "a");
}

#[test]
fn deprecated_entries_are_checked() {
    let text = |result: Result<PatchEntry>| result.unwrap_err().message();
    let json = |target: &str, patch: &str, path: &str| {
        let mut selector = kustomization::Selector::default();
        target.clone_into(&mut selector.id.name);
        let entry = kustomization::Patch {
            patch: patch.to_owned(),
            path: path.to_owned(),
            target: Some(selector),
            ..kustomization::Patch::default()
        };
        text(PatchEntry::json(&entry, &mut Texts))
    };
    assert_eq!(json("", "[]", ""), "must specify the target name");
    assert_eq!(json("a", "", ""), "empty file path and empty jsonOp");
    assert_eq!(json("a", "[]", "x"), "must specify a file path or jsonOp, not both");
    assert_eq!(json("a", "", "empty"), "patch file 'empty' empty seems to be empty");
    assert_eq!(json("a", "[]", ""), "patch appears to be empty; file=, JsonOp=[]");
    assert_eq!(text(PatchEntry::strategic(&[], "", &mut Texts)), "empty file path and empty patch content");
}
