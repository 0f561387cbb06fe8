//! A kind whose runs take time, fail, wait, panic and get stuck, by a seed. Its objects refer to a source and depend on one
//! another.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use flux_api::ConditionStatus;
use flux_driver::{
    Class, ConditionChange, Course, Deletion, Ending, Fact, Failure, Kind, Measured, Next, Notice,
    NoticeType, Outcome, Phase, Profile, Reference, Rules, Run, Schedule, Settled, SourceWatch, Suspend,
    Verdict, revision_changed,
};
use flux_kube::{Identity, ObjectName, Resource, Watch};
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::events::{NUMBER, RUNS};
use super::server::Violations;

pub(super) const INTERVAL: Duration = Duration::from_mins(10);
/// The longest that the steps of a run take.
/// Processors that runs share.
pub(super) const PROCESSORS: u32 = 1;
pub(super) const LONGEST_STEPS: Duration = Duration::from_secs(30);

const SOURCE: Resource = Resource::namespaced("test", "v1", "Source", "sources");

static PROFILE: Profile = Profile {
    resource: Resource::namespaced("test", "v1", "Simulated", "simulateds"),
    controller: "simulation",
    field_manager: "simulation",
    finalizer: Some("finalizers.test"),
    suspend: Suspend::Spec,
    rules: Rules::Direct,
    owned: &[],
    measured: Measured::Yes,
};

#[derive(Debug, Deserialize)]
pub(super) struct Object {
    spec: Spec,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    invalid: bool,
    source: Option<String>,
    depends_on: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    runs: u64,
    /// Revision of the source at the last run.
    revision: Option<Value>,
}

pub(super) struct Done;

impl Fact for Done {
    fn changes(&self) -> Vec<ConditionChange> {
        vec![ConditionChange::set("Ready", ConditionStatus::True, "Succeeded", "done")]
    }
}

pub(super) struct AtWork;

impl Phase for AtWork {
    fn message(&self) -> String {
        "working".to_owned()
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("invalid spec")]
    Invalid,
    #[error("simulated failure")]
    Class(Class),
    #[error("dependency is not ready")]
    Dependency,
    #[error("failed to read the dependency")]
    Read(#[source] flux_kube::Error),
    #[error("failed to commit")]
    Commit(#[source] flux_driver::CommitError),
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Invalid => Verdict::stalled("Invalid"),
            Self::Class(class) => Verdict::new(*class, "Simulated"),
            // so long that only a wake is in time
            Self::Dependency => Verdict::new(Class::Waiting(INTERVAL), "DependencyNotReady"),
            Self::Read(_) => Verdict::transient("Read"),
            Self::Commit(_) => Verdict::transient("Commit"),
        }
    }
}

/// What the runs of an object were.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// When each run began, and for which generation.
    pub(super) starts: BTreeMap<String, Vec<(Instant, i64)>>,
    running: BTreeMap<String, u32>,
    /// Runs that hold a processor.
    working: u32,
    /// Numbers of all events that were told.
    pub(super) told: u64,
}

#[derive(Clone)]
pub(super) struct Simulated {
    pub(super) record: Arc<Mutex<Record>>,
    violations: Violations,
    random: Arc<Mutex<SmallRng>>,
    faulty: Arc<Mutex<bool>>,
}

/// Notes that a run is under way; no second one of the object may begin meanwhile.
struct UnderWay<'r>(&'r Mutex<Record>, String);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        *self.0.lock().running.entry(self.1.clone()).or_default() -= 1;
    }
}

/// A processor is held; dropped with the permit, also by a panic.
struct Working<'r>(&'r Mutex<Record>);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.lock().working -= 1;
    }
}

impl Simulated {
    pub(super) fn new(seed: u64, violations: Violations) -> Self {
        let random = SmallRng::seed_from_u64(seed);
        Self {
            record: Arc::default(),
            violations,
            random: Arc::new(Mutex::new(random)),
            faulty: Arc::new(Mutex::new(true)),
        }
    }

    pub(super) fn behave(&self) {
        *self.faulty.lock() = false;
    }

