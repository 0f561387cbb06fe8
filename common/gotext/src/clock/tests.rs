use super::*;
use crate::tests::bytes;

/// Unix seconds, nanoseconds, abbreviation, offset, layout, text; recorded with Go 1.26.8.
const FORMATTED: &str = include_str!("tests/format.json");

/// Layout, text, and the time or the error; recorded with Go 1.26.8 in UTC.
const PARSED: &str = include_str!("tests/parse.json");

#[test]
fn times_are_written_as_go_writes_them() {
    let rows: Vec<(i64, u32, String, i32, String, String)> =
        serde_json::from_str(FORMATTED).expect("recorded vectors");
    assert!(rows.len() > 900);
    let mut wrong = Vec::new();
    for (seconds, nanoseconds, abbreviation, offset, layout, want) in rows {
        let time = GoTime::new(seconds, nanoseconds, Zone { abbreviation, offset });
        let got = time.format(&bytes(&layout));
        if got != bytes(&want) {
            wrong.push(format!("{time} by {layout}: {:?}, not {want:?}", String::from_utf8_lossy(&got)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn times_are_read_as_go_reads_them() {
    type Row = (String, String, Option<String>, Option<String>);
    let rows: Vec<Row> = serde_json::from_str(PARSED).expect("recorded vectors");
    assert!(rows.len() > 250);
    let mut wrong = Vec::new();
    for (layout, text, time, error) in rows {
        let got = GoTime::parse(&bytes(&layout), &bytes(&text));
        let got =
            got.map_or_else(|error| (None, Some(error.to_string())), |time| (Some(time.to_string()), None));
        if got != (time.clone(), error.clone()) {
            wrong.push(format!("{text:?} by {layout:?}: {got:?}, not {time:?} {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn spans_are_added_and_taken() {
    let time = GoTime::new(0, 5, Zone::utc());
    let earlier = time.clone().add_nanoseconds(-6);
    assert_eq!((earlier.unix_seconds(), earlier.subsec_nanoseconds()), (-1, 999_999_999));
    assert_eq!(time.since(&earlier), 6);
    assert_eq!(GoTime::new(i64::MAX, 0, Zone::utc()).since(&earlier), i64::MAX);
    assert_eq!(GoTime::new(i64::MIN, 0, Zone::utc()).since(&earlier), i64::MIN);
}

#[test]
fn any_second_has_a_date() {
    for seconds in [i64::MIN, i64::MIN + 1, i64::MAX, 0] {
        let time = GoTime::new(seconds, 0, Zone { abbreviation: String::new(), offset: 3600 });
        assert!(!time.to_string().is_empty());
    }
}
