//! Controllers as processes: rotated tokens, both families of addresses, and stops in the middle of work.

use std::time::{Duration, Instant};

use flux_e2e::Binaries;
use flux_lab::{
    Controller, ControllerProcess, Env, Fault, FaultProxy, GitRepository, GitServer, ObjectKey,
    ProcessOutcome, has_condition, is_ready_at,
};
use serde_json::{Value, json};

use crate::objects::{config_map, git_repository, kustomization};

/// A token file is read again at least this often, and the server remembers a token for ten seconds.
const TOKEN_PATIENCE: Duration = Duration::from_mins(3);
/// Ends at once: no deadline of a drain or a request is shorter.
const AT_ONCE: Duration = Duration::from_secs(3);

struct World {
    env: Env,
    binaries: Binaries,
    git: GitServer,
    repository: GitRepository,
}

impl World {
    async fn start() -> Self {
        let binaries = Binaries::build().await.expect("the controllers");
        let env = Env::start().await.patience(TOKEN_PATIENCE);
        let git = GitServer::start().await.expect("Git server");
        let repository = git.repository("app").expect("repository");
        Self { env, binaries, git, repository }
    }

    fn source(&self) -> Controller {
        leading(Controller::source(self.binaries.path("source-controller")))
    }

    fn kustomize(&self) -> Controller {
        leading(Controller::kustomize(self.binaries.path("kustomize-controller")))
    }

    fn push(&self, text: &str) -> String {
        let map = config_map(self.env.namespace(), text);
        format!("main@sha1:{}", self.repository.commit("main", &[("app/map.yaml", &map)]).expect("commit"))
    }

    async fn assert_delivered(&self, revision: &str, text: &str) {
        self.env.eventually(&kustomization("app", Value::Null), is_ready_at(revision)).await;
        assert_eq!(self.map().await["data"]["text"], text);
    }

    async fn map(&self) -> Value {
        self.env.get(&ObjectKey::new("v1", "ConfigMap", "map")).await.expect("it is applied")
    }

    /// Who holds a controller's Lease; empty for nobody.
    async fn holder(&self, controller: &str) -> String {
        let name = format!("{controller}-leader-election");
        let lease = self.env.get(&ObjectKey::new("coordination.k8s.io/v1", "Lease", &name)).await;
        lease.expect("a Lease")["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
    }

    async fn is_valid(&self, token: &str) -> bool {
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token},
        });
        let arguments = ["create", "-f", "-", "-o", "jsonpath={.status.authenticated}"];
        let answer = self.env.lab().kubectl(&arguments, Some(&review.to_string())).await;
        answer.expect("a review").trim() == "true"
    }
}

fn leading(controller: Controller) -> Controller {
    controller.flag("--enable-leader-election").flag("--max-retry-delay=1s")
}

#[tokio::test]
async fn rotated_token_takes_effect_without_a_restart() {
    let world = World::start().await;
    let mut source = world.env.controller(&world.source()).await;
    let mut kustomize = world.env.controller(&world.kustomize()).await;
    let secret = |controller: &str, number: u32| format!("{controller}-{number}");
    let mut accounts = Vec::new();
    for controller in [&mut source, &mut kustomize] {
        let name = controller.name().to_owned();
        let account = world.env.account(&name).await;
        account.rotate_revocable(world.env.lab(), &secret(&name, 1)).await.expect("a token");
        stop(&world, controller).await;
        controller.restart(world.env.lab()).await.expect("restarted");
        accounts.push((account, name));
    }
    let revision = world.push("first");
    world.env.apply(&git_repository(world.repository.url())).await;
    world.env.apply(&kustomization("app", Value::Null)).await;
    world.assert_delivered(&revision, "first").await;

    for (account, name) in &accounts {
        let former = fs_err::read_to_string(account.token_file()).expect("the token");
        assert!(world.is_valid(&former).await);
        account.rotate_revocable(world.env.lab(), &secret(name, 2)).await.expect("a token");
        let bound = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret(name, 1)}});
        world.env.delete(&bound).await;
        let revoked = async { while world.is_valid(&former).await {} };
        tokio::time::timeout(TOKEN_PATIENCE, revoked).await.expect("the former token is void");
    }
    let revision = world.push("second");
    world.assert_delivered(&revision, "second").await;
    for controller in [&source, &kustomize] {
        assert_eq!(controller.outcome().expect("started"), None, "nobody had to start it again");
    }
}

