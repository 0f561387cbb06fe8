//! Kubernetes Events on Alerts (contract, section 12).

use std::collections::BTreeMap;

use flux_api::notification::Alert;
use flux_api::well_known::NOTIFICATION_GROUP;
use flux_kube::{EventType, Recorded, Recorder, Regarding};

/// Reasons of the warnings on Alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WarningReason {
    /// A notification could not be built or sent.
    NotificationDispatchFailed,
    /// An expression or selector of the Alert is not valid.
    InvalidConfig,
    /// The labels of an event's object could not be read.
    SourceFetchFailed,
    /// More than one source gave the same key of metadata.
    MetadataAppendFailed,
}

impl WarningReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotificationDispatchFailed => "NotificationDispatchFailed",
            Self::InvalidConfig => "InvalidConfig",
            Self::SourceFetchFailed => "SourceFetchFailed",
            Self::MetadataAppendFailed => "MetadataAppendFailed",
        }
    }
}

/// Records a warning on an Alert.
pub(crate) fn warn(
    recorder: &Recorder,
    alert: &Alert,
    reason: WarningReason,
    message: String,
    annotations: BTreeMap<String, String>,
) {
    let metadata = &alert.metadata;
    let regarding = Regarding {
        api_version: format!("{NOTIFICATION_GROUP}/v1beta3"),
        kind: "Alert".to_owned(),
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
    };
    let reason = reason.as_str().to_owned();
    recorder.record(Recorded { regarding, event_type: EventType::Warning, reason, message, annotations });
}
