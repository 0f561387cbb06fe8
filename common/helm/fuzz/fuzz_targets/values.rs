//! `--set` in all its forms and files of values; a NUL separates a text to set from a file of values.
#![no_main]

use flux_helm::values::{read, set, set_json, set_literal, set_string};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (text, file) = text.split_once('\0').unwrap_or((text, ""));
    let values = read(file.as_bytes()).unwrap_or_default();
    for set in [set, set_string, set_json, set_literal] {
        let _ = set(text, &mut values.clone());
    }
});
