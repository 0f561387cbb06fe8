//! As whom requests are made, and what the server makes of them.

use flux_kube::{Identity, Merge, ObjectName, Resource};
use flux_lab::Env;
use serde_json::{Value, json};

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
    let created = tenant.create(&Resource::CONFIG_MAP, &namespace, &config_map("app"), "test").await;
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
