//! From a release to its record.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use flux_yaml::{Value, push_json_string};
use jiff::Timestamp;

use super::chart::ChartRecord;
use super::{Hook, HookExecution, Info, Release};

/// Records beyond this length, in bytes, are compressed as a whole: a Secret holds 1 MiB.
const NEAR_LIMIT: usize = 900 << 10;

/// A release as Helm stores it under the key `release` of a Secret. The chart's part is a gzip member of its own, unless
/// the record comes close to what a Secret holds.
pub fn encode(release: &Release, chart: &ChartRecord) -> String {
    let (before, after) = parts(release, chart);
    let mut bytes = compress(before.as_bytes());
    bytes.extend_from_slice(&chart.body);
    bytes.extend_from_slice(&compress(after.as_bytes()));
    if bytes.len() / 3 * 4 > NEAR_LIMIT {
        let mut whole = before.into_bytes();
        // what we have compressed ourselves can be read back
        let _ = GzDecoder::new(chart.body.as_ref()).read_to_end(&mut whole);
        whole.extend_from_slice(after.as_bytes());
        bytes = compress(&whole);
    }
    STANDARD.encode(bytes)
}

/// One gzip member, as Go's writer heads it: no time, best compression, unknown system.
pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    member(GzBuilder::new(), bytes)
}

pub(super) fn member(builder: GzBuilder, bytes: &[u8]) -> Vec<u8> {
    let mut writer = builder.mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    // a Vec takes every write
    let _ = writer.write_all(bytes);
    writer.finish().unwrap_or_default()
}

/// The JSON before and after the chart's body.
fn parts(release: &Release, chart: &ChartRecord) -> (String, String) {
    let mut before = String::from("{");
    text(&mut before, "name", &release.name);
    before.push_str("\"info\":");
    info(&mut before, &release.info);
    before.push_str(",\"chart\":{");
    before.push_str(&chart.head);

    let mut after = chart.tail.clone();
    after.push_str("},");
    if !release.config.is_empty() {
        after.push_str("\"config\":");
        Value::Object(release.config.clone()).push_json(&mut after);
        after.push(',');
    }
    text(&mut after, "manifest", &release.manifest);
    list(&mut after, "hooks", &release.hooks, hook);
    if release.version != 0 {
        push(&mut after, format_args!("\"version\":{},", release.version));
    }
    text(&mut after, "namespace", &release.namespace);
    if let Some(method) = release.apply_method {
        text(&mut after, "apply_method", &method.to_string());
    }
    close(&mut after);
    (before, after)
}

fn info(out: &mut String, info: &Info) {
    out.push('{');
    time(out, "first_deployed", info.first_deployed);
    time(out, "last_deployed", info.last_deployed);
    time(out, "deleted", info.deleted);
    text(out, "description", &info.description);
    text(out, "status", &info.status.to_string());
    text(out, "notes", &info.notes);
    close(out);
}

fn hook(out: &mut String, hook: &Hook) {
    out.push('{');
    text(out, "name", &hook.name);
    text(out, "kind", &hook.kind);
    text(out, "path", &hook.path);
    text(out, "manifest", &hook.manifest);
    list(out, "events", &hook.events, |out, event| push_json_string(out, &event.to_string()));
    let HookExecution { started_at, completed_at, phase } = &hook.last_run;
    out.push_str("\"last_run\":{");
    time(out, "started_at", *started_at);
    time(out, "completed_at", *completed_at);
    let phase = phase.map(|phase| phase.to_string()).unwrap_or_default();
    push(out, format_args!("\"phase\":\"{phase}\"}},"));
    if hook.weight != 0 {
        push(out, format_args!("\"weight\":{},", hook.weight));
    }
    let string = |out: &mut String, text: &String| push_json_string(out, text);
    list(out, "delete_policies", &hook.delete_policies, string);
    list(out, "output_log_policies", &hook.output_log_policies, string);
    close(out);
}

/// A text member with a comma behind it; nothing if it is empty.
pub(super) fn text(out: &mut String, key: &str, text: &str) {
    if !text.is_empty() {
        push(out, format_args!("\"{key}\":"));
        push_json_string(out, text);
        out.push(',');
    }
}

/// A list member with a comma behind it; nothing if it is empty.
pub(super) fn list<T>(out: &mut String, key: &str, items: &[T], write: impl Fn(&mut String, &T)) {
    if items.is_empty() {
        return;
    }
    push(out, format_args!("\"{key}\":["));
    for item in items {
        write(out, item);
        out.push(',');
    }
    out.pop();
    out.push_str("],");
}

fn time(out: &mut String, key: &str, time: Option<Timestamp>) {
    if let Some(time) = time {
        push(out, format_args!("\"{key}\":\"{time}\","));
    }
}

/// Ends an object, whose last member may have a comma behind it.
pub(super) fn close(out: &mut String) {
    if out.ends_with(',') {
        out.pop();
    }
    out.push('}');
}

pub(super) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // a String takes every write
    let _ = out.write_fmt(text);
}
