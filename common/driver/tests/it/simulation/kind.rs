//! A kind whose runs take time, fail, wait, panic and get stuck, by a seed.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use flux_api::ConditionStatus;
use flux_driver::{
    Class, ConditionChange, Deletion, Fact, Failure, Kind, Measured, Next, Outcome, Phase, Profile, Rules,
    Run, Schedule, Settled, Suspend, Verdict,
};
use flux_kube::Resource;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub(super) const INTERVAL: Duration = Duration::from_mins(10);
/// The longest that the steps of a run take.
pub(super) const LONGEST_STEPS: Duration = Duration::from_secs(30);

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
struct Spec {
    #[serde(default)]
    invalid: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    runs: u64,
}

pub(super) struct Done;

impl Fact for Done {
    fn changes(&self) -> Vec<ConditionChange> {
        vec![ConditionChange::set("Ready", ConditionStatus::True, "Succeeded", "done")]
    }
}

pub(super) struct Working;

impl Phase for Working {
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
    #[error("failed to commit")]
    Commit(#[source] flux_driver::CommitError),
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Invalid => Verdict::stalled("Invalid"),
            Self::Class(class) => Verdict::new(*class, "Simulated"),
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
}

#[derive(Clone)]
pub(super) struct Simulated {
    pub(super) record: Arc<Mutex<Record>>,
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

impl Simulated {
    pub(super) fn new(seed: u64) -> Self {
        let random = SmallRng::seed_from_u64(seed);
        Self {
            record: Arc::default(),
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
        assert_eq!(*running, 1, "{name} runs twice at a time");
        UnderWay(&self.record, name.to_owned())
    }

    fn roll(&self, sides: u32) -> u32 {
        self.random.lock().random_range(0..sides)
    }

    /// A number of polls after which a run panics.
    fn fuse(&self) -> Option<u32> {
        (*self.faulty.lock() && self.roll(12) == 0).then(|| self.roll(8))
    }

    async fn steps(&self, run: &mut Run<'_, Self>) -> Result<Outcome, Error> {
        run.progress(&Working);
        tokio::time::sleep(Duration::from_millis(u64::from(self.roll(4000)))).await;
        run.commit().await.map_err(Error::Commit)?;
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
                        Settled::Superseded(_) => return Err(Error::Class(Class::Superseded)),
                    }
                }
                5 => run.remote("remote", tokio::time::sleep(Duration::from_secs(2))).await,
                _ => {}
            }
        }
        run.status(|status| status.runs += 1);
        run.fact(&Done);
        Ok(Outcome::Done(Next::Interval))
    }
}

impl Kind for Simulated {
    type Object = Object;
    type Status = Status;
    type Plan = ();
    type Fact = Done;
    type Phase = Working;
    type Error = Error;
    const PROFILE: &'static Profile = &PROFILE;

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
