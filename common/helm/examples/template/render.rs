//! Templates of a chart to texts, all in one.

use std::collections::BTreeMap;

use flux_gotext::{GoTime, Zone};
use flux_helm::context::RenderInput;
use flux_helm::engine::{Limits, Options, render_once};

/// Compiles and renders now, without a cluster.
pub(crate) fn render_all(input: &RenderInput) -> Result<BTreeMap<String, String>, String> {
    let now = jiff::Timestamp::now();
    let now = GoTime::new(now.as_second(), now.subsec_nanosecond().unsigned_abs(), Zone::utc());
    let options = Options { limits: Limits::default(), now, lookup: None };
    render_once(input, &options).map_err(|error| error.to_string())
}
