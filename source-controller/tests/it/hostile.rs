//! Servers that are broken or mean harm.

use std::time::{Duration, Instant};

use flux_lab::{BlackHole, Fault, FaultProxy, has_condition, is_ready};
use serde_json::{Value, json};

use super::{World, git_repository, incompressible, shown, timed_out};

#[tokio::test]
async fn every_fault_of_a_server_is_told_and_heals() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    let large = incompressible(50_000);
    repository.commit("main", &[("large", &large)]).expect("a commit");
    let table = [
        ("hang", Fault::Hang, "context deadline exceeded"),
        ("error", Fault::ServerError, "unexpected status 500 Internal Server Error"),
        ("reset", Fault::Reset, "failed to reach the server: "),
        ("half", Fault::DropAfter(100_000), ""),
    ];
    for (name, fault, cause) in table {
        let proxy = FaultProxy::start(&world.git.address()).await.expect("a proxy");
        proxy.set(fault);
        let url = format!("http://{}/app.git", proxy.address());
        let object = git_repository(name, &url, json!({"timeout": "2s"}));
        world.env.apply(&object).await;
        let failed =
            world.env.eventually(&object, has_condition("FetchFailed", "True", "GitOperationFailed")).await;
        let want = format!(
            "False GitOperationFailed: failed to checkout and determine revision: unable to clone '{url}': {cause}"
        );
        let ready = shown(&failed, "Ready");
        assert!(ready.starts_with(&want), "{name}: {ready}");
        proxy.set(Fault::Pass);
        world.env.eventually(&object, is_ready()).await;
    }
}

#[tokio::test]
async fn an_address_that_drops_packets_fails_within_the_timeout() {
    let world = World::new().await;
    let hole = BlackHole::start().await.expect("an address");
    let url = format!("http://{}/app.git", hole.address());
    let object = git_repository("app", &url, json!({"timeout": "1s"}));
    world.env.apply(&object).await;
    world.env.eventually(&object, timed_out(&url)).await;
}

/// How long a new healthy repository takes; the best of three, since machines have other work as well.
async fn time_to_ready(world: &World, url: &str, name: &str) -> Duration {
    let mut best = Duration::MAX;
    for number in 0..3 {
        let object = git_repository(&format!("{name}-{number}"), url, json!({}));
        let begun = Instant::now();
        world.env.apply(&object).await;
        world.env.eventually(&object, is_ready()).await;
        best = best.min(begun.elapsed());
    }
    best
}

#[tokio::test]
async fn dead_servers_do_not_hold_up_a_healthy_one() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let alone = time_to_ready(&world, repository.url(), "alone").await;

    let silent = FaultProxy::start(&world.git.address()).await.expect("a proxy");
    silent.set(Fault::Hang);
    let hole = BlackHole::start().await.expect("an address");
    let stuck: Vec<Value> = (0..60)
        .map(|number| {
            let host = if number < 50 { silent.address() } else { hole.address() };
            git_repository(&format!("stuck-{number}"), &format!("http://{host}/{number}.git"), json!({}))
        })
        .collect();
    for object in &stuck {
        world.env.apply(object).await;
    }
    let among_dead = time_to_ready(&world, repository.url(), "first").await;
    assert!(among_dead < alone + Duration::from_secs(1), "{among_dead:?} instead of {alone:?}");
    // all of them are at it at once: whoever waits for a place says so as well
    for object in &stuck {
        world.env.eventually(object, has_condition("Reconciling", "True", "Progressing")).await;
    }
    let among_dead = time_to_ready(&world, repository.url(), "later").await;
    assert!(among_dead < alone + Duration::from_secs(1), "{among_dead:?} instead of {alone:?}");
}
