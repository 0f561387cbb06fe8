use super::*;

fn patched(resource: &str, patch: &str) -> Result<String, String> {
    let node = flux_yaml::parse_document(resource.as_bytes()).unwrap().unwrap();
    let patch = JsonPatch::parse(patch).map_err(|error| error.message())?;
    let node = patch.apply(&node).map_err(|error| error.message())?;
    Ok(node.to_value().unwrap().to_json())
}

#[test]
fn operations_do_what_the_go_library_does() {
    for (resource, patch, expected) in [
        ("{a: 1}", "[{op: add, path: /b, value: yes}]", r#"{"a":1,"b":true}"#),
        ("{a: 1}", "- {op: add, path: /b, value: yes}", r#"{"a":1,"b":true}"#),
        ("{a: [1, 2]}", r#"[{"op":"add","path":"/a/-","value":3}]"#, r#"{"a":[1,2,3]}"#),
        ("{a: [1, 2]}", r#"[{"op":"add","path":"/a/0","value":3}]"#, r#"{"a":[3,1,2]}"#),
        ("{a: [1, 2]}", r#"[{"op":"add","path":"/a/-1","value":3}]"#, r#"{"a":[1,2,3]}"#),
        ("{a: [1, 2]}", r#"[{"op":"remove","path":"/a/-1"}]"#, r#"{"a":[1]}"#),
        ("{a: [1, 2]}", r#"[{"op":"replace","path":"/a/-2","value":3}]"#, r#"{"a":[3,2]}"#),
        ("{a: {}}", r#"[{"op":"replace","path":"/a/b","value":3}]"#, r#"{"a":{"b":3}}"#),
        ("{a/b: 1}", r#"[{"op":"replace","path":"/a~1b","value":2}]"#, r#"{"a/b":2}"#),
        ("{a: 1}", r#"[{"op":"move","from":"/a","path":"/b"}]"#, r#"{"b":1}"#),
        ("{a: 1}", r#"[{"op":"copy","from":"/x","path":"/b"}]"#, r#"{"a":1,"b":null}"#),
        ("{a: 1}", r#"[{"op":"test","path":"/x","value":null}]"#, r#"{"a":1}"#),
        ("{a: 1.0}", r#"[{"op":"test","path":"/a","value":1}]"#, r#"{"a":1}"#),
        ("{a: 1}", r#"[{"op":"replace","path":"","value":{"b":2}}]"#, r#"{"b":2}"#),
        (
            "{a: 9007199254740993}",
            r#"[{"op":"add","path":"/b","value":1}]"#,
            r#"{"a":9007199254740992,"b":1}"#,
        ),
    ] {
        let patch = if patch.starts_with("[{op") {
            format!("- {}", &patch[1..patch.len() - 1])
        } else {
            patch.to_owned()
        };
        assert_eq!(patched(resource, &patch).unwrap(), expected, "{patch}");
    }
}

#[test]
fn failures_have_the_texts_of_the_go_library() {
    for (patch, expected) in [
        (
            "{op: add, path: /x/y}",
            r#"add operation does not apply: doc is missing path: "/x/y": missing value"#,
        ),
        (
            "{op: remove, path: /x/y}",
            r#"remove operation does not apply: doc is missing path: "/x/y": missing value"#,
        ),
        (
            "{op: remove, path: /x}",
            "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
        ),
        (
            "{op: replace, path: /x/y}",
            "replace operation does not apply: doc is missing path: /x/y: missing value",
        ),
        (
            "{op: replace, path: /l/5}",
            "replace operation does not apply: doc is missing key: /l/5: missing value",
        ),
        (
            "{op: move, from: /x/y, path: /z}",
            "move operation does not apply: doc is missing from path: /x/y: missing value",
        ),
        (
            "{op: move, from: /x, path: /z}",
            "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
        ),
        ("{op: test, path: /a, value: 2}", "testing value /a failed: test failed"),
        (
            "{op: test, path: /x/y, value: 2}",
            "test operation does not apply: is missing path: /x/y: missing value",
        ),
        ("{op: other, path: /a}", "Unexpected kind: other"),
        (
            "{op: remove, path: /l/5}",
            "error in remove for path: '/l/5': Unable to access invalid index: 5: invalid index referenced",
        ),
        ("{op: add, path: ''}", r#"add operation does not apply: doc is missing path: "": missing value"#),
    ] {
        assert_eq!(patched("{a: 1, l: [1]}", &format!("- {patch}")).unwrap_err(), expected, "{patch}");
    }
    assert!(patched("{}", "a: b").unwrap_err().starts_with("json: cannot unmarshal object"));
}

#[test]
fn numbers_are_written_as_go_writes_floats() {
    for (value, text, tag) in [
        (5.0, "5", Tag::Int),
        (123_456.0, "123456", Tag::Int),
        (1_234_567.0, "1.234567e+06", Tag::Float),
        (0.1, "0.1", Tag::Float),
        (0.00001, "1e-05", Tag::Float),
        (1e21, "1e+21", Tag::Float),
    ] {
        let node = number_node(value);
        assert_eq!((node.as_str(), node.tag()), (Some(text), tag));
    }
}
