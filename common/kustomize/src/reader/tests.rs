use super::*;

fn names(content: &str) -> Vec<String> {
    let resources = read_resources(content.as_bytes(), &Arc::new(Schema::built_in())).unwrap();
    resources.iter().map(|resource| resource.name().to_owned()).collect()
}

fn error(content: &[u8]) -> String {
    read_resources(content, &Arc::new(Schema::built_in())).unwrap_err().message()
}

#[test]
fn documents_split_at_separators() {
    assert_eq!(
        names("kind: A\nmetadata: {name: a}\n--- # c\nkind: B\nmetadata: {name: b}\n---\n"),
        ["a", "b"]
    );
    assert_eq!(names("---\r\nkind: A\r\nmetadata: {name: a}\r\n---\r\n"), ["a"]);
    assert_eq!(
        error(b"kind: A\nmetadata: {name: a}\n--- foo\nb: 1\n"),
        "invalid document separator: --- foo"
    );
    assert_eq!(names(""), [] as [String; 0]);
}

#[test]
fn lists_expand() {
    let list = "kind: List\nitems:\n- {kind: A, metadata: {name: a}}\n-\n- {kind: B, metadata: {name: b}}\n";
    assert_eq!(names(list), ["a", "b"]);
    let two = "kind: FooList\nitems: [{kind: A, metadata: {name: a}}]\n---\nkind: B\nmetadata: {name: b}\n";
    assert_eq!(names(two), ["b", "a"]);
    assert_eq!(names("kind: FooList\nitems:\n"), [] as [String; 0]);
    assert_eq!(names("kind: FooList\nmetadata: {name: x}\n"), ["x"]);
    assert_eq!(error(b"kind: FooList\nitems: 1"), "expected array in FooList/items, but found int");
}

#[test]
fn what_is_no_resource_is_named() {
    assert_eq!(error(b"a: 1"), "missing Resource metadata");
    assert_eq!(error(b"just text"), "missing Resource metadata");
    assert_eq!(
        error(b"apiVersion: v1\nmetadata: {name: x}"),
        "missing kind in object {{v1 } {{x } map[] map[]}}"
    );
    assert_eq!(
        error(b"kind: A\nmetadata: {labels: {b: c, a: 1}}"),
        "missing metadata.name in object {{ A} {{ } map[a:1 b:c] map[]}}"
    );
    assert!(error(b"a: [").starts_with("MalformedYAMLError: yaml: "));
}
