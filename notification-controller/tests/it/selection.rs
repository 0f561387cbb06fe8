//! Which events an Alert takes, and what stands against sending them.

use flux_lab::{Env, WebhookSink};
use serde_json::{Value, json};

use crate::support::{accepted, alert, before, changed, controller, controller_with, event, object};

/// A Provider that posts to a path of its own.
async fn provider(env: &Env, sink: &WebhookSink, name: &str) {
    let address = format!("{}/{name}", sink.url());
    env.apply(&object("Provider", name, json!({"type": "generic", "address": address}))).await;
}

fn kustomization(name: &str, labels: Value) -> Value {
    json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "labels": labels},
        "spec": {"interval": "1h", "prune": false, "sourceRef": {"kind": "GitRepository", "name": "none"}}})
}

#[tokio::test]
async fn kind_name_namespace_and_severity_select() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    for (name, source, severity) in [
        ("all", json!({"kind": "Kustomization", "name": "*"}), "info"),
        ("errors", json!({"kind": "Kustomization", "name": "*"}), "error"),
        ("named", json!({"kind": "Kustomization", "name": "app", "namespace": env.namespace()}), "info"),
        ("elsewhere", json!({"kind": "Kustomization", "name": "*", "namespace": "elsewhere"}), "info"),
        ("kind", json!({"kind": "GitRepository", "name": "*"}), "info"),
    ] {
        provider(&env, &sink, name).await;
        env.apply(&alert(name, json!({"eventSources": [source], "eventSeverity": severity}))).await;
    }
    let controller = controller(&env).await;
    let with =
        |name: &str, revision: &str, changes: &[(&str, Value)]| changed(event(&env, name, revision), changes);
    accepted(&controller, &with("app", "1", &[])).await;
    accepted(&controller, &with("other", "2", &[])).await;
    accepted(&controller, &with("app", "3", &[("/severity", json!("error"))])).await;
    accepted(&controller, &with("app", "4", &[("/involvedObject/namespace", json!("elsewhere"))])).await;
    accepted(&controller, &with("app", "5", &[("/involvedObject/kind", json!("kustomization"))])).await;
    let version = ("/involvedObject/apiVersion", json!("other/v9"));
    let git = [("/involvedObject/kind", json!("GitRepository")), version];
    accepted(&controller, &with("app", "6", &git)).await;
    accepted(&controller, &with("app", "7", &[("/severity", json!("error"))])).await;
    assert_eq!(before(&sink, "/all", "7").await, ["1", "2", "3"]);
    assert_eq!(before(&sink, "/errors", "7").await, ["3"]);
    assert_eq!(before(&sink, "/named", "7").await, ["1", "3"]);
    assert_eq!(before(&sink, "/elsewhere", "4").await, [""; 0]);
    let of_kind = sink.requests().wait_for(crate::support::PATIENCE, |request| request.path == "/kind");
    assert_eq!(of_kind.await.unwrap().json()["involvedObject"]["kind"], "GitRepository");
}

#[tokio::test]
async fn labels_of_the_object_select() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    env.apply(&kustomization("red", json!({"team": "red"}))).await;
    env.apply(&kustomization("blue", json!({"team": "blue"}))).await;
    let labelled =
        |name: &str, labels: Value| json!({"kind": "Kustomization", "name": name, "matchLabels": labels});
    let reds = alert("reds", json!({"eventSources": [labelled("*", json!({"team": "red"}))]}));
    let any = alert("any", json!({"eventSources": [labelled("*", json!({}))]}));
    let named = alert("named", json!({"eventSources": [labelled("blue", json!({"team": "red"}))]}));
    let invalid = alert("invalid", json!({"eventSources": [labelled("*", json!({"team": "not a value"}))]}));
    for alert in [&reds, &any, &named, &invalid] {
        provider(&env, &sink, alert["metadata"]["name"].as_str().unwrap()).await;
        env.apply(alert).await;
    }
    let controller = controller(&env).await;
    for (name, revision) in [("red", "1"), ("blue", "2"), ("missing", "3"), ("red", "4")] {
        accepted(&controller, &event(&env, name, revision)).await;
    }
    assert_eq!(before(&sink, "/reds", "4").await, ["1"]);
    assert_eq!(before(&sink, "/any", "4").await, ["1", "2"], "an empty map asks for the object to be there");
    assert!(
        !sink.requests().all().iter().any(|request| request.path == "/named"),
        "a name does not outweigh labels"
    );
    for alert in [&reds, &any] {
        let failed = env.event(alert, "SourceFetchFailed").await;
        let text = format!("error getting source object Kustomization/{}/missing", env.namespace());
        assert_eq!(failed.message.unwrap(), text);
    }
    let failed = env.event(&invalid, "InvalidConfig").await;
    let text = format!("error using matchLabels from event source Kustomization/{}/*", env.namespace());
    assert_eq!(failed.message.unwrap(), text);
}

