use serde::Deserialize;

use super::*;

/// Recorded with Go 1.26.8.
const VECTORS: &str = include_str!("tests/vectors.json");

#[derive(Deserialize)]
struct Vectors {
    texts: Vec<String>,
    /// Pattern, and the texts that it matches; nothing where it is refused.
    patterns: Vec<(String, Option<Vec<Found>>)>,
}

/// Number of a text, begin and end of the match in it.
type Found = (usize, usize, usize);

#[test]
fn patterns_mean_what_they_mean_in_go() {
    let vectors: Vectors = serde_json::from_str(VECTORS).expect("recorded vectors");
    assert_eq!((vectors.texts.len(), vectors.patterns.len()), (20, 80));
    let mut wrong = Vec::new();
    for (pattern, want) in &vectors.patterns {
        let compiled = compile_re2(pattern);
        let got: Option<Vec<_>> = compiled.ok().map(|regex| {
            let matches = vectors.texts.iter().enumerate();
            matches
                .filter_map(|(index, text)| regex.find(text).map(|m| (index, m.start(), m.end())))
                .collect()
        });
        if got != *want {
            wrong.push(format!("{pattern}: {got:?}, not {want:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn errors_name_the_part() {
    let text = |pattern: &str| compile_re2(pattern).expect_err(pattern).to_string();
    assert_eq!(text("[z-a]"), "error parsing regexp: invalid character class range: `z-a`");
    assert_eq!(text("a{1001}"), "error parsing regexp: invalid repeat count: `{1001}`");
    assert_eq!(text(r"\y"), r"error parsing regexp: invalid escape sequence: `\y`");
}

#[test]
fn a_pattern_that_grows_is_refused() {
    assert_eq!(compile_re2("(((((a{100}){100}){100}){100}){100})").expect_err("large"), Re2Error::TooLarge);
    assert_eq!(compile_re2(&"a".repeat(70_000)).expect_err("long"), Re2Error::TooLarge);
}
