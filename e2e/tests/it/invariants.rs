//! What holds for every status that anybody sees.

use std::sync::Arc;

use flux_lab::{Env, ObjectKey};
use futures::StreamExt as _;
use kube::runtime::watcher::{self, watcher};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::JoinSet;

const KINDS: [(&str, &str); 3] = [
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("notification.toolkit.fluxcd.io/v1", "Receiver"),
];
/// Conditions that say that something is amiss; Ready repeats the first of these that is true.
const FAILURES: [&str; 4] =
    ["FetchFailed", "StorageOperationFailed", "ArtifactOutdated", "IncludeUnavailable"];
/// Conditions that are there only while they are true.
const STATES: [&str; 2] = ["Stalled", "Reconciling"];

/// Watches the objects of a namespace, and judges each of their states (platform.md 8.5).
pub(crate) struct Invariants {
    violations: Arc<Mutex<Vec<String>>>,
    seen: Arc<Mutex<usize>>,
    _watches: JoinSet<()>,
}

impl Invariants {
    pub(crate) fn watch(env: &Env) -> Self {
        let (violations, seen) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<usize>>::default());
        let mut watches = JoinSet::new();
        for (api_version, kind) in KINDS {
            let api = env.api(&ObjectKey::new(api_version, kind, ""));
            let (violations, seen) = (Arc::clone(&violations), Arc::clone(&seen));
            watches.spawn(async move {
                let mut changes = std::pin::pin!(watcher(api, watcher::Config::default()));
                while let Some(change) = changes.next().await {
                    // a broken watch starts again by itself
                    let Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) = change else {
                        continue;
                    };
                    let object = serde_json::to_value(&object).unwrap_or_default();
                    *seen.lock() += 1;
                    violations.lock().extend(broken(&object).map(|rule| format!("{rule}: {object:#}")));
                }
            });
        }
        Self { violations, seen, _watches: watches }
    }

    pub(crate) fn assert_held(&self) {
        let violations = self.violations.lock();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        assert!(*self.seen.lock() > 0, "nothing was looked at");
    }
}

/// The rules that a state breaks.
fn broken(object: &Value) -> impl Iterator<Item = &'static str> {
    let none = Vec::new();
    let status = &object["status"];
    let conditions = status["conditions"].as_array().unwrap_or(&none);
    let find = |name: &str| conditions.iter().find(|condition| condition["type"] == name);
    let is = |name: &str, value: &str| find(name).is_some_and(|condition| condition["status"] == value);
    let observed = status["observedGeneration"].as_i64().unwrap_or_default();
    let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
    let of = |condition: &Value| condition["observedGeneration"].as_i64().unwrap_or_default();
    let failed: Vec<&Value> =
        FAILURES.iter().filter(|name| is(name, "True")).filter_map(|name| find(name)).collect();
    let (ready, reconciling, stalled) =
        (is("Ready", "True"), is("Reconciling", "True"), is("Stalled", "True"));
    let repeated = find("Ready").is_none_or(|ready| {
        ready["status"] != "False"
            || failed.is_empty()
            || failed.iter().any(|failure| ["reason", "message"].iter().all(|key| failure[key] == ready[key]))
    });
    let any_negative = STATES.iter().chain(&FAILURES).any(|name| find(name).is_some());
    let rules = [
        ("W1: Ready, and something is amiss or under way", !(ready && any_negative)),
        ("F2: there is no Ready", conditions.is_empty() || find("Ready").is_some()),
        ("F3: Reconciling and Ready", !(reconciling && ready)),
        ("F4: Stalled and not Ready=False", !stalled || is("Ready", "False")),
        ("F5: Reconciling and Stalled", !(reconciling && stalled)),
        ("F6: a generation is observed before it is there", observed <= generation),
        ("F8: a condition speaks of a generation to come", conditions.iter().all(|it| of(it) <= generation)),
        (
            "F9: Ready, and conditions of other generations",
            !ready || conditions.iter().all(|it| of(it) == observed),
        ),
        ("F11: Ready is unknown, and nothing is under way", !is("Ready", "Unknown") || reconciling),
        ("W2: Ready does not say what has failed", repeated),
        ("W3, W4: a state is told that is not so", STATES.iter().all(|name| !is(name, "False"))),
        ("W5: a condition of no generation", conditions.iter().all(|condition| of(condition) >= 1)),
    ];
    // in the middle of a run, what the last one said may still stand there
    let under_way = find("Reconciling").is_some_and(|condition| condition["reason"] == "Progressing");
    let applies = move |rule: &str| {
        !under_way || ["F2:", "F4:", "F5:", "F6:", "F11:"].iter().any(|always| rule.starts_with(always))
    };
    rules.into_iter().filter(move |(rule, held)| !held && applies(rule)).map(|(rule, _)| rule)
}
