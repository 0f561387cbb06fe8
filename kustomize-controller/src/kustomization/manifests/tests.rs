use super::*;
use serde_json::json;

fn files(files: &[(&str, &str)]) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for (path, content) in files {
        for (end, _) in path.match_indices('/') {
            tree.directories.insert(path[..end].to_owned());
        }
        tree.files.insert((*path).to_owned(), content.as_bytes().to_vec());
    }
    tree
}

fn tree(contents: &[(&str, &str)]) -> Tree {
    Tree::new(files(contents), "").unwrap()
}

fn recipe(spec: Value) -> Recipe {
    Recipe {
        owner: ("app".into(), "flux-system".into()),
        spec: spec.to_string().into_bytes(),
        metadata: spec.get("commonMetadata").map(|value| serde_json::from_value(value.clone()).unwrap()),
        substitution: None,
        remote_bases: RemoteBases::Unsupported,
    }
}

fn subjects(built: &Manifests) -> Vec<String> {
    built.objects.iter().map(|desired| desired.id.subject()).collect()
}

const MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map\n  namespace: a\ndata:\n  key: ${value}\n";

#[test]
fn a_directory_without_kustomization_gets_one() {
    let files = files(&[
        ("deploy/b.yaml", MAP),
        ("deploy/sub/kustomization.yaml", "resources: [x.yaml]"),
        ("deploy/sub/x.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}"),
    ]);
    let built = manifests(Tree::new(files, "./deploy").unwrap(), &recipe(json!({}))).unwrap();
    assert_eq!(subjects(&built), ["ConfigMap/a/map", "Namespace/a"]);
    assert!(built.digest.starts_with("sha256:"));
}

#[test]
fn paths_cannot_leave_the_artifact() {
    let clamped = Tree::new(files(&[("x.yaml", MAP)]), "../../..").unwrap();
    assert_eq!(manifests(clamped, &recipe(json!({}))).unwrap().objects.len(), 1);
    let error = Tree::new(files(&[("x.yaml", MAP)]), "../etc").unwrap_err();
    assert_eq!(
        error.to_string(),
        "kustomization path not found: stat /artifact/etc: no such file or directory"
    );
}

#[test]
fn the_specs_overlays_count() {
    let spec =
        json!({"targetNamespace": "other", "namePrefix": "p-", "commonMetadata": {"labels": {"team": "x"}}});
    let built = manifests(tree(&[("x.yaml", MAP)]), &recipe(spec)).unwrap();
    assert_eq!(subjects(&built), ["ConfigMap/other/p-map"]);
}

#[test]
fn lists_are_expanded_and_what_is_no_object_is_left_out() {
    let list = json!({
        "apiVersion": "v1", "kind": "List", "metadata": {"name": "list"},
        "items": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}},
        ],
    });
    let mut built = Manifests { objects: Vec::new(), digest: String::new(), vanishing: HashSet::new() };
    collect(list, &recipe(json!({})), &mut built).unwrap();
    assert_eq!(subjects(&built), ["ConfigMap/a"]);
}

#[test]
fn variables_are_substituted_and_failures_name_the_object() {
    let mut recipe = recipe(json!({}));
    let substitution = |pairs: &[(&str, &str)]| Substitution {
        variables: pairs.iter().copied().collect(),
        strategy: Strategy::Always,
        unset: Unset::Fails,
    };
    recipe.substitution = Some(substitution(&[("value", "x")]));
    let with = manifests(tree(&[("x.yaml", MAP)]), &recipe).unwrap();
    recipe.substitution = Some(substitution(&[("value", "y")]));
    assert_ne!(manifests(tree(&[("x.yaml", MAP)]), &recipe).unwrap().digest, with.digest);
    recipe.substitution = Some(substitution(&[]));
    let error = manifests(tree(&[("x.yaml", MAP)]), &recipe).unwrap_err().to_string();
    assert_eq!(
        error,
        "post build failed for 'ConfigMap.v1.[noGrp]/map': envsubst error: variable substitution failed: \
         variable not set (strict mode): \"value\""
    );
}

#[test]
fn encrypted_secrets_are_refused() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: a}\nstringData: {a: b}\nsops: {mac: x}\n";
    let error = manifests(tree(&[("s.yaml", secret)]), &recipe(json!({}))).unwrap_err().to_string();
    assert_eq!(
        error,
        "Secret/a/s is SOPS encrypted, configuring decryption is required for this secret to be reconciled"
    );
}

#[test]
fn jobs_that_vanish_are_known() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, namespace: a}\nspec: {ttlSecondsAfterFinished: 0}\n";
    let built = manifests(tree(&[("j.yaml", job)]), &recipe(json!({}))).unwrap();
    assert!(built.vanishing.contains(&"a_j_batch_Job".parse().unwrap()));
}

#[test]
fn errors_of_the_build_name_the_file() {
    let error = manifests(tree(&[("kustomization.yaml", "resources: [gone.yaml]")]), &recipe(json!({})));
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("kustomize build failed: ") && error.contains("gone.yaml"), "{error}");
}

#[test]
fn what_leads_out_of_the_artifact_is_refused() {
    for outside in ["../../../../etc/passwd", "/etc/passwd"] {
        let error = manifests(
            tree(&[("kustomization.yaml", &format!("resources: ['{outside}']"))]),
            &recipe(json!({})),
        );
        let refused =
            "fs-security-constraint read /etc/passwd: path '/etc/passwd' is not in or below '/artifact'";
        let error = error.unwrap_err().to_string();
        assert!(error.contains(refused), "{error}");
    }
}
