//! Renders a chart as `helm template` does, without a cluster:
//! `template NAME CHART [-f values.yaml] [--set k=v] [-n NAMESPACE] [--kube-version V] [--api-versions A]
//! [--include-crds] [--is-upgrade]`.

mod command;
mod render;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

/// That of the controllers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::print_stdout, reason = "printing is what the program is for")]
fn main() -> ExitCode {
    match command::run(&command::Arguments::parse(), Path::new("."), &render::render_all) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
