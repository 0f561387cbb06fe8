//! No template and no value may panic, hang or take much memory. The input is a template, and after a NUL the value of `v`.
#![no_main]

use flux_kustomize::substitution::{Strategy, Unset, Variables, expand, substitute};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (template, value) = text.split_once('\0').unwrap_or((text, "some/value.txt"));
    let variables: Variables = [("v", value), ("w", "-1"), ("empty", "")].into_iter().collect();
    for unset in [Unset::Empty, Unset::Fails] {
        let expanded = expand(template, &variables, unset);
        if let (Ok(expanded), Unset::Fails) = (&expanded, unset) {
            // what strict mode takes, lenient mode makes the same of
            assert_eq!(Ok(expanded), expand(template, &variables, Unset::Empty).as_ref());
        }
    }
    if let Ok(Some(mut resource)) = flux_yaml::parse_document(template.as_bytes()) {
        if resource.expand(&flux_yaml::Limits { nodes: 100_000, ..flux_yaml::Limits::default() }).is_ok() {
            let _ = substitute(&resource, &variables, Unset::Empty, Strategy::Always);
        }
    }
});
