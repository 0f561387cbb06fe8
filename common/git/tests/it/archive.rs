use flux_artifact::{Algorithm, Digest};
use flux_git::{GitLimits, TreeError};
use flux_lab::{Change, GitServer};

use super::{Git, access, entries_of, main_branch, message, tar_of};

/// The tree and the digest that are recorded from upstream's `storage.Archive`.
#[tokio::test]
async fn the_archive_of_a_commit_is_that_of_upstream() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let changes: [(&str, Change<'_>); 3] = [
        ("a.txt", Change::Write(b"hello\n")),
        ("bin/run.sh", Change::Executable(b"#!/bin/sh\n")),
        ("deploy/app.yaml", Change::Write(b"kind: Foo\n")),
    ];
    repository.commit_changes("main", &changes).expect("a commit");
    let git = Git::new();
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    let tar = tar_of(&checkout, &[], None);
    assert_eq!(
        Digest::of(Algorithm::Sha256, &tar).hex(),
        "e08f5dbc3b1131b78c845a3de9ede4f80f97289341fd1e5fbe9583b23ceea71d"
    );
}

#[tokio::test]
async fn links_stay_out_and_executables_stay_executable() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let changes: [(&str, Change<'_>); 4] = [
        ("run.sh", Change::Executable(b"#!/bin/sh\n")),
        ("plain", Change::Write(b"x")),
        ("link", Change::Link("/etc/passwd")),
        ("only-links/link", Change::Link("../plain")),
    ];
    repository.commit_changes("main", &changes).expect("a commit");
    let git = Git::new();
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    assert_eq!(entries_of(&checkout, &[], None), [". 750", "only-links 750", "plain 600", "run.sh 700"]);
}

#[tokio::test]
async fn ignore_rules_come_from_files_and_from_the_spec() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let files = [
        (".gitignore", "x"),
        (".sourceignore", "*.md\n"),
        ("README.md", "x"),
        ("logo.png", "x"),
        ("apps/.sourceignore", "/local.yaml\n"),
        ("apps/local.yaml", "x"),
        ("apps/web/local.yaml", "x"),
    ];
    repository.commit("main", &files).expect("a commit");
    let git = Git::new();
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    let paths = |ignore| -> Vec<String> {
        entries_of(&checkout, &[], ignore)
            .iter()
            .filter_map(|entry| Some(entry.split_once(' ')?.0.to_owned()))
            .collect()
    };
    let nested =
        [".", ".sourceignore", "apps", "apps/.sourceignore", "apps/web", "apps/web/local.yaml", "logo.png"];
    assert_eq!(paths(None), nested);
    // a negated pattern reaches below an excluded directory, whose own entry stays out
    assert_eq!(paths(Some("/*\n!/apps/web\n")), [".", "apps/web", "apps/web/local.yaml"]);
}

#[tokio::test]
async fn built_in_rules_apply_without_others() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let files = [(".github/ci.yaml", "x"), ("a.yaml", "x"), ("logo.png", "x"), (".gitattributes", "x")];
    repository.commit("main", &files).expect("a commit");
    let git = Git::new();
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    assert_eq!(entries_of(&checkout, &[], None), [". 750", "a.yaml 600"]);
    assert_eq!(entries_of(&checkout, &[], Some("")), [". 750", "a.yaml 600"]);
}

#[tokio::test]
async fn sparse_checkout_selects_by_prefix() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let files = [
        ("a.yaml", "x"),
        ("src/x", "x"),
        ("src2/y", "x"),
        ("src.txt", "x"),
        ("lib/z/w", "x"),
        ("lib/other", "x"),
    ];
    repository.commit("main", &files).expect("a commit");
    let git = Git::new();
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    let want = [
        ". 750",
        "lib 750",
        "lib/z 750",
        "lib/z/w 600",
        "src 750",
        "src/x 600",
        "src.txt 600",
        "src2 750",
        "src2/y 600",
    ];
    assert_eq!(entries_of(&checkout, &["./src", "lib/z"], None), want);
    let error = checkout.tree(&["gone".to_owned()]).expect_err("missing");
    assert_eq!(error.to_string(), "sparse checkout dir 'gone' does not exist in repository");
}

