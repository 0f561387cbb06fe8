use super::*;

// Recorded with gitignore of github.com/go-git/go-git/v5 v5.16.0 on Go 1.26.8; directories end in `/`.

const PATHS: &[&str] = &[
    "a/",
    "a",
    "a/b/",
    "a/b",
    "a/b/c",
    "a/c",
    "b/",
    "b/c",
    "c",
    "deploy/",
    "deploy",
    "deploy/app.yaml",
    "x/deploy/",
    "x/deploy/app.yaml",
    "x.jpg",
    "x/y.jpg/z",
    "x/y.txt",
    "x/1/2/y.txt",
    "a.txt",
    "!x",
    "ab",
    "food/x",
    "c ",
];

/// Pattern at the root, and the paths that it matches.
const ROOT: &[(&str, &[&str])] = &[
    ("*.jpg", &["x.jpg", "x/y.jpg/z"]),
    ("deploy", &["deploy/", "deploy", "deploy/app.yaml", "x/deploy/", "x/deploy/app.yaml"]),
    ("deploy/", &["deploy/", "deploy/app.yaml", "x/deploy/", "x/deploy/app.yaml"]),
    ("/deploy", &["deploy/", "deploy", "deploy/app.yaml"]),
    ("/deploy/", &["deploy/", "deploy/app.yaml"]),
    ("a/b", &["a/b/", "a/b", "a/b/c"]),
    ("a/b/", &["a/b/", "a/b/c"]),
    ("/a/*", &["a/b/", "a/b", "a/b/c", "a/c"]),
    ("a/*/c", &["a/b/c"]),
    ("**/c", &["a/b/c", "a/c", "b/c", "c"]),
    ("a/**", &["a/", "a", "a/b/", "a/b", "a/b/c", "a/c"]),
    ("a/**/c", &["a/b/c", "a/c"]),
    ("**/b/**", &["a/b/", "a/b", "a/b/c", "b/", "b/c"]),
    (
        "**",
        &[
            "a/",
            "a",
            "a/b/",
            "a/b",
            "a/b/c",
            "a/c",
            "b/",
            "b/c",
            "c",
            "deploy/",
            "deploy",
            "deploy/app.yaml",
            "x/deploy/",
            "x/deploy/app.yaml",
            "x.jpg",
            "x/y.jpg/z",
            "x/y.txt",
            "x/1/2/y.txt",
            "a.txt",
            "!x",
            "ab",
            "food/x",
            "c ",
        ],
    ),
    ("/**", &[]),
    (
        "a**",
        &["a/", "a", "a/b/", "a/b", "a/b/c", "a/c", "deploy/app.yaml", "x/deploy/app.yaml", "a.txt", "ab"],
    ),
    ("a/b**", &[]),
    (
        "/*",
        &[
            "a/",
            "a",
            "a/b/",
            "a/b",
            "a/b/c",
            "a/c",
            "b/",
            "b/c",
            "c",
            "deploy/",
            "deploy",
            "deploy/app.yaml",
            "x/deploy/",
            "x/deploy/app.yaml",
            "x.jpg",
            "x/y.jpg/z",
            "x/y.txt",
            "x/1/2/y.txt",
            "a.txt",
            "!x",
            "ab",
            "food/x",
            "c ",
        ],
    ),
    (
        "*",
        &[
            "a/",
            "a",
            "a/b/",
            "a/b",
            "a/b/c",
            "a/c",
            "b/",
            "b/c",
            "c",
            "deploy/",
            "deploy",
            "deploy/app.yaml",
            "x/deploy/",
            "x/deploy/app.yaml",
            "x.jpg",
            "x/y.jpg/z",
            "x/y.txt",
            "x/1/2/y.txt",
            "a.txt",
            "!x",
            "ab",
            "food/x",
            "c ",
        ],
    ),
    ("/", &[]),
    ("foo*", &["food/x"]),
    ("[ab].txt", &["a.txt"]),
    ("[", &[]),
    ("a/[", &[]),
    ("\\!x", &["!x"]),
    ("*.t?t", &["x/y.txt", "x/1/2/y.txt", "a.txt"]),
    ("**/a/**/c", &["a/b/c", "a/c"]),
    ("a/", &["a/", "a/b/", "a/b", "a/b/c", "a/c"]),
    ("x/**/y.txt", &["x/y.txt", "x/1/2/y.txt"]),
    ("b", &["a/b/", "a/b", "a/b/c", "b/", "b/c"]),
    ("/b", &["b/", "b/c"]),
    ("a//c", &["a/c"]),
    ("a/b ", &["a/b/", "a/b", "a/b/c"]),
    ("c\\ ", &["c "]),
    (
        "**/",
        &[
            "a/",
            "a/b/",
            "a/b",
            "a/b/c",
            "a/c",
            "b/",
            "b/c",
            "deploy/",
            "deploy/app.yaml",
            "x/deploy/",
            "x/deploy/app.yaml",
            "x/y.jpg/z",
            "x/y.txt",
            "x/1/2/y.txt",
            "food/x",
        ],
    ),
    ("/a/**/b/c", &["a/b/c"]),
    ("**/**/c", &["a/b/c", "a/c", "b/c", "c"]),
    ("deploy/**/app.yaml", &["deploy/app.yaml"]),
];

