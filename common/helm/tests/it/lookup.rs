//! What templates see of a cluster, which the caller supplies.

use std::sync::Arc;

use flux_helm::engine::{Lookup, render_once};
use flux_yaml::Value;

use super::support::{chart_of, options, prepared};

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
            ("apps/v1", "Deployment", "default", "web") => {
                let spec = [("replicas".into(), Value::Int(1_000_000))].into_iter().collect();
                Ok(Some(Value::Object([("spec".into(), Value::Object(spec))].into_iter().collect())))
            }
            ("v1", "Secret", ..) => Err("secrets \"s\" is forbidden".to_owned()),
            _ => Ok(None),
        }
    }
}

fn render(template: &str) -> Result<String, String> {
    let rendered = render_once(&prepared(chart_of(template)), &options(Some(Arc::new(Cluster))));
    Ok(rendered.map_err(|error| error.to_string())?.into_values().collect())
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
    let error = render(r#"{{ lookup "v1" "Secret" "default" "s" }}"#).unwrap_err();
    assert!(error.contains("error calling lookup: secrets \"s\" is forbidden"), "{error}");
}
