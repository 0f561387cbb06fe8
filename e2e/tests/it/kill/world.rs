//! The controllers on a slow network, and the applications that they install, upgrade and prune.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flux_artifact::Digest;
use flux_e2e::{Binaries, NAMESPACE};
use flux_lab::{
    AuditMark, Change as FileChange, Controller, ControllerProcess, Env, Fault, FaultProxy, GitRepository,
    GitServer, Lab, ObjectKey, ProcessOutcome, SinkAnswer, WebhookSink, gone, is_ready_at,
};
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::evidence::{self, Interval};
use super::ledger::Ledger;

/// To and from the API server and the notification-controller.
pub(super) const NETWORK: Duration = Duration::from_millis(15);
/// To and from the Git server.
pub(super) const GIT: Duration = Duration::from_millis(50);
/// How long the chat takes to answer.
pub(super) const CHAT: Duration = Duration::from_millis(100);

const PATIENCE: Duration = Duration::from_mins(2);
/// ConfigMaps of an application, when it is whole.
const WHOLE: usize = 24;
/// And after something was taken away.
const PRUNED: usize = 4;
/// Bytes that do not compress, so that storing an artifact takes a while.
const BALLAST: usize = 2 << 20;

/// A controller that can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victim {
    Source,
    Kustomize,
    Notification,
}

impl Victim {
    pub(super) const ALL: [Self; 3] = [Self::Source, Self::Kustomize, Self::Notification];

    const fn name(self) -> &'static str {
        match self {
            Self::Source => "source-controller",
            Self::Kustomize => "kustomize-controller",
            Self::Notification => "notification-controller",
        }
    }

    /// As the API server knows it.
    pub(super) fn user(self) -> String {
        format!("system:serviceaccount:{NAMESPACE}:{}", self.name())
    }
}

/// What a round's push does to the round's application. Three rounds work on one application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is new. The one before the last goes, with its Kustomization.
    Install,
    /// Each object gets new data.
    Upgrade,
    /// Most objects are taken out.
    Prune,
}

impl Change {
    pub(super) const ALL: [Self; 3] = [Self::Install, Self::Upgrade, Self::Prune];

    fn of_round(number: usize) -> Self {
        Self::ALL[number % Self::ALL.len()]
    }

    /// How many objects the application has then, and with which data.
    fn outcome(self) -> (usize, &'static str) {
        match self {
            Self::Install => (WHOLE, "first"),
            Self::Upgrade => (WHOLE, "second"),
            Self::Prune => (PRUNED, "second"),
        }
    }
}

/// A controller, and the slow ways to the API server and to the notification-controller.
#[derive(Debug)]
struct Running {
    victim: Victim,
    process: ControllerProcess,
    _api: FaultProxy,
    events: Option<FaultProxy>,
}

/// Where the records of what happens stood when a round began.
#[derive(Debug)]
pub(super) struct Marks {
    audit: AuditMark,
    git: usize,
    chat: usize,
    events: Vec<usize>,
    stored: BTreeSet<PathBuf>,
}

/// The controllers. One that ends because it lost its Lease, which a busy machine can bring about, is started again, as
/// a kubelet would do.
#[derive(Debug)]
pub(super) struct Fleet {
    lab: Arc<Lab>,
    running: Vec<Running>,
}

/// Everything else.
#[derive(Debug)]
pub(super) struct World {
    ledger: Ledger,
    chat: WebhookSink,
    repository: GitRepository,
    _slow_git: FaultProxy,
    git: GitServer,
    env: Env,
    /// The applications that are there, by number, and what they were changed to last.
    applications: BTreeMap<usize, Change>,
    revision: String,
}

