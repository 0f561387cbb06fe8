//! Processes that end with their owner, however it ends.
//!
//! All processes of a lab are in one process group. A small shell, which is in a group of its own, holds the reading end
//! of a pipe from the owner: when the owner is gone, even by SIGKILL, the pipe closes, and the shell kills the group and
//! removes the lab's directory. A lab whose shell was killed too is removed by the next start.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal};

/// The library's way to start programs; the lab is the only place that does.
#[expect(clippy::disallowed_types, reason = "the lab supervises processes")]
pub(crate) type Command = std::process::Command;

/// Waits for the end of the owner, then kills the group `$1` and removes the directory `$2`.
const CLEANER: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
kill -s KILL -- "-$1" 2>/dev/null
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf -- "$2" && exit 0
  sleep 0.1
done
"#;

/// A directory and a process group that end with this value or with the process that holds it.
#[derive(Debug)]
pub(crate) struct Supervisor {
    directory: PathBuf,
    group: i32,
    /// Keeps the group alive while it has no other member.
    holder: Mutex<Child>,
    cleaner: Mutex<Child>,
}

/// Where the directories of all labs of this user are: in memory if that is large enough.
pub(crate) fn labs_directory() -> PathBuf {
    const ENOUGH: u64 = 2 << 30;
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |volume| volume.f_bavail * volume.f_frsize);
    let base = if free >= ENOUGH { memory.to_path_buf() } else { std::env::temp_dir() };
    base.join(format!("ferroflux-lab-{}", rustix::process::getuid().as_raw()))
}

impl Supervisor {
    /// Makes the directory and the group, after removing what killed labs left.
    pub(crate) fn start() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let labs = labs_directory();
        fs_err::create_dir_all(&labs)?;
        remove_abandoned(&labs)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = labs.join(format!("{}-{number}", std::process::id()));
        fs_err::create_dir_all(&directory)?;
        let mut holder = Command::new("sleep");
        let holder = holder
            .arg("infinity")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("failed to start the process group")?;
        let group = i32::try_from(holder.id()).context("failed to read the process group")?;
        fs_err::write(directory.join("group"), group.to_string())?;
        let mut cleaner = Command::new("sh");
        let cleaner = cleaner
            .args(["-c", CLEANER, "cleaner", &group.to_string()])
            .arg(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("failed to start the supervisor")?;
        fs_err::write(directory.join("cleaner"), cleaner.id().to_string())?;
        Ok(Self { directory, group, holder: Mutex::new(holder), cleaner: Mutex::new(cleaner) })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts a program in the group, its output in `<name>.log` of the directory.
    pub(crate) fn spawn(&self, name: &str, command: &mut Command) -> Result<Process> {
        let log = self.directory.join(format!("{name}.log"));
        let output = fs_err::OpenOptions::new().create(true).append(true).open(&log)?.into_parts().0;
        let errors = output.try_clone().context("failed to share the log")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(self.group)
            .spawn()
            .with_context(|| format!("failed to start {name}"))?;
        Ok(Process { name: name.to_owned(), log, child: Mutex::new(child) })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let mut cleaner = self.cleaner.lock();
        drop(cleaner.stdin.take());
        // Both errors mean that the process is gone already, which is what is asked for.
        let _ = cleaner.wait();
        let _ = self.holder.lock().wait();
    }
}

/// Removes labs whose owner and whose cleaning shell are both gone.
fn remove_abandoned(labs: &Path) -> Result<()> {
    for entry in fs_err::read_dir(labs)? {
        let directory = entry?.path();
        let number = |file: &str| {
            let text = fs_err::read_to_string(directory.join(file)).ok()?;
            text.trim().parse::<i32>().ok().and_then(Pid::from_raw)
        };
        let (Some(group), Some(cleaner)) = (number("group"), number("cleaner")) else { continue };
        let owner = directory.file_name().and_then(|name| name.to_str()?.split('-').next()?.parse().ok());
        let alive = |process: Pid| rustix::process::test_kill_process(process).is_ok();
        if alive(cleaner) || owner.and_then(Pid::from_raw).is_some_and(alive) {
            continue;
        }
        if group_belongs_to(group, &directory) {
            // A group that ended in the meantime needs no signal.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        // Another start may be removing the same directory.
        let _ = fs_err::remove_dir_all(&directory);
    }
    Ok(())
}

/// Whether a member of the group was started for this directory: the number may have been given to others since.
fn group_belongs_to(group: Pid, directory: &Path) -> bool {
    let Ok(processes) = fs_err::read_dir("/proc") else { return false };
    let wanted = directory.to_string_lossy().into_owned();
    processes.filter_map(Result::ok).any(|process| {
        let line = fs_err::read(process.path().join("cmdline")).unwrap_or_default();
        let number = process.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        String::from_utf8_lossy(&line).contains(&wanted)
            && number.is_some_and(|number| rustix::process::getpgid(Some(number)) == Ok(group))
    })
}

/// A supervised process.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    log: PathBuf,
    child: Mutex<Child>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessOutcome {
    /// It ended by itself with this exit status.
    Exited(i32),
    /// A signal ended it.
    Killed,
}

/// A process's memory, from the kernel, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Resident now (`VmRSS`).
    pub resident: u64,
    /// The largest it has been (`VmHWM`).
    pub peak: u64,
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.lock().id()
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines of the log, for a failure's message.
    pub(crate) fn log_tail(&self) -> String {
        let text = fs_err::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(30)..).unwrap_or_default();
        format!("last lines of {}:\n{}", self.name, tail.join("\n"))
    }

    /// Whether it has ended, and how.
    pub(crate) fn outcome(&self) -> Option<ProcessOutcome> {
        let status = self.child.lock().try_wait().ok().flatten()?;
        Some(status.code().map_or(ProcessOutcome::Killed, ProcessOutcome::Exited))
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let id =
            i32::try_from(self.id()).ok().and_then(Pid::from_raw).context("failed to read the process id")?;
        if self.outcome().is_none() {
            rustix::process::kill_process(id, signal)
                .with_context(|| format!("failed to signal {}", self.name))?;
        }
        Ok(())
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self, within: Duration) -> Result<ProcessOutcome> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(outcome) = self.outcome() {
                return Ok(outcome);
            }
            anyhow::ensure!(Instant::now() < deadline, "{} did not end in {within:?}", self.name);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Its memory as the kernel counts it.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.id()))?;
        let kibibytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()
        };
        let value = |key| kibibytes(key).with_context(|| format!("failed to read {key} of {}", self.name));
        Ok(Memory { resident: value("VmRSS:")? * 1024, peak: value("VmHWM:")? * 1024 })
    }

    /// The CPU time that it has used, all threads, user and system.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let stat = fs_err::read_to_string(format!("/proc/{}/stat", self.id()))?;
        // The program's name stands in parentheses and may hold spaces; utime and stime are the 12th and 13th after it.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_millis(ticks * 1000 / per_second.max(1)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child.lock();
        // Both errors mean that it is gone already.
        let _ = child.kill();
        let _ = child.wait();
    }
}
