//! The lab with the three controllers of the delivery diagram, a Git host, and a chat that alerts go to.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use flux_lab::{Controller, ControllerProcess, GitRepository, GitServer, Lab, TraceReceiver, WebhookSink};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::announcement::announce_pushes;
use crate::binaries::Binaries;

/// The namespace of the controllers and of the quickstart's Flux objects.
pub const NAMESPACE: &str = "flux-system";

/// How long a controller may take for what takes it a fraction of a second.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything that the diagram needs, running; all of it ends with this value.
#[derive(Debug)]
pub struct Installation {
    /// Downloads and stores sources.
    pub source: ControllerProcess,
    /// Builds and applies them.
    pub kustomize: ControllerProcess,
    /// Tells people, and is told of pushes.
    pub notification: ControllerProcess,
    /// The Git host.
    pub git: GitServer,
    /// The application's repository, bare.
    pub repository: GitRepository,
    /// Where alerts arrive.
    pub chat: WebhookSink,
    /// Where spans arrive.
    pub traces: TraceReceiver,
    /// The control plane.
    pub lab: Arc<Lab>,
    host: Option<JoinHandle<Result<()>>>,
}

impl Installation {
    /// Starts everything, each controller under its own ServiceAccount; `told` hears what is being done.
    ///
    /// # Errors
    /// If a build or a start fails.
    pub async fn start(mut told: impl FnMut(&str)) -> Result<Self> {
        told("building the controllers");
        let binaries = Binaries::build().await?;
        told("starting the control plane");
        let lab = Arc::new(Lab::start().await?);
        let traces = TraceReceiver::start().await?;
        let (git, chat) = (GitServer::start().await?, WebhookSink::start().await?);
        let repository = git.repository("greeter")?;
        told("starting the controllers");
        let endpoint = traces.endpoint();
        let configure = |controller: Controller| controller.traces_to(&endpoint);
        let notification = Controller::notification(binaries.path("notification-controller"));
        let notification = start(&lab, &configure(notification)).await?;
        let source = Controller::source(binaries.path("source-controller")).events_to(&notification);
        let kustomize = Controller::kustomize(binaries.path("kustomize-controller")).events_to(&notification);
        let source = start(&lab, &configure(source)).await?;
        let kustomize = start(&lab, &configure(kustomize)).await?;
        Ok(Self { source, kustomize, notification, git, repository, chat, traces, lab, host: None })
    }

    /// Applies the Flux objects that deliver the repository, waits until its first commit runs, and has the Git host
    /// announce pushes from then on.
    ///
    /// # Errors
    /// If an object is refused or does not become Ready.
    pub async fn deliver(&mut self) -> Result<()> {
        let token = format!("{:032x}", rand::random::<u128>());
        let objects = include_str!("../quickstart/flux.yaml")
            .replace("${GIT_URL}", self.repository.url())
            .replace("${CHAT_URL}", &self.chat.url())
            .replace("${WEBHOOK_TOKEN}", &token);
        self.lab.kubectl(&["apply", "--server-side", "-f", "-"], Some(&objects)).await?;
        let kinds = ["gitrepository", "kustomization", "receiver"];
        for kind in kinds.map(|kind| format!("{kind}/greeter")) {
            let arguments = ["wait", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=60s", &kind];
            if let Err(error) = self.lab.kubectl(&arguments, None).await {
                let state = self.lab.kubectl(&["get", "-n", NAMESPACE, "-o", "yaml", &kind], None).await?;
                return Err(error.context(format!("{kind} did not become Ready:\n{state}")));
            }
        }
        let path = ["get", "-n", NAMESPACE, "receiver/greeter", "-o", "jsonpath={.status.webhookPath}"];
        let path = self.lab.kubectl(&path, None).await?;
        let webhook = format!("{}{path}", self.notification.webhooks_url());
        let requests = self.git.requests().clone();
        self.host = Some(tokio::spawn(announce_pushes(requests, self.traces.endpoint(), webhook)));
        Ok(())
    }

    /// Has the Git host announce no more pushes.
    pub fn silence(&mut self) {
        if let Some(host) = self.host.take() {
            host.abort();
        }
    }

    /// Ends with an error when the Git host could not announce a push; else never.
    ///
    /// # Errors
    /// As said.
    pub async fn host_failure(&mut self) -> Result<()> {
        match &mut self.host {
            Some(host) => host.await.context("the Git host ended")?,
            None => std::future::pending().await,
        }
    }

    /// Waits until the alert arrives that the application's Kustomization is reconciled at this commit.
    ///
    /// # Errors
    /// If none arrives within a minute.
    pub async fn alert(&self, commit: &str) -> Result<serde_json::Value> {
        let arrival = self.chat.requests().wait_for(PATIENCE, |request| {
            let body = request.json();
            let kind = body.pointer("/involvedObject/kind").and_then(serde_json::Value::as_str);
            let reason = body.pointer("/reason").and_then(serde_json::Value::as_str);
            (kind, reason) == (Some("Kustomization"), Some("ReconciliationSucceeded"))
                && body.to_string().contains(commit)
        });
        Ok(arrival.await.context("failed to see the alert")?.json())
    }

    /// The greeting that the running Deployment is configured with, once all its Pods have it.
    ///
    /// # Errors
    /// If the objects are not there.
    pub async fn greeting(&self) -> Result<String> {
        let map = "jsonpath={.spec.template.spec.containers[0].envFrom[0].configMapRef.name}";
        let name = self.lab.kubectl(&["get", "-n", "greeter", "deployment/greeter", "-o", map], None).await?;
        let path = format!("configmap/{name}");
        let arguments = ["get", "-n", "greeter", &path, "-o", "jsonpath={.data.GREETING}"];
        self.lab.kubectl(&arguments, None).await
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(host) = &self.host {
            host.abort();
        }
    }
}

async fn start(lab: &Lab, controller: &Controller) -> Result<ControllerProcess> {
    let account = lab.account(NAMESPACE, controller.name()).await?;
    let started = timeout(PATIENCE, controller.start(lab, &account, NAMESPACE)).await;
    started.with_context(|| format!("{} took too long to start", controller.name()))?
}
