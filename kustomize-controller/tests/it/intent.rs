//! What the status says before objects are created, where old and new ones do not fit into it together.

use std::collections::BTreeSet;
use std::time::Duration;

use flux_lab::{Condition, Env, ObjectKey};
use serde_json::{Value, json};

use crate::world::{World, applied, says, text};

/// Objects of a revision. Old and new ones together take more than 1 MiB of a status.
const OBJECTS: usize = 1_100;
const MEBIBYTE: usize = 1024 * 1024;

/// A kind whose group is as long as a definition allows, to have large entries.
fn definition(namespace: &str) -> Value {
    let label = "g".repeat(55);
    let group = format!("{namespace}.{label}.{label}.{label}.{label}.example");
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("things.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    })
}

struct Things {
    group: String,
    namespace: String,
}

impl Things {
    async fn define(env: &Env) -> Self {
        let definition = definition(env.namespace());
        env.apply(&definition).await;
        let established = Condition::new("established", |object: &Value| {
            let conditions = object["status"]["conditions"].as_array();
            conditions.into_iter().flatten().any(|c| c["type"] == "Established" && c["status"] == "True")
        });
        env.eventually(&definition, established).await;
        let group = text(&definition["spec"], "group").to_owned();
        Self { group, namespace: env.namespace().to_owned() }
    }

    /// Names sort by number inside a revision.
    fn name(revision: &str, number: usize) -> String {
        format!("{revision}{}{number:04}", "n".repeat(248))
    }

    fn key(&self, revision: &str, number: usize) -> ObjectKey {
        ObjectKey::new(&format!("{}/v1", self.group), "Thing", &Self::name(revision, number))
    }

    fn file(&self, revision: &str, count: usize) -> String {
        let manifest = |number| {
            format!(
                "---\napiVersion: {}/v1\nkind: Thing\nmetadata:\n  name: {}\n  namespace: {}\n",
                self.group,
                Self::name(revision, number),
                self.namespace
            )
        };
        (0..count).map(manifest).collect()
    }

    /// Ids of all that exist, as an inventory has them.
    async fn existing(&self, env: &Env) -> BTreeSet<String> {
        let objects = env.list(&format!("{}/v1", self.group), "Thing").await;
        let id = |object: &Value| {
            format!("{}_{}_{}_Thing", self.namespace, text(&object["metadata"], "name"), self.group)
        };
        objects.iter().map(id).collect()
    }
}

/// What the status lists; it is smaller than 1 MiB.
async fn listed(env: &Env, app: &Value) -> BTreeSet<String> {
    let object = env.get(&ObjectKey::of(app).unwrap()).await.unwrap();
    let size = object["status"].to_string().len();
    assert!(size < MEBIBYTE, "the status has {size} bytes");
    let entries = object["status"]["inventory"]["entries"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| text(entry, "id").to_owned()).collect()
}

fn exists() -> Condition {
    Condition::new("exists", |_: &Value| true)
}

#[tokio::test]
async fn an_intent_that_does_not_fit_is_stored_in_portions() {
    let env = Env::start().await.patience(Duration::from_mins(5));
    let mut world = World::within(env, |controller| controller).await;
    let things = Things::define(&world.env).await;
    let one = world.publish("app", &[("things.yaml", things.file("a", OBJECTS))]).await;
    let app = world.kustomization("app", json!({"timeout": "10m"})).await;
    world.env.eventually(&app, says("Ready", applied(&one))).await;
    let old = listed(&world.env, &app).await;
    assert_eq!(old.len(), OBJECTS);
    let entry = |id: &String| json!({"id": id, "v": "v1"}).to_string().len() + 1;
    assert!(2 * old.iter().map(entry).sum::<usize>() > MEBIBYTE);

    // killed in the first portion, and again when old objects have made room for the last one
    let two = world.publish("app", &[("things.yaml", things.file("b", OBJECTS))]).await;
    for number in [OBJECTS / 4, OBJECTS - 1] {
        world.env.eventually_key(&things.key("b", number), exists()).await;
        world.controller.kill().await.unwrap();
        let (existing, listed) = (things.existing(&world.env).await, listed(&world.env, &app).await);
        let orphans: Vec<_> = existing.difference(&listed).collect();
        assert!(orphans.is_empty(), "{} orphans, the first is {}", orphans.len(), orphans[0]);
        let lab = std::sync::Arc::clone(world.env.lab());
        world.controller.restart(&lab).await.unwrap();
    }
    world.env.eventually(&app, says("Ready", applied(&two))).await;
    let all = things.existing(&world.env).await;
    assert_eq!(all.len(), OBJECTS);
    assert_eq!(listed(&world.env, &app).await, all);

    let three = world.publish("app", &[("things.yaml", things.file("c", 1))]).await;
    world.env.eventually(&app, says("Ready", applied(&three))).await;
    assert_eq!(things.existing(&world.env).await.len(), 1, "nothing is orphaned");
}