#[tokio::test]
async fn listeners_take_both_families_of_addresses() {
    let world = World::start().await;
    let notification = leading(Controller::notification(world.binaries.path("notification-controller")));
    let mut started = Vec::new();
    for controller in [world.source(), world.kustomize(), notification] {
        started.push(world.env.controller(&controller).await);
    }
    for controller in &mut started {
        let port = |address: &str| {
            address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("a port")
        };
        let mut ports = vec![port(&controller.metrics_address()), port(&controller.health_address())];
        controller.add_flag(format!("--metrics-addr=:{}", ports[0]));
        controller.add_flag(format!("--health-addr=:{}", ports[1]));
        let serving = port(&controller.serving_address());
        match controller.name() {
            "source-controller" => {
                controller.add_flag(format!("--storage-addr=:{serving}"));
                ports.push(serving);
            }
            "notification-controller" => {
                let webhooks = port(&controller.webhooks_url());
                controller.add_flag(format!("--events-addr=:{serving}"));
                controller.add_flag(format!("--receiverAddr=:{webhooks}"));
                ports.extend([serving, webhooks]);
            }
            _ => {}
        }
        stop(&world, controller).await;
        controller.restart(world.env.lab()).await.expect("restarted");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        for port in ports {
            for host in ["127.0.0.1", "[::1]"] {
                let url = format!("http://{host}:{port}/");
                let answer = client.get(&url).send().await;
                assert!(answer.is_ok(), "{} at {url}: {answer:?}", controller.name());
            }
        }
    }
}

#[tokio::test]
async fn second_signal_ends_at_once() {
    let world = World::start().await;
    let server = world.env.lab().server();
    let api = FaultProxy::start(server.trim_start_matches("https://")).await.expect("proxy");
    let account = world.env.account("kustomize-controller").await;
    world.env.grant_everywhere("kustomize-controller", "crd-controller").await;
    account.reach_through(world.env.lab(), api.address()).expect("kubeconfig");
    let controller = world.kustomize().flag("--watch-all-namespaces=false");
    let controller =
        controller.start(world.env.lab(), &account, world.env.namespace()).await.expect("started");
    controller.logged("successfully acquired lease").await.expect("it leads");

    // the Lease cannot be given back, which the stop waits for
    api.set(Fault::Hang);
    controller.terminate().expect("signalled");
    controller.logged("Stopping and waiting for all runnables").await.expect("the stop has begun");
    assert_eq!(controller.outcome().expect("started"), None, "the first signal lets work end");
    let asked = Instant::now();
    controller.terminate().expect("signalled");
    let outcome = controller.ended(AT_ONCE).await.expect("the second signal ends it");
    assert_eq!(outcome, ProcessOutcome::Exited(1), "after {:?}", asked.elapsed());
}

#[tokio::test]
async fn stop_in_the_middle_of_a_wait_loses_nothing() {
    let world = World::start().await;
    let _source = world.env.controller(&world.source()).await;
    let mut kustomize = world.env.controller(&world.kustomize()).await;
    let revision = world.push("first");
    world.env.apply(&git_repository(world.repository.url())).await;
    // it waits for what is not there yet
    let checks = json!({
        "timeout": "10m",
        "healthChecks": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "gate", "namespace": world.env.namespace()}],
    });
    let app = kustomization("app", checks);
    world.env.apply(&app).await;
    world.env.eventually(&app, has_condition("Reconciling", "True", "Progressing")).await;
    let key = ObjectKey::new("v1", "ConfigMap", "map");
    let before = world.env.eventually_key(&key, flux_lab::Condition::new("there", |_| true)).await;

    stop(&world, &kustomize).await;
    kustomize.restart(world.env.lab()).await.expect("restarted");
    let gate = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gate"}});
    world.env.apply(&gate).await;
    let ready = world.env.eventually(&app, is_ready_at(&revision)).await;
    assert_eq!(world.map().await["metadata"]["uid"], before["metadata"]["uid"], "it was not made anew");
    assert_eq!(ready["status"]["inventory"]["entries"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn stop_in_the_middle_of_a_pull_loses_nothing() {
    let world = World::start().await;
    let slow = FaultProxy::start(&world.git.address()).await.expect("proxy");
    let mut source = world.env.controller(&world.source()).await;
    let _kustomize = world.env.controller(&world.kustomize()).await;
    let mut repository = git_repository(&format!("http://{}/app.git", slow.address()));
    repository["spec"]["timeout"] = json!("60s");
    let revision = world.push("first");
    world.env.apply(&repository).await;
    world.env.apply(&kustomization("app", Value::Null)).await;
    world.assert_delivered(&revision, "first").await;

    slow.set(Fault::Hang);
    let revision = world.push("second");
    // the pull that the generation asks for lasts long enough to be seen
    world.env.merge(&repository, json!({"spec": {"interval": "3s"}})).await;
    world.env.eventually(&repository, has_condition("Reconciling", "True", "Progressing")).await;
    stop(&world, &source).await;
    slow.set(Fault::Pass);
    source.restart(world.env.lab()).await.expect("restarted");
    world.assert_delivered(&revision, "second").await;
}

/// A clean stop: in time, and with the Lease given back.
async fn stop(world: &World, controller: &ControllerProcess) {
    let outcome = controller.stop(Duration::from_secs(20)).await.expect("it stops in time");
    let log = controller.log().expect("log");
    assert_eq!(outcome, ProcessOutcome::Exited(0), "{log}");
    assert_eq!(world.holder(controller.name()).await, "", "the Lease is given back");
    let ending = log.rsplit_once("Stopping and waiting").map_or(log.as_str(), |(_, ending)| ending);
    assert!(!ending.contains("\"level\":\"error\""), "a clean stop logs no error: {ending}");
}
