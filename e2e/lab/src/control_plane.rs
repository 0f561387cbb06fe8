//! The processes of the control plane and how they are told to run.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::Mutex;
use rustix::process::Signal;

use crate::certificates::{Authority, signing_key};
use crate::kubeconfig::{Credentials, kubeconfig};
use crate::lab::Parts;
use crate::ports::Port;
use crate::supervisor::{Command, Process, Supervisor, labs_directory};
use crate::tools::ControlPlaneBinaries;

/// Every request at the level of metadata: what budgets are counted from.
const AUDIT_POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived", "ResponseStarted"],
  "rules": [{"level": "Metadata"}]
}
"#;

/// The running control plane.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    binaries: ControlPlaneBinaries,
    authority: Authority,
    etcd: Process,
    etcd_port: Port,
    _peer_port: Port,
    api_server: Mutex<Process>,
    api_port: Port,
    others: Vec<(Port, Process)>,
    directory: PathBuf,
    // The last field: the directory goes after the processes.
    supervisor: Supervisor,
}

impl ControlPlane {
    /// Starts the parts and waits until the API server is ready.
    pub(crate) async fn start(binaries: ControlPlaneBinaries, parts: Parts) -> Result<Self> {
        let supervisor = Supervisor::start()?;
        let directory = supervisor.directory().to_path_buf();
        let authority = Authority::new("lab")?;
        let (api_port, etcd_port, peer_port) = (reserve()?, reserve()?, reserve()?);
        write_files(&directory, &authority, api_port.number())?;
        let etcd = start_etcd(&supervisor, &binaries, [&etcd_port, &peer_port])?;
        let mut api_server_command = api_server(&binaries, &directory, &etcd_port, &api_port);
        let api_server = Mutex::new(supervisor.spawn("kube-apiserver", &mut api_server_command)?);
        let mut plane = Self {
            binaries,
            authority,
            etcd,
            etcd_port,
            _peer_port: peer_port,
            api_server,
            api_port,
            others: Vec::new(),
            directory,
            supervisor,
        };
        plane.await_api_server().await?;
        plane.start_others(parts)?;
        Ok(plane)
    }

    fn start_others(&mut self, parts: Parts) -> Result<()> {
        let names: &[&str] = match parts {
            Parts::ApiServer => &[],
            Parts::Controllers => &["kube-controller-manager"],
            Parts::All => &["kube-controller-manager", "kube-scheduler", "kwok"],
        };
        for name in names {
            let port = reserve()?;
            let mut command = Command::new(self.binaries.path(name));
            command
                .arg(format!("--kubeconfig={}", self.directory.join(format!("{name}.kubeconfig")).display()));
            match *name {
                "kube-controller-manager" => controller_manager(&mut command, &self.directory, &port),
                "kube-scheduler" => scheduler(&mut command, &port),
                _ => kwok(&mut command, &self.binaries, &port),
            }
            let process = self.supervisor.spawn(name, &mut command)?;
            self.others.push((port, process));
        }
        Ok(())
    }

    pub(crate) fn binaries(&self) -> &ControlPlaneBinaries {
        &self.binaries
    }

