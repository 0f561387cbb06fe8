//! No input may panic, hang or take much memory; what was read and written reads the same.
#![no_main]

use flux_yaml::{Limits, Lists, parse_commented, parse_with, to_styled_yaml, write_sorted_yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { nodes: 200_000, ..Limits::default() };
    let commented = parse_commented(bytes, &limits);
    for document in commented.iter().flatten() {
        for lists in [Lists::Compact, Lists::Indented] {
            let _ = to_styled_yaml(document, lists);
        }
    }
    let documents = parse_with(bytes, &limits);
    assert_eq!(commented.is_ok(), documents.is_ok());
    let Ok(documents) = documents else { return };
    for mut document in documents {
        if document.expand(&limits).is_err() {
            continue;
        }
        let mut out = String::new();
        if write_sorted_yaml(&document, &mut out).is_err() {
            continue;
        }
        let Ok(value) = document.to_value() else { panic!("written, but no value: {out:?}") };
        let mut again = flux_yaml::parse_document(out.as_bytes()).expect("what was written parses").unwrap_or_default();
        again.expand(&limits).expect("nothing to expand");
        let mut twice = String::new();
        write_sorted_yaml(&again, &mut twice).expect("what was written can be written");
        // U+0085 and numbers change on the first detour over JSON, but not on the second
        assert_eq!(out, twice, "{value:?}");
    }
});