#[tokio::test]
async fn expressions_select_by_message() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    let lists =
        alert("lists", json!({"inclusionList": ["^Applied", r"pruned \d+"], "exclusionList": ["(?i)SKIP"]}));
    let broken = alert("broken", json!({"exclusionList": ["(?!look)"]}));
    let nothing = alert("nothing", json!({"inclusionList": ["["]}));
    for alert in [&lists, &broken, &nothing] {
        provider(&env, &sink, alert["metadata"]["name"].as_str().unwrap()).await;
        env.apply(alert).await;
    }
    let controller = controller(&env).await;
    for (revision, message) in [
        ("1", "Applied"),
        ("2", "Not Applied"),
        ("3", "Applied, skipped the rest"),
        ("4", "and pruned 12 objects"),
        ("5", "and pruned १२ objects"),
        ("6", "Applied again"),
    ] {
        accepted(&controller, &changed(event(&env, "app", revision), &[("/message", json!(message))])).await;
    }
    assert_eq!(before(&sink, "/lists", "6").await, ["1", "4"]);
    assert_eq!(
        before(&sink, "/broken", "6").await,
        ["1", "2", "3", "4", "5"],
        "a broken one excludes nothing"
    );
    assert!(!sink.requests().all().iter().any(|request| request.path == "/nothing"));
    let failed = env.event(&broken, "InvalidConfig").await;
    assert_eq!(failed.message.unwrap(), "failed to compile exclusion regex: (?!look)");
    let failed = env.event(&nothing, "InvalidConfig").await;
    assert_eq!(failed.message.unwrap(), "failed to compile inclusion regex: [");
}

#[tokio::test]
async fn what_is_suspended_takes_nothing() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    provider(&env, &sink, "hook").await;
    env.apply(&alert("hook", json!({"eventMetadata": {"from": "active"}}))).await;
    let mut idle = alert("hook", json!({"suspend": true, "eventMetadata": {"from": "suspended"}}));
    idle["metadata"]["name"] = json!("idle");
    env.apply(&idle).await;
    let paused = |suspend: bool| {
        let address = format!("{}/paused", sink.url());
        object("Provider", "paused", json!({"type": "generic", "address": address, "suspend": suspend}))
    };
    env.apply(&paused(true)).await;
    env.apply(&alert("paused", json!({}))).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    accepted(&controller, &event(&env, "app", "2")).await;
    assert_eq!(before(&sink, "/hook", "2").await, ["1"]);
    assert!(sink.requests().all().iter().all(|request| request.json()["metadata"]["from"] == "active"));
    env.apply(&paused(false)).await;
    let resumed = async {
        for revision in 3.. {
            accepted(&controller, &event(&env, "app", &revision.to_string())).await;
            if sink.requests().all().iter().any(|request| request.path == "/paused") {
                return;
            }
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, resumed).await.unwrap();
    let first = sink.requests().all().into_iter().find(|request| request.path == "/paused").unwrap();
    let revision: u32 = first.json()["metadata"]["revision"].as_str().unwrap().parse().unwrap();
    assert!(revision > 2, "what came before is not sent later");
}

#[tokio::test]
async fn other_namespaces_can_be_closed() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    provider(&env, &sink, "hook").await;
    let both = json!([
        {"kind": "Kustomization", "name": "*", "namespace": "elsewhere"},
        {"kind": "Kustomization", "name": "*"},
    ]);
    let alert = alert("hook", json!({"eventSources": both}));
    env.apply(&alert).await;
    let controller = controller_with(&env, &["--no-cross-namespace-refs=true"]).await;
    let elsewhere = [("/involvedObject/namespace", json!("elsewhere"))];
    accepted(&controller, &changed(event(&env, "app", "1"), &elsewhere)).await;
    accepted(&controller, &event(&env, "app", "2")).await;
    assert_eq!(before(&sink, "/hook", "2").await, [""; 0]);
    let failed = env.event(&alert, "NotificationDispatchFailed").await;
    assert_eq!(
        failed.message.unwrap(),
        format!(
            "failed to dispatch notification for Kustomization/elsewhere/app: discarding event, access denied to \
             cross-namespace sources: alert '{}/hook' can't process event from 'Kustomization/elsewhere/app', \
             cross-namespace references have been blocked",
            env.namespace()
        )
    );
}

