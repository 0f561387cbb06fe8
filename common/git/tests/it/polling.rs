//! Many who ask one server.

use std::time::Duration;

use flux_git::{
    Access, Credentials, Freshness, GitClient, GitError, GitLimits, ListRequest, Patience, ReferenceSelector,
    Resolved,
};
use flux_lab::{Fault, FaultProxy, GitServer};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{access, access_as, incompressible, main_branch, message};

const MINUTE: Duration = Duration::from_mins(1);

struct Poll {
    git: GitClient,
    directory: TempDir,
}

/// What one user wants.
struct Wish<'a> {
    user: &'a str,
    selector: ReferenceSelector,
    interval: Duration,
    freshness: Freshness,
}

fn since(user: &str, time: Instant) -> Wish<'_> {
    Wish { user, selector: main_branch(), interval: MINUTE, freshness: Freshness::Since(time) }
}

fn at_interval(user: &str, interval: Duration) -> Wish<'_> {
    Wish { user, selector: main_branch(), interval, freshness: Freshness::Interval }
}

impl Poll {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let git = GitClient::new(directory.path().join("mirrors"), GitLimits::default()).expect("a client");
        Self { git, directory }
    }

    async fn ask(&self, access: &Access, wish: &Wish<'_>) -> Result<(Resolved, Vec<String>), GitError> {
        let mut patience = Patience::new(MINUTE);
        let request = ListRequest {
            user: wish.user,
            access,
            selector: &wish.selector,
            interval: wish.interval,
            freshness: wish.freshness,
        };
        let listing = self.git.list(&request, &mut patience).await?;
        let moved = self.git.moved(&listing, wish.user);
        let resolved = self.git.resolve(access, &listing, &wish.selector, &mut patience).await?;
        Ok((resolved, moved))
    }

    /// Bytes of all mirrors.
    fn disk(&self) -> u64 {
        let mut pending = vec![self.directory.path().to_path_buf()];
        let mut bytes = 0;
        while let Some(directory) = pending.pop() {
            for entry in fs_err::read_dir(directory).expect("a directory").flatten() {
                let metadata = entry.metadata().expect("metadata");
                if metadata.is_dir() { pending.push(entry.path()) } else { bytes += metadata.len() }
            }
        }
        bytes
    }
}

fn listings(server: &GitServer) -> usize {
    server.requests().all().iter().filter(|request| request.path.contains("/info/refs")).count()
}

#[tokio::test]
async fn two_hundred_users_cost_the_server_what_one_does() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let large = incompressible(20_000);
    repository.commit("main", &[("large", &large)]).expect("a commit");
    let access = access(repository.url());

    let alone = Poll::new();
    let cost = async |poll: &Poll, users: u32| {
        let (bytes, requests) = (server.bytes_sent(), server.requests().len());
        let asked = Instant::now();
        let names: Vec<String> = (0..users).map(|number| number.to_string()).collect();
        let work = names.iter().map(|name| async {
            let (resolved, _) = poll.ask(&access, &since(name, asked)).await.expect("resolved");
            poll.git.checkout(&resolved, &mut Patience::new(MINUTE)).await.expect("a checkout")
        });
        futures::future::join_all(work).await;
        (server.bytes_sent() - bytes, server.requests().len() - requests, poll.disk())
    };
    let many = Poll::new();
    for change in ["1", "2"] {
        repository.commit("main", &[("a.txt", change)]).expect("a commit");
        let (bytes, requests, disk) = cost(&alone, 1).await;
        let (all_bytes, all_requests, all_disk) = cost(&many, 200).await;
        // git does not make the same pack twice to the byte
        assert!(all_bytes.abs_diff(bytes) < 1000, "{all_bytes} instead of {bytes}");
        assert!(all_disk.abs_diff(disk) < 1000, "{all_disk} instead of {disk}");
        // the server notes a request once its client is done with the answer, which may be a moment later
        assert!(all_requests.abs_diff(requests) <= 1, "{all_requests} instead of {requests}");
    }
}

#[tokio::test]
async fn a_newer_request_forces_a_newer_listing() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let (poll, access) = (Poll::new(), access(repository.url()));
    let first = Instant::now();
    poll.ask(&access, &since("a", first)).await.expect("resolved");
    poll.ask(&access, &since("b", first)).await.expect("resolved");
    assert_eq!(listings(&server), 1);
    let commit = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    let (resolved, _) = poll.ask(&access, &since("b", Instant::now())).await.expect("resolved");
    assert_eq!(resolved.commit(), commit);
    assert_eq!(listings(&server), 2);
}

