//! Differences that users asked to ignore: other controllers own these fields.

use crate::object::{split_api_version, text_at};
use crate::selector::{InvalidSelector, LabelSelector};
use regex::Regex;
use serde_json::{Map, Value};

/// Which objects a rule of `spec.ignore` speaks of; an empty field matches everything.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// API group, version, kind, name and namespace, each an anchored regular expression.
    pub patterns: TargetPatterns,
    /// Label selector in the form of `kubectl -l`.
    pub label_selector: String,
    /// Selector of the same form over annotations.
    pub annotation_selector: String,
}

/// The five fields of a [`Target`] that are regular expressions.
#[derive(Debug, Clone, Default)]
pub struct TargetPatterns {
    /// API group.
    pub group: String,
    /// API version without the group.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
}

/// A rule that cannot be used; the text is the contract's.
#[derive(Debug, thiserror::Error)]
#[error("failed to create ignore rule selector")]
pub struct InvalidTarget(#[source] SelectorError);

/// Why a [`Target`] is not understood.
#[derive(Debug, thiserror::Error)]
pub enum SelectorError {
    /// A field is not a regular expression.
    #[error("invalid regular expression '{pattern}'")]
    Pattern {
        /// The text as given.
        pattern: String,
        /// Where it fails.
        source: Box<regex::Error>,
    },
    /// A label or annotation selector does not parse.
    #[error(transparent)]
    Selector(#[from] InvalidSelector),
}

/// A rule of `spec.ignore`: JSON pointers whose differences are not drift, in the objects its target selects.
#[derive(Debug)]
pub struct IgnoreRule {
    fields: Vec<(&'static str, Regex)>,
    labels: LabelSelector,
    annotations: LabelSelector,
    pointers: Vec<String>,
}

impl IgnoreRule {
    /// Compiles a rule.
    ///
    /// # Errors
    /// [`InvalidTarget`] if a pattern or a selector does not parse.
    pub fn new(target: &Target, pointers: Vec<String>) -> Result<Self, InvalidTarget> {
        let selector = |text: &str| LabelSelector::parse(text).map_err(|error| InvalidTarget(error.into()));
        let TargetPatterns { group, version, kind, name, namespace } = &target.patterns;
        let fields = [
            ("group", group),
            ("version", version),
            ("/kind", kind),
            ("/metadata/name", name),
            ("/metadata/namespace", namespace),
        ]
        .into_iter()
        .filter(|(_, pattern)| !pattern.is_empty())
        .map(|(field, pattern)| {
            let regex = Regex::new(&format!("^(?:{pattern})$")).map_err(|source| SelectorError::Pattern {
                pattern: pattern.clone(),
                source: Box::new(source),
            })?;
            Ok((field, regex))
        })
        .collect::<Result<_, SelectorError>>()
        .map_err(InvalidTarget)?;
        Ok(Self {
            fields,
            labels: selector(&target.label_selector)?,
            annotations: selector(&target.annotation_selector)?,
            pointers,
        })
    }

    /// Whether the rule speaks of this object.
    pub fn selects(&self, object: &Value) -> bool {
        let api_version = text_at(object, "/apiVersion");
        let (group, version) = split_api_version(api_version);
        self.fields.iter().all(|(field, regex)| {
            regex.is_match(match *field {
                "group" => group,
                "version" => version,
                pointer => text_at(object, pointer),
            })
        }) && self.labels.matches(object.pointer("/metadata/labels"))
            && self.annotations.matches(object.pointer("/metadata/annotations"))
    }

    /// JSON pointers of the ignored fields.
    pub fn pointers(&self) -> &[String] {
        &self.pointers
    }
}

/// Removes every ignored field that a rule names for this object; paths that are absent are fine.
pub fn without_ignored(object: &Value, rules: &[&IgnoreRule]) -> Value {
    let mut object = object.clone();
    for pointer in rules.iter().flat_map(|rule| &rule.pointers) {
        remove(&mut object, pointer);
    }
    object
}

/// Resolves the ignored fields of an object that is applied for another reason and exists already.
///
/// Where the live value differs from the dry-run's, a field that another apply manager owns is left out of the payload,
/// and any other takes the live value, so that neither is changed. Source: kustomize-controller contract 14.7.
pub fn keep_live_values(payload: &mut Value, live: &Value, merged: &Value, rules: &[&IgnoreRule]) {
    for pointer in rules.iter().flat_map(|rule| &rule.pointers) {
        let (Some(in_cluster), true) =
            (live.pointer(pointer), live.pointer(pointer) != merged.pointer(pointer))
        else {
            continue;
        };
        if owned_by_another(live, pointer) {
            remove(payload, pointer);
        } else if let Some(place) = payload.pointer_mut(pointer) {
            *place = in_cluster.clone();
        }
    }
}

/// Whether an apply manager other than ours owns the field.
fn owned_by_another(live: &Value, pointer: &str) -> bool {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| {
        text_at(entry, "/manager") != crate::managed_fields::MANAGER
            && text_at(entry, "/operation") == "Apply"
            && text_at(entry, "/subresource").is_empty()
            && entry.get("fieldsV1").is_some_and(|fields| owns(fields, live, pointer))
    })
}

/// Follows a JSON pointer through a field set; list items are found by the keys that the live item has.
fn owns(fields: &Value, live: &Value, pointer: &str) -> bool {
    let mut fields = fields;
    let mut live = Some(live);
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let item = live.and_then(Value::as_array).and_then(|items| items.get(name.parse::<usize>().ok()?));
        let below = match item {
            Some(item) => fields.as_object().and_then(|fields| keyed(fields, item)),
            None => fields.get(format!("f:{name}")),
        };
        let Some(below) = below else { return false };
        fields = below;
        live = item.or_else(|| live.and_then(|live| live.get(&name)));
    }
    true
}

/// The entry `k:{...}` whose pairs all equal those of the item.
fn keyed<'a>(fields: &'a Map<String, Value>, item: &Value) -> Option<&'a Value> {
    fields.iter().find_map(|(name, below)| {
        let keys: Map<String, Value> = serde_json::from_str(name.strip_prefix("k:")?).ok()?;
        keys.iter().all(|(key, value)| item.get(key) == Some(value)).then_some(below)
    })
}