impl World {
    pub(super) async fn start() -> (Self, Fleet) {
        let binaries = Binaries::build().await.expect("the controllers");
        let lab = Arc::new(Lab::start().await.expect("lab"));
        let env = Env::within(Arc::clone(&lab)).await.patience(PATIENCE);
        let git = GitServer::start().await.expect("Git server");
        let slow_git = slow(&git.address(), GIT).await;
        let repository = git.repository("apps").expect("repository");
        let chat = WebhookSink::start().await.expect("chat");
        chat.answer_with(SinkAnswer { delay: CHAT, ..SinkAnswer::default() });
        let ledger = Ledger::open(&env);
        let mut running: Vec<Running> = Vec::new();
        for victim in [Victim::Notification, Victim::Source, Victim::Kustomize] {
            let notification = running.first().map(|running| running.process.serving_address());
            running.push(start(&lab, victim, &binaries, notification).await);
        }
        let url = format!("http://{}/apps.git", slow_git.address());
        env.apply_yaml(&objects(&url, &chat.url())).await;
        let world = Self {
            ledger,
            chat,
            repository,
            _slow_git: slow_git,
            git,
            env,
            applications: BTreeMap::new(),
            revision: String::new(),
        };
        (world, Fleet { lab, running })
    }

    pub(super) fn marks(&self, fleet: &Fleet) -> Marks {
        let sent = |running: &Running| running.events.as_ref().map_or(0, |proxy| proxy.sent().len());
        Marks {
            audit: self.env.lab().audit_mark().expect("audit log"),
            git: self.git.requests().len(),
            chat: self.chat.requests().len(),
            events: fleet.running.iter().map(sent).collect(),
            stored: fleet.stored(),
        }
    }

    /// What the controllers were seen to do since then.
    pub(super) fn evidence(&self, fleet: &Fleet, marks: &Marks) -> Vec<Interval> {
        let requests = self.git.requests().after(marks.git);
        let entries = self.env.lab().audit_since(marks.audit).expect("audit log");
        let writes: Vec<_> = entries.iter().filter_map(evidence::of_write).collect();
        let mut intervals = evidence::of_pull(&requests);
        intervals.extend(evidence::of_store(&requests, &writes));
        intervals.extend(writes);
        for (running, count) in fleet.running.iter().zip(&marks.events) {
            let sent = running.events.as_ref().map(|proxy| proxy.sent().after(*count)).unwrap_or_default();
            intervals.extend(sent.into_iter().map(|sent| evidence::of_event(running.victim, sent)));
        }
        intervals.extend(self.chat.requests().after(marks.chat).iter().map(evidence::of_alert));
        intervals
    }

    /// Pushes the round's change and has the controllers look; gives the time of the push.
    pub(super) async fn push(&mut self, number: usize) -> SystemTime {
        let (application, change) = (number / Change::ALL.len(), Change::of_round(number));
        let mut ballast = vec![0; BALLAST];
        rand::rng().fill(ballast.as_mut_slice());
        let mut files = vec![("ballast".to_owned(), FileChange::Write(&ballast))];
        let (count, data) = change.outcome();
        let maps: Vec<_> = (0..WHOLE).map(|map| config_map(application, map, data)).collect();
        for (map, text) in maps.iter().enumerate() {
            let path = format!("apps/{application}/{map}.yaml");
            let write = FileChange::Write(text.as_bytes());
            files.push((path, if map < count { write } else { FileChange::Remove }));
        }
        let files: Vec<_> = files.iter().map(|(path, change)| (path.as_str(), *change)).collect();
        let commit = self.repository.commit_changes("main", &files).expect("commit");
        let began = SystemTime::now();
        self.revision = format!("main@sha1:{commit}");
        self.applications.insert(application, change);
        let ask = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": commit}}});
        self.env.merge(&source(), ask).await;
        if change == Change::Install {
            self.env.apply(&kustomization(application, self.env.namespace())).await;
            if let Some(old) =
                application.checked_sub(2).filter(|old| self.applications.remove(old).is_some())
            {
                let api = self.env.api(&kustomization_key(old));
                api.delete(&name(old), &kube::api::DeleteParams::default()).await.expect("deletion");
            }
        }
        began
    }

