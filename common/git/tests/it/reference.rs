use flux_git::ReferenceSelector;
use flux_lab::{GitServer, GitServerOptions, ProtocolVersions};

use super::{Git, access, main_branch, message};

#[tokio::test]
async fn every_form_of_reference_gives_its_revision() {
    for protocols in [ProtocolVersions::All, ProtocolVersions::WithoutVersion2] {
        let server = GitServer::start_with(GitServerOptions { protocols, ..Default::default() })
            .await
            .expect("a server");
        let repository = server.repository("app").expect("a repository");
        let first = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
        repository.tag("v1.0.0", &first).expect("a tag");
        let second = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
        repository.annotated_tag("v1.1.0", &second, "release").expect("a tag");
        let third = repository.commit("feat/x", &[("a.txt", "3")]).expect("a commit");
        repository.set_reference("refs/pull/1/head", &third).expect("a reference");
        repository.tag("v2.0.0-rc.1", &third).expect("a tag");

        let table = [
            (ReferenceSelector::branch("main"), format!("main@sha1:{second}")),
            (ReferenceSelector::branch("feat/x"), format!("feat/x@sha1:{third}")),
            (ReferenceSelector::tag("v1.0.0"), format!("v1.0.0@sha1:{first}")),
            (ReferenceSelector::tag("v1.1.0"), format!("v1.1.0@sha1:{second}")),
            (Ok(ReferenceSelector::SemVer("*".to_owned())), format!("v1.1.0@sha1:{second}")),
            (Ok(ReferenceSelector::SemVer("<1.1".to_owned())), format!("v1.0.0@sha1:{first}")),
            (Ok(ReferenceSelector::SemVer(">=2.0.0-0".to_owned())), format!("v2.0.0-rc.1@sha1:{third}")),
            (ReferenceSelector::name("refs/pull/1/head"), format!("refs/pull/1/head@sha1:{third}")),
            (ReferenceSelector::name("refs/tags/v1.1.0^{}"), format!("refs/tags/v1.1.0@sha1:{second}")),
            (ReferenceSelector::commit(&first, None), format!("sha1:{first}")),
            (ReferenceSelector::commit(&first, Some("main")), format!("main@sha1:{first}")),
        ];
        let git = Git::new();
        for (selector, want) in table {
            let selector = selector.expect("a selector");
            let checkout = git.checkout(&access(repository.url()), &selector).await;
            let checkout = checkout.unwrap_or_else(|error| panic!("{selector:?}: {}", message(&error)));
            assert_eq!(checkout.revision.to_string(), want);
            assert_eq!(Some(checkout.commit.hash.as_str()), checkout.revision.digest_hex());
        }
    }
}

#[tokio::test]
async fn missing_references_are_told_in_the_contracts_words() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let url = repository.url();
    let commit = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let elsewhere = repository.commit("other", &[("b.txt", "1")]).expect("a commit");
    let nowhere = "0123456789012345678901234567890123456789";
    let table = [
        (
            ReferenceSelector::branch("gone"),
            format!("unable to clone '{url}': couldn't find remote ref \"refs/heads/gone\""),
        ),
        (
            ReferenceSelector::tag("gone"),
            format!("unable to clone '{url}': couldn't find remote ref \"refs/tags/gone\""),
        ),
        (
            ReferenceSelector::name("refs/pull/9/head"),
            "unable to resolve ref 'refs/pull/9/head' to a specific commit".to_owned(),
        ),
        (Ok(ReferenceSelector::SemVer(">=1".to_owned())), "no match found for semver: >=1".to_owned()),
        (
            ReferenceSelector::commit(nowhere, None),
            format!("unable to resolve commit object for '{nowhere}': object not found"),
        ),
        (
            ReferenceSelector::commit(&elsewhere, Some("main")),
            format!("unable to resolve commit object for '{elsewhere}': object not found"),
        ),
    ];
    let git = Git::new();
    for (selector, want) in table {
        let error = git.checkout(&access(url), &selector.expect("a selector")).await.expect_err("missing");
        assert_eq!(message(&error), want);
    }
    git.checkout(&access(url), &ReferenceSelector::commit(&commit, None).expect("a selector"))
        .await
        .expect("there");
}

#[tokio::test]
async fn empty_and_unknown_repositories_are_told_apart() {
    for protocols in [ProtocolVersions::All, ProtocolVersions::WithoutVersion2] {
        let server = GitServer::start_with(GitServerOptions { protocols, ..Default::default() })
            .await
            .expect("a server");
        let repository = server.repository("empty").expect("a repository");
        let git = Git::new();
        let error = git.checkout(&access(repository.url()), &main_branch()).await.expect_err("empty");
        assert_eq!(message(&error), "git repository is empty");
        let url = format!("{}/unknown.git", server.url());
        let error = git.checkout(&access(&url), &main_branch()).await.expect_err("unknown");
        assert_eq!(
            message(&error),
            format!("unable to clone: repository not found: git repository: '{url}'")
        );
    }
}

#[tokio::test]
async fn of_equal_versions_the_youngest_commit_is_taken() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    // the lab dates commits by the clock, whose seconds these two may share: a commit of 1970 cannot be the younger one
    let young = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let old = {
        let git = git2::Repository::open(repository.path()).expect("a repository");
        let parent = git.find_commit(git2::Oid::from_str(&young).expect("an id")).expect("a commit");
        let epoch = git2::Signature::new("t", "t@example.com", &git2::Time::new(1, 0)).expect("a signature");
        let tree = parent.tree().expect("a tree");
        git.commit(None, &epoch, &epoch, "old", &tree, &[]).expect("a commit").to_string()
    };
    repository.tag("1.0.0+a", &young).expect("a tag");
    repository.tag("1.0.0+b", &old).expect("a tag");
    let git = Git::new();
    let selector = ReferenceSelector::SemVer("1.x".to_owned());
    let checkout = git.checkout(&access(repository.url()), &selector).await.expect("a checkout");
    assert_eq!(checkout.revision.to_string(), format!("1.0.0+a@sha1:{young}"));
}
