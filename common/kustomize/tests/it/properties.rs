//! Properties of builds over made-up trees: they never panic, and two builds give equal bytes.

use flux_kustomize::file_system::MemoryFileSystem;
use flux_kustomize::{Options, build};
use proptest::prelude::*;

/// Values that appear where they fit and where they do not.
const VALUES: [&str; 24] = [
    "a",
    "b",
    "ConfigMap",
    "v1",
    "apps/v1",
    "Deployment",
    "12",
    "true",
    "~",
    "''",
    "{}",
    "[]",
    "{a: b}",
    "[a, b]",
    "[{name: a}]",
    "$(A)",
    "'*'",
    "a.*",
    "\"\\0\"",
    "&x y",
    "*x",
    "{$patch: delete}",
    "|\n    text",
    "-1",
];

const FIELDS: [&str; 30] = [
    "resources",
    "components",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "images",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
    "openapi",
    "helmCharts",
    "kind",
    "apiVersion",
];

/// Entries with which the fields make sense.
const ENTRIES: [&str; 40] = [
    "resources: [m.yaml]",
    "resources: [m.yaml, base]",
    "resources: [base]",
    "components: [component]",
    "namePrefix: p-",
    "nameSuffix: '1'",
    "namespace: other",
    "commonLabels: {a: b}",
    "labels: [{pairs: {a: c}, includeSelectors: true}]",
    "labels: [{pairs: {a: d}, includeTemplates: true}, {pairs: {e: f}, fields: [{path: data/x, create: true}]}]",
    "commonAnnotations: {a: b}",
    "patches: [{path: p.yaml}]",
    "patches: [{path: p.yaml, target: {kind: .*}}]",
    "patches: [{path: j.json, target: {name: a}, options: {allowNameChange: true}}]",
    "patchesStrategicMerge: [p.yaml]",
    "patchesJson6902: [{path: j.json, target: {name: a}}]",
    "images: [{name: a, newTag: '2', newName: b}]",
    "replacements: [{sourceValue: x, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a, metadata.name]}]}]",
    "replacements: [{source: {kind: ConfigMap, name: a}, targets: [{select: {}, fieldPaths: [data.b], options: \
     {create: true, delimiter: a, index: -1}}]}]",
    "replicas: [{name: a, count: 3}]",
    "vars: [{name: A, objref: {kind: ConfigMap, apiVersion: v1, name: a}}]",
    "sortOptions: {order: legacy}",
    "crds: [c.json]",
    "configMapGenerator: [{name: g, literals: [a=b], files: [p.yaml]}]",
    "configMapGenerator: [{name: a, behavior: merge, literals: [x=y]}]",
    "secretGenerator: [{name: a, behavior: replace, literals: [x=y]}]",
    "secretGenerator: [{name: g, envs: [m.yaml], type: t}]",
    "generatorOptions: {disableNameSuffixHash: true, labels: {a: b}}",
    "configurations: [t.yaml]",
    "generators: [g.yaml]",
    "transformers: [g.yaml]",
    "validators: [g.yaml]",
    "buildMetadata: [originAnnotations, transformerAnnotations, managedByLabel]",
    "openapi: {path: c.json}",
    "openapi: {version: v1.21.2}",
    "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1",
    "bases: [base]",
    "imageTags: [{name: a, digest: 'sha256:1'}]",
    "metadata: {name: a}",
    "helmGlobals: {}",
];

const DOCUMENTS: [&str; 12] = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b, x: '$(A)'}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: n, labels: {a: 1}}\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, \
     image: 'a:1', env: [{name: A}]}], volumes: [{name: v, configMap: {name: a}}]}}}\n",
    "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret, metadata: {name: a}}]\n",
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n",
    "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: a}\nprefix: q-\nfieldSpecs: [{path: metadata/name}]\n",
    "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: a}\nname: made\nliterals: [a=b]\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n$patch: delete\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {internal.config.kubernetes.io/previousNames: \
     'a,b'}}\n",
    "# nothing\n",
    "a: b\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\nsubjects: [{kind: \
     ServiceAccount, name: a}]\nroleRef: {kind: Role, name: a}\n",
];

