//! Where go-git's dialect and git's mean the same, both must leave out the same files.

use std::process::Stdio;

use super::*;

const FILES: &[&str] =
    &["a", "b/a", "b/b", "ab/a/b", "ab/b.x", "b.x/a", "c/a/b/a", "c/ab", "c.x", "d/e/a.x", "d/a/a", "e"];
const COMPONENTS: &[&str] = &["a", "ab", "b", "c", "a*", "*.x", "?", "[ab]", "[^ab]", "*"];

/// The files that git leaves out under one pattern.
#[expect(clippy::disallowed_types, reason = "compares with the program itself")]
fn left_out_by_git(directory: &std::path::Path, pattern: &str) -> Vec<String> {
    fs_err::write(directory.join(".gitignore"), format!("{pattern}\n")).expect("written");
    let mut child = std::process::Command::new("git")
        .args(["check-ignore", "--no-index", "--stdin"])
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git");
    let mut input = child.stdin.take().expect("an input");
    std::io::Write::write_all(&mut input, FILES.join("\n").as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("an output");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
#[expect(clippy::disallowed_types, reason = "compares with the program itself")]
fn patterns_leave_out_what_git_leaves_out() {
    let directory = tempfile::tempdir().expect("a directory");
    for file in FILES {
        let path = directory.path().join(file);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs_err::write(path, "x").expect("written");
    }
    let begun = std::process::Command::new("git").args(["init", "-q"]).current_dir(directory.path()).status();
    assert!(begun.expect("git").success());
    let pairs =
        COMPONENTS.iter().flat_map(|first| ["a", "b", "*", "?"].map(|second| format!("{first}/{second}")));
    let bodies: Vec<String> = COMPONENTS.iter().map(ToString::to_string).chain(pairs).collect();
    for body in bodies {
        for pattern in [body.clone(), format!("/{body}"), format!("{body}/"), format!("/{body}/")] {
            let mut builder = IgnoreRulesBuilder::new();
            builder.add("", &pattern).expect("a pattern");
            let rules = builder.build();
            let ours: Vec<&str> =
                FILES.iter().copied().filter(|file| rules.ignores(file, EntryKind::File)).collect();
            assert_eq!(ours, left_out_by_git(directory.path(), &pattern), "{pattern}");
        }
    }
}
