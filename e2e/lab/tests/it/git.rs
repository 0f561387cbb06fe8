//! The Git servers, asked by git itself.

use std::path::Path;
use std::sync::Arc;

use flux_lab::{Authority, Change, GitServer, GitServerOptions, GoGitServer, ProtocolVersions};

#[tokio::test]
async fn clone_and_push_reach_the_repository() {
    let server = GitServer::start().await.expect("server");
    let repository = server.repository("app").expect("repository");
    let first = repository.commit("main", &[("deploy/app.yaml", "kind: ConfigMap\n")]).expect("commit");
    let work = tempfile::tempdir().expect("directory");
    git(work.path(), &["clone", "-q", repository.url(), "app"]).await.expect("clone");
    let clone = work.path().join("app");
    assert_eq!(fs_err::read_to_string(clone.join("deploy/app.yaml")).expect("file"), "kind: ConfigMap\n");
    fs_err::write(clone.join("new"), "text").expect("write");
    git(&clone, &["add", "."]).await.expect("add");
    git(&clone, &["commit", "-q", "-m", "Add"]).await.expect("commit");
    git(&clone, &["push", "-q", "origin", "HEAD:main"]).await.expect("push");
    let head = repository.head("main").expect("head");
    assert_ne!(head, first);
    assert_eq!(git(&clone, &["rev-parse", "HEAD"]).await.expect("rev-parse").trim(), head);
    assert!(server.bytes_sent() > 0);
}

#[tokio::test]
async fn commits_hold_every_kind_of_change() {
    let server = GitServer::start().await.expect("server");
    let repository = server.repository("app").expect("repository");
    repository.commit("main", &[("old", "text")]).expect("commit");
    let changes =
        [("run", Change::Executable(b"#!/bin/sh\n")), ("link", Change::Link("run")), ("old", Change::Remove)];
    let commit = repository.commit_changes("main", &changes).expect("commit");
    repository.tag("v1", &commit).expect("tag");
    let tag = repository.annotated_tag("v2", &commit, "Release").expect("tag");
    repository.set_branch("other", &commit).expect("branch");
    repository.set_branch("gone", &commit).expect("branch");
    repository.remove_reference("refs/heads/gone").expect("removal");

    let listing = git(repository.path(), &["ls-tree", "-r", "main"]).await.expect("ls-tree");
    let modes: Vec<&str> = listing.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(modes, ["120000", "100755"]);
    let refs = git(Path::new("/"), &["ls-remote", repository.url()]).await.expect("ls-remote");
    let names: Vec<&str> = refs.lines().filter_map(|line| line.split('\t').nth(1)).collect();
    let wanted =
        ["HEAD", "refs/heads/main", "refs/heads/other", "refs/tags/v1", "refs/tags/v2", "refs/tags/v2^{}"];
    assert_eq!(names, wanted);
    assert!(refs.contains(&tag));
}

#[tokio::test]
async fn protocol_version_2_can_be_refused() {
    for (protocols, version) in
        [(ProtocolVersions::All, "version 2"), (ProtocolVersions::WithoutVersion2, "")]
    {
        let options = GitServerOptions { protocols, ..GitServerOptions::default() };
        let server = GitServer::start_with(options).await.expect("server");
        let repository = server.repository("app").expect("repository");
        repository.commit("main", &[("file", "text")]).expect("commit");
        let url = format!("{}/info/refs?service=git-upload-pack", repository.url());
        let client = reqwest::Client::new();
        let answer = client.get(url).header("Git-Protocol", "version=2").send().await.expect("answer");
        let text = answer.text().await.expect("text");
        assert_eq!(text.contains("version 2"), !version.is_empty(), "{protocols:?}: {text}");
        assert_eq!(server.requests().all()[0].protocol, "version=2");
        git(Path::new("/"), &["ls-remote", repository.url()]).await.expect("git falls back");
    }
}

