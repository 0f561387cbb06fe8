//! What sets off a run, and in which order.

use std::time::Duration;

use flux_lab::{AuditEntry, AuditMark, Condition, ObjectKey};
use serde_json::{Value, json};

use crate::world::{World, applied, handled, kustomization, says, set_status, shown, text};

/// How many runs of an object have ended, one at least.
async fn runs(world: &World, name: &str) -> u64 {
    let series = format!(
        r#"gotk_reconcile_duration_seconds_count{{kind="Kustomization",name="{name}",namespace="{}"}} "#,
        world.namespace()
    );
    let metrics = world.controller.metrics_with(&series).await.unwrap();
    let count = metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap();
    count.parse().unwrap()
}

#[tokio::test]
async fn an_object_that_cannot_be_read_stops_no_other() {
    let world = World::new().await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    // the API server's pattern lets it pass, and no duration is that long
    let broken = world.kustomization("broken", json!({"interval": "99999999999h"})).await;
    let sound = world.kustomization("sound", json!({})).await;
    world.env.eventually(&sound, says("Ready", applied(&revision))).await;
    world.controller.logged("skipped an object that cannot be decoded").await.unwrap();
    let untouched = world.env.get(&ObjectKey::of(&broken).unwrap()).await.unwrap();
    assert!(untouched["status"].get("conditions").is_none(), "{untouched:#}");
    // and is taken up when it can be read
    world.env.merge(&broken, json!({"spec": {"interval": "1h"}})).await;
    world.env.eventually(&broken, says("Ready", applied(&revision))).await;
}

#[tokio::test]
async fn a_new_revision_goes_to_dependencies_first_and_only_to_those_behind() {
    let world = World::new().await;
    let depends = |on: &str| json!({"dependsOn": [{"name": on}]});
    let names = ["c", "b", "a"];
    let files: Vec<(String, String)> =
        names.iter().map(|name| (format!("{name}/a.yaml"), world.config_map(name, "one"))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let mut objects = Vec::new();
    for (name, spec) in names.iter().zip([depends("b"), depends("a"), json!({})]) {
        let mut spec = spec;
        spec["path"] = json!(format!("./{name}"));
        objects.push(world.kustomization(name, spec).await);
    }
    let revision = world.publish("app", &files).await;
    for object in &objects {
        world.env.eventually(object, says("Ready", applied(&revision))).await;
    }
    let applied_at = |name: &str| {
        let events = world.events.requests().all();
        let wanted = format!("ConfigMap/{}/{name} created", world.namespace());
        events.iter().position(|request| request.json()["message"] == wanted.as_str())
    };
    for name in names {
        world.event(name, "ConfigMap/").await;
    }
    assert!(applied_at("a") < applied_at("b") && applied_at("b") < applied_at("c"));

    // whoever is Ready at the revision already is left alone, whatever else the source says
    let before = runs(&world, "a").await;
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "app"},
    });
    set_status(&world.env, &source, json!({"observedGeneration": 2})).await;
    // as is a status of its own that changes
    set_status(&world.env, &objects[2], json!({"lastHandledReconcileAt": "by someone"})).await;
    world.reconcile(&objects[1], "later").await;
    assert_eq!(runs(&world, "a").await, before);
}

