//! The program notification-controller.

use std::process::ExitCode;
use std::time::Duration;

use flux_process::Program;
use notification_controller::app;
use notification_controller::flags::{Flags, GATES};

fn main() -> ExitCode {
    let program = Program {
        name: "notification-controller",
        version: env!("CARGO_PKG_VERSION"),
        gates: &GATES,
        grace: Duration::from_secs(30),
        metrics_variable: None,
    };
    program.run(|flags: &Flags| &flags.common, app::run)
}
