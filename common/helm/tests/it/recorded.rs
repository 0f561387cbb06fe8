//! The recorded cases: see `../recorder/ORIGIN.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use flux_helm::context::{ChartTemplate, RenderInput};
use flux_helm::values::TableId;
use flux_yaml::Value;

use crate::command::{Arguments, run};

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

/// How a case went: `None` if its templates need more than this test can do.
fn check(run_path: &Path) -> Option<Result<(), String>> {
    let case = run_path.parent().unwrap();
    let arguments = fs_err::read_to_string(sibling(run_path, "arguments")).unwrap();
    let fixed = ["template", "release", "chart"];
    let arguments = Arguments::parse_from(fixed.into_iter().chain(arguments.lines()));
    let needs_engine = std::cell::Cell::new(false);
    let render = |input: &RenderInput| match plain(input) {
        Some(files) => Ok(files),
        None => {
            needs_engine.set(true);
            Err(String::new())
        }
    };
    let got = run(&arguments, case, &render);
    if needs_engine.get() {
        return None;
    }
    let path = case.canonicalize().unwrap().display().to_string();
    let got = got.map_err(|error| format!("Error: {error}\n").replace(&path, "<case>"));
    let (want_ok, want_error) = (sibling(run_path, "yaml.expected"), sibling(run_path, "error.expected"));
    let want = if want_ok.exists() {
        Ok(fs_err::read_to_string(want_ok).unwrap())
    } else {
        Err(fs_err::read_to_string(want_error).unwrap())
    };
    Some(if unordered(got.clone()) == unordered(want.clone()) {
        Ok(())
    } else {
        Err(format!("got {got:#?}\nwant {want:#?}"))
    })
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

/// Renders templates without actions, and those that print their values and nothing else.
fn plain(input: &RenderInput) -> Option<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for template in input.templates() {
        let text = std::str::from_utf8(&template.file.data).unwrap();
        let values = || {
            let values = values_of(input, &template);
            Value::Object(values.map(|table| input.tables.to_object(table)).unwrap_or_default()).to_json()
        };
        let text = text.replace("{{ toJson .Values }}", &values());
        if text.contains("{{") {
            return None;
        }
        if !template.is_partial() {
            files.insert(template.path, text);
        }
    }
    Some(files)
}

/// `.Values` of the chart that a template belongs to.
fn values_of(input: &RenderInput, template: &ChartTemplate<'_>) -> Option<TableId> {
    let charts = template.chart_path.split("/charts/").skip(1);
    charts.into_iter().try_fold(input.root, |table, chart| input.values_of(table, chart))
}

#[test]
fn recorded_cases_have_the_results_of_helm() {
    let mut failures = Vec::new();
    let (mut passed, mut left_out) = (0, 0);
    for run in runs() {
        let name = run.strip_prefix(cases()).unwrap().display().to_string();
        match check(&run) {
            None => left_out += 1,
            Some(Ok(())) => passed += 1,
            Some(Err(difference)) => failures.push(format!("{name}: {difference}")),
        }
    }
    println!("{passed} passed, {left_out} need the template engine");
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n{}",
        failures.len(),
        passed + failures.len(),
        failures.join("\n")
    );
}
