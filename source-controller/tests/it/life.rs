use flux_lab::{GitRepository, is_ready};
use serde_json::json;

use super::{World, git_repository, handled};

/// Puts a commit on `main` whose tree has one file of a name that libraries do not write.
pub(super) fn commit_tree_with(repository: &GitRepository, name: &str) {
    let git = git2::Repository::open(repository.path()).expect("a repository");
    let objects = git.odb().expect("objects");
    let blob = git.blob(b"evil").expect("a blob");
    let tree = [format!("100644 {name}\0").as_bytes(), blob.as_bytes()].concat();
    let tree = objects.write(git2::ObjectType::Tree, &tree).expect("a tree");
    let person = "t <t@example.com> 1 +0000";
    let commit = format!("tree {tree}\nauthor {person}\ncommitter {person}\n\nevil\n");
    let commit = objects.write(git2::ObjectType::Commit, commit.as_bytes()).expect("a commit");
    repository.set_branch("main", &commit.to_string()).expect("a branch");
}

#[tokio::test]
async fn a_suspended_object_rests_but_answers_requests() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let object = git_repository("app", repository.url(), json!({"suspend": true}));
    world.env.apply(&object).await;
    world.ask(&object, "while suspended").await;
    let rested = world.env.eventually(&object, handled("while suspended")).await;
    assert!(rested["status"]["artifact"].is_null());
    assert!(world.git.requests().is_empty(), "nothing was fetched");
    world.env.merge(&object, json!({"spec": {"suspend": null}})).await;
    world.env.eventually(&object, is_ready()).await;
}

#[tokio::test]
async fn each_request_of_a_person_is_answered_by_one_run() {
    let world = World::new().await;
    let (_, object, _) = world.stored().await;
    for token in ["one", "two"] {
        let asked = world.git.requests().len();
        world.reconcile(&object, token).await;
        let listings = world.git.requests().after(asked);
        assert_eq!(
            listings.iter().filter(|request| request.path.contains("info/refs")).count(),
            1,
            "{token}"
        );
    }
}

#[tokio::test]
async fn the_interval_brings_new_commits_without_anybody_asking() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let object = git_repository("app", repository.url(), json!({"interval": "1s"}));
    world.env.apply(&object).await;
    world.env.eventually(&object, is_ready()).await;
    let commit = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    world.env.eventually(&object, flux_lab::is_ready_at(&format!("main@sha1:{commit}"))).await;
}

#[tokio::test]
async fn an_artifact_survives_a_crash_and_its_url_follows_the_host() {
    let mut world = World::new().await;
    let (_, object, before) = world.stored().await;
    world.controller.kill().await.expect("killed");
    let leftover =
        world.controller.storage().join(format!("gitrepository/{}/app/.tmp-half", world.env.namespace()));
    fs_err::write(&leftover, "half").expect("written");
    world.controller.restart(world.env.lab()).await.expect("restarted");
    let after = world.reconcile(&object, "after the crash").await;
    assert_eq!(after["status"]["artifact"], before["status"]["artifact"]);
    world.artifact(&after).await;
    assert!(!leftover.exists());
}
