//! Ten thousand seeds of trouble on a paused clock: 409, 410, lost answers, ended watches, panic and cancellation at
//! awaits, a leader that is killed and another that takes over. In none is an object forgotten or an event lost, and no
//! event tells of what the status does not show.

use std::time::Duration;

use flux_driver::{
    Backoff, Controller, Jitter, Metrics, Outbox, Permits, Planted, Services, Settings, plant,
};
use flux_kube::{Cluster, Options, Recorder};
use prometheus::Registry;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use events::Receiver;
use kind::{INTERVAL, LONGEST_STEPS, PROCESSORS, Simulated};
use server::{Forget, Server, Violations};

mod events;
mod kind;
mod server;

/// Text of panics that are part of the simulation.
const INJECTED: &str = "injected panic";
const SEEDS: u64 = 10_000;
/// A fault of the driver shows in one of these at the latest.
const SEEDS_TO_FIND: u64 = 200;
const OBJECTS: u32 = 3;
const CONCURRENT: usize = 2;
/// Name of the source.
const SOURCE: &str = "shared";
/// What is due is done after this.
const PROMPT: Duration = Duration::from_secs(100);
const TROUBLE: Duration = Duration::from_mins(20);
const JITTER: u8 = 5;
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

/// An object is looked at again after this at the latest: interval, jitter, and the longest step, which is a backoff, the
/// runs of the other objects, and a run of its own that has to be repeated.
fn bound() -> Duration {
    let jitter = Jitter::new(JITTER).expect("a valid jitter");
    jitter.longest(INTERVAL) + LONGEST_BACKOFF + LONGEST_STEPS * OBJECTS
}

struct World {
    server: Server,
    receiver: Receiver,
    kind: Simulated,
    violations: Violations,
    /// Where events wait, through all processes.
    spool: TempDir,
    processes: u32,
    random: SmallRng,
    seed: u64,
    registry: Registry,
    leader: Option<(Controller, CancellationToken)>,
    /// When the present leader began: a new one looks at everything anew.
    led_since: Instant,
}

impl World {
    fn new(seed: u64) -> Self {
        let violations = Violations::default();
        let server = Server::new(seed, Violations::clone(&violations));
        Self {
            receiver: Receiver::new(server.clone(), Violations::clone(&violations)),
            server,
            kind: Simulated::new(seed.rotate_left(17), Violations::clone(&violations)),
            violations,
            spool: tempfile::tempdir().expect("a directory"),
            processes: 0,
            random: SmallRng::seed_from_u64(!seed),
            seed,
            registry: Registry::new(),
            leader: None,
            led_since: Instant::now(),
        }
    }

    fn lead(&mut self) {
        let options = Options { user_agent: "simulation".to_owned(), metrics: None };
        let cluster = Cluster::from_transport(self.server.transport(), options);
        let (recorder, _writer) = Recorder::start(cluster.controller(), "simulation");
        self.registry = Registry::new();
        let settings = Settings {
            concurrent: CONCURRENT,
            jitter: Jitter::new(JITTER).expect("a valid jitter"),
            backoff: Backoff { cap: LONGEST_BACKOFF, ..Backoff::default() },
            seed: self.seed,
            ..Settings::default()
        };
        self.processes += 1;
        let instance = format!("process-{}", self.processes);
        self.receiver.expect_from(&instance);
        let spool = self.spool.path().join("events");
        let outbox = Outbox::start_with("http://receiver/", instance, self.receiver.post(), &spool);
        let services = Services {
            cluster,
            recorder,
            outbox: Some(outbox.expect("an outbox")),
            permits: Permits::new(usize::try_from(PROCESSORS).expect("a small number"), 1 << 20),
            metrics: Metrics::register(&self.registry).expect("a fresh registry"),
            settings,
        };
        let (_, lead) = watch::channel(true);
        let stop = CancellationToken::new();
        self.leader = Some((Controller::start(self.kind.clone(), services, lead, stop.clone()), stop));
        self.led_since = Instant::now();
    }

    /// Another leader takes over: after a clean stop, or after a kill.
    async fn take_over(&mut self) {
        self.check_forgotten();
        if let Some((controller, stop)) = self.leader.take()
            && self.random.random_bool(0.5)
        {
            stop.cancel();
            controller.stopped().await;
        }
        // tasks that were killed end at their next turn
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.lead();
    }

