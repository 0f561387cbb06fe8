//! Megabytes per second of parsing and writing, beside saphyr: `throughput FILE...`, one row per library and file.
//!
//! Go's numbers for the same files come from `benches/go`; `bench.sh` runs both.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use saphyr::LoadableYamlNode as _;

/// As in the controllers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Time spent on each figure.
const BUDGET: Duration = Duration::from_secs(2);

fn main() -> anyhow::Result<()> {
    // cargo passes `--bench`
    let paths: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    ensure!(!paths.is_empty(), "usage: throughput FILE...");
    for path in &paths {
        let bytes = fs_err::read(path)?;
        let text = std::str::from_utf8(&bytes).context("not UTF-8")?;
        report("flux-yaml events", path, bytes.len(), || {
            let mut parser = flux_yaml::Parser::new(text);
            while !matches!(
                parser.next_event().map(|event| event.data),
                Ok(flux_yaml::EventData::StreamEnd) | Err(_)
            ) {}
        });
        report("flux-yaml parse", path, bytes.len(), || {
            black_box(flux_yaml::parse_documents(&bytes)).map(drop).unwrap_or_default();
        });
        let documents = flux_yaml::parse_documents(&bytes)?;
        let mut out = String::new();
        for document in documents.iter().filter(|document| !document.is_null()) {
            flux_yaml::write_sorted_yaml(document, &mut out)?;
        }
        let written = out.len();
        report("flux-yaml write", path, written, || {
            out.clear();
            for document in documents.iter().filter(|document| !document.is_null()) {
                flux_yaml::write_sorted_yaml(document, &mut out).unwrap_or_default();
            }
            black_box(&out);
        });
        report("saphyr parse", path, bytes.len(), || {
            black_box(saphyr::Yaml::load_from_str(text)).map(drop).unwrap_or_default();
        });
        let documents = saphyr::Yaml::load_from_str(text)?;
        report("saphyr write", path, written, || {
            let mut out = String::new();
            for document in &documents {
                saphyr::YamlEmitter::new(&mut out).dump(document).unwrap_or_default();
            }
            black_box(out);
        });
    }
    Ok(())
}

/// Runs the work until the budget is spent and prints the rate of the fastest run.
fn report(name: &str, path: &str, bytes: usize, mut work: impl FnMut()) {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    while begin.elapsed() < BUDGET {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed());
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = bytes as f64 / best.as_secs_f64() / 1e6;
    #[expect(clippy::print_stdout, reason = "the result")]
    {
        println!("{name:<20} {rate:>8.1} MB/s  {path}");
    }
}
