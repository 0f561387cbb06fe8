//! Watches through a restart of the API server.

use std::time::Duration;

use flux_kube::{Change, Resource, Watch, Watcher};
use flux_lab::{Lab, LabOptions, Parts};
use serde_json::json;
use tokio::time::timeout;

/// Longer than a restart and the pauses between tries take.
const PATIENCE: Duration = Duration::from_mins(3);

/// Waits until the watch tells of the ConfigMap `name`, which exists or not.
async fn hears_of(watcher: &mut Watcher, name: &str) -> bool {
    let told = async {
        loop {
            match watcher.next().await {
                Change::Applied(object) if object.metadata.name == name => return true,
                Change::Deleted(object) if object.name == name => return false,
                Change::Applied(_) | Change::Deleted(_) | Change::Synced => {}
            }
        }
    };
    timeout(PATIENCE, told).await.expect("the watch goes on")
}

#[tokio::test]
async fn watch_goes_on_after_a_restart_of_the_server() {
    let options = LabOptions { parts: Parts::ApiServer };
    let lab = Lab::start_with(options).await.expect("lab");
    let cluster = crate::cluster(&lab).await;
    let watch = Watch { namespace: "default".to_owned(), ..Watch::all(Resource::CONFIG_MAP) };
    let mut watcher = Watcher::new(cluster.clone(), watch, 1);
    let create = async |name: &str| {
        let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } });
        let target = cluster.controller();
        target.create(&Resource::CONFIG_MAP, "default", &object, "test").await.map(|_| ())
    };
    create("before").await.expect("create");
    assert!(hears_of(&mut watcher, "before").await);
    lab.stop_api_server().await.expect("stop");
    assert!(create("lost").await.is_err(), "the server is down");
    lab.start_api_server().await.expect("start");
    let started = async {
        while let Err(error) = create("after").await {
            assert!(error.is_transient(), "{error}");
        }
    };
    timeout(PATIENCE, started).await.expect("requests go on");
    assert!(hears_of(&mut watcher, "after").await);
}