#[tokio::test]
async fn dependencies_hold_a_run_up_until_they_are_ready() {
    let world = World::with(|controller| controller.flag("--requeue-dependency=1h")).await;
    let namespace = world.namespace().to_owned();
    let one = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({"dependsOn": [{"name": "base"}]})).await;
    let missing = format!(
        "False DependencyNotReady: dependency '{namespace}/base' not found: \
         kustomizations.kustomize.toolkit.fluxcd.io \"base\" not found"
    );
    world.env.eventually(&app, says("Ready", missing)).await;
    let event = world.event("app", "Dependencies do not meet ready condition, retrying in 1h0m0s").await;
    assert_eq!((text(&event, "severity"), text(&event, "reason")), ("info", "DependencyNotReady"));

    // one that cannot become ready: its own source is missing
    let other = json!({"sourceRef": {"kind": "GitRepository", "name": "base"}});
    let base = world.kustomization("base", other).await;
    world.env.eventually(&base, flux_lab::has_condition("Ready", "False", "ArtifactFailed")).await;
    world.ask(&app, "base is there").await;
    let waiting = format!("False DependencyNotReady: dependency '{namespace}/base' is not ready");
    world.env.eventually(&app, says("Ready", waiting)).await;

    // its success wakes the other one long before the hour is over
    let content = world.config_map("b", "one");
    let base_revision = world.publish("base", &[("b.yaml", content)]).await;
    world.env.eventually(&base, says("Ready", applied(&base_revision))).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;

    // a suspended one that was ready counts as ready
    world.env.merge(&base, json!({"spec": {"suspend": true}})).await;
    let two = world.publish("app", &[("a.yaml", world.config_map("a", "two"))]).await;
    world.ask(&base, "seen").await;
    world.env.eventually(&base, handled("seen")).await;
    world.ask(&app, "suspended").await;
    world.env.eventually(&app, says("Ready", applied(&two))).await;

    // one of the same source must have applied the same revision
    let same = json!({"spec": {"sourceRef": {"name": "app"}}});
    world.env.merge(&base, same).await;
    world.reconcile(&base, "same source").await;
    world.ask(&app, "outdated").await;
    let outdated =
        format!("False DependencyNotReady: dependency '{namespace}/base' revision is not up to date");
    world.env.eventually(&app, says("Ready", outdated)).await;
}

/// Requests of the controller about a Kustomization, by verb.
fn requests(world: &World, mark: AuditMark, name: &str) -> Vec<String> {
    let controller = format!("system:serviceaccount:{}:kustomize-controller", world.namespace());
    let entries = world.env.lab().audit_since(mark).unwrap();
    let about = |entry: &AuditEntry| {
        entry.user == controller && entry.resource == "kustomizations" && entry.name == name
    };
    entries.into_iter().filter(about).map(|entry| entry.verb).collect()
}

#[tokio::test]
async fn a_dependency_is_read_only_where_the_watch_does_not_see_it() {
    let select = |controller: flux_lab::Controller| controller.flag("--watch-label-selector=shard=one");
    let world = World::with(select).await;
    let files = ["base", "near", "far"].map(|name| (format!("{name}/a.yaml"), world.config_map(name, "one")));
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let revision = world.publish("app", &files).await;
    let shard = async |name: &str, spec: Value| {
        let mut object = kustomization(name, spec);
        object["metadata"]["labels"] = json!({"shard": "one"});
        world.env.apply(&object).await;
        object
    };
    let base = shard("base", json!({"path": "./base"})).await;
    world.env.eventually(&base, says("Ready", applied(&revision))).await;
    let mark = world.env.lab().audit_mark().unwrap();
    let near = shard("near", json!({"path": "./near", "dependsOn": [{"name": "base"}]})).await;
    world.env.eventually(&near, says("Ready", applied(&revision))).await;
    assert_eq!(requests(&world, mark, "base"), [""; 0]);

    // one of another shard, which another controller has made ready
    let other = world.kustomization("other", json!({"path": "./other"})).await;
    let ready = json!({
        "type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": "",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    });
    let status = json!({"observedGeneration": 1, "lastAppliedRevision": revision, "conditions": [ready]});
    set_status(&world.env, &other, status).await;
    let far = shard("far", json!({"path": "./far", "dependsOn": [{"name": "other"}]})).await;
    world.env.eventually(&far, says("Ready", applied(&revision))).await;
    assert_eq!(requests(&world, mark, "other"), ["get"]);
}

#[tokio::test]
async fn a_cycle_wakes_nobody_and_is_logged() {
    let world = World::new().await;
    let one = world.kustomization("one", json!({"dependsOn": [{"name": "two"}]})).await;
    let two = world.kustomization("two", json!({"dependsOn": [{"name": "one"}]})).await;
    for object in [&one, &two] {
        world.env.eventually(object, flux_lab::has_condition("Ready", "False", "ArtifactFailed")).await;
    }
    world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !world.controller.log().unwrap().contains("circular dependency detected: ") {
        assert!(tokio::time::Instant::now() < deadline, "no cycle was logged");
        tokio::task::yield_now().await;
    }
    let object = world.env.get(&ObjectKey::of(&one).unwrap()).await.unwrap();
    assert!(shown(&object, "Ready").starts_with("False ArtifactFailed: "), "{object:#}");
}

