//! Compiled templates at work: the input is values.yaml and then templates, separated by NULs. What renders is sorted
//! into manifests and hooks, and rendered once more by the same program.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use flux_gotext::GoTime;
use flux_helm::capabilities::Capabilities;
use flux_helm::chart::{Chart, File, Metadata};
use flux_helm::context::{Action, ReleaseContext, RenderInput};
use flux_helm::engine::{Limits, Options, compile, render};
use flux_helm::manifest::{Order, sort};
use flux_helm::values::read;
use flux_yaml::Object;
use libfuzzer_sys::fuzz_target;

fn chart(input: &[u8]) -> Option<Chart> {
    let mut parts = input.split(|byte| *byte == 0);
    let values = Arc::new(read(parts.next()?).ok()?);
    let file = |(number, text): (usize, &[u8])| File {
        name: format!("templates/{number}.yaml"),
        data: text.into(),
        modified: None,
    };
    let templates = parts.enumerate().map(file).collect();
    let metadata = Metadata { name: "c".to_owned(), version: "1.2.3".to_owned(), ..Metadata::default() };
    let files = vec![File { name: "file.txt".to_owned(), data: "one\ntwo".into(), modified: None }];
    Some(Chart { metadata, values, templates, files, ..Chart::default() })
}

fuzz_target!(|input: &[u8]| {
    let Some(chart) = chart(input) else { return };
    let release = ReleaseContext {
        name: "r".to_owned(),
        namespace: "n".to_owned(),
        revision: 1,
        action: Action::Install,
    };
    let prepared = RenderInput::prepare(chart, &Object::new(), release, Capabilities::default(), None);
    let Ok(prepared) = prepared else { return };
    let Ok(program) = compile(&prepared).map(Arc::new) else { return };
    let limits = Limits {
        steps: 100_000,
        depth: 100,
        items: 10_000,
        text: 1 << 20,
        made: 16 << 20,
        time: Duration::from_mins(1),
    };
    let options = Options { limits, now: GoTime::zero(), lookup: None };
    let rendered = render(&prepared, &program, &options);
    if let Ok(files) = rendered {
        let _ = sort(&files, Order::Install);
        let _ = render(&prepared, &program, &options);
    }
});