    /// Whether there is another file in the storage than at the mark, while no status shows the revision.
    pub(super) async fn stored_but_not_shown(&self, fleet: &Fleet, marks: &Marks) -> bool {
        let stored = !fleet.stored().is_subset(&marks.stored);
        // A status that was sent may still arrive: once there and once back.
        tokio::time::sleep(NETWORK * 4).await;
        stored && !self.ledger.has_shown("GitRepository", &self.revision)
    }

    /// Waits until the round's push is delivered, and checks that all is as it should be.
    pub(super) async fn settle(&self, number: usize) {
        let stored = self.env.eventually(&source(), is_ready_at(&self.revision)).await;
        assert_artifact(&stored).await;
        for (application, change) in &self.applications {
            let object =
                self.env.eventually_key(&kustomization_key(*application), is_ready_at(&self.revision)).await;
            let (count, data) = change.outcome();
            let live = self.config_maps(*application).await;
            let mut wanted: Vec<_> =
                (0..count).map(|map| (map_name(*application, map), data.to_owned())).collect();
            wanted.sort();
            assert_eq!(live, wanted, "application {application} in round {number}");
            let mut inventory: Vec<_> = object["status"]["inventory"]["entries"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|entry| entry["id"].as_str())
                .map(|id| id.split('_').nth(1).unwrap_or_default().to_owned())
                .collect();
            inventory.sort();
            assert_eq!(inventory, wanted.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        }
        if let Some(old) = (number / Change::ALL.len()).checked_sub(2) {
            self.env.eventually_key(&kustomization_key(old), gone()).await;
            assert_eq!(self.config_maps(old).await, [], "application {old} is deleted");
        }
    }

    /// Names and data of an application's live objects.
    async fn config_maps(&self, application: usize) -> Vec<(String, String)> {
        let label = |object: &Value| {
            object["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] == name(application).as_str()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut maps: Vec<_> = self
            .env
            .list("v1", "ConfigMap")
            .await
            .iter()
            .filter(|object| label(object) && object["metadata"]["deletionTimestamp"].is_null())
            .map(|object| (text(&object["metadata"]["name"]), text(&object["data"]["text"])))
            .collect();
        maps.sort();
        maps
    }

    /// Waits until all that a status ever showed is alerted.
    pub(super) async fn everything_was_told(&self) {
        assert!(self.ledger.len() > 0, "statuses were seen");
        let alerts = self.chat.requests();
        let told = async {
            loop {
                let count = alerts.len();
                if self.ledger.untold(alerts).is_empty() {
                    return;
                }
                alerts.more_than(count).await;
            }
        };
        let in_time = timeout(PATIENCE, told).await.is_ok();
        assert!(in_time, "shown but never alerted: {:?}", self.ledger.untold(alerts));
    }

    pub(super) async fn delete_everything(&self) {
        for application in self.applications.keys() {
            self.env.delete(&kustomization(*application, self.env.namespace())).await;
            assert_eq!(self.config_maps(*application).await, []);
        }
        self.env.delete(&source()).await;
    }
}

impl Fleet {
    /// Kills at this time; gives the time, and who did not end by itself before.
    pub(super) async fn kill(&self, when: SystemTime, victims: &[Victim]) -> (SystemTime, Vec<Victim>) {
        // The moment is what the test is about, so there is no condition to wait for.
        tokio::time::sleep(when.duration_since(SystemTime::now()).unwrap_or_default()).await;
        let killed = SystemTime::now();
        let victims = self.running.iter().filter(|running| victims.contains(&running.victim));
        let kill = async |running: &Running| {
            let outcome = running.process.kill().await.expect("a signal");
            (outcome == ProcessOutcome::Killed).then_some(running.victim)
        };
        let victims = futures::future::join_all(victims.map(kill)).await;
        (killed, victims.into_iter().flatten().collect())
    }

    /// Starts whoever has ended, again and again.
    pub(super) async fn keep_running(&mut self) {
        loop {
            for running in &mut self.running {
                if running.process.outcome().expect("it was started").is_some() {
                    // One that ends while it starts is started again in the next round.
                    let _ = running.process.restart(&self.lab).await;
                }
            }
            tokio::time::sleep(NETWORK).await;
        }
    }

    /// The files of the source.
    pub(super) fn stored(&self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        let source = self.running.iter().find(|running| running.victim == Victim::Source);
        let mut directories: Vec<_> = source.map(|running| running.process.storage()).into_iter().collect();
        while let Some(directory) = directories.pop() {
            // It may go while it is read.
            for entry in fs_err::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
                let path = entry.path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    files.insert(path);
                }
            }
        }
        files
    }
}

async fn start(lab: &Lab, victim: Victim, binaries: &Binaries, notification: Option<String>) -> Running {
    let api = slow(lab.server().trim_start_matches("https://"), NETWORK).await;
    let account = lab.account(NAMESPACE, victim.name()).await.expect("account");
    account.reach_through(lab, api.address()).expect("kubeconfig");
    let binary = binaries.path(victim.name());
    let mut controller = match victim {
        Victim::Source => Controller::source(binary),
        // Few at a time, so that an application is not there at once.
        Victim::Kustomize => Controller::kustomize(binary).flag("--concurrent-ssa=2"),
        Victim::Notification => Controller::notification(binary),
    }
    .flag("--enable-leader-election")
    .flag("--leader-election-lease-duration=3s")
    .flag("--leader-election-renew-deadline=2s")
    .flag("--leader-election-retry-period=500ms");
    let mut events = None;
    if let Some(address) = notification {
        let proxy = slow(&address, NETWORK).await;
        controller = controller.flag(format!("--events-addr=http://{}/", proxy.address()));
        events = Some(proxy);
    }
    let process = controller.start(lab, &account, NAMESPACE).await.expect("controller");
    Running { victim, process, _api: api, events }
}

async fn slow(target: &str, delay: Duration) -> FaultProxy {
    let proxy = FaultProxy::start(target).await.expect("proxy");
    proxy.set(Fault::Delay(delay));
    proxy
}

async fn assert_artifact(object: &Value) {
    let text = |field: &str| object["status"]["artifact"][field].as_str().expect("an artifact").to_owned();
    let client = reqwest::Client::builder().no_proxy().build().expect("client");
    let fetch = async {
        loop {
            match client.get(text("url")).send().await {
                // Its server was killed and is being started again.
                Err(error) if error.is_connect() => tokio::time::sleep(NETWORK).await,
                answer => return answer.expect("an answer").error_for_status().expect("a file"),
            }
        }
    };
    let answer = timeout(PATIENCE, fetch).await.expect("the file server comes back");
    let bytes = answer.bytes().await.expect("a body");
    let digest: Digest = text("digest").parse().expect("a digest");
    assert_eq!(Digest::of(digest.algorithm(), &bytes), digest);
}

fn name(application: usize) -> String {
    format!("app-{application}")
}

fn map_name(application: usize, map: usize) -> String {
    format!("app-{application}-{map}")
}

fn config_map(application: usize, map: usize, data: &str) -> String {
    let name = map_name(application, map);
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  text: {data}\n")
}

fn source() -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "apps"},
    })
}

fn kustomization_key(application: usize) -> ObjectKey {
    ObjectKey::new("kustomize.toolkit.fluxcd.io/v1", "Kustomization", &name(application))
}

fn kustomization(application: usize, namespace: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name(application)},
        "spec": {
            "interval": "1h", "retryInterval": "1s", "timeout": "1m", "prune": true, "wait": true,
            "path": format!("apps/{application}"), "targetNamespace": namespace,
            "sourceRef": {"kind": "GitRepository", "name": "apps"},
        },
    })
}

fn objects(git: &str, chat: &str) -> String {
    format!(
        "
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: apps}}
spec: {{interval: 1h, url: {git}, ref: {{branch: main}}}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {{name: chat}}
spec: {{type: generic, address: {chat}}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {{name: all}}
spec:
  providerRef: {{name: chat}}
  eventSources: [{{kind: GitRepository, name: '*'}}, {{kind: Kustomization, name: '*'}}]
"
    )
}