#[tokio::test]
async fn a_provider_has_to_be_there_and_to_be_allowed() {
    let env = Env::start().await;
    let other = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    provider(&other, &sink, "foreign").await;
    let foreign = alert("foreign", json!({}));
    let account = alert("account", json!({}));
    let spec = json!({"type": "generic", "address": sink.url(), "serviceAccountName": "x"});
    env.apply(&object("Provider", "account", spec)).await;
    env.apply(&foreign).await;
    env.apply(&account).await;
    let controller = controller(&env).await;
    accepted(&controller, &event(&env, "app", "1")).await;
    let object = format!("Kustomization/{}/app", env.namespace());
    for (alert, why) in [
        (foreign, "failed to read provider: Provider.notification.toolkit.fluxcd.io \"foreign\" not found"),
        (
            account,
            "to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity \
             feature gate in the controller",
        ),
    ] {
        let failed = env.event(&alert, "NotificationDispatchFailed").await;
        assert_eq!(failed.message.unwrap(), format!("failed to dispatch notification for {object}: {why}"));
    }
    assert!(sink.requests().is_empty());
}

#[tokio::test]
async fn metadata_of_higher_rank_wins_and_the_alert_is_told() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    provider(&env, &sink, "hook").await;
    let conflicting =
        alert("hook", json!({"eventMetadata": {"team": "alert", "revision": "alert"}, "summary": "cluster"}));
    env.apply(&conflicting).await;
    let controller = controller(&env).await;
    let summary = [("/metadata/event.toolkit.fluxcd.io~1summary", json!("object"))];
    accepted(&controller, &changed(event(&env, "app", "main@sha1:1"), &summary)).await;
    let request = sink.requests().wait_for(crate::support::PATIENCE, |_| true).await.unwrap();
    assert_eq!(
        request.json()["metadata"],
        json!({"revision": "main@sha1:1", "team": "alert", "summary": "cluster"})
    );
    let told = env.event(&conflicting, "MetadataAppendFailed").await;
    assert_eq!(
        told.message.unwrap(),
        "metadata key conflicts detected (please refer to the Alert API docs and Flux RFC 0008 for more information)"
    );
    let annotations = told.metadata.annotations.unwrap();
    assert_eq!(annotations["team"], "involved object annotations, Alert object .spec.eventMetadata");
    assert_eq!(annotations["summary"], "involved object annotations, Alert object .spec.summary");
    assert_eq!(
        annotations["revision"],
        "Alert object .spec.eventMetadata, involved object controller metadata"
    );
}

#[tokio::test]
async fn updates_of_commit_statuses_are_not_for_chats() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    for (name, kind) in [
        ("generic", "generic"),
        ("signed", "generic-hmac"),
        ("chat", "slack"),
        ("comment", "githubpullrequestcomment"),
    ] {
        let address = format!("{}/{name}", sink.url());
        let spec = json!({"type": kind, "address": address, "secretRef": {"name": "token"}});
        env.apply(&object("Provider", name, spec)).await;
        env.apply(&alert(name, json!({}))).await;
    }
    crate::support::plain_secret(&env, "token", json!({"token": "key"})).await;
    let controller = controller(&env).await;
    let update = [("/metadata/kustomize.toolkit.fluxcd.io~1commit_status", json!("update"))];
    accepted(&controller, &changed(event(&env, "app", "1"), &update)).await;
    accepted(&controller, &event(&env, "app", "2")).await;
    assert_eq!(before(&sink, "/generic", "2").await, ["1"]);
    assert_eq!(before(&sink, "/signed", "2").await, ["1"]);
    assert_eq!(before(&sink, "/chat", "2").await, [""; 0]);
    let comment = alert("comment", json!({}));
    assert!(env.events(&comment).await.is_empty(), "events without a change request are left out in silence");
}