#[tokio::test]
async fn names_that_trick_a_checkout_are_refused() {
    for name in ["..", ".git", ".GIT", "git~1", ".g\u{200c}it"] {
        let server = GitServer::start().await.expect("a server");
        let repository = server.repository("app").expect("a repository");
        repository.commit("main", &[("a.txt", "1")]).expect("a commit");
        {
            let git = git2::Repository::open(repository.path()).expect("a repository");
            let blob = git.blob(b"evil").expect("a blob");
            let tree = [format!("100644 {name}\0").as_bytes(), blob.as_bytes()].concat();
            let tree = git.odb().expect("objects").write(git2::ObjectType::Tree, &tree).expect("a tree");
            let commit = format!(
                "tree {tree}\nauthor t <t@example.com> 1 +0000\ncommitter t <t@example.com> 1 +0000\n\nevil\n"
            );
            let commit = git
                .odb()
                .expect("objects")
                .write(git2::ObjectType::Commit, commit.as_bytes())
                .expect("a commit");
            repository.set_branch("main", &commit.to_string()).expect("a branch");
        }
        let git = Git::new();
        let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
        let error = checkout.tree(&[]).expect_err(name);
        assert!(matches!(error, TreeError::InvalidPath(_)), "{name}: {error}");
    }
}

#[tokio::test]
async fn large_files_pass_through_and_small_ones_are_held() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let large = super::incompressible(200_000);
    repository.commit("main", &[("large", &large), ("small", "x")]).expect("a commit");
    let limits = GitLimits { file_bytes: 1000, ..GitLimits::default() };
    let git = Git::with(limits);
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    let tar = tar_of(&checkout, &[], None);
    let mut archive = tar::Archive::new(tar.as_slice());
    let mut entry = archive.entries().expect("entries").nth(1).expect("a file").expect("an entry");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut entry, &mut text).expect("text");
    assert!(text == large, "{} bytes instead of {}", text.len(), large.len());
    let memory = checkout.tree(&[]).expect("a tree").memory();
    assert!(memory < 1_100_000, "{memory}");
}

#[tokio::test]
async fn large_files_that_are_differences_are_held() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let large = super::incompressible(200_000);
    let longer = format!("{large}!");
    repository.commit("main", &[("a", &large), ("b", &longer)]).expect("a commit");
    let git = Git::new();
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    let tree = checkout.tree(&[]).expect("a tree");
    assert!(tree.memory() > 2 * large.len() as u64, "one of the two is a difference to the other");
    let names = entries_of(&checkout, &[], None);
    assert_eq!(names, [". 750", "a 600", "b 600"]);
}

#[tokio::test]
async fn bounds_are_kept() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let large = "x".repeat(5000);
    repository.commit("main", &[("a/b/c/d", "x"), ("large", &large)]).expect("a commit");
    let limits = GitLimits { files: 3, ..GitLimits::default() };
    let git = Git::with(limits);
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    assert!(matches!(checkout.tree(&[]), Err(TreeError::TooManyFiles(3))));
    let limits = GitLimits { depth: 2, file_bytes: 4999, ..GitLimits::default() };
    let git = Git::with(limits);
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    assert!(matches!(checkout.tree(&[]), Err(TreeError::TooDeep(2))));
    let limits = GitLimits { file_bytes: 4999, ..GitLimits::default() };
    let git = Git::with(limits);
    let checkout = git.checkout(&access(repository.url()), &main_branch()).await.expect("a checkout");
    let tree = checkout.tree(&[]).expect("a tree");
    let rules = tree.ignore_rules(None).expect("rules");
    let error = tree.write_archive(&rules, &mut Vec::new()).expect_err("large");
    assert_eq!(message(&error), "file 'large' is larger than 4999 bytes");
    let limits = GitLimits { pack_bytes: 100, ..GitLimits::default() };
    let error =
        Git::with(limits).checkout(&access(repository.url()), &main_branch()).await.expect_err("large");
    assert!(
        message(&error).ends_with("answer of the server is larger than 100 bytes"),
        "{}",
        message(&error)
    );
}
