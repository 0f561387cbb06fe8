//! Controllers as processes under their ServiceAccounts.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::accounts::Account;
use crate::lab::Lab;
use crate::ports::Port;
use crate::supervisor::{Command, Memory, Process, ProcessOutcome, labs_directory};

/// What a controller serves besides probes and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Artifacts.
    Source,
    /// Nothing.
    Consumer,
    /// Events and webhooks.
    Notification,
}

/// How to start a controller.
#[derive(Debug, Clone)]
pub struct Controller {
    name: String,
    role: Role,
    binary: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Controller {
    /// A source-controller: it gets a storage directory and an address for its artifacts.
    pub fn source(binary: impl Into<PathBuf>) -> Self {
        Self::new("source-controller", Role::Source, binary)
    }

    /// A kustomize-controller.
    pub fn kustomize(binary: impl Into<PathBuf>) -> Self {
        Self::new("kustomize-controller", Role::Consumer, binary)
    }

    /// A notification-controller: it gets an address for events and one for webhooks.
    pub fn notification(binary: impl Into<PathBuf>) -> Self {
        Self::new("notification-controller", Role::Notification, binary)
    }

    fn new(name: &str, role: Role, binary: impl Into<PathBuf>) -> Self {
        let (arguments, environment) = (Vec::new(), Vec::new());
        Self { name: name.to_owned(), role, binary: binary.into(), arguments, environment }
    }

    /// The name: also that of its ServiceAccount.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a flag.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.arguments.push(flag.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Sends events to this notification-controller.
    #[must_use]
    pub fn events_to(self, notification: &ControllerProcess) -> Self {
        let url = notification.events_url();
        self.flag(format!("--events-addr={url}"))
    }

    /// Exports traces to this endpoint, with little delay.
    #[must_use]
    pub fn traces_to(self, endpoint: &str) -> Self {
        let name = self.name.clone();
        self.variable("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .variable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .variable("OTEL_TRACES_EXPORTER", "otlp")
            .variable("OTEL_SERVICE_NAME", name)
            .variable("OTEL_BSP_SCHEDULE_DELAY", "50")
    }

    /// Starts it as this account and waits until its probes answer. `namespace` is its `RUNTIME_NAMESPACE`.
    ///
    /// # Errors
    /// If it ends or is not ready within 30 s; the message holds the end of its log.
    pub async fn start(&self, lab: &Lab, account: &Account, namespace: &str) -> Result<ControllerProcess> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = lab.directory().join(format!("{}-{number}", self.name));
        fs_err::create_dir_all(directory.join("tmp"))?;
        // a volume in a Pod is there before the process
        fs_err::create_dir_all(directory.join("storage"))?;
        let reserve = || Port::reserve(&labs_directory().with_extension("ports"));
        let ports =
            Ports { metrics: reserve()?, health: reserve()?, serving: reserve()?, webhooks: reserve()? };
        let mut running = ControllerProcess {
            definition: self.clone(),
            namespace: namespace.to_owned(),
            kubeconfig: account.kubeconfig().to_path_buf(),
            directory,
            ports,
            process: None,
        };
        running.restart(lab).await?;
        Ok(running)
    }
}

#[derive(Debug)]
struct Ports {
    metrics: Port,
    health: Port,
    /// Artifacts or events.
    serving: Port,
    webhooks: Port,
}

/// A running controller; it is killed when the value is dropped.
#[derive(Debug)]
pub struct ControllerProcess {
    definition: Controller,
    namespace: String,
    kubeconfig: PathBuf,
    directory: PathBuf,
    ports: Ports,
    process: Option<Process>,
}

impl ControllerProcess {
    /// Starts it again with the same addresses and directories, killing it first if it still runs.
    ///
    /// # Errors
    /// As [`Controller::start`].
    pub async fn restart(&mut self, lab: &Lab) -> Result<()> {
        self.process = None;
        let log = format!("{}.out", self.directory.file_name().unwrap_or_default().to_string_lossy());
        let process = lab.supervisor().spawn(&log, &mut self.command())?;
        self.process = Some(process);
        self.await_ready().await
    }

    /// Adds a flag that counts from the next start on; the last of several wins.
    pub fn add_flag(&mut self, flag: impl Into<String>) {
        self.definition.arguments.push(flag.into());
    }

    /// The name: also that of its ServiceAccount.
    pub fn name(&self) -> &str {
        self.definition.name()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.definition.binary);
        command
            .arg(format!("--metrics-addr={}", self.metrics_address()))
            .arg(format!("--health-addr=127.0.0.1:{}", self.ports.health.number()))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("RUNTIME_NAMESPACE", &self.namespace)
            .env("TMPDIR", self.directory.join("tmp"));
        let serving = self.serving_address();
        match self.definition.role {
            Role::Source => {
                command
                    .arg(format!("--storage-path={}", self.storage().display()))
                    .arg(format!("--storage-addr={serving}"))
                    .arg(format!("--storage-adv-addr={serving}"));
            }
            Role::Consumer => {}
            Role::Notification => {
                command
                    .arg(format!("--events-addr={serving}"))
                    .arg(format!("--receiverAddr=127.0.0.1:{}", self.ports.webhooks.number()));
            }
        }
        command.args(&self.definition.arguments).envs(self.definition.environment.iter().cloned());
        command
    }

