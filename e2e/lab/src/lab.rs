//! A running lab: the control plane, its CRDs, roles and node.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::accounts::Account;
use crate::audit::{AuditEntry, AuditMark};
use crate::control_plane::ControlPlane;
use crate::supervisor::{Command, Supervisor};
use crate::tools::{ControlPlaneBinaries, repository_root};

/// How much of a control plane to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parts {
    /// etcd and kube-apiserver: enough where nothing has to become ready. There are no default ServiceAccounts, and
    /// deleted namespaces stay.
    ApiServer,
    /// And kube-controller-manager.
    Controllers,
    /// And kube-scheduler and kwok with one node: Deployments become ready and Jobs complete, in about a second.
    #[default]
    All,
}

/// What a lab is started with.
#[derive(Debug, Clone, Copy, Default)]
pub struct LabOptions {
    /// The processes to run.
    pub parts: Parts,
}

/// A control plane with this repository's CRDs and roles. Everything ends when the value, or its process, does.
#[derive(Debug)]
pub struct Lab {
    plane: ControlPlane,
}

impl Lab {
    /// Starts a lab of all parts; the programs are built first where the user's cache has none.
    ///
    /// # Errors
    /// If the build, a process or the API server fails; the message holds the end of the failing log.
    pub async fn start() -> Result<Self> {
        Self::start_with(LabOptions::default()).await
    }

    /// Starts a lab of chosen parts.
    ///
    /// # Errors
    /// As [`Lab::start`].
    pub async fn start_with(options: LabOptions) -> Result<Self> {
        install_crypto();
        let binaries = tokio::task::spawn_blocking(ControlPlaneBinaries::locate).await??;
        let lab = Self { plane: ControlPlane::start(binaries, options.parts).await? };
        lab.install().await?;
        if options.parts == Parts::All {
            lab.kubectl(&["apply", "--server-side", "-f", "-"], Some(NODE)).await?;
            // Admission marks a new node as not ready, and no controller that could take the mark away runs.
            lab.kubectl(
                &["patch", "node", "kwok", "--type=merge", "--patch={\"spec\":{\"taints\":null}}"],
                None,
            )
            .await?;
        }
        Ok(lab)
    }

