use super::*;

fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

const HOOK: &str = "kind: Job\nmetadata:\n  name: job\n  annotations:\n    helm.sh/hook: test\n";

#[test]
fn documents_come_back_to_their_files_in_their_styles() {
    let given = files(&[
        ("c/templates/b.yaml", "# about a\na: 'x'\nlist:\n  - 1\n---\n\n---\nb: {c: d}\n"),
        ("c/templates/a.yaml", "text: |\n  one\n  two\n"),
        ("c/templates/_partial.yaml", "x: y\n"),
    ]);
    let got = post_render(&given, Strategy::Combined, &|stream| Ok(stream.to_owned())).unwrap();
    let want = files(&[
        ("c/templates/a.yaml", "text: |\n  one\n  two\nmetadata: {}\n"),
        ("c/templates/b.yaml", "# about a\na: 'x'\nlist:\n- 1\nmetadata: {}\n---\nb: {c: d}\nmetadata: {}\n"),
    ]);
    assert_eq!(got, want);
}

#[test]
fn the_stage_sees_the_path_of_each_document() {
    let given = files(&[("c/a.yaml", "kind: A\n")]);
    let stage = |stream: &str| {
        assert_eq!(
            stream,
            "kind: A\nmetadata:\n  annotations:\n    postrenderer.helm.sh/postrender-filename: 'c/a.yaml'\n"
        );
        Ok("kind: New\n---\nkind: Other\n".to_owned())
    };
    let got = post_render(&given, Strategy::Combined, &stage).unwrap();
    assert_eq!(
        got.keys().collect::<Vec<_>>(),
        ["generated-by-postrender-0.yaml", "generated-by-postrender-1.yaml"]
    );
}

#[test]
fn strategies_choose_what_passes_through() {
    let given = files(&[("c/a.yaml", &format!("kind: A\n---\n{HOOK}"))]);
    let count = |strategy| {
        let streams = std::cell::RefCell::new(Vec::new());
        let stage = |stream: &str| {
            streams.borrow_mut().push(stream.contains("helm.sh/hook"));
            Ok(stream.to_owned())
        };
        let got = post_render(&given, strategy, &stage).unwrap();
        assert_eq!(got.keys().collect::<Vec<_>>(), ["c/a.yaml"]);
        streams.into_inner()
    };
    assert_eq!(count(Strategy::Combined), [true]);
    assert_eq!(count(Strategy::Separate), [true, false]);
    assert_eq!(count(Strategy::NoHooks), [false]);
}

#[test]
fn kustomize_labels_everything() {
    let stream = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
    let pair = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let origin = Metadata { labels: pair("x", "y"), annotations: pair("note", "1") };
    let patch = flux_yaml::read_configuration(
        b"target: {kind: ConfigMap}\npatch: |\n  - op: add\n    path: /data\n    value: {k: v}\n",
    );
    let own = Kustomization { patches: vec![patch.unwrap()], images: Vec::new() };
    let got = kustomize(stream, &[own], &[origin]).unwrap();
    assert_eq!(
        got,
        "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  annotations:\n    note: \"1\"\n  labels:\n    x: \"y\"\n  name: a\n"
    );
}

#[test]
fn errors_name_the_group_and_the_file() {
    let message = |error: PostRenderError| crate::message(&error);
    let broken = files(&[("c/a.yaml", "a: b: c\n")]);
    let error = post_render(&broken, Strategy::Combined, &|stream| Ok(stream.to_owned())).unwrap_err();
    assert_eq!(
        message(error),
        "error merging manifests: parsing c/a.yaml: yaml: mapping values are not allowed in this context"
    );
    let given = files(&[("c/a.yaml", "kind: A\n")]);
    let error = post_render(&given, Strategy::Separate, &|_| Err("no".into())).unwrap_err();
    assert_eq!(message(error), "error while running post render on manifests: no");
}
