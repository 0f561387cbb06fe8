//! Whether the cluster differs from what is desired, and which differences users asked to ignore.

use regex::Regex;
use serde_json::Value;

/// Whether a dry-run's answer differs from the live object in what apply owns: labels, annotations, and everything but
/// `metadata` and `status`. Absent and empty collections are equal.
pub fn differs(live: &Value, merged: &Value) -> bool {
    for pointer in ["/metadata/labels", "/metadata/annotations"] {
        if !equal(live.pointer(pointer), merged.pointer(pointer)) {
            return true;
        }
    }
    let (Some(live_fields), Some(merged_fields)) = (live.as_object(), merged.as_object()) else {
        return live != merged;
    };
    let compared = |key: &str| !matches!(key, "metadata" | "status");
    let autoscaler = is_autoscaler(merged);
    let keys = live_fields.keys().chain(merged_fields.keys().filter(|key| !live_fields.contains_key(*key)));
    keys.filter(|key| compared(key)).any(|key| {
        let (live, merged) = (live_fields.get(key), merged_fields.get(key));
        if autoscaler && key == "spec" {
            !equal(live.map(canonical_metrics).as_ref(), merged.map(canonical_metrics).as_ref())
        } else {
            !equal(live, merged)
        }
    })
}

/// Semantic equality: an absent, null or empty collection equals any other of these.
fn equal(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.iter().all(|(key, value)| equal(Some(value), b.get(key)))
                && b.iter().all(|(key, value)| a.contains_key(key) || equal(None, Some(value)))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(Some(a), Some(b)))
        }
        (Some(a), Some(b)) => a == b || (is_empty(a) && is_empty(b)),
        (Some(only), None) | (None, Some(only)) => is_empty(only),
        (None, None) => true,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_autoscaler(object: &Value) -> bool {
    object.get("kind").is_some_and(|kind| kind == "HorizontalPodAutoscaler")
}

/// An autoscaler's spec without duplicate metrics and metrics without type, which its controller drops.
fn canonical_metrics(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(metrics) = spec.get_mut("metrics").and_then(Value::as_array_mut) {
        let mut seen = Vec::new();
        metrics.retain(|metric| {
            let typed = metric.get("type").and_then(Value::as_str).is_some_and(|kind| !kind.is_empty());
            let keep = typed && !seen.contains(metric);
            if keep {
                seen.push(metric.clone());
            }
            keep
        });
    }
    spec
}

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
    #[error("invalid selector '{0}'")]
    Labels(String),
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
            labels: LabelSelector::parse(&target.label_selector).map_err(InvalidTarget)?,
            annotations: LabelSelector::parse(&target.annotation_selector).map_err(InvalidTarget)?,
            pointers,
        })
    }

    /// Whether the rule speaks of this object.
    pub fn selects(&self, object: &Value) -> bool {
        let api_version = crate::object::text_at(object, "/apiVersion");
        let (group, version) = crate::object::split_api_version(api_version);
        self.fields.iter().all(|(field, regex)| {
            regex.is_match(match *field {
                "group" => group,
                "version" => version,
                pointer => crate::object::text_at(object, pointer),
            })
        }) && self.labels.matches(object.pointer("/metadata/labels"))
            && self.annotations.matches(object.pointer("/metadata/annotations"))
    }

    /// JSON pointers of the ignored fields.
    pub fn pointers(&self) -> &[String] {
        &self.pointers
    }
}

/// A selector in the form of `kubectl -l`: comma-separated requirements that must all hold.
#[derive(Debug, Clone, Default)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl LabelSelector {
    /// Parses the text form; empty text selects everything.
    ///
    /// # Errors
    /// [`SelectorError::Labels`] with the whole text.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let invalid = || SelectorError::Labels(text.to_owned());
        let requirements = split_outside_parentheses(text)
            .map(|part| requirement(part).ok_or_else(invalid))
            .collect::<Result<_, _>>()?;
        Ok(Self { requirements })
    }

    /// Whether a map of labels satisfies all requirements; no map is an empty one.
    pub fn matches(&self, labels: Option<&Value>) -> bool {
        let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        self.requirements.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => value(key).is_some_and(|value| values.iter().any(|v| v == value)),
            Requirement::NotIn(key, values) => {
                value(key).is_none_or(|value| values.iter().all(|v| v != value))
            }
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
        })
    }
}

fn split_outside_parentheses(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(move |part| !(part.is_empty() && text.trim().is_empty()))
}

fn requirement(text: &str) -> Option<Requirement> {
    let list = |text: &str| {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|value| value.trim().to_owned()).collect())
    };
    if let Some(name) = text.strip_prefix('!') {
        return Some(Requirement::Absent(key(name)?));
    }
    let end = text.find(|c: char| c.is_whitespace() || "=!(".contains(c)).unwrap_or(text.len());
    let (name, operation) = text.split_at_checked(end)?;
    let (name, operation) = (key(name)?, operation.trim_start());
    if operation.is_empty() {
        return Some(Requirement::Exists(name));
    }
    if let Some(value) = operation.strip_prefix("!=") {
        return Some(Requirement::NotIn(name, vec![value.trim().to_owned()]));
    }
    if let Some(value) = operation.strip_prefix("==").or_else(|| operation.strip_prefix('=')) {
        return Some(Requirement::In(name, vec![value.trim().to_owned()]));
    }
    if let Some(values) = operation.strip_prefix("notin") {
        return Some(Requirement::NotIn(name, list(values)?));
    }
    Some(Requirement::In(name, list(operation.strip_prefix("in")?)?))
}

/// A label or annotation key, if the text can be one.
fn key(text: &str) -> Option<String> {
    let text = text.trim();
    let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    valid.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_owned_parts_are_compared() {
        let live = json!({"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}, "status": {"x": 1}, "data": {"k": "v"}});
        let merged = json!({"metadata": {"resourceVersion": "2", "labels": {"a": "b"}}, "data": {"k": "v"}});
        assert!(!differs(&live, &merged));
        assert!(differs(&live, &json!({"metadata": {"labels": {"a": "c"}}, "data": {"k": "v"}})));
        assert!(differs(&live, &json!({"metadata": {"labels": {"a": "b"}}, "data": {"k": "w"}})));
        assert!(differs(&live, &json!({"metadata": {"labels": {"a": "b"}}})));
    }

    #[test]
    fn empty_and_absent_collections_are_equal() {
        let live = json!({"metadata": {}, "spec": {"list": [], "map": {}, "x": 0}});
        assert!(!differs(&live, &json!({"spec": {"x": 0, "list": null}})));
        assert!(differs(&live, &json!({"spec": {"list": null}})));
    }

    #[test]
    fn autoscalers_are_compared_without_repeated_metrics() {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu"}});
        let object =
            |metrics: Value| json!({"kind": "HorizontalPodAutoscaler", "spec": {"metrics": metrics}});
        assert!(!differs(&object(json!([metric])), &object(json!([metric, metric, {"resource": {}}]))));
        assert!(differs(&object(json!([metric])), &object(json!([]))));
    }

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
}