    /// The lab of all parts that this process's tests share; started by the first caller, ended with the process.
    ///
    /// # Errors
    /// As [`Lab::start`]; the failure is remembered.
    pub async fn shared() -> Result<Arc<Self>> {
        static SHARED: OnceLock<Result<Arc<Lab>, String>> = OnceLock::new();
        // On a thread of its own: the caller's runtime may end long before the lab does.
        let start = || {
            SHARED.get_or_init(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let lab =
                    runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(Self::start()));
                lab.map(Arc::new).map_err(|error| format!("{error:#}"))
            })
        };
        let lab = tokio::task::spawn_blocking(move || start().clone()).await?;
        lab.map_err(|message| anyhow!(message).context("failed to start the shared lab"))
    }

    /// A client of the cluster's administrator.
    ///
    /// # Errors
    /// If the kubeconfig cannot be read.
    pub async fn admin(&self) -> Result<Client> {
        client_from(&self.admin_kubeconfig()).await
    }

    /// The administrator's kubeconfig: what a person may set KUBECONFIG to.
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.plane.admin_kubeconfig()
    }

    /// The API server's address.
    pub fn server(&self) -> String {
        self.plane.server()
    }

    /// The lab's directory: it holds the logs, `audit.log` and the kubeconfigs, and is removed at the end.
    pub fn directory(&self) -> &Path {
        self.plane.directory()
    }

    /// The programs of the control plane, `kubectl` among them.
    pub fn binaries(&self) -> &ControlPlaneBinaries {
        self.plane.binaries()
    }

    /// Makes a ServiceAccount, and a kubeconfig with a token for it (`TokenRequest`).
    ///
    /// # Errors
    /// If the API server refuses.
    pub async fn account(&self, namespace: &str, name: &str) -> Result<Account> {
        Account::create(self, namespace, name).await
    }

    /// A kubeconfig for the API server at this URL and a token file, which is read again when it changes.
    pub(crate) fn kubeconfig_for_token(&self, server: &str, token_file: &Path) -> String {
        let token_file = token_file.display().to_string();
        let credentials = crate::kubeconfig::Credentials::TokenFile(&token_file);
        crate::kubeconfig::kubeconfig(server, &self.plane.authority().pem(), &credentials)
    }

    /// Runs kubectl as administrator and gives what it printed.
    ///
    /// # Errors
    /// If it fails: its standard error is the message.
    pub async fn kubectl(&self, arguments: &[&str], input: Option<&str>) -> Result<String> {
        let kubectl = self.plane.binaries().path("kubectl");
        run(&kubectl, &self.admin_kubeconfig(), arguments, input).await
    }

    /// Where the audit log ends now.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn audit_mark(&self) -> Result<AuditMark> {
        AuditMark::end_of(&self.audit_log())
    }

    /// The requests that the API server has answered since the mark.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn audit_since(&self, mark: AuditMark) -> Result<Vec<AuditEntry>> {
        mark.entries(&self.audit_log())
    }

    fn audit_log(&self) -> PathBuf {
        self.plane.directory().join("audit.log")
    }

    /// The CPU time that each process of the control plane has used, by its name.
    ///
    /// # Errors
    /// If a process has ended.
    pub fn cpu_times(&self) -> Result<Vec<(String, Duration)>> {
        self.plane.cpu_times()
    }

    /// The CPU profile of API server, etcd and controller-manager by their names, over this time in whole seconds, as
    /// `go tool pprof` reads it.
    ///
    /// # Errors
    /// If a process does not answer, or is being profiled already.
    pub async fn profiles(&self, time: Duration) -> Result<Vec<(String, bytes::Bytes)>> {
        crate::profiles::profiles(&self.plane, time).await
    }

    /// Kills the API server; its data stays in etcd.
    ///
    /// # Errors
    /// If it cannot be signalled.
    pub async fn stop_api_server(&self) -> Result<()> {
        self.plane.stop_api_server().await
    }

    /// Starts the API server again after [`Lab::stop_api_server`], at the same address.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn start_api_server(&self) -> Result<()> {
        self.plane.start_api_server().await
    }

    pub(crate) fn supervisor(&self) -> &Supervisor {
        self.plane.supervisor()
    }

    /// Applies the plain YAML of `charts`: CRDs first, awaited until Established, then roles and flow schemas.
    async fn install(&self) -> Result<()> {
        let charts = repository_root().join("charts");
        let definitions = charts.join("crds");
        if has_yaml(&definitions) {
            let path = definitions.display().to_string();
            self.kubectl(&["apply", "--server-side", "-f", &path], None)
                .await
                .context("failed to apply the CRDs")?;
            let wait = ["wait", "--for=condition=Established", "--timeout=60s", "-f", &path];
            self.kubectl(&wait, None).await.context("failed to wait for the CRDs")?;
        }
        let plain = charts.join("rbac");
        let path = plain.display().to_string();
        self.kubectl(&["apply", "--server-side", "-f", &path], None)
            .await
            .context("failed to apply the roles")?;
        Ok(())
    }
}

/// The node that kwok plays.
const NODE: &str = r#"{
  "apiVersion": "v1",
  "kind": "Node",
  "metadata": {"name": "kwok", "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"kubernetes.io/os": "linux"}},
  "status": {
    "allocatable": {"cpu": "10000", "memory": "10Ti", "pods": "100000"},
    "capacity": {"cpu": "10000", "memory": "10Ti", "pods": "100000"}
  }
}
"#;

fn has_yaml(directory: &Path) -> bool {
    let Ok(entries) = fs_err::read_dir(directory) else { return false };
    entries
        .filter_map(Result::ok)
        .any(|entry| entry.path().extension().is_some_and(|suffix| suffix == "yaml"))
}

/// Chooses aws-lc for TLS, as the controllers' mains do; a second call changes nothing.
pub(crate) fn install_crypto() {
    // The error says that a provider is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A client for the kubeconfig at this path.
pub(crate) async fn client_from(path: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(path).context("failed to read the kubeconfig")?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

async fn run(program: &Path, kubeconfig: &Path, arguments: &[&str], input: Option<&str>) -> Result<String> {
    use std::io::Write as _;
    let mut command = Command::new(program);
    command.env("KUBECONFIG", kubeconfig).args(arguments);
    let input = input.map(str::to_owned);
    let shown =
        format!("{} {}", program.file_name().unwrap_or_default().to_string_lossy(), arguments.join(" "));
    let output = tokio::task::spawn_blocking(move || {
        let stdin = if input.is_some() { std::process::Stdio::piped() } else { std::process::Stdio::null() };
        let mut child = command
            .stdin(stdin)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()?;
        if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
            pipe.write_all(text.as_bytes())?;
        }
        child.wait_with_output()
    })
    .await?
    .with_context(|| format!("failed to run {shown}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{shown} failed: {}", errors.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
