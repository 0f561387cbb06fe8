//! Input that wants to hurt.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use flux_yaml::{Error, Limits, parse_document, parse_documents, parse_with};

fn expanded(text: &str) -> Result<flux_yaml::Node, Error> {
    let mut root = parse_document(text.as_bytes())?.unwrap_or_default();
    root.expand(&Limits::default())?;
    Ok(root)
}

#[test]
fn nesting_is_bounded() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse_documents(deep(500).as_bytes()).is_ok());
    for levels in [501, 5_000, 100_000] {
        assert_eq!(parse_documents(deep(levels).as_bytes()).unwrap_err(), Error::TooDeep(500), "{levels}");
    }
    let blocks = (0..600).map(|level| " ".repeat(level) + "a:\n").collect::<Vec<_>>().concat();
    assert_eq!(parse_documents(blocks.as_bytes()).unwrap_err(), Error::TooDeep(500));
    assert_eq!(parse_documents("- ".repeat(20_000).as_bytes()).unwrap_err(), Error::TooDeep(500));
}

#[test]
fn aliases_cannot_nest_beyond_the_limit() {
    let mut text = String::from("a0: &a0 [x]\n");
    for level in 1..600 {
        writeln!(text, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(matches!(expanded(&text).unwrap_err(), Error::TooDeep(500) | Error::ExcessiveAliasing));
}

#[test]
fn an_alias_bomb_fails_early() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    let start = Instant::now();
    assert_eq!(expanded(&text).unwrap_err(), Error::ExcessiveAliasing);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn anchors_that_contain_themselves_fail() {
    assert_eq!(expanded("a: &a [*a]").unwrap_err(), Error::RecursiveAnchor("a".to_owned()));
    assert_eq!(
        expanded("&a a: {<<: *a}").unwrap_err(),
        Error::Merge("invalid map merge: received alias for a non-map value")
    );
}

#[test]
fn size_is_bounded() {
    let limits = Limits { bytes: 10, nodes: 3, ..Limits::default() };
    assert_eq!(parse_with(b"a: 123456789", &limits).unwrap_err(), Error::TooLarge { size: 12, limit: 10 });
    assert_eq!(parse_with(b"[a, b, c]", &limits).unwrap_err(), Error::TooManyNodes(3));
}

#[test]
fn encodings() {
    assert_eq!(parse_document(b"\xff\xfea\0:\0 \x001\0").unwrap().unwrap().get_str("a"), Some("1"));
    assert_eq!(parse_document(b"\xfe\xff\0a\0:\0 \x001").unwrap().unwrap().get_str("a"), Some("1"));
    assert_eq!(parse_document(b"\xef\xbb\xbfa: 1").unwrap().unwrap().get_str("a"), Some("1"));
    for (bytes, problem) in [
        (&b"a: \xff"[..], "invalid leading UTF-8 octet"),
        (b"a: \xe2\x82", "incomplete UTF-8 octet sequence"),
        (b"a: \xe2\x28\xa1", "invalid trailing UTF-8 octet"),
        (b"a: \xc0\xaf", "invalid length of a UTF-8 sequence"),
        (b"a: \xed\xa0\x80", "invalid Unicode character"),
        (b"a: \x01", "control characters are not allowed"),
    ] {
        assert_eq!(parse_document(bytes).unwrap_err().to_string(), format!("yaml: {problem}"));
    }
}

/// Cost of 16 KiB of what a scanner may stumble over again and again.
#[test]
fn no_input_takes_long() {
    for unit in [
        "[",
        "{",
        "- ",
        "? ",
        ": ",
        "a: ",
        "a:\n ",
        "&a ",
        "!t ",
        "*a ",
        "\"",
        "'",
        "|\n",
        "\u{e9}[",
        "[\u{e9},",
        "# \n",
        "a: 1\n",
        "a1: b\n",
        "\\",
        "{a",
        "[a:",
        "?\n",
        "\t",
        "\n",
        "--- ",
        "...\n",
        "<<: {}\n",
        "2: x\n10: y\n1a: z\n",
    ] {
        let text = unit.repeat((16 << 10) / unit.len());
        let start = Instant::now();
        if let Ok(mut root) = expanded(&text) {
            let _ = flux_yaml::to_sorted_yaml(&root);
            root.set_line_comment("# x");
            let _ = flux_yaml::to_styled_yaml(&root, flux_yaml::Lists::Compact);
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{unit:?} took {:?}", start.elapsed());
    }
}

/// Found by fuzzing: upstream reads on from comment to comment, and then a tab is no indentation.
#[test]
fn tabs_before_a_further_comment_are_skipped() {
    for (text, valid) in [
        ("# a\n\t# b\nc: d\n", true),
        ("# a\n\n \t # b\n\t#\nc: d\n", true),
        ("# a\n\tc: d\n", false),
        ("c: d # a\n\t# b\n", false),
        ("\t# a\n", false),
    ] {
        assert_eq!(parse_documents(text.as_bytes()).is_ok(), valid, "{text:?}");
        assert_eq!(
            flux_yaml::parse_commented(text.as_bytes(), &Limits::default()).is_ok(),
            valid,
            "{text:?}"
        );
    }
}

/// Found by fuzzing: the order of keys is no order, and the standard library's sort panics on it.
#[test]
fn keys_whose_order_goes_round_in_a_circle() {
    let keys = (0..400).map(|i| format!("{}{}: x\n", i * 7 % 401, ["", "a", "b1", "-"][i % 4]));
    let text = keys.collect::<Vec<_>>().concat();
    let once = flux_yaml::to_sorted_yaml(&expanded(&text).unwrap()).unwrap();
    assert_eq!(flux_yaml::to_sorted_yaml(&expanded(&once).unwrap()).unwrap(), once);
}
