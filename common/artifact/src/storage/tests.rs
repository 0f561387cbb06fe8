use super::*;

fn storage(root: &Path) -> Storage {
    let host = ArtifactHost::advertised("source-controller.flux-system.svc.cluster.local.");
    let options = StorageOptions {
        root: root.to_owned(),
        host,
        algorithm: Algorithm::Sha256,
        retention: Retention { time_to_live: Duration::from_hours(1), records: 2 },
    };
    Storage::open(options).expect("a storage")
}

fn object() -> ObjectLocation {
    ObjectLocation::new("GitRepository", "apps", "web").expect("a location")
}

fn store(storage: &Storage, name: &str, content: &str) -> StoredArtifact {
    let stored = storage.store(&object(), name, |sink| Ok(sink.write_all(content.as_bytes())?));
    stored.expect("stored")
}

#[test]
fn a_stored_artifact_is_found_whole_under_its_url() {
    let root = tempfile::tempdir().expect("a directory");
    let storage = storage(root.path());
    let stored = store(&storage, "abc.tar.gz", "hello\n");
    assert_eq!(stored.path, "gitrepository/apps/web/abc.tar.gz");
    assert_eq!(
        stored.url,
        "http://source-controller.flux-system.svc.cluster.local./gitrepository/apps/web/abc.tar.gz"
    );
    assert_eq!(
        stored.digest.to_string(),
        "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
    );
    assert_eq!(stored.size, 6);
    let metadata = fs_err::metadata(root.path().join(&stored.path)).expect("a file");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    storage.verify(&stored.path, &stored.digest.to_string()).expect("whole");
}

#[test]
fn a_changed_or_missing_file_is_noticed_at_once() {
    let root = tempfile::tempdir().expect("a directory");
    let storage = storage(root.path());
    let stored = store(&storage, "abc.tar.gz", "hello\n");
    let digest = stored.digest.to_string();
    // same size, so only the times tell
    fs_err::write(root.path().join(&stored.path), "jello\n").expect("written");
    let error = storage.verify(&stored.path, &digest).expect_err("corrupt");
    assert_eq!(error.to_string(), format!("computed digest doesn't match '{digest}'"));
    assert!(matches!(storage.verify(&stored.path, ""), Err(VerifyError::NoDigest)));
    assert!(matches!(storage.verify(&stored.path, "md5:x"), Err(VerifyError::InvalidDigest { .. })));
    storage.remove(&stored.path).expect("removed");
    assert!(matches!(storage.verify(&stored.path, &digest), Err(VerifyError::Missing)));
    assert!(matches!(storage.verify("../../etc/passwd", &digest), Err(VerifyError::Missing)));
}

#[test]
fn a_failed_write_leaves_nothing() {
    let root = tempfile::tempdir().expect("a directory");
    let storage = storage(root.path());
    let error = storage
        .store(&object(), "abc.tar.gz", |sink| {
            sink.write_all(b"half")?;
            Err("source broke".into())
        })
        .expect_err("failed");
    assert_eq!(error.to_string(), "unable to archive artifact to storage");
    let directory = root.path().join(object().directory());
    assert_eq!(fs_err::read_dir(directory).expect("a directory").count(), 0);
}

#[test]
fn garbage_collection_spares_the_current_file_and_links() {
    let root = tempfile::tempdir().expect("a directory");
    let storage = storage(root.path());
    let current = store(&storage, "current.tar.gz", "1");
    store(&storage, "older.tar.gz", "2");
    store(&storage, "oldest.tar.gz", "3");
    let directory = root.path().join(object().directory());
    fs_err::write(directory.join("older.tar.gz.lock"), "").expect("a lock");
    fs_err::os::unix::fs::symlink(directory.join("current.tar.gz"), directory.join("latest.tar.gz"))
        .expect("a link");
    for (name, age) in [("older.tar.gz", 7200), ("oldest.tar.gz", 9000)] {
        let file = fs_err::File::options().write(true).open(directory.join(name)).expect("a file");
        file.file().set_modified(SystemTime::now() - Duration::from_secs(age)).expect("aged");
    }
    let mut removed = storage.collect_garbage(&object(), &current.path).expect("collected");
    removed.sort();
    assert_eq!(removed, ["gitrepository/apps/web/older.tar.gz", "gitrepository/apps/web/oldest.tar.gz"]);
    let mut left: Vec<_> = fs_err::read_dir(&directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["current.tar.gz", "latest.tar.gz"]);
    assert!(storage.remove_all(&object()).expect("removed"));
    assert!(!storage.remove_all(&object()).expect("nothing left"));
}

#[test]
fn leftovers_of_a_crash_go_at_start() {
    let root = tempfile::tempdir().expect("a directory");
    let storage = storage(root.path());
    let kept = store(&storage, "abc.tar.gz", "x");
    let directory = root.path().join(object().directory());
    fs_err::write(directory.join(".tmp-zzz"), "half").expect("a leftover");
    fs_err::write(directory.join("abc.tar.gz.lock"), "").expect("a lock");
    assert_eq!(storage.clear_leftovers().expect("cleared"), 2);
    storage.verify(&kept.path, &kept.digest.to_string()).expect("kept");
}

#[test]
fn names_cannot_leave_the_root() {
    for (kind, namespace, name) in
        [("a", "..", "c"), ("a", "b", "c/d"), ("", "b", "c"), ("a", "b", ".hidden")]
    {
        assert!(ObjectLocation::new(kind, namespace, name).is_err());
    }
    assert!(object().file("../x").is_err());
}

#[test]
fn a_missing_root_is_named() {
    let options = StorageOptions {
        root: "/nonexistent/data".into(),
        host: ArtifactHost::advertised("x"),
        algorithm: Algorithm::default(),
        retention: Retention::default(),
    };
    assert_eq!(
        Storage::open(options).expect_err("missing").to_string(),
        "invalid dir path: /nonexistent/data"
    );
}

#[test]
fn hosts_follow_the_flags() {
    let url = |host: ArtifactHost| host.url("a/b");
    assert_eq!(url(ArtifactHost::listening(":9090", "pod-1")), "http://localhost:9090/a/b");
    assert_eq!(url(ArtifactHost::listening("0.0.0.0:9090", "pod-1")), "http://pod-1:9090/a/b");
    assert_eq!(url(ArtifactHost::listening("10.0.0.1:9090", "pod-1")), "http://10.0.0.1:9090/a/b");
    assert_eq!(url(ArtifactHost::advertised("https://flux.example/x")), "https://flux.example/x/a/b");
}
