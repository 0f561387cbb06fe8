//! Ten thousand seeds of trouble on a paused clock: 409, 410, lost answers, ended watches, panic and cancellation at
//! awaits, a leader that is killed and another that takes over. In none is an object forgotten.

use std::time::Duration;

use flux_driver::{Backoff, Controller, Jitter, Metrics, Permits, Services, Settings};
use flux_kube::{Cluster, Options, Recorder};
use prometheus::Registry;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use kind::{INTERVAL, LONGEST_STEPS, Simulated};
use server::{Forget, Server};

mod kind;
mod server;

/// Text of panics that are part of the simulation.
const INJECTED: &str = "injected panic";
const SEEDS: u64 = 10_000;
const OBJECTS: u32 = 3;
const CONCURRENT: usize = 2;
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
    kind: Simulated,
    random: SmallRng,
    seed: u64,
    registry: Registry,
    leader: Option<(Controller, CancellationToken)>,
    /// When the present leader began: a new one looks at everything anew.
    led_since: Instant,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            server: Server::new(seed),
            kind: Simulated::new(seed.rotate_left(17)),
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
        let services = Services {
            cluster,
            recorder,
            outbox: None,
            permits: Permits::new(2, 1 << 20),
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
            self.server.put_spec(&index.to_string(), json!({ "value": 0 }));
        }
        while Instant::now() < end {
            let pause = self.random.random_range(1..180_000);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let name = self.random.random_range(0..OBJECTS).to_string();
            match self.random.random_range(0..12) {
                0..=2 => self.server.put_spec(&name, json!({ "value": self.random.random::<u32>() })),
                3 => self.server.request(&name, self.random.random()),
                4 => self.server.put_spec(&name, json!({ "invalid": true })),
                5 => self.server.put_spec(&name, json!({ "suspend": true })),
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

    fn check_object(&self, name: &str, object: &Value) {
        let metadata = &object["metadata"];
        assert!(!metadata["deletionTimestamp"].is_string(), "{name} still waits for its finalizer: {object}");
        let requested = &metadata["annotations"]["reconcile.fluxcd.io/requestedAt"];
        assert_eq!(*requested, object["status"]["lastHandledReconcileAt"], "{name}: {object}");
        if object["spec"]["suspend"] == true {
            return;
        }
        assert_eq!(metadata["generation"], object["status"]["observedGeneration"], "{name}: {object}");
        let wanted = if object["spec"]["invalid"] == true { "Stalled" } else { "Ready" };
        let conditions = object["status"]["conditions"].as_array().expect("conditions");
        let is_true =
            |kind: &str| conditions.iter().any(|each| each["type"] == kind && each["status"] == "True");
        // a run that is under way may have written its progress
        let record = self.kind.record.lock();
        let last = record.starts.get(name).and_then(|starts| starts.last());
        let busy = last.is_some_and(|(start, _)| start.elapsed() < LONGEST_STEPS);
        assert!(is_true(wanted) && (busy || !is_true("Reconciling")), "{name}: {object}");
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

async fn simulate(seed: u64) {
    let mut world = World::new(seed);
    // an object that no one touches is never stale
    world.server.put_spec("quiet", json!({ "value": 0 }));
    world.lead();
    let start = Instant::now();
    world.trouble().await;
    world.check_staleness("quiet", start, Instant::now());
    world.check().await;
    world.check_staleness("quiet", start, Instant::now());
}

fn run(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let outcome = std::panic::catch_unwind(|| runtime.block_on(simulate(seed)));
        assert!(outcome.is_ok(), "seed {seed} failed");
    }
}

/// Keeps injected panics out of the output.
fn silence_injected_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(INJECTED) {
            usual(info);
        }
    }));
}

#[test]
fn no_object_is_ever_forgotten() {
    silence_injected_panics();
    let threads =
        std::thread::available_parallelism().map_or(1, |count| u64::try_from(count.get()).unwrap_or(1));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || run((thread..SEEDS).step_by(usize::try_from(threads).unwrap_or(1))));
        }
    });
}
