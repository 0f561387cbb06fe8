use crate::cluster::{Fixture, actions, settings};
use flux_apply::apply::{Check, Force};
use flux_apply::ignore::{IgnoreRule, Target};
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn objects_are_created_configured_and_left_alone() {
    let fixture = Fixture::start().await;
    let object = fixture.config_map("a", "1");
    assert_eq!(actions(&fixture.apply(std::slice::from_ref(&object)).await.unwrap()), ["created"]);
    let version = |live: Option<Value>| live.unwrap()["metadata"]["resourceVersion"].clone();
    let before = version(fixture.live("ConfigMap", "a").await);
    assert_eq!(actions(&fixture.apply(&[object]).await.unwrap()), ["unchanged"]);
    assert_eq!(version(fixture.live("ConfigMap", "a").await), before);
    let changed = fixture.config_map("a", "2");
    assert_eq!(actions(&fixture.apply(&[changed]).await.unwrap()), ["configured"]);
    assert_eq!(fixture.live("ConfigMap", "a").await.unwrap()["data"]["key"], "2");
}

#[tokio::test]
async fn a_refused_object_keeps_its_whole_stage_from_being_written() {
    let fixture = Fixture::start().await;
    let mut invalid = fixture.config_map("invalid name", "1");
    invalid["data"] = json!({"key": "1"});
    let good = fixture.config_map("good", "1");
    let error = fixture.apply(&[good, invalid]).await.unwrap_err().to_string();
    let subject = format!("ConfigMap/{}/invalid name", fixture.env.namespace());
    assert!(error.starts_with(&format!("{subject} dry-run failed (Invalid): ")), "{error}");
    assert!(fixture.live("ConfigMap", "good").await.is_none());
}

#[tokio::test]
async fn a_missing_namespace_and_a_missing_kind_are_named() {
    let fixture = Fixture::start().await;
    let mut object = fixture.config_map("a", "1");
    object["metadata"]["namespace"] = "absent".into();
    let error = fixture.apply(&[object.clone()]).await.unwrap_err();
    assert_eq!(error.to_string(), "ConfigMap/absent/a not found: namespaces \"absent\" not found");
    object["metadata"].as_object_mut().unwrap().remove("namespace");
    let error = fixture.apply(&[object.clone()]).await.unwrap_err();
    assert!(error.to_string().starts_with("ConfigMap/a namespace not specified: "), "{error}");
    object["apiVersion"] = "example.io/v1".into();
    let error = fixture.apply(&[object]).await.unwrap_err();
    let text = "ConfigMap/a dry-run failed: no matches for kind \"ConfigMap\" in version \"example.io/v1\"";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn drift_is_repaired_and_proofs_notice_it() {
    let fixture = Fixture::start().await;
    let object = fixture.config_map("a", "1");
    let settings = settings(Force::OnRequest);
    let apply = || fixture.apply_with(&settings, Check::Proved, std::slice::from_ref(&object));
    assert_eq!(actions(&apply().await.unwrap()), ["created"]);
    assert_eq!(actions(&apply().await.unwrap()), ["unchanged"]);
    fixture.env.merge(&object, json!({"data": {"key": "drifted"}})).await;
    assert_eq!(actions(&apply().await.unwrap()), ["configured"]);
    assert_eq!(fixture.live("ConfigMap", "a").await.unwrap()["data"]["key"], "1");
}

#[tokio::test]
async fn a_proof_spares_the_dry_run() {
    let fixture = Fixture::start().await;
    let object = fixture.config_map("proved", "1");
    fixture.apply(std::slice::from_ref(&object)).await.unwrap();
    let mark = fixture.env.lab().audit_mark().unwrap();
    let settings = settings(Force::OnRequest);
    let changes = fixture.apply_with(&settings, Check::Proved, &[object]).await.unwrap();
    assert_eq!(actions(&changes), ["unchanged"]);
    let entries = fixture.env.lab().audit_since(mark).unwrap();
    let verbs: Vec<_> = entries
        .iter()
        .filter(|entry| entry.name == "proved" && entry.namespace == fixture.env.namespace())
        .map(|entry| entry.verb.as_str())
        .collect();
    assert_eq!(verbs, ["get"]);
}

#[tokio::test]
async fn an_immutable_field_is_changed_only_by_force() {
    let fixture = Fixture::start().await;
    let mut object = fixture.config_map("a", "1");
    object["immutable"] = true.into();
    fixture.apply(std::slice::from_ref(&object)).await.unwrap();
    object["data"]["key"] = "2".into();
    let error = fixture.apply(std::slice::from_ref(&object)).await.unwrap_err().to_string();
    assert!(error.contains("dry-run failed (Invalid)"), "{error}");
    let changes = fixture.apply_with(&settings(Force::Always), Check::Full, &[object]).await.unwrap();
    assert_eq!(actions(&changes), ["created"]);
    assert_eq!(fixture.live("ConfigMap", "a").await.unwrap()["data"]["key"], "2");
}

#[tokio::test]
async fn force_does_not_delete_over_an_invalid_manifest() {
    let fixture = Fixture::start().await;
    let object = fixture.config_map("a", "1");
    fixture.apply(std::slice::from_ref(&object)).await.unwrap();
    let uid = fixture.live("ConfigMap", "a").await.unwrap()["metadata"]["uid"].clone();
    let mut invalid = object;
    invalid["data"] = json!({"not a key!": "1"});
    fixture.apply_with(&settings(Force::Always), Check::Full, &[invalid]).await.unwrap_err();
    assert_eq!(fixture.live("ConfigMap", "a").await.unwrap()["metadata"]["uid"], uid);
}

#[tokio::test]
async fn marked_objects_are_skipped() {
    let fixture = Fixture::start().await;
    let marked = |name: &str, key: &str, value: &str| {
        let mut object = fixture.config_map(name, "1");
        object["metadata"]["annotations"] = json!({format!("kustomize.toolkit.fluxcd.io/{key}"): value});
        object
    };
    let disabled = marked("disabled", "reconcile", "disabled");
    assert_eq!(actions(&fixture.apply(&[disabled]).await.unwrap()), ["skipped"]);
    assert!(fixture.live("ConfigMap", "disabled").await.is_none());
    let once = marked("once", "ssa", "IfNotPresent");
    assert_eq!(actions(&fixture.apply(std::slice::from_ref(&once)).await.unwrap()), ["created"]);
    fixture.env.merge(&once, json!({"data": {"key": "theirs"}})).await;
    assert_eq!(actions(&fixture.apply(&[once]).await.unwrap()), ["skipped"]);
    assert_eq!(fixture.live("ConfigMap", "once").await.unwrap()["data"]["key"], "theirs");
    let plain = fixture.config_map("live", "1");
    fixture.apply(std::slice::from_ref(&plain)).await.unwrap();
    let mark = json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}}});
    fixture.env.merge(&plain, mark).await;
    assert_eq!(actions(&fixture.apply(&[fixture.config_map("live", "2")]).await.unwrap()), ["skipped"]);
}

