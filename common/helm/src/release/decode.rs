//! From a record to its release.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::bufread::GzDecoder;
use flux_yaml::Object;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::chart::{ChartRecord, StoredChart, marked_length};
use super::skip::WithoutChart;
use super::{Hook, HookEvent, HookExecution, Info, Release};
use crate::values::from_json;

/// Longest record, in bytes of base64: a Secret holds 1 MiB; ConfigMaps and backups are no larger.
const MAX_RECORD: usize = 2 << 20;
/// Most JSON that a record may hold, in bytes.
const MAX_JSON: usize = 64 << 20;
/// Most JSON beside the chart, in bytes.
const MAX_KEPT: usize = 16 << 20;
const PIECE: usize = 32 << 10;

/// How much of the chart to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartPart {
    /// Its metadata; the rest is passed over.
    Metadata,
    /// All of it, to be stored again.
    Whole,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeRecordError {
    /// Not base64.
    #[error("record is not base64")]
    Base64(#[source] base64::DecodeError),
    /// A damaged gzip stream.
    #[error("record cannot be decompressed")]
    Gzip(#[source] std::io::Error),
    /// Not the JSON of a release.
    #[error("record is not the JSON of a release")]
    Json(#[source] serde_json::Error),
    /// Longer than any record that fits a Secret.
    #[error("record exceeds the limit of {0} bytes")]
    TooLarge(usize),
}

/// A release and its chart from the text under the key `release` of a Secret.
///
/// # Errors
/// [`DecodeRecordError`].
pub fn decode(record: &[u8], part: ChartPart) -> Result<(Release, StoredChart), DecodeRecordError> {
    if record.len() > MAX_RECORD {
        return Err(DecodeRecordError::TooLarge(MAX_RECORD));
    }
    let bytes = STANDARD.decode(record.trim_ascii()).map_err(DecodeRecordError::Base64)?;
    let json = match part {
        _ if !bytes.starts_with(&[0x1f, 0x8b, 8]) => bytes,
        ChartPart::Metadata => {
            let mut filter = WithoutChart::with_room(2 * bytes.len());
            inflate(&bytes, part, |piece| within(filter.push(piece), MAX_KEPT))?;
            drop(bytes);
            filter.finish()
        }
        ChartPart::Whole => {
            let mut json = Vec::new();
            inflate(&bytes, part, |piece| {
                json.extend_from_slice(piece);
                Ok(())
            })?;
            json
        }
    };
    let record: Record<'_> = serde_json::from_slice(&json).map_err(DecodeRecordError::Json)?;
    let chart = record.stored_chart(part).map_err(DecodeRecordError::Json)?;
    Ok((record.into_release(), chart))
}

fn within(size: usize, limit: usize) -> Result<(), DecodeRecordError> {
    if size > limit { Err(DecodeRecordError::TooLarge(limit)) } else { Ok(()) }
}

/// Decompresses gzip members one after the other, but for the body of a chart if only its metadata is wanted.
fn inflate(
    mut bytes: &[u8],
    part: ChartPart,
    mut take: impl FnMut(&[u8]) -> Result<(), DecodeRecordError>,
) -> Result<(), DecodeRecordError> {
    let mut buffer = vec![0; PIECE];
    let mut total = 0;
    while !bytes.is_empty() {
        if part == ChartPart::Metadata
            && let Some(length) = marked_length(bytes)
        {
            bytes = bytes.get(length..).unwrap_or_default();
            continue;
        }
        let mut member = GzDecoder::new(bytes);
        loop {
            let read = member.read(&mut buffer).map_err(DecodeRecordError::Gzip)?;
            if read == 0 {
                break;
            }
            total += read;
            within(total, MAX_JSON)?;
            take(buffer.get(..read).unwrap_or_default())?;
        }
        bytes = member.into_inner();
    }
    Ok(())
}

/// A record's JSON. What is missing is empty, and null is the same as missing, as in Go.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    info: Option<InfoJson>,
    #[serde(default, borrow)]
    chart: Option<&'a RawValue>,
    #[serde(default)]
    config: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    manifest: Option<String>,
    #[serde(default)]
    hooks: Option<Vec<HookJson>>,
    #[serde(default)]
    version: Option<u32>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    apply_method: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InfoJson {
    first_deployed: Time,
    last_deployed: Time,
    deleted: Time,
    description: Option<String>,
    status: Option<String>,
    notes: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HookJson {
    name: Option<String>,
    kind: Option<String>,
    path: Option<String>,
    manifest: Option<String>,
    events: Option<Vec<String>>,
    last_run: Option<RunJson>,
    weight: Option<i64>,
    delete_policies: Option<Vec<String>>,
    output_log_policies: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RunJson {
    started_at: Time,
    completed_at: Time,
    phase: Option<String>,
}

/// A time; an empty text, which Helm 3 wrote, and the zero time are none.
#[derive(Default)]
struct Time(Option<Timestamp>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        if text.is_empty() || text.starts_with("0001-01-01T00:00:00") {
            return Ok(Self(None));
        }
        text.parse().map(|time| Self(Some(time))).map_err(serde::de::Error::custom)
    }
}

impl Record<'_> {
    fn stored_chart(&self, part: ChartPart) -> Result<StoredChart, serde_json::Error> {
        #[derive(Deserialize)]
        struct ChartJson {
            #[serde(default)]
            metadata: serde_json::Value,
        }
        let Some(chart) = self.chart else {
            return Ok(StoredChart { metadata: serde_json::Value::Null, record: None });
        };
        let ChartJson { metadata } = serde_json::from_str(chart.get())?;
        let record = (part == ChartPart::Whole).then(|| ChartRecord::from_json(chart)).transpose()?;
        Ok(StoredChart { metadata, record })
    }

    fn into_release(self) -> Release {
        let config = self.config.unwrap_or_default();
        let config: Object = config.iter().map(|(key, value)| (key.into(), from_json(value))).collect();
        Release {
            name: self.name.unwrap_or_default(),
            namespace: self.namespace.unwrap_or_default(),
            version: self.version.unwrap_or_default(),
            info: self.info.unwrap_or_default().into(),
            config,
            manifest: self.manifest.unwrap_or_default(),
            hooks: self.hooks.into_iter().flatten().map(Hook::from).collect(),
            apply_method: self.apply_method.and_then(|method| method.parse().ok()),
        }
    }
}

impl From<InfoJson> for Info {
    fn from(info: InfoJson) -> Self {
        Self {
            first_deployed: info.first_deployed.0,
            last_deployed: info.last_deployed.0,
            deleted: info.deleted.0,
            description: info.description.unwrap_or_default(),
            status: info.status.and_then(|status| status.parse().ok()).unwrap_or_default(),
            notes: info.notes.unwrap_or_default(),
        }
    }
}

impl From<HookJson> for Hook {
    fn from(hook: HookJson) -> Self {
        let run = hook.last_run.unwrap_or_default();
        Self {
            name: hook.name.unwrap_or_default(),
            kind: hook.kind.unwrap_or_default(),
            path: hook.path.unwrap_or_default(),
            manifest: hook.manifest.unwrap_or_default(),
            events: hook.events.iter().flatten().filter_map(|event| HookEvent::parse(event)).collect(),
            weight: hook.weight.unwrap_or_default(),
            delete_policies: hook.delete_policies.unwrap_or_default(),
            output_log_policies: hook.output_log_policies.unwrap_or_default(),
            last_run: HookExecution {
                started_at: run.started_at.0,
                completed_at: run.completed_at.0,
                phase: run.phase.and_then(|phase| phase.parse().ok()),
            },
        }
    }
}
