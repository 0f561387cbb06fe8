//! Cases recorded from the real kustomize: equal output byte for byte, equal messages.

use flux_kustomize::file_system::DiskFileSystem;
use flux_kustomize::loader::LoadRestrictions;
use flux_kustomize::{Options, Order, Program, build};

use crate::case::{Case, Outcome, check_all, in_common, same};

/// What kustomize fails on and we do not: it writes the text of a resource in between, as a block whose first line starts
/// with a tab, and cannot read that again.
const ACCEPTED: [&str; 1] = ["error-generator-block-starting-with-a-tab"];

#[test]
fn results_are_those_of_kustomize() {
    check_all(&Case::all("cases"), |case| {
        let root = case.input();
        let flags = case.read("flags").unwrap_or_default();
        let options = Options {
            restrictions: if flags.contains("LoadRestrictionsRootOnly") {
                LoadRestrictions::RootOnly
            } else {
                LoadRestrictions::None
            },
            order: if flags.contains("--reorder legacy") { Order::Legacy } else { Order::AsRead },
            remote: None,
            program: Program::Kustomize,
        };
        let target = root.join(case.target());
        let file_system = DiskFileSystem::new("/".as_ref()).unwrap();
        let actual =
            build(&file_system, target.to_str().unwrap(), &options).and_then(|output| output.to_yaml());
        match (case.expected(), actual) {
            (Outcome::Output(expected), Ok(actual)) => same(&expected, &actual),
            (Outcome::Failure(expected), Err(error)) => {
                in_common(case, &expected, &format!("Error: {}\n", error.message()), &root)
            }
            (Outcome::Output(_), Err(error)) => Err(format!("  fails: {}", error.message())),
            (Outcome::Failure(_), Ok(_)) if ACCEPTED.contains(&case.name.as_str()) => Ok(()),
            (Outcome::Failure(message), Ok(_)) => Err(format!("  does not fail with: {message}")),
        }
    });
}