#[tokio::test]
async fn fields_of_kubectl_are_taken_over() {
    let fixture = Fixture::start().await;
    let mut theirs = fixture.config_map("a", "1");
    theirs["data"]["extra"] = "theirs".into();
    let client = fixture.env.client();
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(client, fixture.env.namespace());
    let parameters =
        kube::api::PostParams { field_manager: Some("kubectl-create".into()), ..Default::default() };
    maps.create(&parameters, &serde_json::from_value(theirs).unwrap()).await.unwrap();
    let changes = fixture.apply(&[fixture.config_map("a", "1")]).await.unwrap();
    assert_eq!(actions(&changes), ["configured"]);
    assert_eq!(fixture.live("ConfigMap", "a").await.unwrap()["data"], json!({"key": "1"}));
}

#[tokio::test]
async fn ignored_fields_keep_their_live_value() {
    let fixture = Fixture::start().await;
    let object = fixture.config_map("a", "1");
    fixture.apply(std::slice::from_ref(&object)).await.unwrap();
    fixture.env.merge(&object, json!({"data": {"key": "theirs"}})).await;
    let mut settings = settings(Force::OnRequest);
    settings.ignore.push(Arc::new(IgnoreRule::new(&Target::default(), vec!["/data/key".into()]).unwrap()));
    let changes = fixture.apply_with(&settings, Check::Full, std::slice::from_ref(&object)).await.unwrap();
    assert_eq!(actions(&changes), ["unchanged"]);
    let mut changed = object;
    changed["data"]["other"] = "new".into();
    let changes = fixture.apply_with(&settings, Check::Full, &[changed]).await.unwrap();
    assert_eq!(actions(&changes), ["configured"]);
    let data = fixture.live("ConfigMap", "a").await.unwrap()["data"].clone();
    assert_eq!(data, json!({"key": "theirs", "other": "new"}));
}

/// The requests about one object since a mark, as verb and whether it was a dry-run.
fn requests(fixture: &Fixture, mark: flux_lab::AuditMark, name: &str) -> Vec<(String, bool)> {
    let entries = fixture.env.lab().audit_since(mark).unwrap();
    let own = entries.iter().filter(|e| e.name == name && e.namespace == fixture.env.namespace());
    own.map(|entry| (entry.verb.clone(), entry.is_dry_run())).collect()
}

