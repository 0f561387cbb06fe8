use super::*;

// Recorded with github.com/Masterminds/semver/v3 v3.5.0 on Go 1.26.8.

/// Text, and the normal form or the error of `NewVersion`.
const VERSIONS: &[(&str, Result<&str, &str>)] = &[
    ("1.2.3", Ok("1.2.3")),
    ("v1.2.3", Ok("1.2.3")),
    ("1.0", Ok("1.0.0")),
    ("v1", Ok("1.0.0")),
    ("1", Ok("1.0.0")),
    ("", Err("invalid semantic version")),
    ("v", Err("invalid semantic version")),
    ("1.2.3.4", Err("invalid semantic version")),
    ("1.2.3-alpha.01", Err("version segment starts with 0")),
    ("1.2.3-alpha.1", Ok("1.2.3-alpha.1")),
    ("1.2.3-alpha..1", Err("invalid semantic version")),
    ("1.2-5", Ok("1.2.0-5")),
    ("1.2-beta.5", Ok("1.2.0-beta.5")),
    ("v1.2-beta.5", Ok("1.2.0-beta.5")),
    ("1.2.3+test.01", Ok("1.2.3+test.01")),
    ("1.2.3-alpha+x-y", Ok("1.2.3-alpha+x-y")),
    ("1.2beta", Err("invalid semantic version")),
    ("01.002.3", Ok("1.2.3")),
    ("1.2.3-", Err("invalid semantic version")),
    ("1.2.3+", Err("invalid semantic version")),
    (
        "18446744073709551616.0.0",
        Err(
            "error parsing version segment: strconv.ParseUint: parsing \"18446744073709551616\": value out of range",
        ),
    ),
    ("foo", Err("invalid semantic version")),
    ("1.2.x", Err("invalid semantic version")),
    (" 1.2.3", Err("invalid semantic version")),
    ("1.2.3 ", Err("invalid semantic version")),
    ("V1.2.3", Err("invalid semantic version")),
    ("1..2", Err("invalid semantic version")),
    ("1.2.3-a_b", Err("invalid semantic version")),
    ("1.2.3+a+b", Err("invalid semantic version")),
    ("1.2.3--x", Ok("1.2.3--x")),
    ("1.2.3-00", Err("version segment starts with 0")),
    ("20221209-update-renovatejson-v4", Ok("20221209.0.0-update-renovatejson-v4")),
];

/// The same of `StrictNewVersion`.
const STRICT_VERSIONS: &[(&str, Result<&str, &str>)] = &[
    ("1.2.3", Ok("1.2.3")),
    ("v1.2.3", Err("invalid characters in version")),
    ("1.0", Err("invalid semantic version")),
    ("", Err("version string empty")),
    ("1.2.3-alpha.1", Ok("1.2.3-alpha.1")),
    ("01.2.3", Err("version segment starts with 0")),
    ("1.2.03", Err("version segment starts with 0")),
    ("1.2.3-01", Err("version segment starts with 0")),
    ("1.2.3+01", Ok("1.2.3+01")),
    ("1.2.3-", Err("invalid prerelease string")),
    ("1.2.3+", Err("invalid metadata string")),
    ("1.2.x", Err("invalid characters in version")),
    ("1.2.3-a_b", Err("invalid prerelease string")),
    ("1.2.3.4", Err("invalid characters in version")),
];

/// Versions that the ranges are tried on.
const CANDIDATES: &[&str] = &[
    "0.0.0",
    "0.0.3",
    "0.0.4",
    "0.2.3",
    "0.2.9",
    "0.3.0",
    "1.0.0",
    "1.1.5",
    "1.2.0",
    "1.2.3",
    "1.2.4",
    "1.3.0",
    "2.0.0",
    "2.1.7",
    "11.1.0",
    "1.2.3-alpha.1",
    "1.2.3-beta",
    "2.0.0-rc.1",
    "0.0.0-0",
    "1.2.3+build",
];

