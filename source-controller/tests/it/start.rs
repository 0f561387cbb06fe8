use flux_lab::refused_start;

use super::{World, text};

/// Starts the controller with flags that it must refuse; gives its status and what it printed.
fn refused(flags: &[&str]) -> (Option<i32>, String) {
    refused_start(env!("CARGO_BIN_EXE_source-controller"), flags).expect("an exit")
}

#[test]
fn wrong_settings_end_the_start() {
    let (status, printed) = refused(&["--feature-gates=Nonsense=true"]);
    assert_eq!(status, Some(1));
    assert!(printed.contains("feature-gate 'Nonsense' not supported"), "{printed}");
    let (status, printed) = refused(&["--storage-path=/nonexistent/data"]);
    assert_eq!(status, Some(1));
    assert!(printed.contains("invalid dir path: /nonexistent/data"), "{printed}");
    let (status, printed) = refused(&["--default-service-account=x"]);
    assert_eq!(status, Some(1));
    assert!(printed.contains("ObjectLevelWorkloadIdentity"), "{printed}");
    for flag in ["--interval-jitter-percentage=100", "--artifact-digest-algo=md5", "--no-such-flag"] {
        let (status, printed) = refused(&[flag]);
        assert_ne!(status, Some(0), "{flag}: {printed}");
    }
}

#[tokio::test]
async fn the_file_server_answers_on_the_leader_and_keeps_to_its_root() {
    let world = World::with(|controller| {
        controller
            .flag("--enable-leader-election")
            .flag("--leader-election-lease-duration=3s")
            .flag("--leader-election-renew-deadline=2s")
            .flag("--leader-election-retry-period=500ms")
    })
    .await;
    let (_, _, ready) = world.stored().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let address = format!("http://{}", world.controller.serving_address());
    let status = async |path: &str| {
        client.get(format!("{address}{path}")).send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status("/").await, 200);
    assert_eq!(status("/nothing").await, 404);
    assert_eq!(status("/%2e%2e/%2e%2e/etc/passwd").await, 404);
    let url = text(&ready["status"]["artifact"], "url");
    let part = client.get(url).header("range", "bytes=0-9").send().await.expect("an answer");
    assert_eq!(part.status().as_u16(), 206);
    assert_eq!(part.bytes().await.expect("a body").len(), 10);
    let lease =
        flux_lab::ObjectKey::new("coordination.k8s.io/v1", "Lease", "source-controller-leader-election");
    assert!(world.env.get(&lease).await.is_some());
}