#[tokio::test]
async fn the_smallest_interval_sets_the_pace() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let (poll, access) = (Poll::new(), access(repository.url()));
    let hour = MINUTE * 60;
    poll.ask(&access, &at_interval("hourly", hour)).await.expect("resolved");
    // whoever asks each minute cannot rely on one who asks each hour
    poll.ask(&access, &at_interval("minutely", MINUTE)).await.expect("resolved");
    assert_eq!(listings(&server), 2);
    for user in ["hourly", "minutely", "another"] {
        poll.ask(&access, &at_interval(user, MINUTE)).await.expect("resolved");
    }
    assert_eq!(listings(&server), 2);
    // a listing that is as old as the interval is none
    poll.ask(&access, &at_interval("hasty", Duration::ZERO)).await.expect("resolved");
    assert_eq!(listings(&server), 3);
}

#[tokio::test]
async fn those_whose_reference_moved_are_named_once() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let first = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    repository.set_branch("other", &first).expect("a branch");
    let (poll, access) = (Poll::new(), access(repository.url()));
    let other = || ReferenceSelector::branch("other").expect("a selector");
    let tags = || ReferenceSelector::SemVer("*".to_owned());
    for (user, selector) in [("a", main_branch()), ("b", main_branch()), ("c", other()), ("d", tags())] {
        let wish = Wish { selector, ..since(user, Instant::now()) };
        // there is no tag yet, which is an error, but one that asked
        let _ = poll.ask(&access, &wish).await;
    }
    repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    let (_, moved) = poll.ask(&access, &since("a", Instant::now())).await.expect("resolved");
    assert_eq!(moved, ["b"]);
    // the one that was woken finds the listing that woke it
    let before = listings(&server);
    let woken = Wish { freshness: Freshness::Woken(Instant::now()), ..since("b", Instant::now()) };
    let (_, moved) = poll.ask(&access, &woken).await.expect("resolved");
    assert_eq!((moved.len(), listings(&server)), (0, before));
    repository.tag("1.0.0", &first).expect("a tag");
    repository.commit("other", &[("c.txt", "1")]).expect("a commit");
    let (_, mut moved) = poll.ask(&access, &since("a", Instant::now())).await.expect("resolved");
    moved.sort_unstable();
    assert_eq!(moved, ["c", "d"]);
    poll.git.forget("d");
    repository.tag("1.1.0", &first).expect("a tag");
    let (_, moved) = poll.ask(&access, &since("a", Instant::now())).await.expect("resolved");
    assert!(moved.is_empty(), "{moved:?}");
}

#[tokio::test]
async fn listings_are_not_shared_across_credentials() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    server.require_bearer("t0ken").expect("a token");
    let poll = Poll::new();
    let bearer = |token: &str| access_as(repository.url(), Credentials::Bearer(token.to_owned().into()));
    let asked = Instant::now();
    poll.ask(&bearer("t0ken"), &since("a", asked)).await.expect("resolved");
    for stranger in [bearer("guess"), access(repository.url())] {
        let error = poll.ask(&stranger, &at_interval("b", MINUTE)).await.err().expect("refused");
        let want = format!("unable to clone '{}': authentication required", repository.url());
        assert_eq!(message(&error), want);
    }
}

#[tokio::test]
async fn those_who_wait_for_one_listing_fail_each_at_its_own_time() {
    let server = GitServer::start().await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    let commit = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let proxy = FaultProxy::start(&server.address()).await.expect("a proxy");
    proxy.set(Fault::Hang);
    let access = access(&format!("http://{}/app.git", proxy.address()));
    let poll = Poll::new();
    let (selector, asked) = (main_branch(), Instant::now());
    let wait = async |user: &str, limit: u64| {
        let request = ListRequest {
            user,
            access: &access,
            selector: &selector,
            interval: MINUTE,
            freshness: Freshness::Since(asked),
        };
        poll.git.list(&request, &mut Patience::new(Duration::from_millis(limit))).await
    };
    let begun = Instant::now();
    let (short, long) = tokio::join!(wait("short", 100), wait("long", 600));
    for error in [short.expect_err("silent"), long.expect_err("silent")] {
        assert!(message(&error).ends_with(": context deadline exceeded"), "{}", message(&error));
    }
    assert!((600..3000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    proxy.set(Fault::Pass);
    let (resolved, _) = poll.ask(&access, &since("short", Instant::now())).await.expect("resolved");
    assert_eq!(resolved.commit(), commit);
}
