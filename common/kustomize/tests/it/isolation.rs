//! No build sees anything of another one, before it or beside it.

use flux_kustomize::file_system::MemoryFileSystem;
use flux_kustomize::{Options, build};

/// Lists of `Thing` merge by name, says this document.
const DEFINITIONS: &str = r#"{"definitions": {"Thing": {
    "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Thing"}],
    "properties": {"list": {
        "type": "array",
        "items": {"type": "object", "properties": {"name": {"type": "string"}}},
        "x-kubernetes-patch-merge-key": "name",
        "x-kubernetes-patch-strategy": "merge"
    }}
}}}"#;

const PATCH: &str = "patches:\n- patch: |\n    apiVersion: example.com/v1\n    kind: Thing\n    metadata: {name: t}\n    \
                     list: [{name: b}]\n";

fn build_text(kustomization: &str) -> Result<String, String> {
    let files = MemoryFileSystem::from_iter([
        ("/app/kustomization.yaml", kustomization),
        ("/app/definitions.json", DEFINITIONS),
        (
            "/app/thing.yaml",
            "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nlist: [{name: a}]\n",
        ),
    ]);
    build(&files, "/app", &Options::default())
        .and_then(|output| output.to_yaml())
        .map_err(|error| error.message())
}

fn plain() -> String {
    format!("resources: [thing.yaml]\n{PATCH}")
}

fn with_definitions() -> String {
    format!("openapi: {{path: definitions.json}}\n{}", plain())
}

#[test]
fn no_build_leaves_its_schema_to_the_next() {
    let before = build_text(&plain()).unwrap();
    assert!(!before.contains("name: a"), "{before}");
    let merged = build_text(&with_definitions()).unwrap();
    assert!(merged.contains("name: a") && merged.contains("name: b"), "{merged}");
    assert_eq!(build_text(&plain()).unwrap(), before);
    let failing = format!("{}components: [absent]\n", with_definitions());
    assert!(build_text(&failing).unwrap_err().contains("absent"));
    assert_eq!(build_text(&plain()).unwrap(), before);
}

#[test]
fn builds_at_the_same_time_give_what_they_give_alone() {
    let kustomizations = [plain(), with_definitions()];
    let alone: Vec<String> = kustomizations.iter().map(|text| build_text(text).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (kustomizations, alone) = (&kustomizations, &alone);
            scope.spawn(move || {
                for round in 0..20 {
                    let which = (thread + round) % 2;
                    assert_eq!(build_text(&kustomizations[which]).unwrap(), alone[which]);
                }
            });
        }
    });
}
