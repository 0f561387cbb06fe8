use super::*;

fn merged(resource: &str, patch: &str) -> Result<String, String> {
    let parse = |text: &str| flux_yaml::parse_document(text.as_bytes()).unwrap().unwrap();
    let merged =
        merge(parse(resource), &parse(patch), &Schema::built_in()).map_err(|error| error.message())?;
    Ok(merged.map_or("deleted".to_owned(), |node| node.to_value().unwrap().to_json()))
}

/// Merges two specs of a resource of this kind.
fn specs(head: &str, resource: &str, patch: &str) -> String {
    let whole = |spec: &str| format!("{{{head}, spec: {spec}}}");
    let text = merged(&whole(resource), &whole(patch)).unwrap();
    let (_, spec) = text.split_once(r#""spec":"#).unwrap_or((&text, "-}"));
    spec.strip_suffix('}').unwrap().to_owned()
}

const POD: &str = "apiVersion: v1, kind: Pod";
const THING: &str = "apiVersion: example.com/v1, kind: Thing";

#[test]
fn lists_with_one_key_have_the_patch_first() {
    for (resource, patch, expected) in [
        (
            "[{name: a, image: x}, {name: b}]",
            "[{name: c}, {name: a, image: y}]",
            r#"[{"name":"c"},{"image":"y","name":"a"},{"name":"b"}]"#,
        ),
        ("[{name: a}, {name: b}]", "[{name: a, $patch: delete}]", r#"[{"name":"b"}]"#),
        ("[{name: a}]", "[{$patch: replace}, {name: b}]", r#"[{"name":"b"}]"#),
        ("[{name: a}]", "[{image: x}]", "[]"),
        ("[{name: a}, {image: x}]", "[{name: a}]", r#"[{"image":"x"}]"#),
        ("[{name: a}, {name: a, image: x}]", "[{name: b}]", r#"[{"name":"b"},{"image":"x","name":"a"}]"#),
    ] {
        let spec = |list: &str| format!("{{containers: {list}}}");
        let found = specs(POD, &spec(resource), &spec(patch));
        assert_eq!(found, format!("{{\"containers\":{expected}}}"), "{patch} onto {resource}");
    }
}

#[test]
fn lists_with_two_keys_keep_the_resources_order() {
    let service = "apiVersion: v1, kind: Service";
    for (resource, patch, expected) in [
        (
            "[{port: 1, protocol: TCP}, {port: 2, protocol: TCP}]",
            "[{port: 2, protocol: TCP, name: x}, {port: 3, protocol: TCP}]",
            r#"[{"port":3,"protocol":"TCP"},{"port":1,"protocol":"TCP"},{"name":"x","port":2,"protocol":"TCP"}]"#,
        ),
        ("[{port: 80}]", "[{port: 80, name: x}]", r#"[{"name":"x","port":80}]"#),
    ] {
        let spec = |list: &str| format!("{{ports: {list}}}");
        let found = specs(service, &spec(resource), &spec(patch));
        assert_eq!(found, format!("{{\"ports\":{expected}}}"), "{patch} onto {resource}");
    }
}

#[test]
fn values_of_lists_are_merged_patch_first() {
    let text = merged(
        "{apiVersion: v1, kind: Pod, metadata: {finalizers: [a, b]}}",
        "{apiVersion: v1, kind: Pod, metadata: {finalizers: [c, a, c]}}",
    );
    assert!(text.unwrap().contains(r#"["c","a","b"]"#));
}

#[test]
fn nulls_and_directives() {
    for (resource, patch, expected) in [
        ("{a: 1, b: 2}", "{a: null}", r#"{"b":2}"#),
        ("{a: {b: 1, c: 2}}", "{a: {$patch: replace, d: 3}}", r#"{"a":{"d":3}}"#),
        ("{a: {b: 1}}", "{a: {$patch: delete}}", "{}"),
        ("{a: {b: 1}}", "{a: {$patch: merge, c: 2}}", r#"{"a":{"b":1,"c":2}}"#),
        ("{}", "{a: {$patch: delete, b: 1}}", "{}"),
        ("{}", "{a: {b: null, c: 1}}", r#"{"a":{"c":1}}"#),
        ("{a: null, b: ~}", "{c: 1}", r#"{"a":null,"b":null,"c":1}"#),
        ("{a: [1, 2]}", "{a: [{$patch: delete}]}", r#"{"a":[{"$patch":"delete"}]}"#),
        ("{a: [1, 2]}", "{a: [null]}", r#"{"a":[null]}"#),
        ("{}", "{$setElementOrder/a: [x]}", r#"{"$setElementOrder/a":["x"]}"#),
    ] {
        assert_eq!(specs(THING, resource, patch), expected, "{patch} onto {resource}");
    }
    let empty =
        merged("apiVersion: v1\nkind: Pod\nspec:\n  a:\n  b: ~\n", "apiVersion: v1\nkind: Pod\n").unwrap();
    assert_eq!(empty, r#"{"apiVersion":"v1","kind":"Pod","spec":{"b":null}}"#);
    let whole = format!("{{{THING}, a: {{}}}}");
    let patch = |patch: &str| format!("{{{THING}, a: {{$patch: {patch}}}}}");
    assert_eq!(merged(&whole, &patch("other")).unwrap_err(), "unknown patch strategy 'other'");
    assert_eq!(merged(&whole, &format!("{{{THING}, $patch: delete}}")).unwrap(), "deleted");
}

#[test]
fn styles_of_the_resource_decide_on_types() {
    for (resource, patch, expected) in [
        ("{a: '3'}", "{a: 5}", r#"{"a":"5"}"#),
        ("{a: 4}", "{a: '12'}", r#"{"a":"12"}"#),
        ("{a: 4}", "{a: 5}", r#"{"a":5}"#),
        ("{}", "{a: yes}", r#"{"a":"yes"}"#),
    ] {
        assert_eq!(specs(THING, resource, patch), expected, "{patch} onto {resource}");
    }
}

#[test]
fn objects_within_unknown_ones_have_their_own_type() {
    let pod = |name: &str| {
        format!("{{inner: {{apiVersion: v1, kind: Pod, spec: {{containers: [{{name: {name}}}]}}}}}}")
    };
    let found = specs(THING, &pod("a"), &pod("b"));
    assert!(found.contains(r#"[{"name":"b"},{"name":"a"}]"#), "{found}");
    assert_eq!(
        specs(THING, "{containers: [{name: a}]}", "{containers: [{name: b}]}"),
        r#"{"containers":[{"name":"b"}]}"#
    );
}

#[test]
fn kinds_of_nodes_must_agree() {
    let message = merged("{kind: A, a: {b: 1}}", "{kind: A, a: 1}").unwrap_err();
    assert_eq!(message, "wrong node kind: expected MappingNode but got ScalarNode: node contents:\n1\n");
}
