//! The template parser and the compiler: the input is the files of a chart, separated by NULs.
#![no_main]

use flux_helm::engine::Program;
use flux_helm::value::Text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let files: Vec<(String, Text)> = input
        .split(|byte| *byte == 0)
        .enumerate()
        .map(|(number, text)| (format!("c/templates/{number}.yaml"), text.into()))
        .collect();
    let compile = || Program::compile(files.iter().map(|(name, text)| (name.as_str(), text)));
    match (compile(), compile()) {
        (Err(first), Err(second)) => assert_eq!(first.to_string(), second.to_string()),
        (first, second) => assert_eq!(first.is_ok(), second.is_ok()),
    }
});
