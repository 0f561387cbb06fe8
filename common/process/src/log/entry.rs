//! One entry: its pairs, and its two forms.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::Level;
use tracing::field::{Field, Visit};

use super::level_name;

/// Keys and values in the order they were given; a later value of a key takes the place of the earlier one.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs(Vec<(String, Value)>);

impl Pairs {
    fn set(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|(present, _)| present == key) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// A field whose name ends in `_json` holds JSON: it is logged as such, under its name without the ending.
    fn set_text(&mut self, name: &str, text: &str) {
        let structured = name.strip_suffix("_json").zip(serde_json::from_str(text).ok());
        match structured {
            Some((key, value)) => self.set(key, value),
            None => self.set(name, json!(text)),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(present, _)| present == key).and_then(|(_, value)| value.as_str())
    }

    pub(super) fn extend(&mut self, others: &Self) {
        for (key, value) in &others.0 {
            self.set(key, value.clone());
        }
    }
}

impl Visit for Pairs {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set_text(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let chain = std::iter::successors(Some(value), |error| error.source());
        let text = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        self.set(field.name(), json!(text));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set_text(field.name(), &format!("{value:?}"));
    }
}

/// An entry on its way out.
pub(super) struct Entry {
    pub(super) level: Level,
    pub(super) at: Timestamp,
    /// Of the spans from the root on, then the entry's own.
    pub(super) pairs: Pairs,
    /// Where an error was logged.
    pub(super) stack: Option<String>,
}

impl Entry {
    pub(super) fn message(&self) -> &str {
        self.pairs.text("message").unwrap_or_default()
    }

    fn timestamp(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    /// `level`, `ts`, `logger`, `msg`, the pairs, `error`, `stacktrace`.
    pub(super) fn to_json(&self) -> String {
        let mut line = String::with_capacity(256);
        push(&mut line, "level", &json!(level_name(self.level)));
        push(&mut line, "ts", &json!(self.timestamp()));
        if let Some(logger) = self.pairs.text("logger") {
            push(&mut line, "logger", &json!(logger));
        }
        push(&mut line, "msg", &json!(self.message()));
        for (key, value) in self.context() {
            push(&mut line, &key, &value);
        }
        if let Some(error) = self.pairs.text("error") {
            push(&mut line, "error", &json!(error));
        }
        if let Some(stack) = &self.stack {
            push(&mut line, "stacktrace", &json!(stack));
        }
        line.push_str("}\n");
        line
    }

    /// Columns separated by tabs, the pairs as JSON in the last one; the stack on lines of its own.
    pub(super) fn to_console(&self) -> String {
        let mut columns = vec![self.timestamp(), level_name(self.level).to_uppercase()];
        columns.extend(self.pairs.text("logger").map(str::to_owned));
        columns.push(self.message().to_owned());
        let mut pairs = String::new();
        let error = self.pairs.text("error").map(|error| ("error".to_owned(), json!(error)));
        for (key, value) in self.context().chain(error) {
            push(&mut pairs, &key, &value);
        }
        if !pairs.is_empty() {
            pairs.push('}');
            columns.push(pairs);
        }
        let stack = self.stack.as_ref().map(|stack| format!("{stack}\n")).unwrap_or_default();
        columns.join("\t") + "\n" + &stack
    }

    /// The pairs without those that have a place of their own; the object follows its kind, as a pair named after it.
    fn context(&self) -> impl Iterator<Item = (String, Value)> + '_ {
        let reserved = ["message", "logger", "error", "level", "ts", "msg", "stacktrace"];
        let own = self.pairs.0.iter().filter(move |(key, _)| !reserved.contains(&key.as_str()));
        own.flat_map(|(key, value)| {
            let object = (key == "controllerKind").then(|| {
                let part = |key: &str| self.pairs.text(key).unwrap_or_default();
                let kind = value.as_str().unwrap_or_default().to_owned();
                (kind, json!({"name": part("name"), "namespace": part("namespace")}))
            });
            std::iter::once((key.clone(), value.clone())).chain(object)
        })
    }
}

/// Appends a pair, with the opening brace if it is the first.
fn push(line: &mut String, key: &str, value: &Value) {
    line.push(if line.is_empty() { '{' } else { ',' });
    line.push_str(&Value::from(key).to_string());
    line.push(':');
    line.push_str(&value.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pairs: &[(&str, &str)]) -> Entry {
        let mut all = Pairs::default();
        for (key, value) in pairs {
            all.set(key, json!(value));
        }
        Entry {
            level: Level::ERROR,
            at: "2023-08-16T09:36:41.286Z".parse().unwrap(),
            pairs: all,
            stack: None,
        }
    }

    #[test]
    fn keys_stand_in_fluxs_order() {
        let entry = entry(&[
            ("controller", "kustomization"),
            ("controllerGroup", "kustomize.toolkit.fluxcd.io"),
            ("controllerKind", "Kustomization"),
            ("namespace", "apps"),
            ("name", "podinfo"),
            ("error", "no \"route\""),
            ("message", "Reconciler error"),
            ("logger", "setup"),
        ]);
        assert_eq!(
            entry.to_json(),
            concat!(
                r#"{"level":"error","ts":"2023-08-16T09:36:41.286Z","logger":"setup","msg":"Reconciler error","#,
                r#""controller":"kustomization","controllerGroup":"kustomize.toolkit.fluxcd.io","#,
                r#""controllerKind":"Kustomization","Kustomization":{"name":"podinfo","namespace":"apps"},"#,
                r#""namespace":"apps","name":"podinfo","error":"no \"route\""}"#,
                "\n"
            )
        );
    }

    #[test]
    fn the_console_form_has_columns() {
        let line = entry(&[("message", "hi"), ("reconciler kind", "Alert")]).to_console();
        assert_eq!(line, "2023-08-16T09:36:41.286Z\tERROR\thi\t{\"reconciler kind\":\"Alert\"}\n");
    }

    #[test]
    fn the_stack_comes_last() {
        let entry = Entry {
            stack: Some("main\n\tmain.rs:1:2".to_owned()),
            ..entry(&[("error", "no"), ("message", "hi")])
        };
        let line = entry.to_json();
        assert!(line.ends_with("\"error\":\"no\",\"stacktrace\":\"main\\n\\tmain.rs:1:2\"}\n"), "{line}");
        let text = entry.to_console();
        assert!(text.ends_with("\thi\t{\"error\":\"no\"}\nmain\n\tmain.rs:1:2\n"), "{text}");
    }

    #[test]
    fn a_pair_cannot_take_a_reserved_key() {
        let line = entry(&[("message", "hi"), ("level", "x"), ("ts", "y")]).to_json();
        assert_eq!(line, "{\"level\":\"error\",\"ts\":\"2023-08-16T09:36:41.286Z\",\"msg\":\"hi\"}\n");
    }
}