fn kustomization() -> impl Strategy<Value = String> {
    let odd = (prop::sample::select(&FIELDS[..]), prop::sample::select(&VALUES[..]))
        .prop_map(|(field, value)| format!("{field}: {value}"));
    let line = prop_oneof![9 => prop::sample::select(&ENTRIES[..]).prop_map(str::to_owned), 1 => odd];
    prop::collection::vec(line, 1..6).prop_map(|lines| lines.join("\n"))
}

fn documents() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&DOCUMENTS[..]), 1..4)
        .prop_map(|documents| documents.join("---\n"))
}

const PATHS: [&str; 7] =
    ["/data/a", "/data", "/metadata/name", "/x/0", "", "/spec/template/spec/containers/-", "/a~1b"];

const OPERATIONS: [&str; 7] = ["add", "remove", "replace", "move", "copy", "test", "odd"];

fn operations() -> impl Strategy<Value = String> {
    let path = || prop::sample::select(&PATHS[..]);
    let operation = (prop::sample::select(&OPERATIONS[..]), path(), path()).prop_map(|(kind, path, from)| {
        format!(r#"{{"op": "{kind}", "path": "{path}", "from": "{from}", "value": {{"a": 1}}}}"#)
    });
    prop::collection::vec(operation, 0..4).prop_map(|operations| format!("[{}]", operations.join(", ")))
}

prop_compose! {
    fn tree()(
        root in kustomization(), base in kustomization(), component in kustomization(),
        resources in documents(), patch in documents(), plugins in documents(), operations in operations(),
    ) -> MemoryFileSystem {
        MemoryFileSystem::from_iter([
            ("/t/kustomization.yaml", root),
            ("/t/m.yaml", resources.clone()),
            ("/t/p.yaml", patch),
            ("/t/g.yaml", plugins),
            ("/t/j.json", operations),
            ("/t/c.json", r#"{"definitions": {}}"#.to_owned()),
            ("/t/t.yaml", "namePrefix: [{path: data/x}]\nnameReference: [{kind: ConfigMap, fieldSpecs: [{path: data}]}]".to_owned()),
            ("/t/base/kustomization.yaml", base),
            ("/t/base/m.yaml", resources),
            ("/t/component/kustomization.yaml",
                format!("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n{component}")),
        ])
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_builds_give_equal_bytes(files in tree()) {
        let build = || build(&files, "/t", &Options::default()).and_then(|output| output.to_yaml());
        match (build(), build()) {
            (Ok(one), Ok(other)) => prop_assert_eq!(one, other),
            (Err(one), Err(other)) => prop_assert_eq!(one.message(), other.message()),
            (one, other) => prop_assert!(false, "{:?} but {:?}", one, other),
        }
    }

    // but for annotations that only a build which asks for them keeps
    #[test]
    fn an_output_builds_to_itself(files in tree()) {
        if let Ok(first) = build(&files, "/t", &Options::default()).and_then(|output| output.to_yaml()) {
            prop_assume!(!first.contains("config.kubernetes.io/"));
            let again = MemoryFileSystem::from_iter([
                ("/t/kustomization.yaml", "resources: [m.yaml]".to_owned()),
                ("/t/m.yaml", first.clone()),
            ]);
            if let Ok(second) = build(&again, "/t", &Options::default()).and_then(|output| output.to_yaml()) {
                prop_assert_eq!(first, second);
            }
        }
    }

    #[test]
    fn no_bytes_make_a_build_panic(root in prop::collection::vec(any::<u8>(), 0..200), resource in "\\PC{0,200}") {
        let files = MemoryFileSystem::from_iter([
            ("/t/kustomization.yaml", root),
            ("/u/kustomization.yaml", b"resources: [m.yaml]".to_vec()),
            ("/u/m.yaml", resource.into_bytes()),
        ]);
        for target in ["/t", "/u"] {
            let _ = build(&files, target, &Options::default()).and_then(|output| output.to_yaml());
        }
    }
}
