//! Alerts: the finalizer that older versions left (contract, section 11), and which events they select (section 5).

use std::collections::BTreeMap;
use std::time::Duration;

use flux_api::Event;
use flux_api::notification::{Alert, AlertSpec, EventSeverityFilter, EventSource};
use flux_api::well_known::{FINALIZER, NOTIFICATION_GROUP};
use flux_driver::{
    Course, Ending, Kind, Measured, Next, Notice, NoticeType, Outcome, Profile, Rules, Run, Schedule,
    Suspend, Verdict,
};
use flux_gotext::compile_re2;
use flux_kube::{Merge, Metadata, Resource};
use serde_json::json;

/// Resource of Alerts.
pub const ALERT: Resource = Resource::namespaced(NOTIFICATION_GROUP, "v1beta3", "Alert", "alerts");

/// An Alert has neither status nor schedule; what is left to do is to remove a finalizer of older versions.
#[derive(Debug)]
pub struct AlertKind;

/// An Alert could not be freed of its finalizer.
#[derive(Debug, thiserror::Error)]
#[error("failed to remove the finalizer")]
pub struct MigrationError(#[source] flux_kube::Error);

impl flux_driver::Failure for MigrationError {
    fn verdict(&self) -> Verdict {
        Verdict::transient("Failed")
    }
}

impl Kind for AlertKind {
    type Object = Alert;
    type Status = ();
    type Plan = ();
    type Fact = std::convert::Infallible;
    type Phase = std::convert::Infallible;
    type Error = MigrationError;
    const PROFILE: &'static Profile = &Profile {
        resource: ALERT,
        controller: "notification-controller",
        field_manager: "notification-controller",
        finalizer: None,
        suspend: Suspend::Spec,
        rules: Rules::None,
        owned: &[],
        measured: Measured::No,
    };

    const FORMER_FINALIZER: Option<&'static str> = Some(FINALIZER);

    fn lacks(&self, metadata: &Metadata) -> bool {
        metadata.finalizers.iter().any(|each| each == FINALIZER)
    }

    fn plan(&self, _: &Alert) -> Result<(), MigrationError> {
        Ok(())
    }

    fn schedule(&self, (): &()) -> Schedule {
        Schedule { interval: Duration::from_hours(24), retry: None, timeout: Duration::from_secs(30) }
    }

    async fn reconcile(&self, run: &mut Run<'_, Self>, (): &()) -> Result<Outcome, MigrationError> {
        let metadata = &run.raw().metadata;
        if !metadata.finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
            return Ok(Outcome::Unchanged(Next::Never));
        }
        let kept: Vec<_> = metadata.finalizers.iter().filter(|finalizer| *finalizer != FINALIZER).collect();
        let patch = json!({"metadata": {"finalizers": kept, "resourceVersion": metadata.resource_version}});
        let merge = Merge { field_manager: Self::PROFILE.field_manager, ..Merge::default() };
        let target = run.target(&flux_kube::Identity::Controller).map_err(MigrationError)?;
        target.merge(&ALERT, run.name(), &patch, &merge).await.map_err(MigrationError)?;
        Ok(Outcome::Done(Next::Never))
    }

    fn notices(&self, ending: &Ending<'_, Self>) -> Vec<Notice> {
        match ending.course {
            Course::Succeeded(Outcome::Done(_)) | Course::Deleting => vec![Notice::new(
                NoticeType::Normal,
                "Migration",
                "removed finalizer from Alert to migrate to static Alert",
            )],
            Course::Succeeded(Outcome::Unchanged(_) | Outcome::Again)
            | Course::Failed
            | Course::Suspended => Vec::new(),
        }
    }
}

/// What the event's object carries, as far as sources ask for it.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceMatch<'a> {
    /// No source selects the event.
    No,
    /// A source selects it.
    Yes,
    /// A source selects it if the object carries the source's labels, which have to be looked up.
    ByLabels(Vec<&'a EventSource>),
}

