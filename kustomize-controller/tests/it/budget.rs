//! How many requests a Kustomization of four objects costs, counted in the API server's audit log.

use std::time::Duration;

use flux_api::GoDuration;
use flux_lab::{AuditEntry, AuditMark, Condition};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::{World, applied, says, shown};

/// Deployment at zero replicas, ServiceAccount, headless Service, Ingress.
fn application(namespace: &str, image: &str) -> Vec<(&'static str, String)> {
    let metadata = format!("metadata: {{name: web, namespace: {namespace}}}");
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\n{metadata}\nspec:\n  replicas: 0\n  selector: {{matchLabels: {{app: \
         web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{serviceAccountName: web, containers: \
         [{{name: web, image: '{image}', ports: [{{containerPort: 80}}]}}]}}\n"
    );
    let service = format!(
        "apiVersion: v1\nkind: Service\n{metadata}\nspec: {{clusterIP: None, selector: {{app: web}}, ports: [{{port: 80}}]}}\n"
    );
    let ingress = format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\n{metadata}\nspec: {{rules: [{{host: web.example, http: {{paths: \
         [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]}}\n"
    );
    let account = format!("apiVersion: v1\nkind: ServiceAccount\n{metadata}\n");
    vec![
        ("deployment.yaml", deployment),
        ("account.yaml", account),
        ("service.yaml", service),
        ("ingress.yaml", ingress),
    ]
}

/// The requests of the controller and of the accounts it impersonates, but for watches and leases. Waits until so many
/// Events were sent and statuses written, the last requests of a run, which come in either order.
async fn requests(world: &World, mark: AuditMark, (events, statuses): (usize, usize)) -> Vec<AuditEntry> {
    let controller = format!("system:serviceaccount:{}:kustomize-controller", world.namespace());
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let entries: Vec<AuditEntry> = world.env.lab().audit_since(mark).unwrap();
        let own: Vec<AuditEntry> = entries
            .into_iter()
            .filter(|entry| entry.user == controller && entry.verb != "watch" && entry.resource != "leases")
            .collect();
        let count = |wanted: fn(&AuditEntry) -> bool| own.iter().filter(|entry| wanted(entry)).count();
        if count(|entry| entry.resource == "events") >= events && count(is_status) >= statuses {
            return own;
        }
        assert!(Instant::now() < deadline, "fewer than {events} events or {statuses} statuses: {own:#?}");
        tokio::task::yield_now().await;
    }
}

fn is_status(entry: &AuditEntry) -> bool {
    entry.resource == "kustomizations/status"
}

#[track_caller]
fn assert_within(budget: usize, what: &str, requests: &[AuditEntry]) {
    let lines: Vec<_> =
        requests.iter().map(|entry| format!("{} {} {}", entry.verb, entry.resource, entry.uri)).collect();
    assert!(lines.len() <= budget, "{what} took {} requests:\n{}", lines.len(), lines.join("\n"));
}

/// A wait that lasts, because the machine is busy, shows in the status: one more request.
fn told(ready: &Value) -> usize {
    let message = shown(ready, "Healthy");
    let waited = message.rsplit_once(' ').unwrap().1.parse::<GoDuration>().unwrap();
    usize::from(waited.to_std() >= Duration::from_millis(200))
}

/// Installs, upgrades one object, and waits for an interval run, each within its budget.
async fn install_upgrade_and_look_again(spec: Value, [install, upgrade, interval]: [usize; 3]) {
    let world = World::new().await;
    world.env.account("tenant").await;
    world.env.grant_here("tenant", "admin").await;
    // discovery is filled once in a controller's life
    let warm = world.kustomization("warm", json!({"path": "./warm", "prune": false})).await;
    let one = world.publish("app", &[("warm/a.yaml", world.config_map("warm", "one"))]).await;
    world.env.eventually(&warm, says("Ready", applied(&one))).await;
    requests(&world, world.env.lab().audit_mark().unwrap(), (0, 0)).await;
    world.event("warm", "Reconciliation finished in ").await;
    world.env.event(&warm, "ReconciliationSucceeded").await;
    world.env.delete(&warm).await;

    let files = application(world.namespace(), "web:1");
    let one = world.publish("app", &files).await;
    let mark = world.env.lab().audit_mark().unwrap();
    let app = world.kustomization("web", spec).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&one))).await;
    assert_within(install + told(&ready), "an install", &requests(&world, mark, (3, 2)).await);

    let mark = world.env.lab().audit_mark().unwrap();
    let two = world.publish("app", &application(world.namespace(), "web:2")).await;
    let ready = world.env.eventually(&app, says("Ready", applied(&two))).await;
    assert_within(upgrade + told(&ready), "an upgrade", &requests(&world, mark, (3, 1)).await);

    let mark = world.env.lab().audit_mark().unwrap();
    let again = Condition::new("looked at again", |object: &Value| {
        object["status"]["history"][0]["totalReconciliations"].as_i64() >= Some(2)
    });
    world.env.eventually(&app, again).await;
    assert_within(interval, "an interval run", &requests(&world, mark, (1, 1)).await);
}

#[tokio::test]
async fn the_controller_keeps_to_its_budget() {
    install_upgrade_and_look_again(json!({"wait": true, "interval": "8s"}), [14, 10, 6]).await;
}

#[tokio::test]
async fn an_account_costs_no_more() {
    let spec = json!({"wait": true, "interval": "8s", "serviceAccountName": "tenant"});
    install_upgrade_and_look_again(spec, [14, 10, 6]).await;
}
