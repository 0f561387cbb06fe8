//! The source-controller.

use std::process::ExitCode;
use std::time::Duration;

use flux_process::Program;
use source_controller::{Flags, GATES, run};

fn main() -> ExitCode {
    let program = Program {
        name: "source-controller",
        version: env!("CARGO_PKG_VERSION"),
        gates: GATES,
        // the Pod has 10 s in all, and the file server takes up to 5
        grace: Duration::from_secs(8),
        metrics_variable: Some("METRICS_ADDR"),
    };
    program.run(|flags: &Flags| &flags.common, run)
}
