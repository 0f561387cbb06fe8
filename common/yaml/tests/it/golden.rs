//! Comparison with what go-yaml v2 and v3, kyaml and `sigs.k8s.io/yaml` did with the same input.

use flux_yaml::{Kind, Limits, Lists, Node, Style, to_sorted_yaml, to_styled_yaml};
use serde_json::Value as Json;

fn golden(name: &str) -> Vec<Json> {
    let path = format!("{}/tests/golden/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    fs_err::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_default()
}

/// Collects differences, so that one run shows all of them.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn check(&mut self, input: &str, what: &str, got: &str, want: &str) {
        if got != want {
            self.0.push(format!("=== {what} of {input:?}\n--- got\n{got}\n--- want\n{want}\n"));
        }
    }

    fn report(self, of: usize) {
        assert!(self.0.is_empty(), "{}\n{} differences in {of} cases", self.0.join("\n"), self.0.len());
    }
}

/// The same form as the recorder's nodes.
fn dump(node: &Node) -> Json {
    let kind = match node.kind() {
        Kind::Scalar => "scalar",
        Kind::Sequence => "sequence",
        Kind::Mapping => "mapping",
        Kind::Alias => "alias",
    };
    let style = match node.style() {
        Style::Plain => "",
        Style::SingleQuoted => "single",
        Style::DoubleQuoted => "double",
        Style::Literal => "literal",
        Style::Folded => "folded",
        Style::Flow => "flow",
    };
    let mut fields = serde_json::json!({"kind": kind, "line": node.line()});
    let mut set = |key: &str, value: &str| {
        if !value.is_empty() {
            fields[key] = value.into();
        }
    };
    set("tag", node.tag_text());
    set("style", style);
    set("value", node.as_str().or(node.alias_of()).unwrap_or_default());
    set("anchor", node.anchor());
    if node.has_explicit_tag() {
        fields["tagged"] = true.into();
    }
    let mut content: Vec<Json> = node.items().iter().map(dump).collect();
    content.extend(node.entries().iter().flat_map(|entry| [dump(&entry.key), dump(&entry.value)]));
    if !content.is_empty() {
        fields["content"] = content.into();
    }
    fields
}