/// Removes the value at a JSON pointer; a negative index counts from a list's end.
fn remove(object: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    match object.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.remove(&last);
        }
        Some(Value::Array(items)) => {
            let index = match last.strip_prefix('-') {
                Some(back) => back.parse().ok().and_then(|back: usize| items.len().checked_sub(back)),
                None => last.parse().ok(),
            };
            if let Some(index) = index.filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(target: Target) -> IgnoreRule {
        IgnoreRule::new(&target, vec!["/spec/replicas".into()]).unwrap()
    }

    #[test]
    fn targets_are_anchored_patterns_and_selectors() {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web-1", "namespace": "prod", "labels": {"tier": "front"}},
        });
        assert!(rule(Target::default()).selects(&deployment));
        let patterns = |kind: &str, name: &str| TargetPatterns {
            kind: kind.into(),
            name: name.into(),
            ..Default::default()
        };
        assert!(
            rule(Target { patterns: patterns("Deployment", "web-.*"), ..Default::default() })
                .selects(&deployment)
        );
        assert!(
            !rule(Target { patterns: patterns("Deploy", ""), ..Default::default() }).selects(&deployment)
        );
        let group = TargetPatterns { group: "apps|batch".into(), version: "v1".into(), ..Default::default() };
        assert!(rule(Target { patterns: group, ..Default::default() }).selects(&deployment));
        for (selector, expected) in [
            ("tier=front", true),
            ("tier==back", false),
            ("tier in (front, back),!absent", true),
            ("tier notin (front)", false),
            ("tier!=front", false),
            ("tier", true),
            ("missing", false),
        ] {
            let target = Target { label_selector: selector.into(), ..Default::default() };
            assert_eq!(rule(target).selects(&deployment), expected, "{selector}");
        }
    }

    #[test]
    fn unusable_targets_are_refused() {
        let patterns = TargetPatterns { name: "(".into(), ..Default::default() };
        let error = IgnoreRule::new(&Target { patterns, ..Default::default() }, vec![]).unwrap_err();
        assert_eq!(error.to_string(), "failed to create ignore rule selector");
        let target = Target { label_selector: "a=b,,".into(), ..Default::default() };
        assert!(IgnoreRule::new(&target, vec![]).is_err());
    }

    #[test]
    fn ignored_fields_are_not_compared() {
        let object = json!({"spec": {"replicas": 3, "list": [1, 2, 3]}, "a/b": 1});
        let rule = IgnoreRule::new(
            &Target::default(),
            vec!["/spec/replicas".into(), "/spec/list/-1".into(), "/a~1b".into(), "/missing/path".into()],
        )
        .unwrap();
        assert_eq!(without_ignored(&object, &[&rule]), json!({"spec": {"list": [1, 2]}}));
    }

    #[test]
    fn live_values_are_stripped_or_adopted_by_their_owner() {
        let rule = IgnoreRule::new(
            &Target::default(),
            vec!["/spec/replicas".into(), "/spec/containers/0/image".into(), "/spec/absent".into()],
        )
        .unwrap();
        let live = json!({
            "metadata": {"managedFields": [{
                "manager": "autoscaler", "operation": "Apply",
                "fieldsV1": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {"f:image": {}}}}},
            }]},
            "spec": {"replicas": 5, "containers": [{"name": "web", "image": "new"}], "absent": 1},
        });
        let merged = json!({"spec": {"replicas": 2, "containers": [{"name": "web", "image": "old"}]}});
        let mut payload = json!({"spec": {"replicas": 2, "containers": [{"name": "web", "image": "old"}]}});
        keep_live_values(&mut payload, &live, &merged, &[&rule]);
        assert_eq!(payload, json!({"spec": {"replicas": 5, "containers": [{"name": "web"}]}}));
    }
}
