//! What people and their tools see besides a ready artifact.

use flux_lab::{Fault, FaultProxy, SinkAnswer, is_ready, is_ready_at};
use serde_json::{Value, json};

use super::{World, git_repository, says, shown, text};

/// A ready repository behind a proxy.
async fn behind_proxy(world: &World) -> (FaultProxy, Value, Value) {
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let proxy = FaultProxy::start(&world.git.address()).await.expect("a proxy");
    let object = git_repository("app", &format!("http://{}/app.git", proxy.address()), json!({}));
    world.env.apply(&object).await;
    let ready = world.env.eventually(&object, is_ready()).await;
    (proxy, object, ready)
}

#[tokio::test]
async fn the_definition_has_the_columns_and_the_checks_of_flux() {
    let world = World::new().await;
    let (repository, _, _) = world.stored().await;
    let kubectl = async |arguments: &[&str], input: Option<&str>| {
        let all = [arguments, &["-n", world.env.namespace()]].concat();
        world.env.lab().kubectl(&all, input).await
    };
    let shown = kubectl(&["get", "gitrepo"], None).await.expect("a table");
    let header: Vec<&str> = shown.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(header, ["NAME", "URL", "AGE", "READY", "STATUS"]);
    assert!(shown.contains("stored artifact for revision 'main@sha1:"), "{shown}");
    let wrong = [
        (json!({"url": "ftp://host/app"}), "spec.url"),
        (json!({"interval": "1d"}), "spec.interval"),
        (json!({"timeout": "1h"}), "spec.timeout"),
        (json!({"provider": "gitea"}), "spec.provider"),
        (
            json!({"serviceAccountName": "x"}),
            "serviceAccountName can only be set when provider is 'azure' or 'aws'",
        ),
    ];
    for (spec, want) in wrong {
        let object = git_repository("wrong", repository.url(), spec).to_string();
        let refused = kubectl(&["apply", "--server-side", "-f", "-"], Some(&object)).await.expect_err(want);
        assert!(format!("{refused:#}").contains(want), "{refused:#}");
    }
}

#[tokio::test]
async fn a_new_generation_is_visible_while_it_is_processed() {
    let world = World::new().await;
    let (proxy, object, _) = behind_proxy(&world).await;
    proxy.set(Fault::Hang);
    world.env.merge(&object, json!({"spec": {"interval": "2h", "timeout": "10s"}})).await;
    let message = "True Progressing: processing object: new generation 1 -> 2";
    let seen = world.env.eventually(&object, says("Reconciling", message)).await;
    assert_eq!(seen["status"]["observedGeneration"], json!(1));
    proxy.set(Fault::Pass);
    let ready = world.env.eventually(&object, is_ready()).await;
    assert_eq!(ready["status"]["observedGeneration"], json!(2));
}

#[tokio::test]
async fn a_lost_file_is_visible_while_it_is_built_again() {
    let world = World::new().await;
    let (proxy, object, ready) = behind_proxy(&world).await;
    proxy.set(Fault::Hang);
    let file = world.controller.storage().join(text(&ready["status"]["artifact"], "path"));
    fs_err::remove_file(&file).expect("removed");
    world.ask(&object, "lost").await;
    let message = "building artifact: disappeared from storage";
    let seen =
        world.env.eventually(&object, says("Reconciling", &format!("True Progressing: {message}"))).await;
    assert_eq!(shown(&seen, "Ready"), format!("Unknown Progressing: {message}"));
    assert!(seen["status"]["artifact"].is_null());
    proxy.set(Fault::Pass);
    let again = world.env.eventually(&object, is_ready()).await;
    assert_eq!(again["status"]["artifact"]["digest"], ready["status"]["artifact"]["digest"]);
    assert!(file.exists());
}

#[tokio::test]
async fn the_advertised_host_is_taken_as_it_is_and_followed() {
    let mut world = World::new().await;
    let (_, object, before) = world.stored().await;
    for host in ["source-controller.flux-system.svc.cluster.local.", "https://artifacts.example/base"] {
        world.controller.add_flag(format!("--storage-adv-addr={host}"));
        world.controller.restart(world.env.lab()).await.expect("restarted");
        let after = world.reconcile(&object, host).await;
        let (old, new) = (&before["status"]["artifact"], &after["status"]["artifact"]);
        let prefix = if host.contains("://") { host.to_owned() } else { format!("http://{host}") };
        assert_eq!(text(new, "url"), format!("{prefix}/{}", text(old, "path")));
        assert_eq!((&new["digest"], &new["lastUpdateTime"]), (&old["digest"], &old["lastUpdateTime"]));
    }
}

#[tokio::test]
async fn traces_stay_in_the_cluster_and_a_refused_event_is_not_sent_again() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    world
        .events
        .answer_with(SinkAnswer { status: reqwest::StatusCode::TOO_MANY_REQUESTS, ..SinkAnswer::default() });
    let first = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let object = git_repository("app", repository.url(), json!({}));
    world.env.apply(&object).await;
    world.env.eventually(&object, is_ready()).await;
    world.event("NewArtifact").await;
    world.events.answer_with(SinkAnswer::default());
    world.reconcile(&object, "again").await;
    let trace = world.env.event(&object, "GitOperationSucceeded").await;
    assert_eq!(trace.type_.as_deref(), Some("Normal"));
    let revision = format!("main@sha1:{first}");
    let message = format!("no changes since last reconciliation: observed revision '{revision}'");
    assert_eq!(trace.message.as_deref(), Some(message.as_str()));
    // events of one object follow one another: when the next one is there, nothing comes before it any more
    let second = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    world.ask(&object, "push").await;
    world.env.eventually(&object, is_ready_at(&format!("main@sha1:{second}"))).await;
    let received = world.events.requests();
    received.more_than(1).await;
    let told: Vec<Value> = received.all().iter().map(flux_lab::ReceivedRequest::json).collect();
    let told: Vec<(&str, &str)> = told
        .iter()
        .map(|event| (text(event, "reason"), text(&event["metadata"], "source.toolkit.fluxcd.io/revision")))
        .collect();
    let next = format!("main@sha1:{second}");
    assert_eq!(told, [("NewArtifact", revision.as_str()), ("NewArtifact", next.as_str())]);
}

#[tokio::test]
async fn the_duration_of_runs_has_the_buckets_of_flux() {
    let world = World::new().await;
    world.stored().await;
    let namespace = world.env.namespace();
    let labels = format!(r#"kind="GitRepository",name="app",namespace="{namespace}""#);
    let metrics = world.controller.metrics_with(&labels).await.expect("metrics");
    let bounds: Vec<&str> = metrics
        .lines()
        .filter(|line| line.starts_with("gotk_reconcile_duration_seconds_bucket{") && line.contains(&labels))
        .filter_map(|line| line.split("le=\"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(bounds.len(), 11, "{bounds:?}");
    assert_eq!((bounds[0], bounds[9], bounds[10]), ("0.01", "1799.9999999999986", "+Inf"));
    let present =
        ["controller_runtime_reconcile_total", "workqueue_depth", "rest_client_requests_total", "process_"];
    for name in present {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "{name}");
    }
}
