//! What is compiled can be rendered any number of times.

use std::path::Path;
use std::sync::Arc;

use flux_helm::chart::{Chart, Limits};
use flux_helm::engine::{compile, render, render_once};

use super::support::{options, prepared};

#[test]
fn renders_of_one_program_are_like_the_only_render() {
    for case in ["heavy-bodies", "actions", "tpl", "definitions"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases").join(case).join("chart");
        let input = prepared(Chart::from_directory(&directory, &Limits::default()).unwrap());
        let program = Arc::new(compile(&input).unwrap());
        let once = render_once(&input, &options(None)).unwrap();
        assert!(!once.is_empty());
        for _ in 0..2 {
            assert_eq!(render(&input, &program, &options(None)).unwrap(), once, "{case}");
        }
    }
}