    async fn trouble(&mut self) {
        let end = Instant::now() + TROUBLE;
        for index in 0..OBJECTS {
            let name = index.to_string();
            self.server.put_spec(&name, spec(&name, json!({ "value": 0 })));
        }
        while Instant::now() < end {
            let pause = self.random.random_range(1..180_000);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let name = self.random.random_range(0..OBJECTS).to_string();
            match self.random.random_range(0..14) {
                0..=2 => {
                    let value = self.random.random::<u32>();
                    self.server.put_spec(&name, spec(&name, json!({ "value": value })));
                }
                3 => self.server.request(&name, self.random.random()),
                4 => self.server.put_spec(&name, spec(&name, json!({ "invalid": true }))),
                5 => self.server.put_spec(&name, spec(&name, json!({ "suspend": true }))),
                12 | 13 => self.server.put_source(SOURCE, &self.random.random::<u32>().to_string()),
                6 | 7 => self.server.delete(&name),
                8 | 9 => self.server.drop_watches(Forget::Nothing),
                10 => self.server.drop_watches(Forget::History),
                _ => self.take_over().await,
            }
        }
    }

    fn check_forgotten(&self) {
        let families = self.registry.gather();
        let forgotten = families.iter().find(|family| family.name() == "ferroflux_forgotten_objects_total");
        let count: f64 = forgotten.map_or(0.0, |family| {
            family.get_metric().iter().map(|metric| metric.get_counter().get_value()).sum()
        });
        assert!(count < 0.5, "the audit had to heal");
    }

    /// After the trouble, everything is as the specs say, and goes on so.
    async fn check(&mut self) {
        self.server.behave();
        self.kind.behave();
        tokio::time::sleep(bound()).await;
        let calm = Instant::now();
        for index in 0..OBJECTS {
            let name = index.to_string();
            let Some(object) = self.server.object(&name) else { continue };
            self.check_object(&name, &object);
        }
        tokio::time::sleep(bound()).await;
        for index in 0..OBJECTS {
            let name = index.to_string();
            let Some(object) = self.server.object(&name) else { continue };
            if object["spec"]["suspend"] == true || object["spec"]["invalid"] == true {
                continue;
            }
            let record = self.kind.record.lock();
            let starts = record.starts.get(&name).map(Vec::as_slice).unwrap_or_default();
            let last = starts.last().map(|(start, _)| *start);
            assert!(last.is_some_and(|last| last > calm), "{name} is not looked at any more");
        }
        self.check_forgotten();
    }

