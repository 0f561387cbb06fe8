//! Variables of `spec.postBuild`. What the expressions mean is tested with the library.

use serde_json::{Value, json};

use crate::world::{World, applied, begins, says};

#[tokio::test]
async fn later_values_win_and_types_follow_the_text() {
    let world = World::new().await;
    let map = async |name: &str, data: Value| {
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
        world.env.apply(&object).await;
    };
    let data = json!({"a": "map", "b": "map", "c": "map\nof lines\n", "n": "0"});
    map("one", data).await;
    map("two", json!({"b": "two", "odd-name.txt": ""})).await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "three"}, "stringData": {"d": "secret", "e": "secret"},
    });
    world.env.apply(&secret).await;
    let from = |kind: &str, name: &str| json!({"kind": kind, "name": name});
    let absent = json!({"kind": "Secret", "name": "absent", "optional": true});
    let spec = json!({"postBuild": {
        "substitute": {"e": "spec", "n": "3", "quote": "\""},
        "substituteFrom": [from("ConfigMap", "one"), absent, from("Secret", "three")],
    }});
    let app = world.kustomization("app", spec).await;
    let values =
        "key: a=${a} b=${b} c=${c} d=${d} e=${e} f=${f:=default} g=$${g} n=\n  number: ${quote}${n}${quote}";
    let values = world.config_map("values", "X").replace("key: X", values);
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: NAMESPACE}\nspec:\n  \
                      replicas: ${n}\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
                      spec: {containers: [{name: a, image: a}]}\n"
        .replace("NAMESPACE", world.namespace());
    let exempt = world
        .config_map("exempt", "${a}")
        .replace("\ndata:", "\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}\ndata:");
    let files = [("values.yaml", values), ("web.yaml", deployment), ("exempt.yaml", exempt)];
    let revision = world.publish("app", &files).await;
    world.env.eventually(&app, says("Ready", applied(&revision))).await;
    let live = world.live_config_map("values").await.unwrap();
    assert_eq!(live["data"]["key"], "a=map b=map c=mapof lines d=secret e=spec f=default g=${g} n=");
    assert_eq!(live["data"]["number"], "3");
    let web = world.get("apps/v1", "Deployment", "web").await.unwrap();
    assert_eq!(web["spec"]["replicas"], 3);
    assert_eq!(world.live_config_map("exempt").await.unwrap()["data"]["key"], "${a}");

    // a name that cannot be a variable fails the build, even if nothing uses it
    let add = json!({"spec": {"postBuild": {"substituteFrom": [from("ConfigMap", "two")]}}});
    world.env.merge(&app, add).await;
    let failed = "False BuildFailed: post build failed for '";
    let failed = world.env.eventually(&app, begins("Ready", failed)).await;
    let message = failed["status"]["conditions"].to_string();
    assert!(
        message.contains(
            "'odd-name.txt' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'"
        )
    );

    let required = json!({"spec": {"postBuild": {"substituteFrom": [from("Secret", "absent")]}}});
    world.env.merge(&app, required).await;
    let missing = "False BuildFailed: substitute from 'Secret/absent' error: secrets \"absent\" not found";
    world.env.eventually(&app, says("Ready", missing)).await;
}

#[tokio::test]
async fn unset_variables_follow_strategy_and_gate() {
    let strict = World::new().await;
    let app = strict.kustomization("app", json!({"postBuild": {}})).await;
    let revision = strict.publish("app", &[("a.yaml", strict.config_map("a", "a${x}"))]).await;
    strict.env.eventually(&app, says("Ready", applied(&revision))).await;
    assert_eq!(strict.live_config_map("a").await.unwrap()["data"]["key"], "a${x}");
    strict.env.merge(&app, json!({"spec": {"postBuild": {"substituteStrategy": "Always"}}})).await;
    let failed = "False BuildFailed: post build failed for 'ConfigMap.v1.[noGrp]/a': envsubst error: variable substitution \
                  failed: variable not set (strict mode): \"x\"";
    strict.env.eventually(&app, says("Ready", failed)).await;

    let lax =
        World::with(|controller| controller.flag("--feature-gates=StrictPostBuildSubstitutions=false")).await;
    let app = lax.kustomization("app", json!({"postBuild": {"substituteStrategy": "Always"}})).await;
    let revision = lax.publish("app", &[("a.yaml", lax.config_map("a", "a${x}"))]).await;
    lax.env.eventually(&app, says("Ready", applied(&revision))).await;
    assert_eq!(lax.live_config_map("a").await.unwrap()["data"]["key"], "a");
}
