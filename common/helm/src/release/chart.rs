//! The chart in a record.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::GzBuilder;
use flux_yaml::{Value, push_json_string};
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::encode::{close, list, member, push, text};
use crate::chart::{Chart, Dependency, File, ImportValue, Lock, Maintainer, Metadata};

/// Marks the gzip member of a chart's body; its length follows, so that a reader may pass over it.
const EXTRA_FIELD: [u8; 2] = *b"FX";
/// Fixed head of a gzip member.
const HEAD: usize = 10;
/// Place of the length in a member that has our extra field alone.
const LENGTH_AT: usize = HEAD + 2 + 4;

/// A chart in the form that records hold: subcharts are left out, as in Helm. Made once for a chart, used for every record.
#[derive(Clone, Debug)]
pub struct ChartRecord {
    /// JSON of `metadata` and `lock`.
    pub(super) head: String,
    /// JSON of what is large, each member with a comma before it, as a gzip member.
    pub(super) body: Bytes,
    /// JSON of `modtime`, with a comma before it.
    pub(super) tail: String,
}

/// What a record says of its chart.
#[derive(Clone, Debug)]
pub struct StoredChart {
    /// `metadata` as it is stored.
    pub metadata: serde_json::Value,
    /// The whole chart, to be stored again; only if it was asked for.
    pub record: Option<ChartRecord>,
}

impl ChartRecord {
    /// Compresses a chart.
    pub fn new(chart: &Chart) -> Self {
        let mut head = String::from("\"metadata\":");
        metadata(&mut head, &chart.metadata);
        head.push_str(",\"lock\":");
        match &chart.lock {
            Some(chosen) => lock(&mut head, chosen),
            None => head.push_str("null"),
        }
        let mut body = String::from(",\"templates\":");
        files(&mut body, &chart.templates);
        body.push_str(",\"values\":");
        Value::Object((*chart.values).clone()).push_json(&mut body);
        body.push_str(",\"schema\":");
        match &chart.schema {
            Some(schema) => push(&mut body, format_args!("\"{}\"", STANDARD.encode(&schema.data))),
            None => body.push_str("null"),
        }
        let modified = chart.schema.as_ref().and_then(|schema| schema.modified);
        let modified = modified.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |time| time.to_string());
        push(&mut body, format_args!(",\"schemamodtime\":\"{modified}\",\"files\":"));
        files(&mut body, &chart.files);
        let tail = chart.modified.map(|time| format!(",\"modtime\":\"{time}\"")).unwrap_or_default();
        Self { head, body: marked_member(body.as_bytes()), tail }
    }

    /// The chart of another record, whatever the order of its members.
    pub(super) fn from_json(chart: &RawValue) -> Result<Self, serde_json::Error> {
        let mut members: BTreeMap<&str, &RawValue> = serde_json::from_str(chart.get())?;
        let mut take = |key| members.remove(key).map(RawValue::get);
        let (metadata, lock) = (take("metadata").unwrap_or("null"), take("lock").unwrap_or("null"));
        let head = format!("\"metadata\":{metadata},\"lock\":{lock}");
        let tail = take("modtime").map(|time| format!(",\"modtime\":{time}")).unwrap_or_default();
        let mut body = String::new();
        for (key, value) in members {
            push(&mut body, format_args!(",\"{key}\":{}", value.get()));
        }
        Ok(Self { head, body: marked_member(body.as_bytes()), tail })
    }
}

