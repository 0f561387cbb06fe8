//! Input that is made to harm.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use flux_helm::chart::{Chart, Error, File, Limits};
use flux_helm::engine::{Exhausted, RenderError, Rendered, render_once};
use flux_helm::values::{NoSchemas, SchemaLoader, validate};
use flux_yaml::Object;

use super::support::{chart_of, options, prepared};

/// A header and its content, padded to blocks.
fn entry(name: &str, kind: u8, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = tar_header(name, kind, size);
    header.extend_from_slice(content);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

fn tar_header(name: &str, kind: u8, size: u64) -> Vec<u8> {
    let mut header = vec![0u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].fill(b' ');
    header[156] = kind;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn load(tar: &[u8]) -> Result<Chart, Error> {
    let started = Instant::now();
    let loaded = Chart::from_archive(&gzip(tar), &Limits::default());
    assert!(started.elapsed() < Duration::from_mins(1), "took {:?}", started.elapsed());
    loaded
}

const METADATA: &[u8] = b"apiVersion: v2\nname: a\nversion: 1.0.0\n";

#[test]
fn a_million_files_are_too_many() {
    let mut tar = entry("a/Chart.yaml", b'0', METADATA.len() as u64, METADATA);
    let empty = entry("a/files/x", b'0', 0, b"");
    for _ in 0..1_000_000 {
        tar.extend_from_slice(&empty);
    }
    assert!(matches!(load(&tar), Err(Error::TooManyFiles(_))));
}

#[test]
fn a_chart_of_more_than_the_limit_is_refused() {
    let content = vec![b'x'; 5 << 20];
    let mut tar = Vec::new();
    for index in 0..21 {
        tar.extend(entry(&format!("a/files/{index}"), b'0', content.len() as u64, &content));
    }
    assert!(matches!(load(&tar), Err(Error::ChartTooLarge(_))));
}

#[test]
fn links_are_never_followed() {
    let mut tar = entry("a/Chart.yaml", b'0', METADATA.len() as u64, METADATA);
    let mut link = tar_header("a/values.yaml", b'2', 0);
    link[157..168].copy_from_slice(b"/etc/passwd");
    link[148..156].fill(b' ');
    let sum: u32 = link.iter().map(|byte| u32::from(*byte)).sum();
    link[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend(link);
    let chart = load(&tar).unwrap();
    assert!(chart.values.is_empty());
}

#[test]
fn archives_in_archives_draw_on_one_budget_and_end_at_a_depth() {
    let mut inner = gzip(&entry("a/Chart.yaml", b'0', METADATA.len() as u64, METADATA));
    for _ in 0..70 {
        let mut tar = entry("a/Chart.yaml", b'0', METADATA.len() as u64, METADATA);
        tar.extend(entry("a/charts/a.tgz", b'0', inner.len() as u64, &inner));
        inner = gzip(&tar);
    }
    let error = Chart::from_archive(&inner, &Limits::default()).unwrap_err();
    assert!(flux_helm::message(&error).ends_with("subcharts are nested more than 64 levels deep"), "{error}");
}

#[test]
fn a_list_of_many_indexes_is_too_long() {
    let text: String = (0..1000).map(|index| format!("k{index}[65536]=1,")).collect::<Vec<_>>().concat();
    let error = flux_helm::values::set(&text, &mut flux_yaml::Object::new()).unwrap_err();
    assert_eq!(error.to_string(), "lists grow by more than 1000000 entries");
}

#[test]
fn indexes_may_not_nest_without_end() {
    let text = format!("a{}=1", "[0]".repeat(100_000));
    let error = flux_helm::values::set(&text, &mut flux_yaml::Object::new()).unwrap_err();
    assert_eq!(error.to_string(), "value is nested more than 200 levels deep");
}

/// What a chart of one template renders to.
fn rendered(template: &str) -> Result<Rendered, RenderError> {
    render_once(&prepared(chart_of(template)), &options(None))
}

/// Templates that run one another, each by this action.
fn chain(length: usize, action: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0..length {
        write!(text, "{{{{ define \"a{number}\" }}}}{}{{{{ end }}}}", action(number + 1)).unwrap();
    }
    text + &action(0)
}

#[test]
fn no_nesting_takes_all_of_the_stack() {
    let heavy = format!("{{{{ if true }}}}{}", "{{ 1 }}x".repeat(20));
    let bodies = |inside: &str| [&heavy.repeat(900), inside, &"{{ end }}".repeat(900)].concat();
    for template in [
        chain(5000, |number| format!("{{{{ include \"a{number}\" . }}}}")),
        chain(5000, |number| format!("{{{{ template \"a{number}\" . }}}}")),
        r#"{{ $t := "{{ tpl .t . }}" }}{{ tpl $t (dict "t" $t "Template" .Template) }}"#.to_owned(),
        chain(1, |_| bodies(r#"{{ template "a0" . }}"#)),
        chain(1, |_| bodies(r#"{{ include "a0" . }}"#)),
    ] {
        let error = rendered(&template).unwrap_err();
        let is_depth = matches!(error, RenderError::Exhausted { exhausted: Exhausted::Depth(_), .. });
        assert!(is_depth, "{error}");
    }
}

#[test]
fn what_helm_lets_nest_nests() {
    let heavy = "{{ . }}x".repeat(40);
    let include = r#"{{ include "a" (int (add . 1)) }}"#;
    let template = format!(
        r#"{{{{ define "a" }}}}{{{{ if lt . 999 }}}}{heavy}{include}{{{{ end }}}}{{{{ end }}}}text: {{{{ include "a" 0 }}}}"#
    );
    assert!(rendered(&template).is_ok());
}

#[test]
fn loops_without_end_run_out_of_steps() {
    let error =
        rendered("{{ range until 1000000 }}{{ range until 1000000 }}x{{ end }}{{ end }}").unwrap_err();
    let is_steps = matches!(error, RenderError::Exhausted { exhausted: Exhausted::Steps(_), .. });
    assert!(is_steps, "{error}");
}

#[test]
fn maps_without_end_run_out_of_memory() {
    let error = rendered(r#"{{ range until 1000000 }}{{ $_ := dict "a" . }}{{ end }}"#).unwrap_err();
    let is_made = matches!(error, RenderError::Exhausted { exhausted: Exhausted::Made(_), .. });
    assert!(is_made, "{error}");
}

/// What a chart says to no values at all by this schema.
fn checked(schema: serde_json::Value) -> String {
    let data = schema.to_string().as_str().into();
    let schema = File { name: "values.schema.json".to_owned(), data, modified: None };
    let chart = Chart { schema: Some(schema), ..chart_of("") };
    let loader: Arc<dyn SchemaLoader> = Arc::new(NoSchemas);
    validate(&chart, &Object::new(), &loader).unwrap_err().to_string()
}

/// A schema that refers to the first of many, each of which is made of the name of the next.
fn references(count: usize, schema: impl Fn(serde_json::Value) -> serde_json::Value) -> serde_json::Value {
    let to = |number: usize| serde_json::json!({"$ref": format!("#/$defs/{number}")});
    let all: serde_json::Map<_, _> =
        (0..count).map(|number| (number.to_string(), schema(to(number + 1)))).collect();
    let mut all = serde_json::json!({"$ref": "#/$defs/0", "$defs": all});
    all["$defs"][count.to_string()] = serde_json::json!({"type": "string"});
    all
}

#[test]
fn references_of_schemas_are_bounded() {
    let chain = checked(references(5000, |next| next));
    assert!(chain.contains("got object, want string"), "{chain}");
    let long = checked(references(60_000, |next| next));
    assert!(long.ends_with("schema holds more than 10000 references"), "{long}");
    let wide = checked(references(60, |next| serde_json::json!({"allOf": [&next, &next]})));
    assert!(wide.ends_with("schema is applied to values more than 2000000 times"), "{wide}");
}
