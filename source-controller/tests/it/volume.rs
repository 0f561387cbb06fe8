//! A storage volume that is full.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use flux_lab::{Controller, is_ready_at};
use serde_json::json;

use super::{World, git_repository, incompressible, shown, text};

/// Starts the controller in a mount namespace of its own, where its storage is a volume of 1 MiB.
fn on_small_volume(directory: &Path) -> std::path::PathBuf {
    let script = directory.join("on-small-volume");
    let binary = env!("CARGO_BIN_EXE_source-controller");
    let mut file = fs_err::File::create(&script).expect("a script");
    write!(
        file,
        "#!/bin/sh\n\
         for argument; do case $argument in --storage-path=*) storage=${{argument#*=}};; esac; done\n\
         exec unshare -rm sh -c 'mount -t tmpfs -o size=1m tmpfs \"$0\" && exec \"$@\"' \"$storage\" {binary} \"$@\"\n"
    )
    .expect("written");
    fs_err::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).expect("executable");
    script
}

#[expect(clippy::disallowed_types, reason = "asks the system what it allows")]
fn can_mount() -> bool {
    let probe =
        std::process::Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    probe.is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn a_full_volume_is_told_the_old_artifact_stays_and_all_heals() {
    if !can_mount() {
        eprintln!("SKIPPED a_full_volume_is_told: this system allows no mounts in user namespaces");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let script = on_small_volume(directory.path());
    let world = World::with(|_| {
        Controller::source(&script).flag("--min-retry-delay=50ms").flag("--max-retry-delay=500ms")
    })
    .await;
    let repository = world.git.repository("app").expect("a repository");
    let first = repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let object = git_repository("app", repository.url(), json!({}));
    world.env.apply(&object).await;
    let ready = world.env.eventually(&object, is_ready_at(&format!("main@sha1:{first}"))).await;

    let large = incompressible(300_000);
    let second = repository.commit("main", &[("large", &large)]).expect("a commit");
    world.ask(&object, "large").await;
    let condition = flux_lab::has_condition("StorageOperationFailed", "True", "ArchiveOperationFailed");
    let failed = world.env.eventually(&object, condition).await;
    let message = shown(&failed, "StorageOperationFailed");
    assert!(
        message.starts_with("True ArchiveOperationFailed: unable to archive artifact to storage: ")
            && message.contains("No space left on device"),
        "{message}"
    );
    assert!(shown(&failed, "Ready").starts_with("False ArchiveOperationFailed: "));
    assert_eq!(
        shown(&failed, "ArtifactOutdated"),
        format!("True NewRevision: new upstream revision 'main@sha1:{second}'")
    );
    assert_eq!(failed["status"]["artifact"], ready["status"]["artifact"]);
    assert_eq!(world.artifact(&failed).await.files["a.txt"], b"1");

    // nobody asks: the next attempt finds what fits again, and room for it
    let third = repository.commit("main", &[("large", "no longer")]).expect("a commit");
    let healed = world.env.eventually(&object, is_ready_at(&format!("main@sha1:{third}"))).await;
    assert_eq!(world.artifact(&healed).await.files["large"], b"no longer");
    assert!(text(&healed["status"]["artifact"], "path").ends_with(&format!("{third}.tar.gz")));
}
