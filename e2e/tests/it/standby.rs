//! Two replicas: one leads, the other takes over at once after a clean stop, and when the Lease has expired after a crash.

use std::time::Duration;

use flux_e2e::Binaries;
use flux_lab::{Controller, Env, GitServer, ObjectKey, ProcessOutcome, is_ready_at};
use serde_json::Value;

use crate::objects::{config_map, git_repository, kustomization};

const LEASE: Duration = Duration::from_secs(6);

#[tokio::test]
async fn standby_takes_over_and_nothing_is_written_twice() {
    let binaries = Binaries::build().await.expect("the controllers");
    let env = Env::start().await;
    let git = GitServer::start().await.expect("Git server");
    let repository = git.repository("app").expect("repository");
    let push = |text: &str| {
        let map = config_map(env.namespace(), text);
        format!("main@sha1:{}", repository.commit("main", &[("app/map.yaml", &map)]).expect("commit"))
    };
    let _source = env.controller(&Controller::source(binaries.path("source-controller"))).await;
    let kustomize = Controller::kustomize(binaries.path("kustomize-controller"))
        .flag("--enable-leader-election")
        .flag(format!("--leader-election-lease-duration={}s", LEASE.as_secs()))
        .flag("--leader-election-renew-deadline=5s")
        .flag("--leader-election-retry-period=500ms");
    let mut first = env.controller(&kustomize).await;
    let (app, source) = (kustomization("app", Value::Null), git_repository(repository.url()));
    let revision = push("first");
    env.apply(&source).await;
    env.apply(&app).await;
    env.eventually(&app, is_ready_at(&revision)).await;
    let leader = holder(&env).await;
    assert_ne!(leader, "");
    let second = env.controller(&kustomize).await;

    let mark = env.lab().audit_mark().expect("audit log");
    first.kill().await.expect("killed");
    let revision = push("second");
    env.eventually(&app, is_ready_at(&revision)).await;
    let heir = holder(&env).await;
    assert!(!heir.is_empty() && heir != leader, "{heir} after {leader}");

    first.restart(env.lab()).await.expect("restarted");
    let outcome = second.stop(LEASE).await.expect("it stops in time");
    assert_eq!(outcome, ProcessOutcome::Exited(0));
    assert_ne!(holder(&env).await, heir, "it gave the Lease back");
    let revision = push("third");
    env.eventually(&app, is_ready_at(&revision)).await;
    let entries = env.lab().audit_since(mark).expect("audit log");
    let writes = entries.iter().filter(|entry| {
        (entry.verb.as_str(), entry.resource.as_str(), entry.namespace.as_str())
            == ("patch", "configmaps", env.namespace())
            && entry.user.ends_with(":kustomize-controller")
            && !entry.is_dry_run()
    });
    assert_eq!(writes.count(), 2, "one write for each push");
    let log = second.log().expect("log");
    assert!(!log.contains("\"level\":\"error\""), "a clean stop logs no error: {log}");
}

/// Who holds the Lease; empty for nobody.
async fn holder(env: &Env) -> String {
    let key = ObjectKey::new("coordination.k8s.io/v1", "Lease", "kustomize-controller-leader-election");
    let lease = env.get(&key).await.expect("a Lease");
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}