#[tokio::test]
async fn a_dry_run_alone_tells_of_what_was_applied_long_ago() {
    let fixture = Fixture::start().await;
    let object = fixture.config_map("old", "1");
    fixture.apply(std::slice::from_ref(&object)).await.unwrap();
    // the API server takes our word for when that was, if it comes with a change
    let age = async |annotation: &str| {
        let mut managed =
            fixture.live("ConfigMap", "old").await.unwrap()["metadata"]["managedFields"].clone();
        let entries = managed.as_array_mut().unwrap();
        let own = entries.iter_mut().find(|entry| entry["manager"] == "kustomize-controller").unwrap();
        own["time"] = "2020-01-01T00:00:00Z".into();
        let metadata = json!({"annotations": {"aged": annotation}, "managedFields": managed});
        fixture.env.merge(&object, json!({ "metadata": metadata })).await;
        let live = fixture.live("ConfigMap", "old").await.unwrap();
        assert!(live["metadata"]["managedFields"].to_string().contains("2020-01-01"), "{live:#}");
    };
    age("once").await;
    let mark = fixture.env.lab().audit_mark().unwrap();
    assert_eq!(actions(&fixture.apply(std::slice::from_ref(&object)).await.unwrap()), ["unchanged"]);
    assert_eq!(requests(&fixture, mark, "old"), [("patch".to_owned(), true)]);

    // whatever drifts, the dry-run puts right, which dates our fields anew
    for drift in [
        json!({"data": {"key": "drifted"}}),
        json!({"data": null}),
        json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": null}}}),
    ] {
        fixture.env.merge(&object, drift.clone()).await;
        let changes = fixture.apply(std::slice::from_ref(&object)).await.unwrap();
        assert_eq!(actions(&changes), ["configured"], "{drift}");
        let live = fixture.live("ConfigMap", "old").await.unwrap();
        assert_eq!(live["data"]["key"], "1", "{drift}");
        assert_eq!(live["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"], "app", "{drift}");
        age(&drift.to_string()).await;
    }

    // so does a change of the manifest
    let changed = fixture.config_map("old", "2");
    assert_eq!(actions(&fixture.apply(&[changed]).await.unwrap()), ["configured"]);
}

#[tokio::test]
async fn many_proved_objects_are_looked_at_by_one_list() {
    let fixture = Fixture::start().await;
    let objects: Vec<Value> =
        (0..10).map(|number| fixture.config_map(&format!("many-{number}"), "1")).collect();
    fixture.apply(&objects).await.unwrap();
    fixture.env.merge(&objects[3], json!({"data": {"key": "drifted"}})).await;
    let mark = fixture.env.lab().audit_mark().unwrap();
    let changes = fixture.apply_with(&settings(Force::OnRequest), Check::Proved, &objects).await.unwrap();
    let mut expected = vec!["unchanged"; 10];
    expected[3] = "configured";
    assert_eq!(actions(&changes), expected);
    let entries = fixture.env.lab().audit_since(mark).unwrap();
    let own: Vec<_> = entries.iter().filter(|entry| entry.namespace == fixture.env.namespace()).collect();
    assert_eq!(own.iter().filter(|entry| entry.verb == "list").count(), 1, "{own:?}");
    assert!(own.iter().all(|entry| entry.verb == "list" || entry.name == "many-3"), "{own:?}");
}

#[tokio::test]
async fn nothing_of_a_rank_is_written_before_the_rank_ahead_of_it() {
    let fixture = Fixture::start().await;
    let object = |api_version: &str, kind: &str, name: &str| {
        let metadata = json!({"name": name, "namespace": fixture.env.namespace()});
        json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})
    };
    let mut service = object("v1", "Service", "ranked-service");
    service["spec"] = json!({"clusterIP": "None", "selector": {"app": "a"}, "ports": [{"port": 80}]});
    let mark = fixture.env.lab().audit_mark().unwrap();
    let objects = [
        service,
        object("v1", "ConfigMap", "ranked-b"),
        object("v1", "ServiceAccount", "ranked-account"),
        object("v1", "ConfigMap", "ranked-a"),
    ];
    assert_eq!(actions(&fixture.apply(&objects).await.unwrap()), ["created"; 4]);
    let mut entries = fixture.env.lab().audit_since(mark).unwrap();
    entries.retain(|entry| {
        entry.namespace == fixture.env.namespace()
            && entry.name.starts_with("ranked-")
            && entry.verb == "patch"
    });
    let (tried, written): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.is_dry_run());
    assert_eq!((tried.len(), written.len()), (4, 4));
    let first_write = written.iter().map(|entry| &entry.received).min();
    assert!(tried.iter().all(|entry| Some(&entry.received) < first_write), "{entries:#?}");
    let mut order: Vec<_> = written.iter().map(|entry| (&entry.received, entry.resource.as_str())).collect();
    order.sort();
    let order: Vec<_> = order.into_iter().map(|(_, resource)| resource).collect();
    assert_eq!(order, ["serviceaccounts", "configmaps", "configmaps", "services"]);
}
