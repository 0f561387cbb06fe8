//! What the tests stand on: a namespace, a client of the crate's own kind, and shorthands.

use flux_apply::apply::{ApiVersions, Applier, Check, Desired, Force, Interest, Settings};
use flux_apply::change::ChangeSet;
use flux_apply::epoch::Epochs;
use flux_apply::error::StageError;
use flux_apply::proof::Proofs;
use flux_kube::{Access, Cluster, Options, Target};
use flux_lab::{Env, ObjectKey};
use serde_json::{Value, json};

pub(crate) struct Fixture {
    pub(crate) env: Env,
    pub(crate) target: Target,
    pub(crate) proofs: Proofs,
    pub(crate) epochs: Epochs,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        let env = Env::start().await;
        let kubeconfig = env.lab().admin_kubeconfig();
        let config = Access::infer(kubeconfig.to_str()).config().await.unwrap();
        let cluster = Cluster::connect(config, Options { user_agent: "test".into(), metrics: None }).unwrap();
        let epochs = Epochs::watch(cluster.clone());
        Self { env, target: cluster.controller(), proofs: Proofs::default(), epochs }
    }

    pub(crate) async fn apply(&self, objects: &[Value]) -> Result<ChangeSet, StageError> {
        self.apply_with(&settings(Force::OnRequest), Check::Full, objects).await
    }

    pub(crate) async fn apply_with(
        &self,
        settings: &Settings,
        check: Check,
        objects: &[Value],
    ) -> Result<ChangeSet, StageError> {
        let (target, proofs, epoch) = (&self.target, &self.proofs, self.epochs.now().await);
        let applier = Applier { target, settings, proofs, check, epoch };
        applier
            .apply_stage(objects.iter().map(|object| Desired::new(object.clone()).unwrap()).collect())
            .await
    }

    /// A ConfigMap of the test's namespace with the owner's labels.
    pub(crate) fn config_map(&self, name: &str, value: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": name, "namespace": self.env.namespace(),
                "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "app",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                },
            },
            "data": {"key": value},
        })
    }

    pub(crate) async fn live(&self, kind: &str, name: &str) -> Option<Value> {
        self.env.get(&ObjectKey::new("v1", kind, name)).await
    }
}

pub(crate) fn settings(force: Force) -> Settings {
    Settings {
        force,
        overridden_managers: Vec::new(),
        ignore: Vec::new(),
        concurrency: 4,
        api_versions: ApiVersions::Keep,
        interest: Interest::Identity,
        selector: "kustomize.toolkit.fluxcd.io/name=app".into(),
    }
}

pub(crate) fn actions(changes: &ChangeSet) -> Vec<&'static str> {
    changes.iter().map(|change| change.action.as_str()).collect()
}
