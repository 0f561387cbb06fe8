use flux_lab::{Change, ObjectKey, is_ready, is_ready_at};
use serde_json::json;

use super::{World, condition, download, git_repository, handled, says, shown, tar_digest, text, types};

#[tokio::test]
async fn a_push_becomes_a_served_artifact_and_an_event() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    let changes: [(&str, Change<'_>); 4] = [
        ("a.txt", Change::Write(b"hello\n")),
        ("bin/run.sh", Change::Executable(b"#!/bin/sh\n")),
        ("deploy/app.yaml", Change::Write(b"kind: Foo\n")),
        ("link", Change::Link("/etc/passwd")),
    ];
    let commit = repository.commit_changes("main", &changes).expect("a commit");
    let mut object = git_repository("app", repository.url(), json!({}));
    object["metadata"]["annotations"] = json!({"event.toolkit.fluxcd.io/team": "blue"});
    let created = world.env.apply(&object).await;
    assert_eq!(created["status"]["observedGeneration"], json!(-1));

    let revision = format!("main@sha1:{commit}");
    let ready = world.env.eventually(&object, is_ready_at(&revision)).await;
    assert_eq!(types(&ready), ["Ready", "ArtifactInStorage"]);
    let stored = format!("True Succeeded: stored artifact for revision '{revision}'");
    assert_eq!(shown(&ready, "Ready"), stored);
    assert_eq!(shown(&ready, "ArtifactInStorage"), stored);
    assert_eq!(ready["status"]["observedGeneration"], ready["metadata"]["generation"]);
    assert_eq!(ready["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));

    let artifact = &ready["status"]["artifact"];
    let path = format!("gitrepository/{}/app/{commit}.tar.gz", world.env.namespace());
    assert_eq!(text(artifact, "path"), path);
    assert_eq!(text(artifact, "url"), format!("http://{}/{path}", world.controller.serving_address()));
    assert!(text(artifact, "digest").starts_with("sha256:"));
    let golden = "e08f5dbc3b1131b78c845a3de9ede4f80f97289341fd1e5fbe9583b23ceea71d";
    assert_eq!(tar_digest(&download(text(artifact, "url")).await), golden);

    let event = world.event("NewArtifact").await;
    assert_eq!(event["severity"], "info");
    assert_eq!(event["message"], "stored artifact for commit 'Change 4 files'");
    assert_eq!(event["reportingController"], "source-controller");
    assert_eq!(event["involvedObject"]["kind"], "GitRepository");
    assert_eq!(event["metadata"]["source.toolkit.fluxcd.io/revision"], json!(revision));
    assert_eq!(event["metadata"]["source.toolkit.fluxcd.io/digest"], artifact["digest"]);
    assert_eq!(event["metadata"]["event.toolkit.fluxcd.io/team"], "blue");
    let of_kubernetes = world.env.event(&object, "NewArtifact").await;
    let annotations = of_kubernetes.metadata.annotations.expect("annotations");
    assert_eq!(annotations["event.toolkit.fluxcd.io/team"], "blue");
    assert_eq!(annotations["source.toolkit.fluxcd.io/revision"], revision);

    let second = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    world.ask(&object, "push").await;
    let next = world.env.eventually(&object, is_ready_at(&format!("main@sha1:{second}"))).await;
    assert_eq!(types(&next), ["Ready", "ArtifactInStorage"]);
    assert_eq!(world.artifact(&next).await.files["a.txt"], b"2");
}

#[tokio::test]
async fn the_same_tree_gives_the_same_artifact_whatever_its_history() {
    let world = World::new().await;
    let [short, long] = ["short", "long"].map(|name| world.git.repository(name).expect("a repository"));
    let files = [("a.txt", "1"), ("b/c.txt", "2")];
    long.commit("main", &[("b/c.txt", "0"), ("d.txt", "3")]).expect("a commit");
    long.commit_changes("main", &[("d.txt", Change::Remove)]).expect("a commit");
    let commits =
        [short.commit("main", &files), long.commit("main", &files)].map(|commit| commit.expect("a commit"));
    assert_ne!(commits[0], commits[1]);
    let mut digests = Vec::new();
    for (name, repository) in [("short", &short), ("long", &long)] {
        let object = git_repository(name, repository.url(), json!({}));
        world.env.apply(&object).await;
        let ready = world.env.eventually(&object, is_ready()).await;
        digests.push(text(&ready["status"]["artifact"], "digest").to_owned());
    }
    assert_eq!(digests[0], digests[1]);
}

#[tokio::test]
async fn an_unchanged_head_is_listed_once_and_changes_nothing() {
    let world = World::new().await;
    let (_, object, before) = world.stored().await;
    let asked = world.git.requests().len();
    let after = world.reconcile(&object, "again").await;
    // protocol v2: one introduction, one listing
    assert_eq!(world.git.requests().after(asked).len(), 2);
    assert_eq!(after["status"]["artifact"], before["status"]["artifact"]);
    assert_eq!(after["status"]["conditions"], before["status"]["conditions"]);
    // a longer interval is a new generation without new content
    world.env.merge(&object, json!({"spec": {"interval": "2h"}})).await;
    let newer = world.env.eventually(&object, is_ready()).await;
    assert_eq!(newer["status"]["artifact"], before["status"]["artifact"]);
    assert_eq!(condition(&newer, "ArtifactInStorage").expect("stored")["observedGeneration"], json!(2));
    let normal = world.events.requests().all();
    assert_eq!(normal.iter().filter(|event| event.json()["severity"] == "info").count(), 1);
}

#[tokio::test]
async fn ignore_rules_and_sparse_checkout_rebuild_the_same_commit() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    let files = [("a.yaml", "1"), ("deploy/b.yaml", "2"), ("docs/c.yaml", "3"), ("logo.png", "4")];
    repository.commit("main", &files).expect("a commit");
    let object = git_repository("app", repository.url(), json!({}));
    world.env.apply(&object).await;
    let ready = world.env.eventually(&object, is_ready()).await;
    let names = |tree: &flux_artifact::MemoryTree| tree.files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&world.artifact(&ready).await), ["a.yaml", "deploy/b.yaml", "docs/c.yaml"]);

    world.env.merge(&object, json!({"spec": {"ignore": "/*\n!/deploy\n"}})).await;
    let ready = world.env.eventually(&object, is_ready()).await;
    assert_eq!(names(&world.artifact(&ready).await), ["deploy/b.yaml"]);
    assert_eq!(ready["status"]["observedIgnore"], "/*\n!/deploy\n");

    // no rules at all is something else than none given, but packs the same
    world.env.merge(&object, json!({"spec": {"ignore": ""}})).await;
    let ready = world.env.eventually(&object, is_ready()).await;
    assert_eq!(names(&world.artifact(&ready).await), ["a.yaml", "deploy/b.yaml", "docs/c.yaml"]);
    assert_eq!(ready["status"]["observedIgnore"], "");

    world.env.merge(&object, json!({"spec": {"ignore": null, "sparseCheckout": ["./docs"]}})).await;
    let ready = world.env.eventually(&object, is_ready()).await;
    assert_eq!(names(&world.artifact(&ready).await), ["docs/c.yaml"]);
    assert_eq!(ready["status"]["observedSparseCheckout"], json!(["./docs"]));
    assert_eq!(ready["status"]["observedIgnore"], json!(null));

    world.env.merge(&object, json!({"spec": {"sparseCheckout": ["gone"]}})).await;
    let message = "True GitOperationFailed: failed to sparse checkout directories : sparse checkout dir 'gone' does not \
                   exist in repository";
    world.env.eventually(&object, says("FetchFailed", message)).await;
}

