use flux_lab::{Fault, FaultProxy, ObjectKey, has_condition, is_ready};
use serde_json::json;

use super::{World, condition, git_repository, says, shown, text, timed_out, types};

#[tokio::test]
async fn failures_have_their_reasons_and_are_retried() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    let url = repository.url();
    let object = git_repository("app", url, json!({}));
    world.env.apply(&object).await;
    let empty = "False EmptyGitRepository: git repository is empty";
    let failed = world.env.eventually(&object, says("Ready", empty)).await;
    assert_eq!(types(&failed), ["Reconciling", "Ready", "FetchFailed"]);
    assert_eq!(condition(&failed, "Reconciling").expect("it goes on")["reason"], "ProgressingWithRetry");
    assert_eq!(failed["status"]["observedGeneration"], json!(-1), "an error does not advance it");
    let event = world.event("EmptyGitRepository").await;
    assert_eq!((&event["severity"], &event["message"]), (&json!("error"), &json!("git repository is empty")));

    // without anybody asking: the backoff alone
    repository.commit("other", &[("a.txt", "1")]).expect("a commit");
    let missing = format!(
        "True GitOperationFailed: failed to checkout and determine revision: unable to clone '{url}': couldn't find \
         remote ref \"refs/heads/main\""
    );
    world.env.eventually(&object, says("FetchFailed", &missing)).await;
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let ready = world.env.eventually(&object, is_ready()).await;
    assert_eq!(types(&ready), ["Ready", "ArtifactInStorage"]);
    let event = world.event("NewArtifact").await;
    assert_eq!(event["message"], "stored artifact for commit 'Change 1 files'");
}

#[tokio::test]
async fn an_artifact_outlives_failures_and_recovery_is_told() {
    let world = World::new().await;
    let (_, object, ready) = world.stored().await;
    world.git.fail_with(Some(reqwest::StatusCode::SERVICE_UNAVAILABLE));
    world.ask(&object, "down").await;
    let failed =
        world.env.eventually(&object, has_condition("FetchFailed", "True", "GitOperationFailed")).await;
    assert!(shown(&failed, "Ready").starts_with("False GitOperationFailed: failed to checkout"));
    assert_eq!(failed["status"]["artifact"], ready["status"]["artifact"]);
    world.artifact(&failed).await;
    world.git.fail_with(None);
    world.env.eventually(&object, is_ready()).await;
    let event = world.event("Succeeded").await;
    assert!(text(&event, "message").starts_with("stored artifact for commit "));
}

#[tokio::test]
async fn a_silent_server_fails_within_the_timeout_and_heals() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let proxy = FaultProxy::start(&world.git.address()).await.expect("a proxy");
    proxy.set(Fault::Hang);
    let url = format!("http://{}/app.git", proxy.address());
    let object = git_repository("app", &url, json!({"timeout": "1s"}));
    world.env.apply(&object).await;
    world.env.eventually(&object, timed_out(&url)).await;
    proxy.set(Fault::Pass);
    world.env.eventually(&object, is_ready()).await;
}

#[tokio::test]
async fn unsupported_features_stall_and_deletion_still_works() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let url = repository.url();
    let verify = json!({"verify": {"mode": "HEAD", "secretRef": {"name": "keys"}}});
    let include = json!({"include": [{"repository": {"name": "other"}}]});
    let table = [
        ("ssh", git_repository("ssh", "ssh://git@localhost/app.git", json!({})), "spec.url"),
        ("verify", git_repository("verify", url, verify), "spec.verify"),
        ("include", git_repository("include", url, include), "spec.include"),
        (
            "modules",
            git_repository("modules", url, json!({"recurseSubmodules": true})),
            "spec.recurseSubmodules",
        ),
        ("provider", git_repository("provider", url, json!({"provider": "github"})), "spec.provider"),
    ];
    for (name, object, field) in table {
        world.env.apply(&object).await;
        let stalled =
            world.env.eventually(&object, has_condition("Stalled", "True", "UnsupportedFeature")).await;
        let text = format!("{field} is not supported yet");
        assert_eq!(shown(&stalled, "Stalled"), format!("True UnsupportedFeature: {text}"));
        assert_eq!(shown(&stalled, "Ready"), format!("False UnsupportedFeature: {text}"), "{name}");
        assert_eq!(stalled["status"]["observedGeneration"], stalled["metadata"]["generation"]);
        assert_eq!(types(&stalled), ["Stalled", "Ready"]);
        let event = world.env.event(&object, "UnsupportedFeature").await;
        assert_eq!(event.type_.as_deref(), Some("Warning"));
        world.env.delete(&object).await;
        assert!(world.env.get(&ObjectKey::of(&object).expect("a key")).await.is_none());
    }
    assert!(world.git.requests().is_empty(), "nothing was fetched");
}

#[tokio::test]
async fn a_tree_with_tricks_fails_and_nothing_leaves_the_work_directory() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    let object = git_repository("app", repository.url(), json!({}));
    super::life::commit_tree_with(&repository, "..");
    world.env.apply(&object).await;
    let failed =
        world.env.eventually(&object, has_condition("FetchFailed", "True", "GitOperationFailed")).await;
    assert_eq!(
        shown(&failed, "Ready"),
        "False GitOperationFailed: failed to checkout and determine revision: invalid path: '..'"
    );
}
