//! Chart archives: the input is an archive as it comes, and also the tar in one. What loads is prepared for rendering
//! twice, which must agree.
#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use flux_helm::capabilities::Capabilities;
use flux_helm::chart::{Chart, Limits};
use flux_helm::context::{Action, ReleaseContext, RenderInput};
use flux_yaml::{Object, Value};
use libfuzzer_sys::fuzz_target;

fn prepared(chart: Chart) -> Option<String> {
    let release = ReleaseContext {
        name: "r".to_owned(),
        namespace: "n".to_owned(),
        revision: 1,
        action: Action::Install,
    };
    let input = RenderInput::prepare(chart, &Object::new(), release, Capabilities::default(), None).ok()?;
    Some(Value::Object(input.tables.to_object(input.root)).to_json())
}

fuzz_target!(|input: &[u8]| {
    let limits = Limits { chart: 8 << 20, file: 1 << 20, files: 1000, depth: 16 };
    let _ = Chart::from_archive(input, &limits);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(input).expect("a Vec takes every write");
    let archive = encoder.finish().expect("a Vec takes every write");
    if let Ok(chart) = Chart::from_archive(&archive, &limits) {
        assert_eq!(prepared(chart.clone()), prepared(chart));
    }
});
