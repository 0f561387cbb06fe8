//! Metadata of events: what is kept on arrival, and what a Provider is sent (contract, sections 4.2 and 6.3).

use std::collections::BTreeMap;

use flux_api::Event;
use flux_api::event::metadata::{CHECKSUM, DIGEST, TOKEN};
use flux_api::notification::AlertSpec;
use flux_api::well_known::EVENT_PREFIX;

/// The API group of the object that the event is about; empty for the core group and for what is malformed.
pub fn group(event: &Event) -> &str {
    match event.involved_object.api_version.split_once('/') {
        Some((group, version)) if !version.contains('/') => group,
        _ => "",
    }
}

/// Drops keys that are neither the object's own group's nor a user's, and digests, which change without news.
pub fn clean(event: &mut Event) {
    let own = format!("{}/", group(event));
    let dropped = [CHECKSUM, DIGEST].map(|key| format!("{own}{key}"));
    event.metadata.retain(|key, _| {
        (key.starts_with(EVENT_PREFIX) || key.starts_with(&own))
            && !dropped.iter().any(|name| name.eq_ignore_ascii_case(key))
    });
}

/// Drops the token, which has told equal events apart and says nothing to people.
pub fn drop_token(event: &mut Event) {
    let key = format!("{}/{TOKEN}", group(event));
    event.metadata.remove(&key);
}

/// The metadata that a Provider is sent, and the keys that more than one source gave, with those sources.
pub fn merge(event: &Event, alert: &AlertSpec) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let own = format!("{}/", group(event));
    let stripped = |prefix: &str| -> Vec<(String, String)> {
        event
            .metadata
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone())))
            .collect()
    };
    let summary = alert.summary.iter().filter(|summary| !summary.is_empty());
    // later ones win
    let sources: [(&str, Vec<(String, String)>); 4] = [
        ("involved object annotations", stripped(EVENT_PREFIX)),
        ("Alert object .spec.eventMetadata", alert.event_metadata.clone().into_iter().collect()),
        (
            "Alert object .spec.summary",
            summary.map(|summary| ("summary".to_owned(), summary.clone())).collect(),
        ),
        ("involved object controller metadata", stripped(&own)),
    ];
    let mut merged = BTreeMap::new();
    let mut given: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (source, pairs) in sources {
        for (key, value) in pairs {
            given.entry(key.clone()).or_default().push(source);
            merged.insert(key, value);
        }
    }
    let conflicts = given
        .into_iter()
        .filter(|(_, sources)| sources.len() > 1)
        .map(|(key, sources)| (key, sources.join(", ")));
    (merged, conflicts.collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use flux_api::event::InvolvedObject;

    use super::*;

    pub(crate) fn event(metadata: &[(&str, &str)]) -> Event {
        Event {
            involved_object: InvolvedObject {
                kind: "Kustomization".to_owned(),
                namespace: "apps".to_owned(),
                name: "podinfo".to_owned(),
                api_version: "kustomize.toolkit.fluxcd.io/v1".to_owned(),
                ..InvolvedObject::default()
            },
            severity: "info".to_owned(),
            timestamp: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            message: "Applied".to_owned(),
            reason: "ReconciliationSucceeded".to_owned(),
            metadata: metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            reporting_controller: "kustomize-controller".to_owned(),
            reporting_instance: String::new(),
        }
    }

    #[test]
    fn foreign_keys_and_digests_are_dropped() {
        let mut event = event(&[
            ("kustomize.toolkit.fluxcd.io/revision", "1"),
            ("kustomize.toolkit.fluxcd.io/Checksum", "x"),
            ("kustomize.toolkit.fluxcd.io/digest", "x"),
            ("event.toolkit.fluxcd.io/team", "a"),
            ("source.toolkit.fluxcd.io/revision", "x"),
            ("plain", "x"),
        ]);
        clean(&mut event);
        let keys: Vec<_> = event.metadata.keys().map(String::as_str).collect();
        assert_eq!(keys, ["event.toolkit.fluxcd.io/team", "kustomize.toolkit.fluxcd.io/revision"]);
    }

    #[test]
    fn later_sources_win_and_conflicts_name_them_in_order() {
        let event = event(&[
            ("event.toolkit.fluxcd.io/env", "object"),
            ("event.toolkit.fluxcd.io/summary", "object"),
            ("kustomize.toolkit.fluxcd.io/revision", "main"),
        ]);
        let alert = AlertSpec {
            event_metadata: BTreeMap::from([
                ("env".to_owned(), "alert".to_owned()),
                ("revision".to_owned(), "alert".to_owned()),
            ]),
            summary: Some("cluster".to_owned()),
            ..AlertSpec::default()
        };
        let (merged, conflicts) = merge(&event, &alert);
        assert_eq!((merged["env"].as_str(), merged["revision"].as_str()), ("alert", "main"));
        assert_eq!(merged["summary"], "cluster");
        assert_eq!(conflicts["env"], "involved object annotations, Alert object .spec.eventMetadata");
        assert_eq!(
            conflicts["revision"],
            "Alert object .spec.eventMetadata, involved object controller metadata"
        );
    }

    #[test]
    fn a_malformed_api_version_has_no_group() {
        let mut event = event(&[]);
        event.involved_object.api_version = "a/b/c".to_owned();
        assert_eq!(group(&event), "");
        event.involved_object.api_version = "v1".to_owned();
        assert_eq!(group(&event), "");
    }
}