#[tokio::test]
async fn variables_that_change_set_off_those_who_use_them() {
    let world = World::new().await;
    let map = |name: &str, value: &str, watch: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "labels": {"reconcile.fluxcd.io/watch": watch}}, "data": {"v": value},
        })
    };
    let secret = |value: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "secret", "labels": {"reconcile.fluxcd.io/watch": "Enabled"}},
            "stringData": {"s": value},
        })
    };
    world.env.apply(&map("watched", "one", "Enabled")).await;
    world.env.apply(&map("unwatched", "one", "Disabled")).await;
    world.env.apply(&secret("one")).await;
    let from = |kind: &str, name: &str| json!({"kind": kind, "name": name, "optional": true});
    let spec = json!({"postBuild": {"substituteFrom": [
        from("ConfigMap", "unwatched"), from("ConfigMap", "watched"), from("ConfigMap", "later"), from("Secret", "secret"),
    ]}});
    let app = world.kustomization("app", spec).await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "${v}-${s}"))]).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let key = ObjectKey::new("v1", "ConfigMap", "a");
    let holds = |value: &'static str| {
        Condition::new(format!("key = {value}"), move |object: &Value| object["data"]["key"] == value)
    };
    world.env.eventually_key(&key, holds("one-one")).await;
    world.env.apply(&map("watched", "two", "Enabled")).await;
    world.env.eventually_key(&key, holds("two-one")).await;
    world.env.apply(&secret("two")).await;
    world.env.eventually_key(&key, holds("two-two")).await;
    world.env.apply(&map("later", "three", "Enabled")).await;
    world.env.eventually_key(&key, holds("three-two")).await;
    world.env.delete(&map("later", "three", "Enabled")).await;
    world.env.eventually_key(&key, holds("two-two")).await;

    // one without the label does not
    world.env.eventually(&app, flux_lab::is_ready()).await;
    let before = runs(&world, "app").await;
    world.env.apply(&map("unwatched", "two", "Disabled")).await;
    let other = world.kustomization("other", json!({})).await;
    world.env.eventually(&other, says("Ready", applied(&revision))).await;
    assert_eq!(runs(&world, "app").await, before);
}

#[tokio::test]
async fn watches_of_variables_may_be_off_or_see_everything() {
    let map = |value: &str, labels: Value| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map", "labels": labels}, "data": {"v": value},
        })
    };
    let spec = json!({"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "map"}]}});
    let all = World::with(|controller| controller.flag("--watch-configs-label-selector=")).await;
    all.env.apply(&map("one", json!({}))).await;
    all.publish("app", &[("a.yaml", all.config_map("a", "${v}"))]).await;
    let app = all.kustomization("app", spec.clone()).await;
    all.env.eventually(&app, flux_lab::is_ready()).await;
    all.env.apply(&map("two", json!({}))).await;
    let two = Condition::new("key = two", |object: &Value| object["data"]["key"] == "two");
    all.env.eventually_key(&ObjectKey::new("v1", "ConfigMap", "a"), two).await;

    let none = World::with(|controller| controller.flag("--feature-gates=DisableConfigWatchers=true")).await;
    let labels = json!({"reconcile.fluxcd.io/watch": "Enabled"});
    none.env.apply(&map("one", labels.clone())).await;
    none.publish("app", &[("a.yaml", none.config_map("a", "${v}"))]).await;
    let app = none.kustomization("app", spec).await;
    none.env.eventually(&app, flux_lab::is_ready()).await;
    let before = runs(&none, "app").await;
    none.env.apply(&map("two", labels)).await;
    let other = none.kustomization("other", json!({})).await;
    none.env.eventually(&other, flux_lab::is_ready()).await;
    assert_eq!(runs(&none, "app").await, before);
}
