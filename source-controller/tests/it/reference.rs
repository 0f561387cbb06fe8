use flux_lab::{is_ready, is_ready_at};
use serde_json::{Value, json};

use super::{World, git_repository};

#[tokio::test]
async fn every_form_of_reference_becomes_its_revision() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    let first = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    repository.tag("v1.0.0", &first).expect("a tag");
    let second = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    repository.annotated_tag("v1.1.0", &second, "release").expect("a tag");
    let third = repository.commit("feat/x", &[("a.txt", "3")]).expect("a commit");
    repository.set_reference("refs/pull/1/head", &third).expect("a reference");
    repository.set_branch("master", &first).expect("a branch");

    let table = [
        (json!(null), format!("master@sha1:{first}"), "1"),
        (json!({"branch": "main"}), format!("main@sha1:{second}"), "2"),
        (json!({"branch": "feat/x"}), format!("feat/x@sha1:{third}"), "3"),
        (json!({"tag": "v1.0.0"}), format!("v1.0.0@sha1:{first}"), "1"),
        (json!({"tag": "v1.1.0", "semver": "<1.1", "branch": "main"}), format!("v1.1.0@sha1:{second}"), "2"),
        (json!({"semver": ">=1.0.0 <1.1.0"}), format!("v1.0.0@sha1:{first}"), "1"),
        (json!({"semver": "1.x", "branch": "feat/x"}), format!("v1.1.0@sha1:{second}"), "2"),
        (json!({"name": "refs/pull/1/head", "tag": "v1.0.0"}), format!("refs/pull/1/head@sha1:{third}"), "3"),
        (json!({"commit": first, "name": "refs/heads/feat/x"}), format!("sha1:{first}"), "1"),
        (json!({"commit": first, "branch": "main"}), format!("main@sha1:{first}"), "1"),
    ];
    for (number, (reference, revision, content)) in table.into_iter().enumerate() {
        let object = git_repository(&format!("app-{number}"), repository.url(), json!({"ref": reference}));
        let object: Value = without_nulls(object);
        world.env.apply(&object).await;
        let ready = world.env.eventually(&object, is_ready_at(&revision)).await;
        assert_eq!(world.artifact(&ready).await.files["a.txt"], content.as_bytes(), "{revision}");
        // listed again, a tag object is still the commit that it names
        let again = world.reconcile(&object, "again").await;
        assert_eq!(again["status"]["artifact"], ready["status"]["artifact"], "{revision}");
    }
}

#[tokio::test]
async fn a_tag_that_moves_is_followed() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    let first = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    repository.tag("v1.0.0", &first).expect("a tag");
    let object = git_repository("app", repository.url(), json!({"ref": {"semver": "1.x"}}));
    world.env.apply(&object).await;
    world.env.eventually(&object, is_ready()).await;
    let second = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    repository.tag("v1.2.0", &second).expect("a tag");
    world.ask(&object, "newer").await;
    let ready = world.env.eventually(&object, is_ready_at(&format!("v1.2.0@sha1:{second}"))).await;
    assert_eq!(world.artifact(&ready).await.files["a.txt"], b"2");
}

fn without_nulls(mut object: Value) -> Value {
    if let Some(spec) = object["spec"].as_object_mut() {
        spec.retain(|_, value| !value.is_null());
    }
    object
}
