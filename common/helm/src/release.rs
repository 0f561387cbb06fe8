//! Releases, and the records that Helm keeps of them in Secrets.
//!
//! A record is `base64(gzip(JSON))`. The JSON holds the chart, whose templates are most of it: [`encode`] takes the chart
//! in compressed form, so that it is compressed once for many records, and [`decode`] passes over it.

mod chart;
mod decode;
mod encode;
mod hook;
mod secret;
mod skip;
mod status;

use flux_yaml::Object;
use jiff::Timestamp;

pub use chart::{ChartRecord, StoredChart};
pub use decode::{ChartPart, DecodeRecordError, decode};
pub use encode::encode;
pub use hook::{Hook, HookEvent, HookExecution, HookPhase};
pub use secret::{InvalidLabels, SECRET_TYPE, labels, secret_name, surplus};
pub use status::{ApplyMethod, Status};

/// A release, without its chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Release {
    /// Name of the release.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Revision, from 1.
    pub version: u32,
    /// What happened to it.
    pub info: Info,
    /// What the user set.
    pub config: Object,
    /// Its objects: [`Sorted::release_manifest`](crate::manifest::Sorted::release_manifest).
    pub manifest: String,
    /// Its hooks.
    pub hooks: Vec<Hook>,
    /// How its objects were applied; client-side if nothing is said.
    pub apply_method: Option<ApplyMethod>,
}

/// What happened to a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// When its first revision was deployed.
    pub first_deployed: Option<Timestamp>,
    /// When this revision was deployed.
    pub last_deployed: Option<Timestamp>,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
    /// What the last action did or failed at.
    pub description: String,
    /// State of this revision.
    pub status: Status,
    /// Rendered NOTES.txt.
    pub notes: String,
}

#[cfg(test)]
mod tests;
