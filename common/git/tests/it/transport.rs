use std::time::Duration;

use flux_git::Credentials;
use flux_lab::{Fault, FaultProxy, GitServer};

use super::{Git, access, access_as, incompressible, main_branch, message};

#[tokio::test]
async fn credentials_are_sent_with_the_first_request() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let basic = Credentials::Basic { username: "git".to_owned(), password: "p:w".to_owned().into() };
    server.require_basic("git", "p:w").expect("credentials");
    Git::new().checkout(&access_as(repository.url(), basic), &main_branch()).await.expect("a checkout");
    server.require_bearer("t0ken").expect("credentials");
    let bearer = Credentials::Bearer("t0ken".to_owned().into());
    Git::new().checkout(&access_as(repository.url(), bearer), &main_branch()).await.expect("a checkout");
    assert!(server.requests().all().iter().all(|request| request.with_credentials && request.status == 200));
    let wrong = Credentials::Bearer("guess".to_owned().into());
    let error =
        Git::new().checkout(&access_as(repository.url(), wrong), &main_branch()).await.expect_err("refused");
    assert_eq!(message(&error), format!("unable to clone '{}': authentication required", repository.url()));
}

#[tokio::test]
async fn the_first_request_follows_redirects_and_the_others_go_there() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let moved = format!("{}/moved/app.git", server.url());
    Git::new().checkout(&access(&moved), &main_branch()).await.expect("a checkout");
    let requests = server.requests().all();
    assert_eq!(requests.iter().filter(|request| request.path.starts_with("/moved/")).count(), 1);
    assert!(requests.iter().any(|request| request.path == "/app.git/git-upload-pack"));
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_server() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    // the same server under another name is another server
    let elsewhere = server.url().replace("localhost", "127.0.0.1");
    let url = format!("{elsewhere}/moved/app.git");
    let basic = Credentials::Basic { username: "git".to_owned(), password: "secret".to_owned().into() };
    Git::new().checkout(&access_as(&url, basic), &main_branch()).await.expect("a checkout");
    let requests = server.requests().all();
    let moved = |request: &&flux_lab::GitRequest| request.path.starts_with("/moved/");
    assert!(requests.iter().filter(moved).all(|request| request.with_credentials));
    // relative redirects stay, absolute ones to another origin lose the credentials
    let followed: Vec<_> = requests.iter().filter(|request| !moved(request)).collect();
    assert!(!followed.is_empty());
}

#[tokio::test]
async fn half_a_pack_is_an_error_and_heals() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let large = incompressible(60_000);
    let commit = repository.commit("main", &[("large", &large)]).expect("a commit");
    let proxy = FaultProxy::start(&server.address()).await.expect("a proxy");
    let url = format!("http://{}/app.git", proxy.address());
    let git = Git::new();
    proxy.set(Fault::DropAfter(100_000));
    git.checkout(&access(&url), &main_branch()).await.expect_err("cut off");
    proxy.set(Fault::ServerError);
    let error = git.checkout(&access(&url), &main_branch()).await.expect_err("500");
    assert!(message(&error).ends_with("unexpected status 500 Internal Server Error"), "{}", message(&error));
    proxy.set(Fault::Pass);
    let checkout = git.checkout(&access(&url), &main_branch()).await.expect("healed");
    assert_eq!(checkout.commit.hash, commit);
}

#[tokio::test]
async fn a_silent_server_is_left_when_the_caller_has_waited_enough() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let commit = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let proxy = FaultProxy::start(&server.address()).await.expect("a proxy");
    let access = access(&format!("http://{}/app.git", proxy.address()));
    let git = Git::new();
    proxy.set(Fault::Hang);
    let selector = main_branch();
    let waited = tokio::time::timeout(Duration::from_millis(300), git.checkout(&access, &selector)).await;
    assert!(waited.is_err());
    proxy.set(Fault::Pass);
    assert_eq!(git.checkout(&access, &selector).await.expect("a checkout").commit.hash, commit);
}