    /// Nobody has to wait for an interval: a new revision, and a dependency that becomes ready, wake.
    async fn check_wakes(&mut self) {
        let (first, second) = ("1", "2");
        for name in [first, second] {
            self.server.put_spec(name, spec(name, json!({ "value": "awake" })));
        }
        tokio::time::sleep(PROMPT).await;
        self.server.put_source(SOURCE, "last");
        tokio::time::sleep(PROMPT).await;
        for name in [first, second] {
            let object = self.server.object(name).expect("it was just made");
            assert_eq!(object["status"]["revision"], "last", "{name} did not hear of the revision: {object}");
        }
        self.server.put_spec(first, spec(first, json!({ "invalid": true })));
        tokio::time::sleep(PROMPT).await;
        self.server.put_spec(second, spec(second, json!({ "value": "waits" })));
        let pause = self.random.random_range(0..20_000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        self.server.put_spec(first, spec(first, json!({ "value": "ready" })));
        tokio::time::sleep(PROMPT).await;
        let object = self.server.object(second).expect("it was just made");
        let ready = is_true(&object, "Ready") && !is_true(&object, "Reconciling");
        assert!(ready, "{second} did not hear of its dependency: {object}");
    }

    /// Every event has arrived, also those of processes that were killed. A run may be under way: what it tells goes once
    /// its status is written.
    async fn check_events(&self) {
        let told = self.kind.record.lock().told;
        tokio::time::sleep(LONGEST_STEPS).await;
        let lost: Vec<u64> = (1..=told).filter(|number| !self.receiver.has(*number)).collect();
        assert!(lost.is_empty(), "events {lost:?} of {told} are lost");
    }

    fn check_violations(&self) {
        let violations = self.violations.lock();
        assert!(violations.is_empty(), "{violations:#?}");
    }

    fn check_object(&self, name: &str, object: &Value) {
        let metadata = &object["metadata"];
        assert!(!metadata["deletionTimestamp"].is_string(), "{name} still waits for its finalizer: {object}");
        let requested = &metadata["annotations"]["reconcile.fluxcd.io/requestedAt"];
        assert_eq!(*requested, object["status"]["lastHandledReconcileAt"], "{name}: {object}");
        if object["spec"]["suspend"] == true {
            return;
        }
        if self.waits(object) {
            return;
        }
        assert_eq!(metadata["generation"], object["status"]["observedGeneration"], "{name}: {object}");
        let wanted = if object["spec"]["invalid"] == true { "Stalled" } else { "Ready" };
        // a run that is under way may have written its progress
        let record = self.kind.record.lock();
        let last = record.starts.get(name).and_then(|starts| starts.last());
        let busy = last.is_some_and(|(start, _)| start.elapsed() < LONGEST_STEPS);
        assert!(is_true(object, wanted) && (busy || !is_true(object, "Reconciling")), "{name}: {object}");
    }

    /// Whether an object has to wait for the one that it depends on.
    fn waits(&self, object: &Value) -> bool {
        let Some(name) = object["spec"]["dependsOn"].as_str() else { return false };
        let valid = object["spec"]["invalid"] != true;
        let ready = |dependency: &Value| {
            let observed = &dependency["status"]["observedGeneration"];
            is_true(dependency, "Ready") && *observed == dependency["metadata"]["generation"]
        };
        valid && self.server.object(name).is_none_or(|dependency| !ready(&dependency))
    }

    /// No two runs of an object under one leader are further apart than the bound, while it is to be looked at.
    fn check_staleness(&self, name: &str, since: Instant, until: Instant) {
        let record = self.kind.record.lock();
        let starts = record.starts.get(name).into_iter().flatten().map(|(start, _)| *start);
        let within: Vec<_> = starts.filter(|start| (since..until).contains(start)).chain([until]).collect();
        let mut last = since;
        for start in within {
            assert!(start - last <= bound(), "{name} was not looked at for {:?}", start - last);
            last = start;
        }
    }
}

fn is_true(object: &Value, condition: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|each| each["type"] == condition && each["status"] == "True")
}

/// A spec with the source of all, and for the last object with a dependency.
fn spec(name: &str, mut spec: Value) -> Value {
    spec["source"] = json!(SOURCE);
    if name == "2" {
        spec["dependsOn"] = json!("1");
    }
    spec
}

async fn simulate(seed: u64) {
    let mut world = World::new(seed);
    world.server.put_source(SOURCE, "first");
    // an object that no one touches is never stale
    world.server.put_spec("quiet", json!({ "value": 0 }));
    world.lead();
    let start = Instant::now();
    world.trouble().await;
    world.check_staleness("quiet", start, Instant::now());
    world.check().await;
    world.check_wakes().await;
    world.check_staleness("quiet", start, Instant::now());
    world.check_events().await;
    world.check_violations();
}

/// Simulates a seed; false if the simulation finds a fault.
fn holds(seed: u64) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    std::panic::catch_unwind(|| runtime.block_on(simulate(seed))).is_ok()
}

/// Keeps expected panics out of the output: those that are part of the simulation, and all of this thread if a fault is
/// planted.
fn silence_expected_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload_as_str() != Some(INJECTED) && !flux_driver::is_planted() {
                usual(info);
            }
        }));
    });
}

#[test]
fn no_object_is_ever_forgotten_and_no_event_lost() {
    silence_expected_panics();
    let threads =
        std::thread::available_parallelism().map_or(1, |count| u64::try_from(count.get()).unwrap_or(1));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in (thread..SEEDS).step_by(usize::try_from(threads).unwrap_or(1)) {
                    assert!(holds(seed), "seed {seed} failed");
                }
            });
        }
    });
}

/// A simulation that finds nothing proves something only if it finds what is there.
#[test]
fn faults_of_the_driver_are_found() {
    silence_expected_panics();
    for fault in [
        Planted::EarlyEvents,
        Planted::DeafRun,
        Planted::LostPanic,
        Planted::SilentSources,
        Planted::FreeProcessors,
    ] {
        plant(Some(fault));
        let found = (0..SEEDS_TO_FIND).any(|seed| !holds(seed));
        plant(None);
        assert!(found, "{fault:?} was not found");
    }
}
