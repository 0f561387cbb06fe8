//! Recorded from pflag 1.0.10 and component-base 0.35 by a program with flags of these types.

use super::*;
use crate::flags::{CommonFlags, JitterFlags};

#[derive(Parser, Debug)]
struct Flags {
    #[command(flatten)]
    common: CommonFlags,
    #[command(flatten)]
    jitter: JitterFlags,
    /// Words.
    #[arg(long)]
    ssh_kex_algos: Vec<Words>,
    /// Managers.
    #[arg(long)]
    override_manager: Vec<String>,
    /// Count.
    #[arg(long, default_value = "4", value_parser = parse_count)]
    concurrent: usize,
}

fn parse(arguments: &[&str]) -> Result<Flags, FlagError> {
    parse_flags(std::iter::once("controller").chain(arguments.iter().copied()).map(OsString::from))
}

/// What is printed behind the usage.
fn refusal(arguments: &[&str]) -> String {
    let error = parse(arguments).expect_err(&format!("{arguments:?} is wrong"));
    assert_eq!(error.exit_code(), 2, "{arguments:?}");
    error.to_string().trim_end().lines().last().unwrap_or_default().to_owned()
}

#[test]
fn wrong_flags_are_refused_in_the_words_of_pflag() {
    let cases = [
        ("--nope", "unknown flag: --nope"),
        ("--no-pe=1", "unknown flag: --no-pe"),
        ("-x", "unknown shorthand flag: 'x' in -x"),
        ("-x=3", "unknown shorthand flag: 'x' in -x=3"),
        ("-xh", "unknown shorthand flag: 'x' in -xh"),
        ("-é", "unknown shorthand flag: 'Ã' in -é"),
        ("---x", "bad flag syntax: ---x"),
        ("--=x", "bad flag syntax: --=x"),
        ("--metrics-addr", "flag needs an argument: --metrics-addr"),
    ];
    for (argument, want) in cases {
        assert_eq!(refusal(&[argument]), want);
    }
}

