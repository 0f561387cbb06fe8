//! Charts in memory, and what they are rendered with.

use std::sync::Arc;

use flux_gotext::GoTime;
use flux_helm::capabilities::Capabilities;
use flux_helm::chart::{Chart, File, Metadata};
use flux_helm::context::{Action, ReleaseContext, RenderInput};
use flux_helm::engine::{Limits, Lookup, Options};
use flux_yaml::Object;

/// A chart of one template.
pub(crate) fn chart_of(template: &str) -> Chart {
    let file = File { name: "templates/a.yaml".to_owned(), data: template.into(), modified: None };
    let metadata = Metadata { name: "c".to_owned(), version: "1.2.3".to_owned(), ..Metadata::default() };
    Chart { metadata, templates: vec![file], ..Chart::default() }
}

/// A chart to be installed with its own values.
pub(crate) fn prepared(chart: Chart) -> RenderInput {
    let release = ReleaseContext {
        name: "release".to_owned(),
        namespace: "default".to_owned(),
        revision: 1,
        action: Action::Install,
    };
    RenderInput::prepare(chart, &Object::new(), release, Capabilities::default(), None).unwrap()
}

/// The usual bounds.
pub(crate) fn options(lookup: Option<Arc<dyn Lookup>>) -> Options {
    Options { limits: Limits::default(), now: GoTime::zero(), lookup }
}
