//! Benchmarks of the whole: the controllers in the lab, measured from outside. `BENCHMARKS.md` tells what they found.
//!
//! Standard output is one Markdown table; what is being done goes to standard error. Every part has a lab of its own and a
//! time limit, so that one that fails costs its own rows only.
#![expect(clippy::print_stdout, reason = "the program's output")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures that are printed with a few digits"
)]

mod application;
mod fleet;
mod large;
mod meter;
mod neighbour;
mod priority;
mod profiling;
mod push;
mod report;
mod rest;
mod restart;
mod stage;
mod watching;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use flux_e2e::Binaries;
use report::Row;

/// What a fleet may take with Flux's own kustomize-controller, its build included.
const UPSTREAM_LIMIT: Duration = Duration::from_mins(45);

/// Measures the controllers in the lab.
#[derive(Parser)]
struct Options {
    /// The parts to run; all of them if none is named.
    parts: Vec<Part>,
    /// Numbers of Kustomizations in the fleet; the largest is also that of the restart.
    #[arg(long, value_delimiter = ',', default_value = "100,500,1000")]
    sizes: Vec<usize>,
    /// Pushes of one application.
    #[arg(long, default_value_t = 200)]
    pushes: usize,
    /// Measures each fleet with Flux's own kustomize-controller as well, in a lab of the same kind; it is built first, which
    /// takes five minutes once.
    #[arg(long)]
    upstream: bool,
    /// Writes CPU profiles of API server, etcd and controller-manager during the fleets' installs into this directory, for
    /// `go tool pprof`.
    #[arg(long)]
    profiles: Option<PathBuf>,
    /// Goes before the machine's other processes; needs root.
    #[arg(long)]
    priority: bool,
}

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Many Kustomizations of one repository: installed, then upgraded by one push.
    Fleet,
    /// From a webhook to the changed object and to Ready.
    Push,
    /// A restart with many Ready Kustomizations.
    Restart,
    /// A healthy application beside stuck ones.
    Neighbour,
    /// A Kustomization of many objects, and a repository of many files.
    Large,
    /// Memory at rest, and the size of the programs.
    Rest,
}

impl Part {
    /// Several times what the part takes on two busy cores.
    const fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Fleet | Self::Restart => 600,
            Self::Push | Self::Neighbour | Self::Large => 420,
            Self::Rest => 300,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Push => "push",
            Self::Restart => "restart",
            Self::Neighbour => "healthy neighbour",
            Self::Large => "large",
            Self::Rest => "rest",
        }
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    if options.priority {
        priority::raise()?;
    }
    // after that, since threads have priorities of their own
    tokio::runtime::Runtime::new()?.block_on(async {
        tokio::select! {
            done = run(&options) => done,
            // returning drops everything that was started
            signal = tokio::signal::ctrl_c() => Ok(signal?),
        }
    })
}

async fn run(options: &Options) -> Result<()> {
    let parts = if options.parts.is_empty() { Part::value_variants() } else { &options.parts };
    let binaries = Binaries::build().await?;
    let profiles = options.profiles.as_deref();
    println!("{}\n", meter::machine());
    println!("| benchmark | figure | measured | target | held |");
    println!("|---|---|---|---|---|");
    let mut fleets = fleet::Comparison::default();
    for part in parts {
        if *part == Part::Fleet {
            for size in &options.sizes {
                let ours = fleet::measure(&binaries, (*size, profiles), &mut fleets);
                limited(&format!("fleet {size}"), part.limit(), ours).await;
                if options.upstream {
                    let upstream = fleet::measure_upstream(&binaries, (*size, profiles), &fleets);
                    limited(&format!("fleet {size}, Flux"), UPSTREAM_LIMIT, upstream).await;
                }
            }
            print_rows("fleet", &fleets.rows());
            continue;
        }
        let rows: std::pin::Pin<Box<dyn Future<Output = Result<Vec<Row>>>>> = match part {
            Part::Fleet => continue,
            Part::Push => Box::pin(push::measure(&binaries, options.pushes)),
            Part::Restart => {
                Box::pin(restart::measure(&binaries, options.sizes.iter().copied().max().unwrap_or(1000)))
            }
            Part::Neighbour => Box::pin(neighbour::measure(&binaries)),
            Part::Large => Box::pin(large::measure(&binaries)),
            Part::Rest => Box::pin(rest::measure(&binaries)),
        };
        limited(part.name(), part.limit(), rows).await;
    }
    Ok(())
}

/// Prints the rows of a part, or one that says how it failed.
async fn limited(name: &str, limit: Duration, rows: impl Future<Output = Result<Vec<Row>>>) {
    eprintln!("{name} ...");
    let rows = match tokio::time::timeout(limit, rows).await {
        Ok(Ok(rows)) => rows,
        Ok(Err(error)) => vec![Row::failed(&format!("{error:#}"))],
        Err(_) => vec![Row::failed(&format!("took longer than {limit:?}"))],
    };
    print_rows(name, &rows);
}

fn print_rows(name: &str, rows: &[Row]) {
    for row in rows {
        println!("{}", row.line(name));
    }
}