/// No object can carry the labels that a source asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the labels are malformed")]
pub struct InvalidLabels;

/// Whether a source of the Alert selects the event.
pub fn match_sources<'a>(alert: &'a Alert, event: &Event) -> SourceMatch<'a> {
    let object = &event.involved_object;
    let own = alert.metadata.namespace.as_deref().unwrap_or_default();
    let severe = match alert.spec.event_severity {
        Some(EventSeverityFilter::Error) => event.severity == EventSeverityFilter::Error.as_str(),
        Some(EventSeverityFilter::Info) | None => true,
    };
    if !severe {
        return SourceMatch::No;
    }
    let mut by_labels = Vec::new();
    for source in &alert.spec.event_sources {
        let same_place = source.namespace.as_deref().unwrap_or(own) == object.namespace;
        let same_name = source.name == "*" || source.name == object.name;
        if !same_place || source.kind.as_str() != object.kind || !same_name {
            continue;
        }
        match &source.match_labels {
            None => return SourceMatch::Yes,
            Some(_) => by_labels.push(source),
        }
    }
    if by_labels.is_empty() { SourceMatch::No } else { SourceMatch::ByLabels(by_labels) }
}

/// Whether an object with these labels is what the source asks for.
///
/// # Errors
/// [`InvalidLabels`] if no object can carry the labels that the source asks for.
pub fn match_labels(source: &EventSource, labels: &BTreeMap<String, String>) -> Result<bool, InvalidLabels> {
    let wanted = source.match_labels.iter().flatten();
    let mut matches = true;
    for (key, value) in wanted {
        if !is_label(key, value) {
            return Err(InvalidLabels);
        }
        matches &= labels.get(key) == Some(value);
    }
    Ok(matches)
}

/// Whether Kubernetes takes a label: a name of at most 63 characters behind a DNS name and a slash or nothing, and a value
/// of the same form, or none.
fn is_label(key: &str, value: &str) -> bool {
    let is_word = |text: &str| {
        let ends = text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.ends_with(|last: char| last.is_ascii_alphanumeric());
        text.len() <= 63
            && ends
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let is_part = |part: &str| {
        let ends = !part.starts_with('-') && !part.ends_with('-') && !part.is_empty();
        ends && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let has_prefix = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_part));
    has_prefix && is_word(name) && (value.is_empty() || is_word(value))
}

