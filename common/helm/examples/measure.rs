//! Measures this crate in process, and prints JSON:
//! `measure render CHART SECONDS`: median milliseconds to compile the templates, and to render them once compiled;
//! `measure record FILE SECONDS`: median milliseconds to decode a release record without its chart, and the memory that
//! takes, in KiB;
//! `measure write-record CHART BYTES`: prints a record of that chart, filled up to so many bytes.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flux_gotext::GoTime;
use flux_helm::capabilities::Capabilities;
use flux_helm::chart::{Chart, File, Limits};
use flux_helm::context::{Action, ReleaseContext, RenderInput};
use flux_helm::engine::{self, Options};
use flux_helm::release::{ChartPart, ChartRecord, Release, decode, encode};
use flux_yaml::Object;
use rand::Rng as _;
use serde_json::{Value, json};

/// That of the controllers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[expect(clippy::print_stdout, reason = "printing is what the program is for")]
fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["render", chart, seconds] => println!("{}", render(chart, seconds.parse()?)?),
        ["record", file, seconds] => println!("{}", record(file, seconds.parse()?)?),
        ["write-record", chart, bytes] => print!("{}", write_record(chart, bytes.parse()?)?),
        _ => return Err("usage: measure render|record|write-record FILE SECONDS|BYTES".into()),
    }
    Ok(())
}

fn prepared(chart: &str) -> Outcome<RenderInput> {
    let chart = Chart::from_path(Path::new(chart), &Limits::default())?;
    let release = ReleaseContext {
        name: "release".to_owned(),
        namespace: "default".to_owned(),
        revision: 1,
        action: Action::Install,
    };
    Ok(RenderInput::prepare(chart, &Object::new(), release, Capabilities::default(), None)?)
}

fn render(chart: &str, seconds: f64) -> Outcome<Value> {
    let input = prepared(chart)?;
    let program = Arc::new(engine::compile(&input)?);
    let options = Options { limits: engine::Limits::default(), now: GoTime::zero(), lookup: None };
    let rendered = engine::render(&input, &program, &options)?;
    Ok(json!({
        "templates": input.templates().len(),
        "lines": rendered.values().map(|text| text.lines().count()).sum::<usize>(),
        "compile": median(seconds, || engine::compile(&input).map(drop))?,
        "render": median(seconds, || engine::render(&input, &program, &options).map(drop))?,
    }))
}

fn record(file: &str, seconds: f64) -> Outcome<Value> {
    let record = fs_err::read(file)?;
    // the highest mark of this process is set back to what it uses now
    fs_err::write("/proc/self/clear_refs", "5")?;
    let before = memory("VmRSS:")?;
    drop(decode(&record, ChartPart::Metadata)?);
    let extra = memory("VmHWM:")?.saturating_sub(before);
    Ok(json!({
        "bytes": record.len(),
        "extra": extra,
        "decode": median(seconds, || decode(&record, ChartPart::Metadata).map(drop))?,
    }))
}

/// A field of this process's status, in KiB.
fn memory(field: &str) -> Outcome<u64> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no such field")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The chart's own manifest, and a file of random bytes that cannot be compressed.
fn write_record(chart: &str, bytes: usize) -> Outcome<String> {
    let input = prepared(chart)?;
    let program = Arc::new(engine::compile(&input)?);
    let options = Options { limits: engine::Limits::default(), now: GoTime::zero(), lookup: None };
    let rendered = engine::render(&input, &program, &options)?;
    let manifest = rendered.into_values().collect::<Vec<_>>().join("\n---\n");
    let release = Release { name: "release".to_owned(), version: 1, manifest, ..Release::default() };
    let mut chart = Chart::from_path(Path::new(chart), &Limits::default())?;
    let missing = bytes.saturating_sub(encode(&release, &ChartRecord::new(&chart)).len());
    // in the record they are base64 twice, with a compression between them that wins little more than the first one lost
    let mut random = vec![0; missing * 3 / 4];
    rand::rng().fill_bytes(&mut random);
    chart.files.push(File { name: "random".to_owned(), data: random.into(), modified: None });
    Ok(encode(&release, &ChartRecord::new(&chart)))
}

/// The median milliseconds of as many runs as fit into so many seconds, three at least and after one that does not count.
fn median<E>(seconds: f64, mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    work()?;
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 3 || start.elapsed() < Duration::from_secs_f64(seconds) {
        let began = Instant::now();
        work()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0))
}
