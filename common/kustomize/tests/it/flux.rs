//! Root files that Flux generates, and what is built from them behind the secure file system.

use flux_kustomize::file_system::{DiskFileSystem, OverlayFileSystem};
use flux_kustomize::root_file::{Overlay, generate};
use flux_kustomize::{Error, Options, build};
use flux_yaml::{Value, parse_document};

use crate::case::{Case, Outcome, check_all, in_common, same};

#[test]
fn root_files_and_builds_are_those_of_flux() {
    check_all(&Case::all("flux"), |case| {
        let (_folder, root) = case.copied_input();
        let generated = case.read("expected-kustomization.yaml");
        let outcome = run(case, &root, generated.as_deref());
        match (case.expected(), outcome) {
            (Outcome::Output(expected), Ok(actual)) => same(&expected, &actual),
            (Outcome::Failure(expected), Err(message)) => {
                in_common(case, &expected, &format!("{message}\n"), &root)
            }
            (Outcome::Output(_), Err(message)) => Err(format!("  fails: {message}")),
            (Outcome::Failure(message), Ok(_)) => Err(format!("  does not fail with: {message}")),
        }
    });
}

/// Generates the root file, which has to be the recorded one, and builds it.
fn run(case: &Case, root: &std::path::Path, generated: Option<&str>) -> Result<String, String> {
    let message = |error: Error| error.message();
    let object = parse_document(case.read("object.yaml").unwrap().as_bytes()).unwrap().unwrap();
    let spec = object.get("spec").map_or(Value::Null, |spec| spec.to_value().unwrap());
    let files = DiskFileSystem::new(root).unwrap();
    let target = root.join(case.target());
    let target = target.to_str().unwrap().trim_end_matches("/.");
    let file = generate(&files, target, &Overlay::new(spec)).map_err(message)?;
    if let Some(generated) = generated {
        same(generated, &String::from_utf8_lossy(&file.content))
            .map_err(|difference| format!("root file:\n{difference}"))?;
    }
    let files = OverlayFileSystem::new(&files, format!("{target}/{}", file.name), file.content);
    build(&files, target, &Options::default()).and_then(|output| output.to_yaml()).map_err(message)
}
