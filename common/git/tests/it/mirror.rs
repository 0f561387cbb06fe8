use flux_git::{Credentials, ReferenceSelector};
use flux_lab::{GitServer, GitServerOptions, ProtocolVersions};

use super::{Git, access, entries_of, incompressible, main_branch, message};

/// Fetches that the server answered.
fn packs(server: &GitServer) -> usize {
    // with v2 a listing is a POST as well, so v0 servers are used where fetches are counted
    server.requests().all().iter().filter(|request| request.path.ends_with("/git-upload-pack")).count()
}

async fn v0_server() -> GitServer {
    let options = GitServerOptions { protocols: ProtocolVersions::WithoutVersion2, ..Default::default() };
    GitServer::start_with(options).await.expect("a server")
}

#[tokio::test]
async fn many_at_once_share_one_fetch() {
    let server = v0_server().await;
    let repository = server.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let git = Git::new();
    let access = access(repository.url());
    let selector = main_branch();
    let checkouts = (0..20).map(|_| git.checkout(&access, &selector));
    for checkout in futures::future::join_all(checkouts).await {
        assert_eq!(entries_of(&checkout.expect("a checkout"), &[], None), [". 750", "a.txt 600"]);
    }
    assert_eq!(packs(&server), 1);
}

#[tokio::test]
async fn a_push_brings_only_what_is_new() {
    for protocols in [ProtocolVersions::All, ProtocolVersions::WithoutVersion2] {
        let server = GitServer::start_with(GitServerOptions { protocols, ..Default::default() })
            .await
            .expect("a server");
        let repository = server.repository("app").expect("a repository");
        let large = incompressible(40_000);
        repository.commit("main", &[("large", &large), ("a.txt", "1")]).expect("a commit");
        let git = Git::new();
        git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
        let before = server.bytes_sent();
        let commit = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
        let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
        assert_eq!(checkout.commit.hash, commit);
        assert_eq!(entries_of(&checkout, &[], None), [". 750", "a.txt 600", "large 600"]);
        let sent = server.bytes_sent() - before;
        assert!(sent < 5_000, "{protocols:?}: {sent} bytes");
    }
}

#[tokio::test]
async fn a_mirror_with_many_packs_is_begun_anew() {
    let server = v0_server().await;
    let repository = server.repository("app").expect("a repository");
    let git = Git::new();
    let mut last = String::new();
    for number in 0..55 {
        last = repository.commit("main", &[("a.txt", &number.to_string())]).expect("a commit");
        git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    }
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    assert_eq!(checkout.commit.hash, last);
    assert_eq!(packs(&server), 55);
}

#[tokio::test]
async fn a_mirror_is_no_way_round_the_servers_refusal() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let commit = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    server.require_basic("tenant", "secret").expect("credentials");
    let git = Git::new();
    let credentials =
        Credentials::Basic { username: "tenant".to_owned(), password: "secret".to_owned().into() };
    let allowed = super::access_as(repository.url(), credentials);
    for selector in [main_branch(), ReferenceSelector::commit(&commit, None).expect("a selector")] {
        git.checkout(&allowed, &selector).await.expect("a checkout");
        let error = git.checkout(&access(repository.url()), &selector).await.expect_err("refused");
        let want = format!("unable to clone '{}': authentication required", repository.url());
        assert_eq!(message(&error), want);
    }
}

#[tokio::test]
async fn history_that_was_rewritten_is_followed() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let first = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let git = Git::new();
    git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    repository.set_branch("main", &first).expect("a branch");
    let back = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    assert_eq!(back.commit.hash, first);
    let other = repository.commit("main", &[("b.txt", "3")]).expect("a commit");
    let forced = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    assert_eq!(forced.commit.hash, other);
    assert_eq!(entries_of(&forced, &[], None), [". 750", "a.txt 600", "b.txt 600"]);
}