    pub(crate) fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The address of the API server.
    pub(crate) fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port.number())
    }

    pub(crate) fn admin_kubeconfig(&self) -> PathBuf {
        self.directory.join("admin.kubeconfig")
    }

    /// Stops the API server at once, as a crash would.
    pub(crate) async fn stop_api_server(&self) -> Result<()> {
        self.api_server.lock().signal(Signal::KILL)?;
        loop {
            if self.api_server.lock().outcome().is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Starts a stopped API server again, on its old port and data.
    pub(crate) async fn start_api_server(&self) -> Result<()> {
        ensure!(self.api_server.lock().outcome().is_some(), "failed to start the API server: it is running");
        let mut command = api_server(&self.binaries, &self.directory, &self.etcd_port, &self.api_port);
        let process = self.supervisor.spawn("kube-apiserver", &mut command)?;
        *self.api_server.lock() = process;
        self.await_api_server().await
    }

    /// The CPU time of each process of the control plane, by name.
    pub(crate) fn cpu_times(&self) -> Result<Vec<(String, Duration)>> {
        let mut times = vec![("etcd".to_owned(), self.etcd.cpu_time()?)];
        times.push(("kube-apiserver".to_owned(), self.api_server.lock().cpu_time()?));
        for (_, process) in &self.others {
            let name = process.log().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            times.push((name, process.cpu_time()?));
        }
        Ok(times)
    }

    /// The processes that serve profiles, by name, with their addresses.
    pub(crate) fn profiled(&self) -> Vec<(String, String)> {
        let name =
            |process: &Process| process.log().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut processes = vec![
            ("kube-apiserver".to_owned(), self.server()),
            ("etcd".to_owned(), format!("http://127.0.0.1:{}", self.etcd_port.number())),
        ];
        let manager = self.others.iter().find(|(_, process)| name(process) == "kube-controller-manager");
        if let Some((port, process)) = manager {
            processes.push((name(process), format!("https://127.0.0.1:{}", port.number())));
        }
        processes
    }

    async fn await_api_server(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(2);
        let certificate = reqwest::Certificate::from_pem(self.authority.pem().as_bytes())?;
        let client = reqwest::Client::builder()
            .tls_certs_only([certificate])
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()
            .context("failed to build the probing client")?;
        let url = format!("{}/readyz", self.server());
        loop {
            let ready = client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success());
            if ready {
                return Ok(());
            }
            if self.api_server.lock().outcome().is_some() || Instant::now() > deadline {
                bail!("the API server did not become ready; {}", self.api_server.lock().log_tail());
            }
            if self.etcd.outcome().is_some() {
                bail!("etcd ended; {}", self.etcd.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn reserve() -> Result<Port> {
    Port::reserve(&labs_directory().with_extension("ports"))
}

/// Certificates, kubeconfigs and policies, readable by the owner's processes only through the directory's place.
fn write_files(directory: &Path, authority: &Authority, api_port: u16) -> Result<()> {
    let write = |name: &str, text: &str| fs_err::write(directory.join(name), text);
    write("ca.crt", &authority.pem())?;
    let names = [
        "localhost",
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
    ];
    let serving = authority.server(&names)?;
    write("apiserver.crt", &serving.certificate)?;
    write("apiserver.key", &serving.key)?;
    let (private, public) = signing_key()?;
    write("service-accounts.key", &private)?;
    write("service-accounts.pub", &public)?;
    write("audit-policy.json", AUDIT_POLICY)?;
    let server = format!("https://127.0.0.1:{api_port}");
    let users: [(&str, &str, &[&str]); 4] = [
        ("admin", "lab-admin", &["system:masters"]),
        ("kube-controller-manager", "system:kube-controller-manager", &[]),
        ("kube-scheduler", "system:kube-scheduler", &[]),
        ("kwok", "lab-kwok", &["system:masters"]),
    ];
    for (name, user, groups) in users {
        let certificate = authority.client(user, groups)?;
        let text = kubeconfig(&server, &authority.pem(), &Credentials::Certificate(&certificate));
        write(&format!("{name}.kubeconfig"), &text)?;
    }
    Ok(())
}

fn start_etcd(
    supervisor: &Supervisor,
    binaries: &ControlPlaneBinaries,
    ports: [&Port; 2],
) -> Result<Process> {
    let [url, peer] = ports.map(|port| format!("http://127.0.0.1:{}", port.number()));
    let mut command = Command::new(binaries.path("etcd"));
    command
        .arg("--data-dir")
        .arg(supervisor.directory().join("etcd"))
        .arg(format!("--listen-client-urls={url}"))
        .arg(format!("--advertise-client-urls={url}"))
        .arg(format!("--listen-peer-urls={peer}"))
        .arg(format!("--initial-advertise-peer-urls={peer}"))
        .arg(format!("--initial-cluster=default={peer}"))
        .args(["--unsafe-no-fsync", "--log-level=warn", "--enable-pprof", "--quota-backend-bytes=8589934592"])
        .args(["--auto-compaction-mode=periodic", "--auto-compaction-retention=5m"]);
    supervisor.spawn("etcd", &mut command)
}

fn api_server(binaries: &ControlPlaneBinaries, directory: &Path, etcd: &Port, port: &Port) -> Command {
    let mut command = Command::new(binaries.path("kube-apiserver"));
    let file = |name: &str| directory.join(name).display().to_string();
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{}", etcd.number()))
        .args([
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
        ])
        .arg(format!("--secure-port={}", port.number()))
        .arg(format!("--tls-cert-file={}", file("apiserver.crt")))
        .arg(format!("--tls-private-key-file={}", file("apiserver.key")))
        .arg(format!("--client-ca-file={}", file("ca.crt")))
        .arg(format!("--cert-dir={}", file("apiserver")))
        .args([
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/16",
        ])
        .arg(format!("--service-account-key-file={}", file("service-accounts.pub")))
        .arg(format!("--service-account-signing-key-file={}", file("service-accounts.key")))
        .args(["--authorization-mode=Node,RBAC", "--allow-privileged=true"])
        .arg(format!("--audit-policy-file={}", file("audit-policy.json")))
        .arg(format!("--audit-log-path={}", file("audit.log")));
    command
}

fn controller_manager(command: &mut Command, directory: &Path, port: &Port) {
    let file = |name: &str| directory.join(name).display().to_string();
    command
        .arg(format!("--secure-port={}", port.number()))
        .arg("--bind-address=127.0.0.1")
        // the certificates let an administrator in, for profiles
        .arg(format!("--client-ca-file={}", file("ca.crt")))
        .arg(format!("--tls-cert-file={}", file("apiserver.crt")))
        .arg(format!("--tls-private-key-file={}", file("apiserver.key")))
        .arg(format!("--service-account-private-key-file={}", file("service-accounts.key")))
        .arg(format!("--root-ca-file={}", file("ca.crt")))
        .args(["--use-service-account-credentials=true", "--leader-elect=false"])
        // kwok's nodes never fail, and the default request rate would be what a benchmark measures.
        .args(["--controllers=*,-node-lifecycle-controller,-taint-eviction-controller,-node-ipam-controller"])
        .args(["--kube-api-qps=1000", "--kube-api-burst=2000"]);
}

fn scheduler(command: &mut Command, port: &Port) {
    command
        .arg(format!("--secure-port={}", port.number()))
        .args(["--bind-address=127.0.0.1", "--leader-elect=false", "--profiling=false"])
        .args(["--kube-api-qps=1000", "--kube-api-burst=2000"]);
}

fn kwok(command: &mut Command, binaries: &ControlPlaneBinaries, port: &Port) {
    command
        .arg("--config")
        .arg(binaries.path("stages.yaml"))
        .args(["--manage-all-nodes=true", "--node-lease-duration-seconds=0", "--cidr=10.244.0.0/16"])
        .arg(format!("--server-address=127.0.0.1:{}", port.number()));
}