    fn begin(&self, name: &str, generation: i64) -> UnderWay<'_> {
        let mut record = self.record.lock();
        record.starts.entry(name.to_owned()).or_default().push((Instant::now(), generation));
        let running = record.running.entry(name.to_owned()).or_default();
        *running += 1;
        if *running > 1 {
            self.violations.lock().push(format!("{name} runs twice at a time"));
        }
        UnderWay(&self.record, name.to_owned())
    }

    fn roll(&self, sides: u32) -> u32 {
        self.random.lock().random_range(0..sides)
    }

    /// A number of polls after which a run panics.
    fn fuse(&self) -> Option<u32> {
        (*self.faulty.lock() && self.roll(12) == 0).then(|| self.roll(8))
    }

    /// An event that must not be told before the status shows so many runs.
    fn notice(&self, runs: u64) -> Notice {
        let mut record = self.record.lock();
        record.told += 1;
        Notice::new(NoticeType::Normal, "Told", "something happened")
            .with(NUMBER, record.told.to_string())
            .with(RUNS, runs.to_string())
    }

    async fn work(&self, run: &Run<'_, Self>) {
        let permit = run.cpu().await;
        let working = {
            let mut record = self.record.lock();
            record.working += 1;
            if record.working > PROCESSORS {
                self.violations.lock().push(format!("{} runs hold a processor", record.working));
            }
            Working(&self.record)
        };
        tokio::time::sleep(Duration::from_millis(u64::from(self.roll(500)))).await;
        drop((working, permit));
    }

    /// Whether the object that this one depends on is ready.
    async fn dependency(&self, run: &Run<'_, Self>) -> Result<(), Error> {
        let Some(name) = &run.object().spec.depends_on else { return Ok(()) };
        let target = run.target(&Identity::Controller).map_err(Error::Read)?;
        let found: Value = match target.get_as(&PROFILE.resource, &ObjectName::new("test", name)).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Err(Error::Dependency),
            Err(error) => return Err(Error::Read(error)),
        };
        let conditions = found["status"]["conditions"].as_array();
        let is_ready =
            conditions.into_iter().flatten().any(|each| each["type"] == "Ready" && each["status"] == "True");
        let observed = found["status"]["observedGeneration"] == found["metadata"]["generation"];
        if is_ready && observed { Ok(()) } else { Err(Error::Dependency) }
    }

    async fn steps(&self, run: &mut Run<'_, Self>) -> Result<Outcome, Error> {
        run.progress(&AtWork);
        tokio::time::sleep(Duration::from_millis(u64::from(self.roll(4000)))).await;
        self.dependency(run).await?;
        run.commit().await.map_err(Error::Commit)?;
        let source = run.object().spec.source.as_ref();
        let source = source.and_then(|name| run.source("Source", &ObjectName::new("test", name)));
        if self.roll(2) == 0 {
            self.work(run).await;
        }
        if *self.faulty.lock() {
            match self.roll(10) {
                0 => return Err(Error::Class(Class::Transient)),
                1 => return Err(Error::Class(Class::Retry)),
                2 => return Err(Error::Class(Class::Waiting(Duration::from_secs(20)))),
                3 | 4 => {
                    let outcome = tokio::time::sleep(Duration::from_millis(u64::from(self.roll(20_000))));
                    match run.wait(Duration::from_secs(10), outcome).await {
                        Settled::Done(()) => {}
                        Settled::TimedOut => return Err(Error::Class(Class::Retry)),
                        Settled::Superseded(trigger) => {
                            let version = trigger.object.map(|object| object.resource_version);
                            if version.is_some()
                                && version == source.map(|source| source.resource_version.clone())
                            {
                                let violation = "a run started over for the source that it had taken";
                                self.violations.lock().push(violation.to_owned());
                            }
                            return Err(Error::Class(Class::Superseded));
                        }
                    }
                }
                5 => run.remote("remote", tokio::time::sleep(Duration::from_secs(2))).await,
                _ => {}
            }
        }
        let runs = run.status(|status| {
            status.runs += 1;
            status.revision = source.map(|source| source.value["revision"].clone());
            status.runs
        });
        run.notify(self.notice(runs));
        run.fact(&Done);
        Ok(Outcome::Done(Next::Interval))
    }
}

impl Kind for Simulated {
    type Object = Object;
    type Status = Status;
    type Plan = ();
    type Fact = Done;
    type Phase = AtWork;
    type Error = Error;
    const PROFILE: &'static Profile = &PROFILE;

    fn watches(&self) -> Vec<SourceWatch<Self>> {
        vec![SourceWatch {
            watch: Watch::all(SOURCE),
            project: |object| {
                let value = object.value().unwrap_or_default();
                json!({ "revision": value["status"]["revision"] })
            },
            passes: revision_changed,
            concerns: |_, _| true,
        }]
    }

    fn references(&self, object: &Object) -> Vec<Reference> {
        object.spec.source.iter().map(|name| Reference::new("Source", "test", name)).collect()
    }

    fn dependencies(&self, object: &Object) -> Vec<ObjectName> {
        object.spec.depends_on.iter().map(|name| ObjectName::new("test", name)).collect()
    }

    fn notices(&self, ending: &Ending<'_, Self>) -> Vec<Notice> {
        match ending.course {
            Course::Succeeded(_) | Course::Failed => vec![self.notice(ending.status.runs)],
            Course::Suspended | Course::Deleting => Vec::new(),
        }
    }

    fn plan(&self, object: &Object) -> Result<(), Error> {
        if object.spec.invalid { Err(Error::Invalid) } else { Ok(()) }
    }

    fn schedule(&self, (): &()) -> Schedule {
        Schedule { interval: INTERVAL, retry: Some(Duration::from_mins(1)), timeout: Duration::from_mins(1) }
    }

    async fn reconcile(&self, run: &mut Run<'_, Self>, (): &()) -> Result<Outcome, Error> {
        let _under_way = self.begin(&run.name().name, run.generation());
        let fuse = self.fuse();
        Fused { work: pin!(self.steps(run)), fuse }.await
    }

    async fn delete(&self, run: &mut Run<'_, Self>) -> Result<Deletion, Error> {
        let _under_way = self.begin(&run.name().name, run.generation());
        if *self.faulty.lock() {
            match self.roll(4) {
                0 => return Err(Error::Class(Class::Transient)),
                1 => return Ok(Deletion::Pending(Duration::from_secs(5))),
                _ => {}
            }
        }
        Ok(Deletion::Done)
    }
}

/// Panics at a poll, which is at an await.
struct Fused<'w, F> {
    work: Pin<&'w mut F>,
    fuse: Option<u32>,
}

impl<F: Future> Future for Fused<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match &mut self.fuse {
            Some(0) => panic!("{}", super::INJECTED),
            Some(fuse) => *fuse -= 1,
            None => {}
        }
        self.work.as_mut().poll(context)
    }
}
