//! What is compiled can be rendered any number of times.

use std::path::Path;
use std::sync::Arc;

use flux_gotext::GoTime;
use flux_helm::capabilities::Capabilities;
use flux_helm::chart::{Chart, Limits};
use flux_helm::context::{Action, ReleaseContext, RenderInput};
use flux_helm::engine::{self, Options, compile, render, render_once};
use flux_yaml::Object;

#[test]
fn renders_of_one_program_are_like_the_only_render() {
    for case in ["heavy-bodies", "actions", "tpl", "definitions"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases").join(case).join("chart");
        let chart = Chart::from_directory(&directory, &Limits::default()).unwrap();
        let release = ReleaseContext {
            name: "release".to_owned(),
            namespace: "default".to_owned(),
            revision: 1,
            action: Action::Install,
        };
        let input =
            RenderInput::prepare(chart, &Object::new(), release, Capabilities::default(), None).unwrap();
        let options = Options { limits: engine::Limits::default(), now: GoTime::zero(), lookup: None };
        let program = Arc::new(compile(&input).unwrap());
        let once = render_once(&input, &options).unwrap();
        assert!(!once.is_empty());
        for _ in 0..2 {
            assert_eq!(render(&input, &program, &options).unwrap(), once, "{case}");
        }
    }
}
