//! Starting the controller: flags, probes, leadership, what it looks at.

use flux_lab::{ObjectKey, refused_start};
use serde_json::json;

use crate::world::{World, applied, says};

/// Starts the controller with flags that it must refuse; gives its status and what it printed.
fn refused(flags: &[&str]) -> (Option<i32>, String) {
    refused_start(env!("CARGO_BIN_EXE_kustomize-controller"), flags).expect("an exit")
}

#[test]
fn wrong_settings_end_the_start() {
    let (status, printed) = refused(&["--feature-gates=Nonsense=true"]);
    assert_eq!(status, Some(1));
    assert!(printed.contains("feature-gate 'Nonsense' not supported"), "{printed}");
    for flag in ["--default-decryption-service-account=x", "--default-kubeconfig-service-account=x"] {
        let (status, printed) = refused(&[flag]);
        assert_eq!(status, Some(1), "{flag}");
        assert!(printed.contains("ObjectLevelWorkloadIdentity"), "{printed}");
    }
    for flag in ["--interval-jitter-percentage=100", "--no-such-flag"] {
        let (status, printed) = refused(&[flag]);
        assert_ne!(status, Some(0), "{flag}: {printed}");
    }
}

#[tokio::test]
async fn a_shard_has_its_own_lease_and_sees_its_own_objects() {
    let world = World::with(|controller| {
        controller
            .flag("--watch-label-selector=sharding.fluxcd.io/key=one")
            .flag("--enable-leader-election")
            .flag("--leader-election-lease-duration=3s")
            .flag("--leader-election-renew-deadline=2s")
            .flag("--leader-election-retry-period=500ms")
    })
    .await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let foreign = world.kustomization("foreign", json!({})).await;
    let mut own = crate::world::kustomization("own", json!({}));
    own["metadata"]["labels"] = json!({"sharding.fluxcd.io/key": "one"});
    world.env.apply(&own).await;
    world.env.eventually(&own, says("Ready", applied(&revision))).await;
    let foreign = world.env.get(&ObjectKey::of(&foreign).unwrap()).await.unwrap();
    assert!(foreign["status"].get("conditions").is_none() && foreign["metadata"].get("finalizers").is_none());

    // first eight digits of the SHA-256 of the selector
    let lease =
        ObjectKey::new("coordination.k8s.io/v1", "Lease", "kustomize-controller-leader-election-3bbc7129");
    assert!(world.env.get(&lease).await.is_some());
    for path in ["healthz", "readyz"] {
        let url = format!("http://{}/{path}", world.controller.health_address());
        assert!(reqwest::get(url).await.unwrap().status().is_success(), "{path}");
    }
}

#[tokio::test]
async fn only_the_own_namespace_is_looked_at() {
    let world = World::new().await;
    let other = flux_lab::Env::start().await;
    let foreign = other.apply(&crate::world::kustomization("app", json!({}))).await;
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    let app = world.kustomization("app", json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let foreign = world.env.get(&ObjectKey::of(&foreign).unwrap()).await.unwrap();
    assert!(foreign["metadata"].get("finalizers").is_none());
}
