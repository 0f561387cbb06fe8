//! Runs recorded cases: `conformance FOLDER`.
//!
//! A folder with a file `target` is one case; any other folder is searched for cases. A case passes if the build gives
//! `expected.yaml` byte for byte, or fails with a message that names what `expected-error.txt` names.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use flux_kustomize::file_system::DiskFileSystem;
use flux_kustomize::loader::LoadRestrictions;
use flux_kustomize::{Options, Order, build};

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: conformance FOLDER");
        return ExitCode::from(2);
    };
    let mut cases = Vec::new();
    find(Path::new(&folder), &mut cases);
    cases.sort();
    let failed: Vec<_> = cases.iter().filter_map(|case| Some((case, check(case).err()?))).collect();
    for (case, problem) in &failed {
        let name = case.file_name().unwrap_or_default().to_string_lossy();
        eprintln!("FAIL {name}: {problem}");
    }
    eprintln!("{} of {}", cases.len() - failed.len(), cases.len());
    if failed.is_empty() && !cases.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn find(folder: &Path, cases: &mut Vec<PathBuf>) {
    if folder.join("target").is_file() {
        cases.push(folder.to_owned());
        return;
    }
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).for_each(|path| find(&path, cases));
}

fn check(case: &Path) -> Result<(), String> {
    let read =
        |name: &str| fs_err::read(case.join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let target = read("target").map_err(|error| error.to_string())?;
    let root = fs_err::canonicalize(case.join("input")).map_err(|error| error.to_string())?;
    let flags = read("flags").unwrap_or_default();
    let outcome = catch_unwind(|| run(&root, target.trim(), &flags)).map_err(|_| "panicked".to_owned())?;
    match (read("expected.yaml"), outcome) {
        (Ok(expected), Ok(actual)) if expected == actual => Ok(()),
        (Ok(expected), Ok(actual)) => Err(difference(&expected, &actual)),
        (Ok(_), Err(message)) => Err(format!("failed: {message}")),
        (Err(_), Ok(_)) => Err("did not fail".to_owned()),
        (Err(_), Err(message)) => {
            let expected = read("expected-error.txt").map_err(|error| error.to_string())?;
            let root = root.to_string_lossy();
            let missing: Vec<_> =
                names(&expected).into_iter().filter(|name| !names_it(&message, name, &root)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("message names not {missing:?}: {message}")) }
        }
    }
}

fn run(root: &Path, target: &str, flags: &str) -> Result<String, String> {
    let restrictions = if flags.contains("LoadRestrictionsRootOnly") {
        LoadRestrictions::RootOnly
    } else {
        LoadRestrictions::None
    };
    let order = if flags.contains("legacy") { Order::Legacy } else { Order::AsRead };
    let files = DiskFileSystem::new(Path::new("/")).map_err(|error| error.to_string())?;
    let target = root.join(target);
    let output =
        build(&files, &target.to_string_lossy(), &Options { restrictions, order, ..Options::default() });
    output.and_then(|output| output.to_yaml()).map_err(|error| error.message())
}

/// What a message names: what stands between quotes, without white space in it.
fn names(message: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for quote in ['\'', '"', '`'] {
        let quoted = message.split(quote).skip(1).step_by(2);
        names
            .extend(quoted.filter(|name| !name.is_empty() && !name.contains([' ', '\n'])).map(str::to_owned));
    }
    names
}

fn names_it(message: &str, name: &str, root: &str) -> bool {
    let name = name.replace("<root>", root);
    message.contains(name.trim_start_matches("../")) || message.contains(&name)
}

fn difference(expected: &str, actual: &str) -> String {
    let mut pairs = expected.lines().zip(actual.lines()).enumerate();
    match pairs.find(|(_, (expected, actual))| expected != actual) {
        Some((number, (expected, actual))) => {
            format!("line {}: expected {expected:?}, got {actual:?}", number + 1)
        }
        None => format!("expected {} lines, got {}", expected.lines().count(), actual.lines().count()),
    }
}