#[test]
fn wrong_values_are_refused_in_the_words_of_go() {
    let cases = [
        ("enable-leader-election=maybe", "maybe", r#"strconv.ParseBool: parsing "maybe": invalid syntax"#),
        ("enable-leader-election=", "", r#"strconv.ParseBool: parsing "": invalid syntax"#),
        ("min-retry-delay=5", "5", r#"time: missing unit in duration "5""#),
        ("min-retry-delay=1d", "1d", r#"time: unknown unit "d" in duration "1d""#),
        ("min-retry-delay=", "", r#"time: invalid duration """#),
        ("concurrent=a\nb", "a\\nb", r#"strconv.ParseInt: parsing "a\nb": invalid syntax"#),
        ("concurrent=08", "08", r#"strconv.ParseInt: parsing "08": invalid syntax"#),
        ("concurrent=1__0", "1__0", r#"strconv.ParseInt: parsing "1__0": invalid syntax"#),
        ("concurrent=1_", "1_", r#"strconv.ParseInt: parsing "1_": invalid syntax"#),
        ("concurrent=_1", "_1", r#"strconv.ParseInt: parsing "_1": invalid syntax"#),
        ("concurrent=0x", "0x", r#"strconv.ParseInt: parsing "0x": invalid syntax"#),
        (
            "concurrent=9223372036854775808",
            "9223372036854775808",
            r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#,
        ),
        ("kube-api-qps=x", "x", r#"strconv.ParseFloat: parsing "x": invalid syntax"#),
        ("kube-api-qps=1e39", "1e39", r#"strconv.ParseFloat: parsing "1e39": value out of range"#),
        ("interval-jitter-percentage=256", "256", r#"strconv.ParseUint: parsing "256": value out of range"#),
        ("interval-jitter-percentage=-1", "-1", r#"strconv.ParseUint: parsing "-1": invalid syntax"#),
        ("feature-gates=A", "A", "malformed pair, expect string=bool"),
        (
            "feature-gates=A=true=x",
            "A=true=x",
            r#"invalid value of A: true=x, err: strconv.ParseBool: parsing "true=x": invalid syntax"#,
        ),
        (
            r#"ssh-kex-algos="a"#,
            r#"\"a"#,
            r#"parse error on line 1, column 3: extraneous or missing " in quoted-field"#,
        ),
        (
            r#"ssh-kex-algos="a"b"#,
            r#"\"a\"b"#,
            r#"parse error on line 1, column 3: extraneous or missing " in quoted-field"#,
        ),
        (r#"ssh-kex-algos=a"b"#, r#"a\"b"#, r#"parse error on line 1, column 2: bare " in non-quoted-field"#),
    ];
    for (setting, value, cause) in cases {
        let name = setting.split('=').next().unwrap_or_default();
        let want = format!("invalid argument \"{value}\" for \"--{name}\" flag: {cause}");
        assert_eq!(refusal(&[&format!("--{setting}")]), want);
    }
}

#[test]
fn values_are_read_as_go_reads_them() {
    let numbers =
        [("0x10", 16), ("1_000", 1000), ("010", 8), ("0o17", 15), ("0_7", 7), ("+5", 5), ("-0x10", 0)];
    for (word, want) in numbers {
        assert_eq!(parse(&["--concurrent", word]).unwrap().concurrent, want, "{word}");
    }
    let flags =
        parse(&["--ssh-kex-algos=a,\"b,c\",\"d\"\"e\"", "--ssh-kex-algos", "", "--ssh-kex-algos=f"]).unwrap();
    assert_eq!(Words::all(&flags.ssh_kex_algos).collect::<Vec<_>>(), ["a", "b,c", "d\"e", "f"]);
    let flags = parse(&["--override-manager=a,b", "--override-manager=c"]).unwrap();
    assert_eq!(flags.override_manager, ["a,b", "c"]);
    let flags = parse(&["--feature-gates=A=true, B=false,,", "--feature-gates=C=t"]).unwrap();
    let gates: Vec<_> = flags.common.gates().map(|gate| (gate.name.as_str(), gate.enabled)).collect();
    assert_eq!(gates, [("A", true), ("B", false), ("C", true)]);
}

#[test]
fn a_flag_takes_the_next_word_whatever_it_is() {
    let flags = parse(&["--log-level", "--nope", "word", "-", "--enable-leader-election", "false"]).unwrap();
    assert_eq!(flags.common.log.log_level, "--nope");
    assert!(flags.common.leader.enable_leader_election, "a boolean takes no word");
    let flags = parse(&["--log-level=debug", "--log-level=error", "--", "--nope"]).unwrap();
    assert_eq!(flags.common.log.log_level, "error");
    assert_eq!(parse(&["--metrics-addr="]).unwrap().common.metrics_addr.as_deref(), Some(""));
}

/// The flags of every controller, from the contract: name and type, and the default.
const COMMON: [(&str, &str); crate::COMMON_FLAGS] = [
    ("enable-leader-election", ""),
    ("feature-gates mapStringBool", ""),
    ("health-addr string", "\":9440\""),
    ("kube-api-burst int", "300"),
    ("kube-api-qps float32", "50"),
    ("leader-election-lease-duration duration", "35s"),
    ("leader-election-release-on-cancel", "true"),
    ("leader-election-renew-deadline duration", "30s"),
    ("leader-election-retry-period duration", "5s"),
    ("log-encoding string", "\"json\""),
    ("log-level string", "\"info\""),
    ("max-retry-delay duration", "15m0s"),
    ("metrics-addr string", ""),
    ("min-retry-delay duration", "750ms"),
    ("watch-all-namespaces", "true"),
    ("watch-configs-label-selector string", "\"reconcile.fluxcd.io/watch=Enabled\""),
];

#[test]
fn help_is_the_usage_alone() {
    for help in ["--help", "--help=1", "-h", "-hx"] {
        let error = parse(&[help]).unwrap_err();
        assert_eq!(error.exit_code(), 0, "{help}");
        let usage = error.to_string();
        assert!(usage.starts_with("Usage of controller:\n      --concurrent int   "), "{usage}");
        // this program has four flags of its own
        assert_eq!(usage.lines().count(), 1 + COMMON.len() + 4, "{usage}");
    }
}

#[test]
fn the_usage_shows_types_and_defaults_as_pflag_does() {
    let usage = parse(&["--help"]).unwrap_err().to_string();
    let shown = shown_flags(&usage);
    for flag in COMMON {
        assert!(shown.contains(&flag), "no {flag:?} in\n{usage}");
    }
    // the texts stand below one another, three columns behind the longest flag
    let longest = COMMON.iter().map(|(flag, _)| format!("      --{flag}").len()).max().unwrap_or_default();
    let gaps: Vec<_> = usage.lines().skip(1).filter_map(|line| line.get(longest..longest + 4)).collect();
    assert!(gaps.iter().all(|gap| gap.starts_with("   ") && !gap.ends_with(' ')), "{usage}");
}
