//! As whom requests are made, and what the server makes of them.

use std::time::Duration;

use bytes::Bytes;
use flux_kube::{Apply, DryRun, Identity, Merge, ObjectName, Resource};
use flux_lab::Env;
use serde_json::{Value, json};
use tokio::time::Instant;

fn config_map(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "key": "value" } })
}

#[tokio::test]
async fn account_has_its_own_rights_and_not_the_controllers() {
    let env = Env::start().await;
    let namespace = env.namespace().to_owned();
    let account = env.account("tenant").await;
    let cluster = crate::cluster(env.lab()).await;
    let tenant = cluster.target(&Identity::account(&namespace, "tenant")).expect("identity");
    let refused = tenant
        .create(&Resource::CONFIG_MAP, &namespace, &config_map("app"), "test")
        .await
        .expect_err("an account without rights");
    assert!(refused.is_forbidden(), "{refused}");
    assert!(refused.to_string().contains(&account.user()), "the server names another user: {refused}");
    env.grant_here("tenant", "edit").await;
    let deadline = Instant::now() + Duration::from_secs(30);
    let created = loop {
        match tenant.create(&Resource::CONFIG_MAP, &namespace, &config_map("app"), "test").await {
            // the server learns of the grant from a watch of its own
            Err(error) if error.is_forbidden() && Instant::now() < deadline => tokio::task::yield_now().await,
            created => break created,
        }
    };
    created.expect("an account with rights here");
    let elsewhere = tenant.create(&Resource::CONFIG_MAP, "default", &config_map("app"), "test").await;
    assert!(elsewhere.expect_err("an account of another namespace").is_forbidden());
}

#[tokio::test]
async fn write_on_an_old_version_is_a_conflict_and_changes_nothing() {
    let env = Env::start().await;
    let target = crate::cluster(env.lab()).await.controller();
    let namespace = env.namespace().to_owned();
    let name = ObjectName::new(&namespace, "app");
    let created =
        target.create(&Resource::CONFIG_MAP, &namespace, &config_map("app"), "test").await.expect("create");
    let created: Value = serde_json::from_slice(&created).expect("an object");
    let merge = Merge { field_manager: "test", ..Merge::default() };
    let change = |value: &str| {
        let version = &created["metadata"]["resourceVersion"];
        json!({ "metadata": { "resourceVersion": version }, "data": { "key": value } })
    };
    target.merge(&Resource::CONFIG_MAP, &name, &change("first"), &merge).await.expect("the version is new");
    let second = target.merge(&Resource::CONFIG_MAP, &name, &change("second"), &merge).await;
    assert!(second.expect_err("the version is old").is_conflict());
    let live: Value = target.get_as(&Resource::CONFIG_MAP, &name).await.expect("get");
    assert_eq!(live["data"]["key"], "first");
}

#[tokio::test]
async fn apply_of_a_field_that_the_schema_lacks_fails() {
    let env = Env::start().await;
    let target = crate::cluster(env.lab()).await.controller();
    let name = ObjectName::new(env.namespace(), "app");
    let mut object = config_map("app");
    object["date"] = json!({ "key": "value" });
    let apply = Apply { field_manager: "test", force: true, dry_run: DryRun::No };
    let applied = target.apply(&Resource::CONFIG_MAP, &name, Bytes::from(object.to_string()), &apply).await;
    let refused = applied.expect_err("there is no field 'date'").to_string();
    assert!(refused.contains(".date: field not declared in schema"), "{refused}");
}

#[tokio::test]
async fn a_status_is_replaced_and_nothing_else() {
    const KIND: Resource =
        Resource::namespaced("source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories");
    let env = Env::start().await;
    let target = crate::cluster(env.lab()).await.controller();
    let name = ObjectName::new(env.namespace(), "app");
    let created = json!({
        "apiVersion": KIND.api_version(),
        "kind": KIND.kind,
        "metadata": { "name": "app", "labels": { "kept": "yes" }, "finalizers": ["test.example.com/kept"] },
        "spec": { "url": "https://git.example.com/app", "interval": "1h", "suspend": true },
    });
    let created = target.create(&KIND, env.namespace(), &created, "test").await.expect("create");
    let created: Value = serde_json::from_slice(&created).expect("an object");
    let status = |status: Value| {
        json!({
            "apiVersion": KIND.api_version(),
            "kind": KIND.kind,
            "metadata": { "name": "app", "resourceVersion": created["metadata"]["resourceVersion"] },
            "status": status,
        })
    };
    let written = status(json!({ "observedGeneration": 1 }));
    target.replace_status(&KIND, &name, &written, "test").await.expect("the version is new");
    let old = target.replace_status(&KIND, &name, &status(json!({})), "test").await;
    assert!(old.expect_err("the version is old").is_conflict());
    let live: Value = target.get_as(&KIND, &name).await.expect("get");
    assert_eq!(live["status"], json!({ "observedGeneration": 1 }));
    assert_eq!(live["spec"], created["spec"]);
    for field in ["labels", "finalizers", "generation"] {
        assert_eq!(live["metadata"][field], created["metadata"][field]);
    }
    let merge = Merge { field_manager: "test", ..Merge::default() };
    let release = json!({ "metadata": { "finalizers": null } });
    target.merge(&KIND, &name, &release, &merge).await.expect("the finalizer goes");
}