/// Range, and the candidates it admits or the error.
const RANGES: &[(&str, Result<&[&str], &str>)] = &[
    (
        "*",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3+build",
        ]),
    ),
    (
        "x",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3+build",
        ]),
    ),
    ("", Err("improper constraint: \"\"")),
    ("=1.2.3", Ok(&["1.2.3", "1.2.3+build"])),
    ("1.2.3", Ok(&["1.2.3", "1.2.3+build"])),
    (
        "!=1.2.3",
        Ok(&[
            "0.0.0", "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1.0.0", "1.1.5", "1.2.0", "1.2.4",
            "1.3.0", "2.0.0", "2.1.7", "11.1.0",
        ]),
    ),
    (
        "!=1.2",
        Ok(&[
            "0.0.0", "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1.0.0", "1.1.5", "1.3.0", "2.0.0",
            "2.1.7", "11.1.0",
        ]),
    ),
    ("!=1", Ok(&["0.0.0", "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "2.0.0", "2.1.7", "11.1.0"])),
    (
        "!=*",
        Ok(&[
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3+build",
        ]),
    ),
    (
        "!=1.2-alpha",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3-alpha.1",
            "1.2.3-beta",
            "2.0.0-rc.1",
            "0.0.0-0",
            "1.2.3+build",
        ]),
    ),
    (">1.2.3", Ok(&["1.2.4", "1.3.0", "2.0.0", "2.1.7", "11.1.0"])),
    (">1.2", Ok(&["1.3.0", "2.0.0", "2.1.7", "11.1.0"])),
    (">1", Ok(&["2.0.0", "2.1.7", "11.1.0"])),
    (
        ">*",
        Ok(&[
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3+build",
        ]),
    ),
    ("<1.2.3", Ok(&["0.0.0", "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1.0.0", "1.1.5", "1.2.0"])),
    ("<1.2", Ok(&["0.0.0", "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1.0.0", "1.1.5"])),
    ("<1", Ok(&["0.0.0", "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0"])),
    (">=1.2", Ok(&["1.2.0", "1.2.3", "1.2.4", "1.3.0", "2.0.0", "2.1.7", "11.1.0", "1.2.3+build"])),
    (">=1.2.3", Ok(&["1.2.3", "1.2.4", "1.3.0", "2.0.0", "2.1.7", "11.1.0", "1.2.3+build"])),
    ("=>1.2.3", Ok(&["1.2.3", "1.2.4", "1.3.0", "2.0.0", "2.1.7", "11.1.0", "1.2.3+build"])),
    (
        "<=1.2",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.2.3+build",
        ]),
    ),
    (
        "<=1",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "1.2.3+build",
        ]),
    ),
    ("<=*", Ok(&["0.0.0", "0.0.3", "0.0.4"])),
    (
        "=<1.2.3",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.3+build",
        ]),
    ),
    ("~1.2.3", Ok(&["1.2.3", "1.2.4", "1.2.3+build"])),
    ("~1.2", Ok(&["1.2.0", "1.2.3", "1.2.4", "1.2.3+build"])),
    ("~1", Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    ("~>1.2", Ok(&["1.2.0", "1.2.3", "1.2.4", "1.2.3+build"])),
    (
        "~*",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3+build",
        ]),
    ),
    (
        "~0.0.0",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3+build",
        ]),
    ),
    ("~0", Ok(&["0.0.0", "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0"])),
    ("^1.2.3", Ok(&["1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    ("^1.2", Ok(&["1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    ("^1", Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    ("^0.2.3", Ok(&["0.2.3", "0.2.9"])),
    ("^0.2", Ok(&["0.2.3", "0.2.9"])),
    ("^0.0.3", Ok(&["0.0.3"])),
    ("^0.0", Ok(&["0.0.0", "0.0.3", "0.0.4"])),
    ("^0", Ok(&["0.0.0", "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0"])),
    ("^*", Ok(&["0.0.0"])),
    ("1.2.x", Ok(&["1.2.0", "1.2.3", "1.2.4", "1.2.3+build"])),
    ("1.x", Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    ("1.x.x", Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    ("1.*", Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    ("1.2.*", Ok(&["1.2.0", "1.2.3", "1.2.4", "1.2.3+build"])),
    (">=1.0, <2", Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    (">=1.0 <2", Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    (
        ">=1.0,<2.0 || 2.1.7",
        Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "2.1.7", "1.2.3+build"]),
    ),
    ("1 - 2", Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "2.0.0", "2.1.7", "1.2.3+build"])),
    ("1.2.3 - 2.0", Ok(&["1.2.3", "1.2.4", "1.3.0", "2.0.0", "1.2.3+build"])),
    ("1.0 - 1.2, !=1.2.0", Ok(&["1.0.0", "1.1.5", "1.2.3", "1.2.4", "1.2.3+build"])),
    (
        ">=1.0.0-0",
        Ok(&[
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3-alpha.1",
            "1.2.3-beta",
            "2.0.0-rc.1",
            "1.2.3+build",
        ]),
    ),
    (
        ">=0.0.0-0",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3-alpha.1",
            "1.2.3-beta",
            "2.0.0-rc.1",
            "0.0.0-0",
            "1.2.3+build",
        ]),
    ),
    ("~1.2.3-alpha", Ok(&["1.2.3", "1.2.4", "1.2.3-alpha.1", "1.2.3-beta", "1.2.3+build"])),
    ("^1.2.3-0", Ok(&["1.2.3", "1.2.4", "1.3.0", "1.2.3-alpha.1", "1.2.3-beta", "1.2.3+build"])),
    (
        "*-0",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3-alpha.1",
            "1.2.3-beta",
            "2.0.0-rc.1",
            "0.0.0-0",
            "1.2.3+build",
        ]),
    ),
    ("1.2-alpha", Ok(&["1.2.0", "1.2.3", "1.2.4", "1.2.3-alpha.1", "1.2.3-beta", "1.2.3+build"])),
    (
        "<2.0.0-rc.2",
        Ok(&[
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "1.2.3-alpha.1",
            "1.2.3-beta",
            "2.0.0-rc.1",
            "0.0.0-0",
            "1.2.3+build",
        ]),
    ),
    (">= 1.1", Ok(&["1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "2.0.0", "2.1.7", "11.1.0", "1.2.3+build"])),
    ("> 1.1 , < 2", Ok(&["1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    ("v1.2.3", Ok(&["1.2.3", "1.2.3+build"])),
    (
        ">=v1.0",
        Ok(&[
            "1.0.0",
            "1.1.5",
            "1.2.0",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "2.0.0",
            "2.1.7",
            "11.1.0",
            "1.2.3+build",
        ]),
    ),
    (">1.0<2", Err("improper constraint: \">1.0<2\"")),
    (">1.0,,<2", Err("improper constraint: \">1.0,,<2\"")),
    (",>1", Err("improper constraint: \",>1\"")),
    ("foo", Err("improper constraint: \"foo\"")),
    ("1.2.3.4", Err("improper constraint: \"1.2.3.4\"")),
    ("x1", Err("constraint parser error")),
    ("1.2.3-", Err("improper constraint: \"1.2.3-\"")),
    (">=", Err("improper constraint: \">=\"")),
    ("||", Err("improper constraint: \"\"")),
    ("1 || ", Err("improper constraint: \" \"")),
    ("1 -2", Err("improper constraint: \"1 -2\"")),
    ("1- 2", Err("improper constraint: \"1- 2\"")),
    ("=1.2.3+build", Ok(&["1.2.3", "1.2.3+build"])),
    ("1|2", Err("constraint parser error")),
    ("1.x.3", Ok(&["1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "1.2.3+build"])),
    ("^1.2.3 ^1.2.4", Ok(&["1.2.4", "1.3.0"])),
    ("1 2", Ok(&[])),
    ("!1", Err("improper constraint: \"!1\"")),
    ("==1", Err("improper constraint: \"==1\"")),
    ("~>=1", Err("improper constraint: \"~>=1\"")),
    ("18446744073709551616", Err("constraint parser error")),
    (
        "1 - 2 || 0.0.3",
        Ok(&["0.0.3", "1.0.0", "1.1.5", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "2.0.0", "2.1.7", "1.2.3+build"]),
    ),
    ("1.2.3-01", Err("constraint parser error")),
];

/// In ascending order; equals share a row.
const ORDER: &[&[&str]] = &[
    &["1.0.0-0"],
    &["1.0.0-2"],
    &["1.0.0-11"],
    &["1.0.0-alpha"],
    &["1.0.0-alpha.1"],
    &["1.0.0-alpha.beta"],
    &["1.0.0-beta"],
    &["1.0.0", "v1", "1.0.0+a", "1.0.0+b"],
    &["1.0.1"],
    &["1.10.0"],
];

#[test]
fn reads_versions_as_masterminds() {
    for (text, want) in VERSIONS {
        let got = text.parse::<Version>();
        let got = got.as_ref().map(ToString::to_string).map_err(ToString::to_string);
        assert_eq!(got.as_deref().map_err(String::as_str), want.as_ref().copied().map_err(|e| *e), "{text}");
    }
}

#[test]
fn reads_strict_versions_as_masterminds() {
    for (text, want) in STRICT_VERSIONS {
        let got = Version::parse_strict(text);
        let got = got.as_ref().map(ToString::to_string).map_err(ToString::to_string);
        assert_eq!(got.as_deref().map_err(String::as_str), want.as_ref().copied().map_err(|e| *e), "{text}");
    }
}

#[test]
fn reads_ranges_as_masterminds() {
    for (text, want) in RANGES {
        match (text.parse::<Constraint>(), want) {
            (Ok(range), Ok(want)) => {
                let admitted: Vec<&str> = CANDIDATES
                    .iter()
                    .copied()
                    .filter(|version| range.admits(&version.parse().expect("a version")))
                    .collect();
                assert_eq!(&admitted, want, "{text}");
            }
            (Err(error), Err(want)) => assert_eq!(error.to_string(), *want, "{text}"),
            (got, want) => panic!("{text}: {got:?}, not {want:?}"),
        }
    }
}

#[test]
fn orders_as_semver_does_and_ignores_metadata() {
    let rank = |text: &str| ORDER.iter().position(|row| row.contains(&text));
    for left in ORDER.iter().copied().flatten() {
        for right in ORDER.iter().copied().flatten() {
            let (one, other): (Version, Version) = (left.parse().expect(left), right.parse().expect(right));
            assert_eq!(one.cmp(&other), rank(left).cmp(&rank(right)), "{left} and {right}");
        }
    }
}

#[test]
fn a_tag_needs_three_parts_and_stays_as_written() {
    assert!(Version::parse_three_parts("1.2").is_err());
    let version = Version::parse_three_parts("v1.2.3").expect("a version");
    assert_eq!((version.original(), version.to_string().as_str()), ("v1.2.3", "1.2.3"));
    let stamped = version.with_metadata("abc").expect("metadata");
    assert_eq!(stamped.original(), "v1.2.3+abc");
    assert!(version.with_metadata("a_b").is_err());
}

#[test]
fn long_texts_are_refused() {
    assert_eq!(format!("1.0.0-{}", "a".repeat(300)).parse::<Version>(), Err(ParseVersionError::TooLong));
    let many = vec!["1"; 33].join("||");
    assert_eq!(many.parse::<Constraint>().expect_err("too many"), ParseConstraintError::TooManyGroups);
    let long = format!(">{}", "1".repeat(600));
    assert_eq!(long.parse::<Constraint>().expect_err("too long"), ParseConstraintError::TooLong);
}