#[tokio::test]
async fn a_lost_or_damaged_file_is_built_again() {
    let world = World::new().await;
    let (_, object, ready) = world.stored().await;
    let file = world.controller.storage().join(text(&ready["status"]["artifact"], "path"));

    fs_err::remove_file(&file).expect("removed");
    let again = world.reconcile(&object, "lost").await;
    assert_eq!(again["status"]["artifact"]["digest"], ready["status"]["artifact"]["digest"]);
    assert_eq!(world.artifact(&again).await.files["a.txt"], b"1");

    fs_err::write(&file, "damaged").expect("written");
    let again = world.reconcile(&object, "damaged").await;
    assert_eq!(world.artifact(&again).await.files["a.txt"], b"1");
    let event = world.event("ArtifactVerificationFailed").await;
    let digest = text(&ready["status"]["artifact"], "digest");
    let message = format!("failed to verify integrity of artifact: computed digest doesn't match '{digest}'");
    assert_eq!(event["message"], json!(message));
    assert_eq!(event["severity"], "error");
    world.env.eventually(&object, is_ready()).await;
}

#[tokio::test]
async fn superseded_artifacts_go_and_the_current_one_stays() {
    let world = World::with(|controller| controller.flag("--artifact-retention-ttl=1h")).await;
    let repository = world.git.repository("app").expect("a repository");
    let object = git_repository("app", repository.url(), json!({}));
    let mut commit = repository.commit("main", &[("a.txt", "0")]).expect("a commit");
    world.env.apply(&object).await;
    world.env.eventually(&object, is_ready_at(&format!("main@sha1:{commit}"))).await;
    for number in 1..4 {
        commit = repository.commit("main", &[("a.txt", &number.to_string())]).expect("a commit");
        world.ask(&object, &number.to_string()).await;
        world.env.eventually(&object, is_ready_at(&format!("main@sha1:{commit}"))).await;
    }
    let ready = world.reconcile(&object, "collect").await;
    let directory = world.controller.storage().join(format!("gitrepository/{}/app", world.env.namespace()));
    let files: Vec<_> =
        fs_err::read_dir(&directory).expect("a directory").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(world.artifact(&ready).await.files["a.txt"], b"3");
}

#[tokio::test]
async fn deletion_removes_the_files_and_then_the_finalizer() {
    let world = World::new().await;
    let (_, object, _) = world.stored().await;
    let directory = world.controller.storage().join(format!("gitrepository/{}/app", world.env.namespace()));
    assert!(directory.is_dir());
    let series = r#"gotk_reconcile_duration_seconds_count{kind="GitRepository",name="app""#;
    world.controller.metrics_with(series).await.expect("metrics");
    world.env.delete(&object).await;
    assert!(!directory.exists());
    assert!(world.env.get(&ObjectKey::of(&object).expect("a key")).await.is_none());
    let metrics = world.controller.metrics().await.expect("metrics");
    assert!(!metrics.contains(r#"kind="GitRepository",name="app""#), "{metrics}");
}

#[tokio::test]
async fn the_digest_algorithm_counts_for_new_artifacts_only() {
    let mut world = World::with(|controller| controller.flag("--artifact-digest-algo=blake3")).await;
    let (_, object, ready) = world.stored().await;
    assert!(text(&ready["status"]["artifact"], "digest").starts_with("blake3:"));
    world.artifact(&ready).await;
    // a restart reads everything again, and finds it whole
    world.controller.restart(world.env.lab()).await.expect("restarted");
    world.ask(&object, "restarted").await;
    let after = world.env.eventually(&object, handled("restarted")).await;
    assert_eq!(after["status"]["artifact"], ready["status"]["artifact"]);
}
