//! Sources and artifacts.

use serde_json::json;

use crate::world::{World, applied, archive, begins, says, set_status, shown, text};

#[tokio::test]
async fn a_source_that_is_not_ready_is_waited_for() {
    let world = World::new().await;
    let app = world.kustomization("app", json!({"path": "../../etc"})).await;
    let missing = "False ArtifactFailed: gitrepositories.source.toolkit.fluxcd.io \"app\" not found";
    let failed = world.env.eventually(&app, says("Ready", missing)).await;
    assert_eq!(shown(&failed, "Stalled"), "");

    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "app"},
        "spec": {"url": "https://git.example/app", "interval": "1h", "ref": {"branch": "main"}},
    });
    world.env.apply(&source).await;
    world.ask(&app, "no artifact").await;
    let empty = "False ArtifactFailed: Source artifact not found, retrying in 30s";
    world.env.eventually(&app, says("Ready", empty)).await;

    let archived = archive(&[("etc/a.yaml", world.config_map("a", "one"))]);
    let gone = json!({"url": format!("{}/gone.tar.gz", world.artifacts.url())});
    world.publish_archive("app", &archived, gone).await;
    let unserved = "False ArtifactFailed: Source is not ready, artifact not found, retrying in 30s";
    world.env.eventually(&app, says("Ready", unserved)).await;
    assert!(world.events_about("app").is_empty());

    // `..` ends at the root of the artifact
    let revision = world.publish_archive("app", &archived, json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;

    world.env.merge(&app, json!({"spec": {"path": "./nowhere"}})).await;
    let lost = "False ArtifactFailed: kustomization path not found: stat /artifact/nowhere: no such file or directory";
    world.env.eventually(&app, says("Ready", lost)).await;
    let next = world.publish_archive("app", &archived, json!({})).await;
    let step =
        format!("True ProgressingWithRetry: Fetching manifests for revision {next} with a timeout of 59m30s");
    let failed = world.env.eventually(&app, says("Reconciling", step)).await;
    assert_eq!(text(&failed["status"], "lastAttemptedRevision"), revision);
    let event = world.event("app", "kustomization path not found: ").await;
    assert_eq!(text(&event, "severity"), "error");
}

#[tokio::test]
async fn an_artifact_that_is_not_what_was_published_is_refused() {
    let world = World::new().await;
    let app = world.kustomization("app", json!({})).await;
    let good = archive(&[("a.yaml", world.config_map("a", "one"))]);
    let digest = format!("sha256:{:064}", 0);
    world.publish_archive("app", &good, json!({"digest": digest})).await;
    let message = format!(
        "False ArtifactFailed: failed to verify archive: computed digest doesn't match provided '{digest}' (check \
         whether file size exceeds max download size)"
    );
    world.env.eventually(&app, says("Ready", message)).await;
    let escaping = archive(&[("../a.yaml", world.config_map("a", "one"))]);
    world.publish_archive("app", &escaping, json!({})).await;
    world
        .env
        .eventually(&app, says("Ready", "False ArtifactFailed: tar contained invalid name error \"..\""))
        .await;
    world.publish_archive("app", b"no archive", json!({})).await;
    world.env.eventually(&app, begins("Ready", "False ArtifactFailed: ")).await;
    assert!(world.live_config_map("a").await.is_none());
    // none of these faults sticks
    let revision = world.publish_archive("app", &good, json!({})).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
}

#[tokio::test]
async fn references_into_other_namespaces_may_be_closed() {
    let world = World::with(|controller| controller.flag("--no-cross-namespace-refs=true")).await;
    let source = json!({"sourceRef": {"kind": "GitRepository", "name": "app", "namespace": "elsewhere"}});
    let app = world.kustomization("app", source).await;
    let message = "can't access 'GitRepository/elsewhere/app', cross-namespace references have been blocked";
    let denied = world.env.eventually(&app, says("Stalled", format!("True AccessDenied: {message}"))).await;
    assert_eq!(shown(&denied, "Ready"), format!("False AccessDenied: {message}"));
    assert_eq!(shown(&denied, "Reconciling"), "");
    let event = world.event("app", message).await;
    assert_eq!((text(&event, "severity"), text(&event, "reason")), ("error", "AccessDenied"));
    // a mended reference ends it
    let revision = world.publish("app", &[("a.yaml", world.config_map("a", "one"))]).await;
    world.env.merge(&app, json!({"spec": {"sourceRef": {"namespace": null}}})).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&revision))).await;
    assert_eq!(shown(&ready, "Stalled"), "");
}

#[tokio::test]
async fn external_artifacts_need_their_gate() {
    let world = World::new().await;
    let reference = json!({"sourceRef": {"kind": "ExternalArtifact", "name": "made"}});
    let app = world.kustomization("app", reference.clone()).await;
    let message = format!(
        "True AccessDenied: can't access 'ExternalArtifact/{}/made', ExternalArtifact feature gate is disabled",
        world.namespace()
    );
    world.env.eventually(&app, says("Stalled", message)).await;

    let world = World::with(|controller| controller.flag("--feature-gates=ExternalArtifact=true")).await;
    let app = world.kustomization("app", reference).await;
    let made = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "ExternalArtifact", "metadata": {"name": "made"},
        "spec": {},
    });
    world.env.apply(&made).await;
    let artifact = world.artifacts.store(&archive(&[("a.yaml", world.config_map("a", "one"))]));
    set_status(&world.env, &made, json!({ "artifact": artifact })).await;
    world.env.eventually(&app, says("Ready", applied(text(&artifact, "revision")))).await;
}
