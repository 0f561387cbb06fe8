//! Finalizers that other versions left.

use flux_lab::{Condition, Env, ObjectKey};
use serde_json::{Value, json};

use crate::support::{alert, controller, object};

fn finalizers(object: &Value) -> Vec<String> {
    let list = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    list.iter().map(|finalizer| finalizer.as_str().unwrap().to_owned()).collect()
}

fn has_finalizers(wanted: &'static [&str]) -> Condition {
    Condition::new(format!("with finalizers {wanted:?}"), move |object| finalizers(object) == wanted)
}

fn with_finalizers(mut object: Value, finalizers: &[&str]) -> Value {
    object["metadata"]["finalizers"] = json!(finalizers);
    object
}

#[tokio::test]
async fn alerts_lose_the_finalizer_that_they_had_once() {
    let env = Env::start().await;
    let named = |name: &str, fields: Value| {
        let mut alert = alert("none", fields);
        alert["metadata"]["name"] = json!(name);
        alert
    };
    let ours = "finalizers.fluxcd.io";
    let old = with_finalizers(named("old", json!({})), &["other.example/kept", ours]);
    let suspended = with_finalizers(named("suspended", json!({"suspend": true})), &[ours]);
    env.apply(&old).await;
    env.apply(&suspended).await;
    let _controller = controller(&env).await;
    env.eventually(&old, has_finalizers(&["other.example/kept"])).await;
    let migrated = env.event(&old, "Migration").await;
    assert_eq!(migrated.message.unwrap(), "removed finalizer from Alert to migrate to static Alert");
    // one that comes with the finalizer later is treated alike, and shows that the suspended one was passed over
    let later = with_finalizers(named("later", json!({})), &[ours]);
    env.apply(&later).await;
    env.event(&later, "Migration").await;
    let left = env.get(&ObjectKey::of(&suspended).unwrap()).await.unwrap();
    assert_eq!(finalizers(&left), [ours]);
    env.delete(&suspended).await;
    env.merge(&old, json!({"metadata": {"finalizers": null}})).await;
}

#[tokio::test]
async fn providers_carry_a_finalizer_until_they_are_deleted() {
    let env = Env::start().await;
    let provider = object(
        "Provider",
        "hook",
        json!({"type": "generic", "address": "http://127.0.0.1:1", "suspend": true}),
    );
    env.apply(&provider).await;
    let _controller = controller(&env).await;
    env.eventually(&provider, has_finalizers(&["finalizers.fluxcd.io"])).await;
    env.merge(&provider, json!({"metadata": {"finalizers": null}})).await;
    env.eventually(&provider, has_finalizers(&["finalizers.fluxcd.io"])).await;
    env.delete(&provider).await;
}
