//! The kustomize-controller.

use flux_process::Program;
use kustomize_controller::{Flags, GATES, run};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let program = Program {
        name: "kustomize-controller",
        version: env!("CARGO_PKG_VERSION"),
        gates: GATES,
        // the Pod has 60 s in all
        grace: Duration::from_secs(50),
        metrics_variable: None,
    };
    program.run(|flags: &Flags| &flags.common, run)
}