    async fn await_ready(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let probe = match self.definition.role {
            // Its readiness is its file server's, which may refuse listings; any answer will do.
            // An event server answers once it knows the Alerts.
            Role::Source | Role::Notification => format!("http://{}/", self.serving_address()),
            Role::Consumer => {
                format!("http://127.0.0.1:{}/readyz", self.ports.health.number())
            }
        };
        loop {
            let process = self.process()?;
            if client.get(&probe).send().await.is_ok_and(|answer| !answer.status().is_server_error()) {
                return Ok(());
            }
            if process.outcome().is_some() || Instant::now() > deadline {
                bail!("{} did not become ready; {}", self.definition.name, process.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn process(&self) -> Result<&Process> {
        self.process.as_ref().context("the controller was not started")
    }

    /// Where artifacts are served, or events taken: `host:port`.
    pub fn serving_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.serving.number())
    }

    /// The address of events, for the other controllers' `--events-addr`.
    pub fn events_url(&self) -> String {
        format!("http://{}/", self.serving_address())
    }

    /// The address of webhooks, without the Receiver's path.
    pub fn webhooks_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.webhooks.number())
    }

    /// The address of metrics: `host:port`.
    pub fn metrics_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.metrics.number())
    }

    /// The address of the probes: `host:port`.
    pub fn health_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.health.number())
    }

    /// The metrics as text.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn metrics(&self) -> Result<String> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer = client.get(format!("http://{}/metrics", self.metrics_address())).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// The metrics once they contain this text: a run counts a moment after its status shows.
    ///
    /// # Errors
    /// If it does not answer, or they do not contain it within half a minute.
    pub async fn metrics_with(&self, wanted: &str) -> Result<String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let metrics = self.metrics().await?;
            if metrics.contains(wanted) {
                return Ok(metrics);
            }
            if Instant::now() > deadline {
                bail!("no {wanted} in {metrics}");
            }
            tokio::task::yield_now().await;
        }
    }

    /// Where a source-controller keeps its artifacts.
    pub fn storage(&self) -> PathBuf {
        self.directory.join("storage")
    }

    /// The directory of its storage and temporary files.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Bytes of all packs and their indexes in a source-controller's mirrors.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub fn packed_bytes(&self) -> Result<u64> {
        let (mut pending, mut bytes) = (vec![self.directory.join("tmp")], 0);
        while let Some(directory) = pending.pop() {
            for entry in fs_err::read_dir(directory)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                if metadata.is_dir() {
                    pending.push(entry.path());
                } else if entry.path().components().any(|part| part.as_os_str() == "pack") {
                    bytes += metadata.len();
                }
            }
        }
        Ok(bytes)
    }

    /// Everything that it logged.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(fs_err::read_to_string(self.process()?.log())?)
    }

    /// Its memory now.
    ///
    /// # Errors
    /// If it has ended.
    pub fn memory(&self) -> Result<Memory> {
        self.process()?.memory()
    }

    /// The CPU time that it has used.
    ///
    /// # Errors
    /// If it has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.process()?.cpu_time()
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// If it was never started.
    pub fn outcome(&self) -> Result<Option<ProcessOutcome>> {
        Ok(self.process()?.outcome())
    }

    /// Kills it at once, as a crash would, and waits until it is gone.
    ///
    /// # Errors
    /// If it cannot be signalled.
    pub async fn kill(&self) -> Result<ProcessOutcome> {
        self.end(Signal::KILL, Duration::from_secs(10)).await
    }

    /// Asks it to stop and waits until it has, for at most this long.
    ///
    /// # Errors
    /// If it still runs then.
    pub async fn stop(&self, within: Duration) -> Result<ProcessOutcome> {
        self.end(Signal::TERM, within).await
    }

    /// Asks it to stop, and does not wait.
    ///
    /// # Errors
    /// If it cannot be signalled.
    pub fn terminate(&self) -> Result<()> {
        self.process()?.signal(Signal::TERM)
    }

    /// Waits until it has ended, for at most this long.
    ///
    /// # Errors
    /// If it still runs then.
    pub async fn ended(&self, within: Duration) -> Result<ProcessOutcome> {
        self.process()?.ended(within).await
    }

    /// Waits until its log holds this text.
    ///
    /// # Errors
    /// If it does not within a minute.
    pub async fn logged(&self, text: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.log()?.contains(text) {
            if Instant::now() > deadline {
                bail!("{} did not log '{text}'; {}", self.definition.name, self.process()?.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn end(&self, signal: Signal, within: Duration) -> Result<ProcessOutcome> {
        let process = self.process()?;
        process.signal(signal)?;
        process.ended(within).await
    }
}
