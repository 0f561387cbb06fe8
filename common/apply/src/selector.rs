//! Label selectors in the form of `kubectl -l`.

use serde_json::Value;

/// A selector that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid selector '{0}'")]
pub struct InvalidSelector(String);

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
    /// [`InvalidSelector`] with the whole text.
    pub fn parse(text: &str) -> Result<Self, InvalidSelector> {
        let invalid = || InvalidSelector(text.to_owned());
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
