//! Every revision that a status ever showed, and whether it was alerted.

use std::collections::BTreeSet;
use std::sync::Arc;

use flux_lab::{Env, ObjectKey, ReceivedRequest, Recorder};
use futures::StreamExt as _;
use kube::runtime::watcher::{Config, Event, watcher};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::JoinSet;

/// Kind, name and revision.
type Shown = (String, String, String);

/// Watches the objects of a namespace from its start to its end.
#[derive(Debug)]
pub(super) struct Ledger {
    shown: Arc<Mutex<BTreeSet<Shown>>>,
    _watches: JoinSet<()>,
}

impl Ledger {
    pub(super) fn open(env: &Env) -> Self {
        let shown = Arc::new(Mutex::new(BTreeSet::new()));
        let mut watches = JoinSet::new();
        let kinds = [
            ("source.toolkit.fluxcd.io/v1", "GitRepository", "/status/artifact/revision"),
            ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "/status/lastAppliedRevision"),
        ];
        for (version, kind, place) in kinds {
            let changes = watcher(env.api(&ObjectKey::new(version, kind, "")), Config::default());
            let shown = Arc::clone(&shown);
            watches.spawn(async move {
                let mut changes = std::pin::pin!(changes);
                while let Some(change) = changes.next().await {
                    // a watch that breaks starts again by itself
                    let Ok(Event::Apply(object) | Event::InitApply(object)) = change else { continue };
                    let name = object.metadata.name.unwrap_or_default();
                    let revision =
                        object.data.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
                    if !revision.is_empty() {
                        shown.lock().insert((kind.to_owned(), name, revision));
                    }
                }
            });
        }
        Self { shown, _watches: watches }
    }

    /// What was shown and is not among the alerts.
    pub(super) fn untold(&self, alerts: &Recorder<ReceivedRequest>) -> Vec<Shown> {
        let told: BTreeSet<Shown> = alerts.all().iter().filter_map(told).collect();
        self.shown.lock().difference(&told).cloned().collect()
    }

    /// Whether a status of this kind has shown the revision.
    pub(super) fn has_shown(&self, kind: &str, revision: &str) -> bool {
        self.shown.lock().iter().any(|(of, _, shown)| of == kind && shown == revision)
    }

    pub(super) fn len(&self) -> usize {
        self.shown.lock().len()
    }
}

/// What an alert tells to be stored or applied.
fn told(request: &ReceivedRequest) -> Option<Shown> {
    let body = request.json();
    let text = |place: &str| body.pointer(place).and_then(Value::as_str).map(str::to_owned);
    let reason = text("/reason")?;
    let kind = text("/involvedObject/kind")?;
    let tells = match kind.as_str() {
        "GitRepository" => reason == "NewArtifact" || reason == "Succeeded",
        _ => reason == "ReconciliationSucceeded",
    };
    tells.then_some((kind, text("/involvedObject/name")?, text("/metadata/revision")?))
}
