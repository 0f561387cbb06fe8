//! What a piece of work cost: time, CPU seconds by process, requests by what they were.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use flux_e2e::NAMESPACE;
use flux_lab::{AuditEntry, AuditMark};

use crate::stage::Stage;

/// The control plane's processes whose CPU seconds are the floor.
const FLOOR: [&str; 3] = ["kube-apiserver", "etcd", "kube-controller-manager"];

/// A measurement under way.
pub(crate) struct Meter {
    started: Instant,
    audit: AuditMark,
    cpu: BTreeMap<String, Duration>,
    machine: Duration,
}

/// What it came to.
pub(crate) struct Cost {
    /// From the start to the end of the work.
    pub(crate) wall: Duration,
    /// CPU time by process over that time.
    pub(crate) cpu: BTreeMap<String, Duration>,
    /// CPU time of what does not belong to the benchmark, over that time.
    pub(crate) others: Duration,
    /// The controllers' CPU time, what they did after the end included.
    pub(crate) own: Duration,
    /// The controllers' requests until they fell silent: leases and watches are left out.
    pub(crate) requests: Vec<AuditEntry>,
}

impl Meter {
    /// Starts.
    pub(crate) fn start(stage: &Stage) -> Result<Self> {
        Ok(Self {
            started: Instant::now(),
            audit: stage.lab.audit_mark()?,
            cpu: cpu(stage)?,
            machine: busy()?,
        })
    }

    /// Ends: the work was done at `ended`, and this waits until the controllers have sent their last events.
    pub(crate) async fn stop(self, stage: &Stage, ended: Instant) -> Result<Cost> {
        let spent = difference(&cpu(stage)?, &self.cpu);
        let machine = busy()?.saturating_sub(self.machine);
        quiet(stage).await?;
        let after = difference(&cpu(stage)?, &self.cpu);
        let own = stage.controllers().iter().filter_map(|(name, _)| after.get(*name)).sum();
        let entries = stage.lab.audit_since(self.audit)?;
        Ok(Cost {
            wall: ended.duration_since(self.started),
            others: machine.saturating_sub(spent.values().sum()),
            cpu: spent,
            own,
            requests: entries.into_iter().filter(is_counted).collect(),
        })
    }
}

impl Cost {
    /// Requests for each of so many objects.
    pub(crate) fn requests_each(&self, count: usize) -> f64 {
        self.requests.len() as f64 / count as f64
    }

    /// Our own CPU milliseconds for each of so many objects.
    pub(crate) fn own_each(&self, count: usize) -> f64 {
        self.own.as_secs_f64() * 1000.0 / count as f64
    }

    /// How many times as long as this it took.
    pub(crate) fn times(&self, other: Duration) -> f64 {
        self.wall.as_secs_f64() / other.as_secs_f64()
    }

    /// How much of what other processes left of the machine API server, etcd and controller-manager used: past nine
    /// tenths they are what limits.
    pub(crate) fn floor_share(&self) -> f64 {
        let used: Duration = FLOOR.iter().filter_map(|name| self.cpu.get(*name)).sum();
        used.as_secs_f64() / (self.wall.as_secs_f64() * cores() - self.others.as_secs_f64())
    }

    /// CPU seconds by process.
    pub(crate) fn cpu_text(&self) -> String {
        let mut parts: Vec<_> = self
            .cpu
            .iter()
            .filter(|(_, time)| time.as_millis() >= 50)
            .map(|(name, time)| format!("{name} {:.1}", time.as_secs_f64()))
            .collect();
        parts.push(format!("others {:.1}", self.others.as_secs_f64()));
        parts.join(", ")
    }

    /// Requests by verb and resource, for each of so many objects, the most frequent first.
    pub(crate) fn requests_text(&self, count: usize) -> String {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for entry in &self.requests {
            let tried = if entry.is_dry_run() { " (dry run)" } else { "" };
            *kinds.entry(format!("{} {}{tried} {}", entry.verb, entry.resource, entry.code)).or_default() +=
                1;
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        let each = |(kind, number): (String, usize)| format!("  {:8.2} {kind}", number as f64 / count as f64);
        kinds.into_iter().map(each).collect::<Vec<_>>().join("\n")
    }
}

/// Processor, cores and load of this machine.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs_err::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or_default();
    format!("{model}, {} cores, {memory} of memory; load {load} at the start.", cores())
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

fn cpu(stage: &Stage) -> Result<BTreeMap<String, Duration>> {
    let mut times: BTreeMap<_, _> = stage.lab.cpu_times()?.into_iter().collect();
    for (name, process) in stage.controllers() {
        // one that is about to be restarted starts from nothing
        times.insert(name.to_owned(), process.cpu_time().unwrap_or_default());
    }
    times.insert("bench".to_owned(), own_time()?);
    Ok(times)
}

fn difference(
    after: &BTreeMap<String, Duration>,
    before: &BTreeMap<String, Duration>,
) -> BTreeMap<String, Duration> {
    let before = |name: &String| before.get(name).copied().unwrap_or_default();
    after.iter().map(|(name, time)| (name.clone(), time.saturating_sub(before(name)))).collect()
}

/// CPU time of all processes of the machine.
fn busy() -> Result<Duration> {
    let stat = fs_err::read_to_string("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    // user, nice, system, then idle and waiting, then interrupts; the guests' times are part of the first two
    let ticks: u64 = fields.iter().take(3).chain(fields.iter().skip(5).take(2)).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// CPU time of the benchmark itself and of the Git processes that it started.
fn own_time() -> Result<Duration> {
    let stat = fs_err::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        fields.split_whitespace().skip(11).take(4).filter_map(|text| text.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// Waits until the controllers have asked for nothing for a second.
async fn quiet(stage: &Stage) -> Result<()> {
    for _ in 0..60 {
        let mark = stage.lab.audit_mark()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        if !stage.lab.audit_since(mark)?.iter().any(is_counted) {
            return Ok(());
        }
    }
    anyhow::bail!("the controllers did not fall silent within a minute")
}

/// The controllers' requests, as themselves or as others, but for leases and watches.
fn is_counted(entry: &AuditEntry) -> bool {
    let prefix = format!("system:serviceaccount:{NAMESPACE}:");
    entry.user.starts_with(&prefix) && entry.resource != "leases" && entry.verb != "watch"
}
