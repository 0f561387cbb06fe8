//! Alerts: the finalizer that older versions left (contract, section 11), and which events they select (section 5).

use std::time::Duration;

use flux_api::Event;
use flux_api::notification::{Alert, EventSeverityFilter, EventSource};
use flux_api::well_known::{FINALIZER, NOTIFICATION_GROUP};
use flux_driver::{
    Kind, Measured, Next, Notice, NoticeType, Outcome, Profile, Rules, Run, Schedule, Suspend, Verdict,
};
use flux_kube::{Merge, Resource};
use regex::RegexBuilder;
use serde_json::json;

/// Resource of Alerts.
pub const ALERT: Resource = Resource::namespaced(NOTIFICATION_GROUP, "v1beta3", "Alert", "alerts");

/// Compiled expressions may take this much memory, in bytes.
const EXPRESSION_LIMIT: usize = 1024 * 1024;

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
        run.notify(Notice::new(
            NoticeType::Normal,
            "Migration",
            "removed finalizer from Alert to migrate to static Alert",
        ));
        Ok(Outcome::Done(Next::Never))
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
        if source.match_labels.is_empty() {
            return SourceMatch::Yes;
        }
        by_labels.push(source);
    }
    if by_labels.is_empty() { SourceMatch::No } else { SourceMatch::ByLabels(by_labels) }
}

/// Whether the message passes the Alert's expressions; `invalid` is told of those that cannot be compiled.
pub fn match_message(alert: &Alert, message: &str, mut invalid: impl FnMut(String)) -> bool {
    let matches = |expression: &String| {
        RegexBuilder::new(expression)
            .size_limit(EXPRESSION_LIMIT)
            .build()
            .map(|regex| regex.is_match(message))
    };
    let included = alert.spec.inclusion_list.is_empty()
        || alert.spec.inclusion_list.iter().any(|expression| {
            matches(expression).unwrap_or_else(|_| {
                invalid(format!("failed to compile inclusion regex: {expression}"));
                false
            })
        });
    included
        && !alert.spec.exclusion_list.iter().any(|expression| {
            matches(expression).unwrap_or_else(|_| {
                invalid(format!("failed to compile exclusion regex: {expression}"));
                false
            })
        })
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
}
