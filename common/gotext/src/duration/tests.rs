#![expect(clippy::unreadable_literal, reason = "recorded values stay as they were printed")]

use proptest::prelude::*;

use super::*;

/// Text, and what Go 1.26's `time.ParseDuration` and `Duration.String` made of it.
type Vector = (&'static str, Result<(i64, &'static str), &'static str>);

/// Recorded with Go 1.26.8.
const VECTORS: &[Vector] = &[
    ("0", Ok((0, "0s"))),
    ("0s", Ok((0, "0s"))),
    ("", Err("time: invalid duration \"\"")),
    ("-", Err("time: invalid duration \"-\"")),
    ("+", Err("time: invalid duration \"+\"")),
    ("5", Err("time: missing unit in duration \"5\"")),
    ("5s", Ok((5000000000, "5s"))),
    ("30s", Ok((30000000000, "30s"))),
    ("90s", Ok((90000000000, "1m30s"))),
    ("1478s", Ok((1478000000000, "24m38s"))),
    ("-5s", Ok((-5000000000, "-5s"))),
    ("+5s", Ok((5000000000, "5s"))),
    ("-0", Ok((0, "0s"))),
    ("5.0s", Ok((5000000000, "5s"))),
    ("5.6s", Ok((5600000000, "5.6s"))),
    ("5.", Err("time: missing unit in duration \"5.\"")),
    ("5.s", Ok((5000000000, "5s"))),
    (".5s", Ok((500000000, "500ms"))),
    (".s", Err("time: invalid duration \".s\"")),
    ("-.5s", Ok((-500000000, "-500ms"))),
    ("1.0s", Ok((1000000000, "1s"))),
    ("1.00s", Ok((1000000000, "1s"))),
    ("1.004s", Ok((1004000000, "1.004s"))),
    ("1.0040s", Ok((1004000000, "1.004s"))),
    ("100.00100s", Ok((100001000000, "1m40.001s"))),
    ("10ns", Ok((10, "10ns"))),
    ("11us", Ok((11000, "11µs"))),
    ("12µs", Ok((12000, "12µs"))),
    ("12μs", Ok((12000, "12µs"))),
    ("13ms", Ok((13000000, "13ms"))),
    ("14s", Ok((14000000000, "14s"))),
    ("15m", Ok((900000000000, "15m0s"))),
    ("16h", Ok((57600000000000, "16h0m0s"))),
    ("3h30m", Ok((12600000000000, "3h30m0s"))),
    ("10.5s4m", Ok((250500000000, "4m10.5s"))),
    ("-2m3.4s", Ok((-123400000000, "-2m3.4s"))),
    ("1h2m3s4ms5us6ns", Ok((3723004005006, "1h2m3.004005006s"))),
    ("39h9m14.425s", Ok((140954425000000, "39h9m14.425s"))),
    ("52763797000ns", Ok((52763797000, "52.763797s"))),
    ("0.3333333333333333333h", Ok((1200000000000, "20m0s"))),
    ("9007199254740993ns", Ok((9007199254740993, "2501h59m59.254740993s"))),
    ("9223372036854775807ns", Ok((9223372036854775807, "2562047h47m16.854775807s"))),
    ("9223372036854775.807us", Ok((9223372036854775807, "2562047h47m16.854775807s"))),
    ("9223372036s854ms775us807ns", Ok((9223372036854775807, "2562047h47m16.854775807s"))),
    ("-9223372036854775808ns", Ok((-9223372036854775808, "-2562047h47m16.854775808s"))),
    ("-9223372036854775.808us", Ok((-9223372036854775808, "-2562047h47m16.854775808s"))),
    ("9223372036854775808ns", Err("time: invalid duration \"9223372036854775808ns\"")),
    ("9223372036854775.808us", Err("time: invalid duration \"9223372036854775.808us\"")),
    ("9223372036854ms775us808ns", Err("time: invalid duration \"9223372036854ms775us808ns\"")),
    ("3000000h", Err("time: invalid duration \"3000000h\"")),
    ("0.100000000000000000000h", Ok((360000000000, "6m0s"))),
    ("0.830103483285477580700h", Ok((2988372539827, "49m48.372539827s"))),
    ("1x", Err("time: unknown unit \"x\" in duration \"1x\"")),
    ("1d", Err("time: unknown unit \"d\" in duration \"1d\"")),
    ("3 s", Err("time: unknown unit \" s\" in duration \"3 s\"")),
    (" 3s", Err("time: invalid duration \" 3s\"")),
    ("1m 2s", Err("time: unknown unit \"m \" in duration \"1m 2s\"")),
    ("1m30", Err("time: missing unit in duration \"1m30\"")),
    ("1e3s", Err("time: unknown unit \"e\" in duration \"1e3s\"")),
    ("１s", Err("time: invalid duration \"\\xef\\xbc\\x91s\"")),
    ("60m", Ok((3600000000000, "1h0m0s"))),
    ("24h", Ok((86400000000000, "24h0m0s"))),
    ("1ms", Ok((1000000, "1ms"))),
    ("1.5us", Ok((1500, "1.5µs"))),
    ("1500us", Ok((1500000, "1.5ms"))),
    ("999999ns", Ok((999999, "999.999µs"))),
    ("18446744073709551616s", Err("time: invalid duration \"18446744073709551616s\"")),
    ("0.9999999999999999999999s", Ok((1000000000, "1s"))),
    ("1h0.5m", Ok((3630000000000, "1h0m30s"))),
    ("-1", Err("time: missing unit in duration \"-1\"")),
    ("1..5s", Err("time: missing unit in duration \"1..5s\"")),
    ("--5s", Err("time: invalid duration \"--5s\"")),
    ("ms", Err("time: invalid duration \"ms\"")),
    ("1\"s", Err("time: unknown unit \"\\\"s\" in duration \"1\\\"s\"")),
];

#[test]
fn parses_and_prints_as_go() {
    for (text, want) in VECTORS {
        let got = text.parse::<GoDuration>();
        match want {
            Ok((nanos, printed)) => {
                let duration = got.unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(duration.as_nanos(), *nanos, "{text}");
                assert_eq!(duration.to_string(), *printed, "{text}");
                assert_eq!(printed.parse(), Ok(duration), "{printed} is read back");
            }
            Err(message) => assert_eq!(got.expect_err(text).to_string(), *message),
        }
    }
}

#[test]
fn a_negative_duration_is_no_time_to_wait() {
    assert_eq!(GoDuration::from_nanos(-1).to_std(), Duration::ZERO);
    assert_eq!(GoDuration::from(Duration::MAX).as_nanos(), i64::MAX);
}

#[test]
fn serde_goes_through_the_text() {
    let duration: GoDuration = serde_json::from_str("\"1.5h\"").expect("a duration");
    assert_eq!(serde_json::to_string(&duration).expect("a string"), "\"1h30m0s\"");
    assert!(serde_json::from_str::<GoDuration>("90").is_err());
}

proptest! {
    #[test]
    fn survives_printing(nanoseconds: i64) {
        let duration = GoDuration::from_nanos(nanoseconds);
        let again: GoDuration = duration.to_string().parse().expect("what was printed");
        // Go's fractions go through floating point, which is exact below 2^53 only
        prop_assert!((i128::from(again.as_nanos()) - i128::from(nanoseconds)).abs() <= 1);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = text.parse::<GoDuration>();
    }
}
