//! The lab, the three controllers and a Git host, without traces.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use flux_e2e::{Binaries, NAMESPACE};
use flux_lab::{Controller, ControllerProcess, GitRepository, GitServer, Lab, LabOptions, Parts};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::application::namespace;
use crate::watching::Watching;

/// Creations at a time.
const CREATIONS: usize = 16;

/// What runs while something is measured; it ends with this value.
pub(crate) struct Stage {
    pub(crate) source: ControllerProcess,
    pub(crate) kustomize: ControllerProcess,
    pub(crate) notification: ControllerProcess,
    pub(crate) git: GitServer,
    pub(crate) client: Client,
    pub(crate) lab: Arc<Lab>,
}

impl Stage {
    /// Starts everything, each controller under its own account, as an installation does. Flux's own
    /// kustomize-controller gets as many workers as its users give it for large fleets; ours needs no such flag.
    pub(crate) async fn start(binaries: &Binaries, parts: Parts) -> Result<Self> {
        let lab = Arc::new(Lab::start_with(LabOptions { parts }).await?);
        let git = GitServer::start().await?;
        let notification = Controller::notification(binaries.path("notification-controller"));
        let notification = start(&lab, &notification).await?;
        let source = Controller::source(binaries.path("source-controller")).events_to(&notification);
        let source = start(&lab, &source).await?;
        let kustomize = Controller::kustomize(binaries.path("kustomize-controller")).events_to(&notification);
        let kustomize = if binaries.are_upstream() { kustomize.flag("--concurrent=20") } else { kustomize };
        let kustomize = start(&lab, &kustomize).await?;
        let client = lab.admin().await?;
        Ok(Self { source, kustomize, notification, git, client, lab })
    }

    /// The controllers.
    pub(crate) fn controllers(&self) -> [(&'static str, &ControllerProcess); 3] {
        [
            ("source-controller", &self.source),
            ("kustomize-controller", &self.kustomize),
            ("notification-controller", &self.notification),
        ]
    }

    /// Creates an object of any kind.
    pub(crate) async fn create(&self, object: &Value) -> Result<()> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("/apiVersion"), text("/kind"));
        let api = self.api(api_version, kind, text("/metadata/namespace"));
        let typed: DynamicObject = serde_json::from_value(object.clone())?;
        let created = api.create(&PostParams::default(), &typed).await;
        created.with_context(|| format!("failed to create {kind} {}", text("/metadata/name")))?;
        Ok(())
    }

    /// Creates objects, several at a time.
    pub(crate) async fn create_all(&self, objects: Vec<Value>) -> Result<()> {
        let creations = objects.into_iter().map(|object| async move { self.create(&object).await });
        stream::iter(creations).buffer_unordered(CREATIONS).try_collect().await
    }

    /// Creates namespaces, and waits until the control plane has filled them.
    pub(crate) async fn create_namespaces(&self, names: &[String]) -> Result<()> {
        self.create_all(names.iter().map(|name| namespace(name)).collect()).await?;
        for (kind, name) in [("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")] {
            let api = self.api("v1", kind, "");
            let selector = ListParams::default().fields(&format!("metadata.name={name}"));
            loop {
                let seen = api.list_metadata(&selector).await?.items;
                let filled = seen.iter().filter_map(|object| object.metadata.namespace.as_ref());
                if filled.filter(|namespace| names.contains(namespace)).count() == names.len() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Ok(())
    }

    /// Asks for a reconciliation, as a person does.
    pub(crate) async fn request(&self, api_version: &str, kind: &str, name: &str) -> Result<()> {
        let now = format!("{:?}", std::time::SystemTime::now());
        let change = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now}}});
        let api = self.api(api_version, kind, NAMESPACE);
        api.patch(name, &PatchParams::default(), &Patch::Merge(&change)).await?;
        Ok(())
    }

    /// Follows the `GitRepositories` of the controllers' namespace.
    pub(crate) async fn watch_sources(&self) -> Result<Watching> {
        Watching::start(self.api("source.toolkit.fluxcd.io/v1", "GitRepository", NAMESPACE)).await
    }

    /// Follows the Kustomizations of the controllers' namespace.
    pub(crate) async fn watch_kustomizations(&self) -> Result<Watching> {
        Watching::start(self.api("kustomize.toolkit.fluxcd.io/v1", "Kustomization", NAMESPACE)).await
    }

    /// Objects of a kind in a namespace, or everywhere.
    pub(crate) fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        if namespace.is_empty() {
            return Api::all_with(self.client.clone(), &resource);
        }
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }
}

/// Commits files to the branch `main`; gives the revision that the controllers will show.
pub(crate) fn commit(repository: &GitRepository, files: &[(String, String)]) -> Result<String> {
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Ok(format!("main@sha1:{}", repository.commit("main", &files)?))
}

async fn start(lab: &Lab, controller: &Controller) -> Result<ControllerProcess> {
    let account = lab.account(NAMESPACE, controller.name()).await?;
    controller.start(lab, &account, NAMESPACE).await
}
