//! Delivery: from `git push` to running objects and an alert, proved from spans and from outside.

use std::time::{Duration, Instant};

use flux_e2e::{Installation, NAMESPACE, STEPS, WorkTree, follow};
use flux_lab::AuditEntry;

#[tokio::test]
async fn push_becomes_running_objects_and_an_alert() {
    let mut installation = Installation::start(|_| ()).await.expect("installation");
    let directory = installation.lab.directory().join("work");
    let tree = WorkTree::create(directory, installation.repository.url()).await.expect("first push");
    installation.deliver().await.expect("first delivery");
    assert_eq!(installation.greeting().await.expect("greeting"), "Hello, world");

    let (from, mark) = (installation.traces.spans().len(), installation.lab.audit_mark().expect("audit log"));
    tree.write("production/settings.env", "GREETING=Good evening\n").expect("change");
    let commit = tree.push("Greet").await.expect("second push");
    let seen =
        follow(installation.traces.spans(), from, Duration::from_mins(1), |_| ()).await.expect("every step");
    assert_eq!(seen.len(), STEPS.len());

    // Order is total inside a controller, and across them where one tells the other.
    for pair in seen[1..5].windows(2).chain(seen[5..12].windows(2)) {
        assert!(pair[0].started <= pair[1].started, "{} before {}", pair[0].step.name, pair[1].step.name);
    }
    assert!(seen[3].started <= seen[5].started, "a status tells of a revision before anybody hears of it");
    assert!(seen[11].started <= seen[12].started, "an event is emitted before it is alerted");
    assert!(seen.iter().all(|step| !step.span.failed));

    // a webhook's trace is another one than the rollout's, and the run that it set off links to it
    let spans = installation.traces.spans().after(from);
    let webhook = spans.iter().find(|span| span.name == "receive webhook").expect("the webhook");
    let mut runs =
        spans.iter().filter(|span| span.name == "reconcile" && span.service == "source-controller");
    assert!(runs.any(|run| run.links.contains(&webhook.trace_id)), "{spans:#?}");

    let alert = installation.alert(&commit).await.expect("alert");
    assert_eq!(alert["involvedObject"]["name"], "greeter");
    assert_eq!(alert["severity"], "info");
    assert_eq!(alert["reason"], "ReconciliationSucceeded");
    assert_eq!(alert["reportingController"], "kustomize-controller");
    assert!(alert["message"].as_str().is_some_and(|text| text.starts_with("Reconciliation finished in ")));
    let stored = installation.chat.requests().wait_for(Duration::from_mins(1), |request| {
        let body = request.json();
        body["reason"] == "NewArtifact" && body["metadata"]["revision"] == alert["metadata"]["revision"]
    });
    let stored = stored.await.expect("the source's alert").json();
    assert_eq!(stored["message"], "stored artifact for commit 'Greet'");
    assert_eq!(stored["involvedObject"]["kind"], "GitRepository");
    assert!(alert["metadata"]["revision"].as_str().is_some_and(|revision| revision.ends_with(&commit)));
    assert_eq!(installation.greeting().await.expect("greeting"), "Good evening");

    let applied =
        ["get", "-n", NAMESPACE, "kustomization/greeter", "-o", "jsonpath={.status.lastAppliedRevision}"];
    let applied = installation.lab.kubectl(&applied, None).await.expect("status");
    assert_eq!(applied, format!("main@sha1:{commit}"));
    let maps = [
        "get",
        "-n",
        "greeter",
        "configmaps",
        "-o",
        "name",
        "-l",
        "kustomize.toolkit.fluxcd.io/name=greeter",
    ];
    let maps = installation.lab.kubectl(&maps, None).await.expect("list");
    assert_eq!(maps.lines().count(), 1, "the replaced ConfigMap is pruned: {maps}");

    let inventory = "jsonpath={.status.inventory.entries[*].id}";
    let inventory = ["get", "-n", NAMESPACE, "kustomization/greeter", "-o", inventory];
    let inventory = installation.lab.kubectl(&inventory, None).await.expect("status");
    let mut kinds: Vec<_> = inventory.split(' ').filter_map(|id| id.rsplit('_').next()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["ConfigMap", "Deployment", "Namespace", "Service"]);
    for event in [
        "source-controller GitRepository Normal NewArtifact",
        "kustomize-controller Kustomization Normal ReconciliationSucceeded",
    ] {
        assert_event(&installation, event).await;
    }

    let requests = installation.lab.audit_since(mark).expect("audit log");
    assert_every_controller_is_itself(&requests);
}

/// Waits until Kubernetes has this Event: the controllers do not wait for their Events to be stored.
async fn assert_event(installation: &Installation, event: &str) {
    let columns = "custom-columns=A:.source.component,B:.involvedObject.kind,C:.type,D:.reason";
    let arguments = ["get", "events", "-n", NAMESPACE, "--no-headers", "-o", columns];
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let events = installation.lab.kubectl(&arguments, None).await.expect("events");
        if events.lines().any(|line| line.split_whitespace().eq(event.split(' '))) {
            return;
        }
        assert!(Instant::now() < deadline, "no event '{event}' among\n{events}");
    }
}

/// Controllers act under their own accounts, and are refused nothing.
fn assert_every_controller_is_itself(requests: &[AuditEntry]) {
    let prefix = format!("system:serviceaccount:{NAMESPACE}:");
    for controller in ["source-controller", "kustomize-controller", "notification-controller"] {
        let own = requests.iter().filter(|request| request.user.strip_prefix(&prefix) == Some(controller));
        let refused: Vec<_> = own.clone().filter(|request| request.code == 403).collect();
        assert!(refused.is_empty(), "{controller} was refused {refused:?}");
        assert!(own.count() > 0, "{controller} made no request");
    }
}