#[tokio::test]
async fn basic_authentication_challenges_first() {
    let server = GitServer::start().await.expect("server");
    let repository = server.repository("app").expect("repository");
    repository.commit("main", &[("file", "text")]).expect("commit");
    server.require_basic("user", "secret").expect("credentials");
    git(Path::new("/"), &["ls-remote", repository.url()]).await.expect_err("no credentials");
    let with_credentials = repository.url().replace("http://", "http://user:secret@");
    git(Path::new("/"), &["ls-remote", &with_credentials]).await.expect("right credentials");
    let statuses: Vec<_> =
        server.requests().all().iter().map(|request| (request.with_credentials, request.status)).collect();
    assert_eq!(statuses[0], (false, 401), "git asks without credentials first");
    assert!(statuses.contains(&(true, 200)));

    server.require_bearer("token").expect("credentials");
    git(Path::new("/"), &["ls-remote", &with_credentials]).await.expect_err("the old credentials are void");
    let header = "http.extraHeader=Authorization: Bearer token";
    git(Path::new("/"), &["-c", header, "ls-remote", repository.url()]).await.expect("bearer token");
}

#[tokio::test]
async fn moved_repository_is_found_by_redirect() {
    let server = GitServer::start().await.expect("server");
    let repository = server.repository("app").expect("repository");
    repository.commit("main", &[("file", "text")]).expect("commit");
    let old = repository.url().replace("/app.git", "/moved/app.git");
    let refs = git(Path::new("/"), &["ls-remote", &old]).await.expect("git follows the first redirect");
    assert!(refs.contains("refs/heads/main"));
    assert_eq!(server.requests().all()[0].status, 301);
}

#[tokio::test]
async fn tls_demands_the_right_authorities() {
    let (servers, clients) = (Authority::new("servers").expect("CA"), Authority::new("clients").expect("CA"));
    let client = clients.client("someone", &[]).expect("certificate");
    let options = GitServerOptions {
        certificate: Some(servers.server(&["localhost", "127.0.0.1"]).expect("certificate")),
        clients: Some(Arc::new(clients)),
        ..GitServerOptions::default()
    };
    let server = GitServer::start_with(options).await.expect("server");
    let repository = server.repository("app").expect("repository");
    repository.commit("main", &[("file", "text")]).expect("commit");
    let files = tempfile::tempdir().expect("directory");
    let write = |name: &str, text: &str| {
        let path = files.path().join(name);
        fs_err::write(&path, text).expect("write");
        path.display().to_string()
    };
    let authority = format!("http.sslCAInfo={}", write("ca.crt", &servers.pem()));
    let certificate = format!("http.sslCert={}", write("client.crt", &client.certificate));
    let key = format!("http.sslKey={}", write("client.key", &client.key));

    let url = repository.url();
    git(Path::new("/"), &["ls-remote", url]).await.expect_err("an unknown authority");
    git(Path::new("/"), &["-c", &authority, "ls-remote", url]).await.expect_err("no client certificate");
    let arguments = ["-c", &authority, "-c", &certificate, "-c", &key, "ls-remote", url];
    git(Path::new("/"), &arguments).await.expect("both are right");
}

#[tokio::test]
async fn second_implementation_serves_clones() {
    let server = GoGitServer::start().await.expect("server");
    let repository = server.repository("app").expect("repository");
    repository.commit("main", &[("file", "text")]).expect("commit");
    let work = tempfile::tempdir().expect("directory");
    for version in ["0", "2"] {
        let protocol = format!("protocol.version={version}");
        git(work.path(), &["-c", &protocol, "clone", "-q", repository.url(), version]).await.expect("clone");
        let file = work.path().join(version).join("file");
        assert_eq!(fs_err::read_to_string(file).expect("file"), "text");
    }
}

/// Runs git without the user's own settings; fails with what it printed.
async fn git(directory: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = tokio::process::Command::new("git");
    command
        .args(["-c", "user.name=Lab", "-c", "user.email=lab@example.com", "-c", "credential.helper="])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env_remove("GIT_ASKPASS")
        .env_remove("GIT_SSL_CAINFO")
        .stdin(std::process::Stdio::null());
    let output = command.output().await.expect("git starts");
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(printed(&output.stdout)) } else { Err(printed(&output.stderr)) }
}