const SCOPED_PATHS: &[&str] = &[
    "dir/sub/a.txt",
    "dir/a.txt",
    "dir/sub/",
    "dir/sub/b/",
    "dir/sub/b/x",
    "dir/sub/sub/x",
    "dir/sub/q/z",
    "other/sub/a.txt",
];

/// Pattern in `dir/sub`, and the paths that it matches.
const SCOPED: &[(&str, &[&str])] = &[
    ("*.txt", &["dir/sub/a.txt"]),
    ("/a.txt", &["dir/sub/a.txt"]),
    ("b/", &["dir/sub/b/", "dir/sub/b/x"]),
    ("sub/x", &["dir/sub/sub/x"]),
    ("**/z", &["dir/sub/q/z"]),
];

fn rules(files: &[(&str, &str)]) -> IgnoreRulesBuilder {
    let mut builder = IgnoreRulesBuilder::new();
    for (directory, text) in files {
        builder.add(directory, text).expect("few patterns");
    }
    builder
}

fn ignores(rules: &IgnoreRules, path: &str) -> bool {
    let kind = if path.ends_with('/') { EntryKind::Directory } else { EntryKind::File };
    rules.ignores(path, kind)
}

#[test]
fn patterns_match_what_they_match_in_go_git() {
    for (scope, paths, table) in [("", PATHS, ROOT), ("dir/sub", SCOPED_PATHS, SCOPED)] {
        for (pattern, want) in table {
            let rules = rules(&[(scope, pattern)]).build();
            let got: Vec<&str> = paths.iter().copied().filter(|path| ignores(&rules, path)).collect();
            assert_eq!(&got, want, "{pattern}");
        }
    }
}

#[test]
fn a_negated_pattern_reaches_into_an_excluded_directory() {
    let rules = rules(&[("", "/*\n!/deploy\nvendor/\n!vendor/kept.yaml\n")]).build_with_defaults();
    assert!(ignores(&rules, "README.md"));
    assert!(!ignores(&rules, "deploy/"));
    assert!(!ignores(&rules, "deploy/app.yaml"));
    assert!(ignores(&rules, "vendor/"));
    assert!(!ignores(&rules, "vendor/kept.yaml"));
}

#[test]
fn built_in_lists_yield_to_patterns_but_version_control_stays_out() {
    let defaults = rules(&[]).build_with_defaults();
    for path in ["logo.png", "x/app.tar.gz", ".github/", "a/.sops.yaml", ".git/", "sub/.gitignore"] {
        assert!(ignores(&defaults, path), "{path}");
    }
    let own = rules(&[("", "# comment\n\n*.md\n")]).build_with_defaults();
    assert!(!ignores(&own, "logo.png"));
    assert!(ignores(&own, ".git/") && ignores(&own, "README.md"));
    assert!(!ignores(&rules(&[]).build(), ".gitignore"), "buckets have no built-in list");
}

#[test]
fn comments_blanks_and_trailing_spaces_do_not_count() {
    let rules = rules(&[("", "#a\n   \nb   \n")]).build();
    assert!(ignores(&rules, "b"));
    assert!(!ignores(&rules, "a") && !ignores(&rules, "#a"));
}

#[test]
fn too_many_patterns_are_refused() {
    assert_eq!(IgnoreRulesBuilder::new().add("", &"x\n".repeat(10_001)), Err(TooManyPatterns));
}
