//! Nothing of a lab stays behind, however its owner ends, and labs do not disturb each other.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flux_lab::{Lab, LabOptions, Parts};

const SMALL: LabOptions = LabOptions { parts: Parts::ApiServer };

/// The test binary starts itself again with this variable to have an owner that it can kill.
const OWNER: &str = "FLUX_LAB_TEST_OWNER";

#[tokio::test]
async fn two_labs_at_once_are_apart_and_leave_nothing() {
    let (first, second) = tokio::join!(Lab::start_with(SMALL), Lab::start_with(SMALL));
    let (first, second) = (first.expect("first lab"), second.expect("second lab"));
    assert_ne!(first.server(), second.server());
    let directories = [first.directory().to_path_buf(), second.directory().to_path_buf()];
    assert!(directories.iter().all(|directory| !processes_of(directory).is_empty()));
    drop((first, second));
    for directory in &directories {
        assert_eq!(processes_of(directory), Vec::<PathBuf>::new());
        assert!(!directory.exists(), "{} is still there", directory.display());
    }
}

#[tokio::test]
async fn killed_owner_leaves_nothing() {
    let mut owner = start_owner();
    let mut answer = String::new();
    let output = owner.stdout.take().expect("piped");
    for line in BufReader::new(output).lines() {
        let line = line.expect("text");
        if let Some((_, directory)) = line.split_once("lab is in ") {
            directory.trim().clone_into(&mut answer);
            break;
        }
    }
    let directory = PathBuf::from(&answer);
    assert!(
        !answer.is_empty() && !processes_of(&directory).is_empty(),
        "the owner started a lab: '{answer}'"
    );
    owner.kill().expect("SIGKILL");
    owner.wait().expect("killed");

    let deadline = Instant::now() + Duration::from_secs(30);
    while directory.exists() || !processes_of(&directory).is_empty() {
        assert!(Instant::now() < deadline, "{:?} are still there", processes_of(&directory));
        tokio::task::yield_now().await;
    }
}

#[expect(clippy::disallowed_types, reason = "the owner has to be another process, so that it can be killed")]
fn start_owner() -> std::process::Child {
    std::process::Command::new(std::env::current_exe().expect("own path"))
        .args(["--exact", "lifetime::owner_of_a_lab", "--nocapture", "--ignored"])
        .env(OWNER, "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the test binary starts")
}

#[tokio::test]
#[ignore = "needs to be started, and killed, by killed_owner_leaves_nothing"]
async fn owner_of_a_lab() {
    #[expect(clippy::disallowed_methods, reason = "tells this process that it is the other test's child")]
    let started_by_test = std::env::var(OWNER).is_ok();
    if started_by_test {
        let lab = Lab::start_with(SMALL).await.expect("lab");
        println!("lab is in {}", lab.directory().display());
        std::future::pending::<()>().await;
    }
}

/// The processes whose command line names the directory.
fn processes_of(directory: &Path) -> Vec<PathBuf> {
    let wanted = directory.to_string_lossy().into_owned();
    let entries = fs_err::read_dir("/proc").expect("Linux");
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let names_it = |path: &PathBuf| {
        let line = fs_err::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&wanted)
    };
    paths.filter(names_it).collect()
}