fn marked_member(bytes: &[u8]) -> Bytes {
    let [first, second] = EXTRA_FIELD;
    let extra = [first, second, 4, 0, 0, 0, 0, 0];
    let mut member = member(GzBuilder::new().extra(extra), bytes);
    let length = u32::try_from(member.len()).unwrap_or_default();
    if let Some(place) = member.get_mut(LENGTH_AT..LENGTH_AT + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    Bytes::from(member)
}

/// Length of the gzip member at the start of these bytes, if it is the body of a chart and says so.
pub(super) fn marked_length(bytes: &[u8]) -> Option<usize> {
    let [0x1f, 0x8b, 8, flags, ..] = bytes else { return None };
    let is_marked = *flags == 4 && bytes.get(HEAD..LENGTH_AT)? == [8, 0, b'F', b'X', 4, 0];
    let length = bytes.get(LENGTH_AT..LENGTH_AT + 4)?;
    let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
    (is_marked && length > LENGTH_AT && length <= bytes.len()).then_some(length)
}

fn metadata(out: &mut String, metadata: &Metadata) {
    out.push('{');
    text(out, "name", &metadata.name);
    text(out, "home", &metadata.home);
    list(out, "sources", &metadata.sources, string);
    text(out, "version", &metadata.version);
    text(out, "description", &metadata.description);
    list(out, "keywords", &metadata.keywords, string);
    list(out, "maintainers", &metadata.maintainers, maintainer);
    text(out, "icon", &metadata.icon);
    text(out, "apiVersion", &metadata.api_version);
    text(out, "condition", &metadata.condition);
    text(out, "tags", &metadata.tags);
    text(out, "appVersion", &metadata.app_version);
    if metadata.deprecated {
        out.push_str("\"deprecated\":true,");
    }
    if !metadata.annotations.is_empty() {
        out.push_str("\"annotations\":{");
        for (key, value) in &metadata.annotations {
            push_json_string(out, key);
            out.push(':');
            push_json_string(out, value);
            out.push(',');
        }
        close(out);
        out.push(',');
    }
    text(out, "kubeVersion", &metadata.kube_version);
    list(out, "dependencies", metadata.dependencies.as_deref().unwrap_or_default(), dependency);
    text(out, "type", &metadata.kind);
    close(out);
}

fn maintainer(out: &mut String, maintainer: &Maintainer) {
    out.push('{');
    text(out, "name", &maintainer.name);
    text(out, "email", &maintainer.email);
    text(out, "url", &maintainer.url);
    close(out);
}

fn dependency(out: &mut String, dependency: &Dependency) {
    out.push_str("{\"name\":");
    push_json_string(out, &dependency.name);
    out.push(',');
    text(out, "version", &dependency.version);
    out.push_str("\"repository\":");
    push_json_string(out, &dependency.repository);
    out.push(',');
    text(out, "condition", &dependency.condition);
    list(out, "tags", &dependency.tags, string);
    if dependency.enabled {
        out.push_str("\"enabled\":true,");
    }
    list(out, "import-values", &dependency.import_values, |out, import| match import {
        ImportValue::Declared(value) => value.push_json(out),
        ImportValue::Resolved { child, parent } => {
            out.push_str("{\"child\":");
            push_json_string(out, child);
            out.push_str(",\"parent\":");
            push_json_string(out, parent);
            out.push('}');
        }
    });
    text(out, "alias", &dependency.alias);
    close(out);
}

fn lock(out: &mut String, lock: &Lock) {
    push(out, format_args!("{{\"generated\":\"{}\",\"digest\":", lock.generated));
    push_json_string(out, &lock.digest);
    out.push_str(",\"dependencies\":");
    let Some(dependencies) = &lock.dependencies else {
        out.push_str("null}");
        return;
    };
    out.push('[');
    for chosen in dependencies {
        match chosen {
            Some(chosen) => dependency(out, chosen),
            None => out.push_str("null"),
        }
        out.push(',');
    }
    if out.ends_with(',') {
        out.pop();
    }
    out.push_str("]}");
}

fn files(out: &mut String, files: &[File]) {
    if files.is_empty() {
        out.push_str("null");
        return;
    }
    out.push('[');
    for file in files {
        out.push_str("{\"name\":");
        push_json_string(out, &file.name);
        out.push_str(",\"data\":\"");
        STANDARD.encode_string(&file.data, out);
        out.push('"');
        modified(out, file.modified);
        out.push_str("},");
    }
    out.pop();
    out.push(']');
}

fn modified(out: &mut String, time: Option<Timestamp>) {
    if let Some(time) = time {
        push(out, format_args!(",\"modtime\":\"{time}\""));
    }
}

#[expect(clippy::ptr_arg, reason = "the item type of the lists")]
fn string(out: &mut String, text: &String) {
    push_json_string(out, text);
}