/// Whether the message passes the Alert's expressions, which are Go's; `invalid` is told of those that cannot be compiled.
pub fn match_message(alert: &Alert, message: &str, mut invalid: impl FnMut(String)) -> bool {
    let mut matches = |list: &str, expression: &String| match compile_re2(expression) {
        Ok(expression) => expression.is_match(message),
        Err(_) => {
            invalid(format!("failed to compile {list} regex: {expression}"));
            false
        }
    };
    let AlertSpec { inclusion_list, exclusion_list, .. } = &alert.spec;
    let included =
        inclusion_list.is_empty() || inclusion_list.iter().any(|expression| matches("inclusion", expression));
    included && !exclusion_list.iter().any(|expression| matches("exclusion", expression))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::metadata::tests::event;

    fn alert(spec: Value) -> Alert {
        let mut object = json!({"apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
            "metadata": {"name": "a", "namespace": "apps"}, "spec": {"providerRef": {"name": "p"}}});
        let fields = object["spec"].as_object_mut().unwrap();
        fields.insert("eventSources".to_owned(), json!([{"kind": "Kustomization", "name": "*"}]));
        fields.extend(spec.as_object().unwrap().clone());
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn kind_namespace_name_and_severity_select() {
        for (spec, want) in [
            (json!({}), SourceMatch::Yes),
            (json!({"eventSeverity": "error"}), SourceMatch::No),
            (json!({"eventSources": []}), SourceMatch::No),
            (json!({"eventSources": [{"kind": "HelmRelease", "name": "*"}]}), SourceMatch::No),
            (json!({"eventSources": [{"kind": "Kustomization", "name": "podinfo"}]}), SourceMatch::Yes),
            (json!({"eventSources": [{"kind": "Kustomization", "name": "other"}]}), SourceMatch::No),
            (
                json!({"eventSources": [{"kind": "Kustomization", "name": "*", "namespace": "b"}]}),
                SourceMatch::No,
            ),
        ] {
            assert_eq!(match_sources(&alert(spec.clone()), &event(&[])), want, "{spec}");
        }
    }

    #[test]
    fn labels_are_looked_up_only_where_needed() {
        let labelled = json!({"kind": "Kustomization", "name": "podinfo", "matchLabels": {"a": "b"}});
        let by_label = alert(json!({"eventSources": [labelled]}));
        assert!(
            matches!(match_sources(&by_label, &event(&[])), SourceMatch::ByLabels(found) if found.len() == 1)
        );
        let empty = json!({"eventSources": [{"kind": "Kustomization", "name": "*", "matchLabels": {}}]});
        assert!(matches!(match_sources(&alert(empty), &event(&[])), SourceMatch::ByLabels(_)));
        let either = alert(json!({"eventSources": [labelled, {"kind": "Kustomization", "name": "*"}]}));
        assert_eq!(match_sources(&either, &event(&[])), SourceMatch::Yes);
    }

    #[test]
    fn expressions_are_searched_for_and_broken_ones_are_reported() {
        let lists = alert(json!({"inclusionList": ["(", "Appl"], "exclusionList": ["[", "denied"]}));
        let mut reported = Vec::new();
        assert!(match_message(&lists, "Applied revision", |text| reported.push(text)));
        assert_eq!(
            reported,
            ["failed to compile inclusion regex: (", "failed to compile exclusion regex: ["]
        );
        assert!(!match_message(&lists, "Applied: denied", |_| {}));
        assert!(!match_message(&lists, "pruned", |_| {}));
    }

    #[test]
    fn expressions_are_gos() {
        let digits = alert(json!({"inclusionList": [r"revision \d+$"]}));
        assert!(match_message(&digits, "Applied revision 12", |_| {}));
        assert!(!match_message(&digits, "Applied revision १२", |_| {}), "digits are those of ASCII");
        let ignoring_case = alert(json!({"exclusionList": ["(?i)DENIED"]}));
        assert!(!match_message(&ignoring_case, "was denied", |_| {}));
        for refused in ["(?=a)", r"(a)\1", "a{1001}"] {
            let mut reported = 0;
            match_message(&alert(json!({"inclusionList": [refused]})), "a", |_| reported += 1);
            assert_eq!(reported, 1, "{refused}");
        }
    }

    #[test]
    fn labels_have_to_be_equal_and_well_formed() {
        let source = |labels: Value| -> EventSource {
            serde_json::from_value(json!({"kind": "Kustomization", "name": "*", "matchLabels": labels}))
                .unwrap()
        };
        let labels = BTreeMap::from([("team".to_owned(), "red".to_owned())]);
        for (wanted, want) in [
            (json!({}), Ok(true)),
            (json!({"team": "red"}), Ok(true)),
            (json!({"team": "blue"}), Ok(false)),
            (json!({"team": "red", "tier": ""}), Ok(false)),
            (json!({"a.example/Team_1": "x.y"}), Ok(false)),
            (json!({"team": "not a value"}), Err(InvalidLabels)),
            (json!({"-team": "red"}), Err(InvalidLabels)),
            (json!({"A.example/team": "red"}), Err(InvalidLabels)),
            (json!({"/team": "red"}), Err(InvalidLabels)),
            (json!({"a/b/c": "red"}), Err(InvalidLabels)),
        ] {
            assert_eq!(match_labels(&source(wanted.clone()), &labels), want, "{wanted}");
        }
    }
}
