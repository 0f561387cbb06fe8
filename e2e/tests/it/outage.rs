//! Servers that go away: conditions say so, nothing applied is lost, and all recovers without a person.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flux_e2e::Binaries;
use flux_lab::{
    Controller, ControllerProcess, Env, Fault, FaultProxy, GitRepository, GitServer, Lab, LabOptions,
    ObjectKey, Parts, has_condition, is_ready, is_ready_at,
};
use serde_json::Value;

use crate::invariants::Invariants;
use crate::objects::{config_map, git_repository, kustomization};

/// More than the answer that lists references, and less than the pack.
const HALF_A_PACK: u64 = 60_000;
const BALLAST: usize = 256 << 10;
/// An API server that is back is in use again within this, on a machine under load as well.
const RECOVERY: Duration = Duration::from_secs(20);

struct World {
    kustomize: ControllerProcess,
    source: ControllerProcess,
    slow_git: FaultProxy,
    repository: GitRepository,
    _git: GitServer,
    invariants: Invariants,
    env: Env,
}

impl World {
    /// An application, delivered once. Nothing has to become ready, so that an API server is enough.
    async fn start() -> Self {
        let binaries = Binaries::build().await.expect("the controllers");
        let lab = Lab::start_with(LabOptions { parts: Parts::ApiServer }).await.expect("lab");
        let env = Env::within(Arc::new(lab)).await;
        let invariants = Invariants::watch(&env);
        let git = GitServer::start().await.expect("Git server");
        let slow_git = FaultProxy::start(&git.address()).await.expect("proxy");
        let repository = git.repository("app").expect("repository");
        // leaders outlive the longest outage, and the start of an API server on a machine under load
        let configure = |controller: Controller| {
            let flags = ["--enable-leader-election", "--leader-election-lease-duration=3m"];
            let flags =
                flags.into_iter().chain(["--leader-election-renew-deadline=2m", "--max-retry-delay=1s"]);
            flags.fold(controller, Controller::flag)
        };
        let source = Controller::source(binaries.path("source-controller"));
        let source = env.controller(&configure(source)).await;
        let kustomize = Controller::kustomize(binaries.path("kustomize-controller"));
        let kustomize = env.controller(&configure(kustomize)).await;
        let world = Self { kustomize, source, slow_git, repository, _git: git, invariants, env };
        let revision = world.push("first");
        let url = format!("http://{}/app.git", world.slow_git.address());
        world.env.apply(&git_repository(&url)).await;
        world.env.apply(&kustomization("app", Value::Null)).await;
        world.assert_delivered(&revision, "first").await;
        world
    }

    /// Pushes a change, with so much else that fetching it takes a large pack.
    fn push(&self, text: &str) -> String {
        let ballast: Vec<_> = (0..BALLAST / 32).map(|_| format!("{:032x}", rand::random::<u128>())).collect();
        let ballast = ballast.concat();
        let map = config_map(self.env.namespace(), text);
        let commit = self.repository.commit("main", &[("app/map.yaml", &map), ("ballast", &ballast)]);
        format!("main@sha1:{}", commit.expect("commit"))
    }

    async fn assert_delivered(&self, revision: &str, text: &str) {
        self.env.eventually(&git_repository(""), is_ready_at(revision)).await;
        self.env.eventually(&kustomization("app", Value::Null), is_ready_at(revision)).await;
        assert_eq!(self.map().await["data"]["text"], text);
    }

    async fn map(&self) -> Value {
        self.env.get(&ObjectKey::new("v1", "ConfigMap", "map")).await.expect("it is applied")
    }
}

#[tokio::test]
async fn push_while_the_api_server_is_away_is_delivered() {
    survive_without_api_server(Duration::from_secs(5)).await;
}

#[tokio::test]
#[ignore = "takes a minute: make faults"]
async fn push_in_twenty_seconds_without_api_server_is_delivered() {
    survive_without_api_server(Duration::from_secs(20)).await;
}

async fn survive_without_api_server(outage: Duration) {
    let world = World::start().await;
    let before = world.map().await;
    world.env.lab().stop_api_server().await.expect("stopped");
    let revision = world.push("second");
    // How long the server is away is what the test is about, so there is no condition to wait for.
    tokio::time::sleep(outage).await;
    world.env.lab().start_api_server().await.expect("started");
    let back = Instant::now();
    world.assert_delivered(&revision, "second").await;
    assert!(back.elapsed() < RECOVERY, "{:?}", back.elapsed());
    assert_eq!(world.map().await["metadata"]["uid"], before["metadata"]["uid"], "it was never deleted");
    for controller in [&world.source, &world.kustomize] {
        assert_eq!(controller.outcome().expect("started"), None, "nobody had to start it again");
    }
    world.invariants.assert_held();
}

#[tokio::test]
async fn git_server_that_fails_is_named_and_recovers() {
    let world = World::start().await;
    let source = git_repository("");
    let mut applied = "first".to_owned();
    for fault in [Fault::Hang, Fault::ServerError, Fault::Reset, Fault::DropAfter(HALF_A_PACK)] {
        let before = world.map().await;
        world.slow_git.set(fault);
        let text = format!("after-{}", rand::random::<u32>());
        let revision = world.push(&text);
        let failed = has_condition("FetchFailed", "True", "GitOperationFailed");
        let failing = world.env.eventually(&source, failed).await;
        let artifact = failing["status"]["artifact"]["revision"].as_str().expect("the artifact stays");
        assert_ne!(artifact, revision, "{fault:?}");
        world.env.eventually(&kustomization("app", Value::Null), is_ready()).await;
        assert_eq!(world.map().await, before, "{fault:?} touches nothing that is applied");
        assert_eq!(before["data"]["text"], applied.as_str());
        world.slow_git.set(Fault::Pass);
        world.assert_delivered(&revision, &text).await;
        applied = text;
    }
    world.invariants.assert_held();
}
