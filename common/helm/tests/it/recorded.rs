//! The recorded cases: see `../recorder/ORIGIN.md`.

use std::path::{Path, PathBuf};

use clap::Parser as _;

use crate::command::{Arguments, run};
use crate::render::render_all;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases")
}

/// All runs: the file of arguments without its suffix.
fn runs() -> Vec<PathBuf> {
    let mut runs = Vec::new();
    for case in fs_err::read_dir(cases()).unwrap() {
        for file in fs_err::read_dir(case.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|suffix| suffix == "arguments") {
                runs.push(path.with_extension(""));
            }
        }
    }
    runs.sort();
    runs
}

fn sibling(run: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}.{suffix}", run.display()))
}

/// How a run differs from what was recorded; `None` if it does not.
fn difference(run_path: &Path) -> Option<String> {
    let case = run_path.parent().unwrap();
    let arguments = fs_err::read_to_string(sibling(run_path, "arguments")).unwrap();
    let fixed = ["template", "release", "chart"];
    let arguments = Arguments::parse_from(fixed.into_iter().chain(arguments.lines()));
    let got = run(&arguments, case, &render_all);
    let path = case.canonicalize().unwrap().display().to_string();
    let got = got.map_err(|error| format!("Error: {error}\n").replace(&path, "<case>"));
    let (want_ok, want_error) = (sibling(run_path, "yaml.expected"), sibling(run_path, "error.expected"));
    let want = if want_ok.exists() {
        Ok(fs_err::read_to_string(want_ok).unwrap())
    } else {
        Err(fs_err::read_to_string(want_error).unwrap())
    };
    (unordered(got.clone()) != unordered(want.clone())).then(|| format!("got {got:#?}\nwant {want:#?}"))
}

/// What schemas found wrong comes in an order that is chance in Helm.
fn unordered(result: Result<String, String>) -> Result<String, Vec<String>> {
    result.map_err(|error| {
        let mut lines: Vec<_> = error.lines().map(str::to_owned).collect();
        if error.contains("don't meet the specifications of the schema(s)") {
            lines.sort();
        }
        lines
    })
}

#[test]
fn recorded_cases_have_the_results_of_helm() {
    let runs = runs();
    let failures = runs.iter().filter_map(|run| {
        let name = run.strip_prefix(cases()).unwrap().display().to_string();
        difference(run).map(|difference| format!("{name}: {difference}"))
    });
    let failures: Vec<_> = failures.collect();
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), runs.len(), failures.join("\n"));
}
