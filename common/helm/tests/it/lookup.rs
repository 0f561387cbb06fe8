//! What templates see of a cluster, which the caller supplies.

use std::sync::Arc;

use flux_gotext::GoTime;
use flux_helm::capabilities::Capabilities;
use flux_helm::chart::{Chart, File, Metadata};
use flux_helm::context::{Action, ReleaseContext, RenderInput};
use flux_helm::engine::{Limits, Lookup, Options, render_once};
use flux_yaml::{Object, Value};

/// A cluster of one Deployment, in which Secrets may not be read.
struct Cluster;

impl Lookup for Cluster {
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, String> {
        match (api_version, kind, namespace, name) {
            ("apps/v1", "Deployment", "n", "web") => {
                let spec = [("replicas".into(), Value::Int(1_000_000))].into_iter().collect();
                Ok(Some(Value::Object([("spec".into(), Value::Object(spec))].into_iter().collect())))
            }
            ("v1", "Secret", ..) => Err("secrets \"s\" is forbidden".to_owned()),
            _ => Ok(None),
        }
    }
}

fn render(template: &str) -> Result<String, String> {
    let file = File { name: "templates/a.yaml".to_owned(), data: template.into(), modified: None };
    let metadata = Metadata { name: "c".to_owned(), version: "1.2.3".to_owned(), ..Metadata::default() };
    let chart = Chart { metadata, templates: vec![file], ..Chart::default() };
    let release = ReleaseContext {
        name: "r".to_owned(),
        namespace: "n".to_owned(),
        revision: 2,
        action: Action::Upgrade,
    };
    let input = RenderInput::prepare(chart, &Object::new(), release, Capabilities::default(), None).unwrap();
    let options = Options { limits: Limits::default(), now: GoTime::zero(), lookup: Some(Arc::new(Cluster)) };
    let rendered = render_once(&input, &options).map_err(|error| error.to_string())?;
    Ok(rendered.into_values().collect())
}

#[test]
fn objects_have_whole_numbers_and_missing_ones_are_empty() {
    let found = r#"{{ $d := lookup "apps/v1" "Deployment" .Release.Namespace "web" }}{{ $d.spec.replicas }} {{ printf "%T" $d.spec.replicas }}"#;
    assert_eq!(render(found).unwrap(), "1000000 int64");
    let missing = r#"{{ $d := lookup "apps/v1" "Deployment" .Release.Namespace "none" }}{{ $d }} {{ $d.spec }} {{ empty $d }}"#;
    assert_eq!(render(missing).unwrap(), "map[]  true");
}

#[test]
fn what_may_not_be_read_ends_the_render() {
    let error = render(r#"{{ lookup "v1" "Secret" "n" "s" }}"#).unwrap_err();
    assert!(error.contains("error calling lookup: secrets \"s\" is forbidden"), "{error}");
}