fn without_comments(json: &Json) -> Json {
    match json {
        Json::Array(items) => items.iter().map(without_comments).collect(),
        Json::Object(fields) => {
            let kept =
                fields.iter().filter(|(key, _)| !matches!(key.as_str(), "head" | "lineComment" | "foot"));
            kept.map(|(key, value)| (key.clone(), without_comments(value))).collect()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
    }
}

#[test]
fn node_trees_are_those_of_v3() {
    let cases = golden("documents");
    let mut differences = Differences::default();
    for case in &cases {
        let input = text(case, "input");
        let want: Vec<Json> = case["nodes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|root| without_comments(&root["content"][0]))
            .collect();
        match flux_yaml::parse_documents(input.as_bytes()) {
            Ok(documents) => {
                differences.check(input, "error", "", text(case, "nodesError"));
                let got: Vec<Json> = documents.iter().map(dump).collect();
                differences.check(
                    input,
                    "nodes",
                    &serde_json::to_string_pretty(&got).unwrap(),
                    &serde_json::to_string_pretty(&want).unwrap(),
                );
            }
            Err(error) => differences.check(input, "error", &error.to_string(), text(case, "nodesError")),
        }
    }
    differences.report(cases.len());
}

fn sorted(input: &str) -> Result<String, flux_yaml::Error> {
    let mut out = String::new();
    for mut document in
        flux_yaml::parse_documents(input.as_bytes())?.into_iter().filter(|root| !root.is_null())
    {
        document.expand(&Limits::default())?;
        if !out.is_empty() {
            out.push_str("---\n");
        }
        flux_yaml::write_sorted_yaml(&document, &mut out)?;
    }
    Ok(out)
}

#[test]
fn sorted_output_is_that_of_kustomize() {
    let cases = golden("documents");
    let mut differences = Differences::default();
    for case in &cases {
        let input = text(case, "input");
        // how kyaml splits a stream and takes lists apart is not ours
        let split = ["---", "...", "%", "kind: List"].iter().any(|word| input.contains(word));
        let scalar = case["nodes"][0]["content"][0]["kind"] == "scalar";
        let nothing = text(case, "sorted").is_empty() && text(case, "sortedError").is_empty();
        if split || scalar || nothing {
            continue;
        }
        let want_error = text(case, "sortedError").trim_start_matches("MalformedYAMLError: ");
        match sorted(input) {
            Ok(out) => differences.check(input, "output", &out, text(case, "sorted")),
            Err(error) => differences.check(input, "error", &error.to_string(), want_error),
        }
    }
    differences.report(cases.len());
}

#[test]
fn configuration_is_read_as_by_v2() {
    let cases = golden("documents");
    let mut differences = Differences::default();
    for case in &cases {
        let input = text(case, "input");
        let want_error = text(case, "jsonError");
        if input == "a: ! 1\n" {
            continue; // v3's tree, which is ours, does not tell `! 1` from `1`; v2 reads it as a string
        }
        match flux_yaml::read_configuration(input.as_bytes()) {
            Ok(value) => differences.check(input, "JSON", &value.to_json(), text(case, "json")),
            Err(error) => differences.check(input, "error", &error.to_string(), want_error),
        }
    }
    for case in golden("texts").iter().filter(|case| !text(case, "v2json").is_empty()) {
        let input = format!("- {}", text(case, "text"));
        let got = flux_yaml::read_configuration(input.as_bytes()).map(|value| value.to_json());
        differences.check(
            &input,
            "JSON",
            &got.unwrap_or_else(|error| error.to_string()),
            text(case, "v2json"),
        );
    }
    differences.report(cases.len());
}

#[test]
fn strings_are_quoted_and_folded_as_by_go() {
    let cases = golden("texts");
    let mut differences = Differences::default();
    for case in &cases {
        let input = text(case, "text");
        let value = Node::mapping_of([(
            Node::string("k"),
            Node::mapping_of([(Node::string("nested"), Node::sequence_of([Node::string(input)]))]),
        )]);
        let key = Node::mapping_of([(Node::string(input), Node::scalar("1"))]);
        let written = |node: &Node| to_sorted_yaml(node).unwrap_or_else(|error| format!("error: {error}"));
        differences.check(input, "value", &written(&value), text(case, "sigs"));
        let (got, want) = (written(&key), text(case, "sigsKey"));
        if input.contains('\u{85}') {
            // the line depends on where the text folds
            assert!(got.starts_with("error: ") && want.starts_with("error: "), "{input:?}: {got}, {want}");
        } else {
            differences.check(input, "key", &got, want);
        }
        let mut json = String::new();
        flux_yaml::push_json_string(&mut json, input);
        differences.check(input, "JSON", &json, text(case, "json"));
    }
    differences.report(cases.len());
}

#[test]
fn keys_are_in_the_order_of_go() {
    let cases = golden("orders");
    let mut differences = Differences::default();
    for case in &cases {
        let want: Vec<&str> = case.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let mapping = Node::mapping_of(want.iter().rev().map(|key| (Node::string(*key), Node::null())));
        let out = to_sorted_yaml(&mapping).unwrap();
        let read = flux_yaml::parse_documents(out.as_bytes()).unwrap().remove(0);
        let got: Vec<&str> = read.entries().iter().filter_map(flux_yaml::Entry::name).collect();
        differences.check(&format!("{want:?}"), "order", &got.join("\n"), &want.join("\n"));
    }
    differences.report(cases.len());
}

/// As `dump`, with comments.
fn dump_commented(node: &Node) -> Json {
    let mut fields = dump(node);
    for (key, comment) in
        [("head", node.head_comment()), ("lineComment", node.line_comment()), ("foot", node.foot_comment())]
    {
        if !comment.is_empty() {
            fields[key] = comment.into();
        }
    }
    let mut content: Vec<Json> = node.items().iter().map(dump_commented).collect();
    content.extend(
        node.entries().iter().flat_map(|entry| [dump_commented(&entry.key), dump_commented(&entry.value)]),
    );
    if !content.is_empty() {
        fields["content"] = content.into();
    }
    fields
}

#[test]
fn comments_are_where_v3_has_them() {
    let cases = golden("documents");
    let mut differences = Differences::default();
    for case in &cases {
        let input = text(case, "input");
        let Ok(documents) = flux_yaml::parse_commented(input.as_bytes(), &Limits::default()) else {
            continue;
        };
        for (root, want) in documents.iter().zip(case["nodes"].as_array().into_iter().flatten()) {
            if want["head"].is_string() || want["foot"].is_string() {
                continue; // ours are at the root: the writer's test compares them
            }
            let got = serde_json::to_string_pretty(&dump_commented(root)).unwrap();
            differences.check(
                input,
                "nodes",
                &got,
                &serde_json::to_string_pretty(&want["content"][0]).unwrap(),
            );
        }
    }
    differences.report(cases.len());
}

#[test]
fn styled_output_is_that_of_v3() {
    let cases = golden("documents");
    let mut differences = Differences::default();
    for case in &cases {
        let input = text(case, "input");
        let Ok(documents) = flux_yaml::parse_commented(input.as_bytes(), &Limits::default()) else {
            continue;
        };
        for (lists, name) in [(Lists::Compact, "compact"), (Lists::Indented, "wide")] {
            let written: Vec<String> = documents.iter().map(|root| to_styled_yaml(root, lists)).collect();
            differences.check(input, name, &written.join("---\n"), text(case, name));
        }
    }
    differences.report(cases.len());
}
