//! The control plane: objects become ready, rights are enforced, requests are audited.

use flux_lab::{Condition, Env, ObjectKey, Parts, gone};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

#[tokio::test]
async fn deployment_becomes_available_and_job_completes() {
    let env = Env::start().await;
    let template = json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    });
    env.apply(&deployment).await;
    let mut job_template = template.clone();
    job_template["spec"]["restartPolicy"] = json!("Never");
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {"template": job_template},
    });
    env.apply(&job).await;

    let available = |object: &Value| object.pointer("/status/availableReplicas") == Some(&json!(2));
    env.eventually(&deployment, Condition::new("available", available)).await;
    let complete = |object: &Value| object.pointer("/status/succeeded") == Some(&json!(1));
    env.eventually(&job, Condition::new("complete", complete)).await;
    env.event(&deployment, "ScalingReplicaSet").await;
    assert_eq!(env.events(&deployment).await.len(), 1);

    env.delete(&deployment).await;
    assert_eq!(env.get(&ObjectKey::new("apps/v1", "Deployment", "web")).await, None);
}

#[tokio::test]
async fn deleted_namespace_is_emptied() {
    let env = Env::start().await;
    env.apply_yaml("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  mode: fast\n")
        .await;
    let settings = ObjectKey::new("v1", "ConfigMap", "settings");
    assert_eq!(env.get(&settings).await.expect("just applied").pointer("/data/mode"), Some(&json!("fast")));
    env.delete(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": env.namespace()}}))
        .await;
    env.eventually_key(&settings, gone()).await;
}

#[tokio::test]
async fn account_has_the_rights_given_and_no_others() {
    let env = Env::start().await;
    let account = env.account("tenant").await;
    env.grant_here("tenant", "admin").await;
    let client = account.client().await.expect("client of the account");

    let here: Api<ConfigMap> = Api::namespaced(client.clone(), env.namespace());
    here.list(&ListParams::default()).await.expect("an admin lists in the own namespace");
    let elsewhere: Api<Secret> = Api::namespaced(client, "kube-system");
    let refusal = elsewhere.list(&ListParams::default()).await.expect_err("nothing outside");
    assert!(matches!(&refusal, kube::Error::Api(status) if status.is_forbidden()), "{refusal:?}");
}

#[tokio::test]
async fn audit_log_names_user_verb_and_object() {
    let env = Env::start().await;
    let account = env.account("reader").await;
    env.grant_here("reader", "view").await;
    let client = account.client().await.expect("client of the account");
    let mark = env.lab().audit_mark().expect("audit log");
    let maps: Api<ConfigMap> = Api::namespaced(client, env.namespace());
    assert!(maps.get_opt("absent").await.expect("a view role reads").is_none());

    let entries = env.lab().audit_since(mark).expect("audit log");
    let own: Vec<_> = entries.iter().filter(|entry| entry.user == account.user()).collect();
    let [entry] = own[..] else { panic!("one request was made: {own:?}") };
    let seen = (entry.verb.as_str(), entry.resource.as_str(), entry.name.as_str(), entry.code);
    assert_eq!(seen, ("get", "configmaps", "absent", 404));
    assert_eq!(entry.namespace, env.namespace());
    assert!(!entry.is_dry_run());
}

#[tokio::test]
async fn rotated_token_is_another_one() {
    let env = Env::start().await;
    let account = env.account("rotating").await;
    let first = fs_err::read_to_string(account.token_file()).expect("token");
    account.rotate(env.lab()).await.expect("rotation");
    let second = fs_err::read_to_string(account.token_file()).expect("token");
    assert_ne!(first, second);
    env.grant_here("rotating", "view").await;
    let maps: Api<ConfigMap> = Api::namespaced(account.client().await.expect("client"), env.namespace());
    maps.list(&ListParams::default()).await.expect("the new token is valid");
}

#[tokio::test]
async fn api_server_returns_with_its_data() {
    // A lab of its own, since others need theirs to stay up.
    let options = flux_lab::LabOptions { parts: Parts::ApiServer };
    let lab = std::sync::Arc::new(flux_lab::Lab::start_with(options).await.expect("lab"));
    let env = Env::within(std::sync::Arc::clone(&lab)).await;
    env.apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}})).await;
    lab.stop_api_server().await.expect("stop");
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(lab.admin().await.expect("client"));
    let unreachable =
        tokio::time::timeout(std::time::Duration::from_secs(2), namespaces.get("default")).await;
    assert!(!matches!(unreachable, Ok(Ok(_))), "the API server is down");
    lab.start_api_server().await.expect("start");
    assert!(env.get(&ObjectKey::new("v1", "ConfigMap", "kept")).await.is_some());
    let used = lab.cpu_times().expect("CPU times");
    assert!(used.iter().any(|(name, time)| name == "kube-apiserver" && !time.is_zero()), "{used:?}");
}
