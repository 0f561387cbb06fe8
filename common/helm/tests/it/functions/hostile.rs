//! Arguments that ask for too much end in an error, at once.

use std::time::Duration;

use super::evaluate::Evaluator;

const HOSTILE: &[&str] = &[
    r#"{{ repeat 1000000000 "ab" }}"#,
    r#"{{ indent 1000000000 "a\nb" }}"#,
    r#"{{ nindent 9000000000000000000 "a\nb" }}"#,
    r"{{ until 1000000000 }}",
    r"{{ until -1000000000 }}",
    r"{{ untilStep 0 9000000000000000000 1 }}",
    r"{{ seq 1000000000 }}",
    r"{{ seq 0 1 9000000000000000000 }}",
    r"{{ randAlphaNum 1000000000 }}",
    r"{{ randBytes 1000000000 }}",
    r#"{{ replace "" (repeat 1000000 "x") (repeat 1000 "y") }}"#,
    r#"{{ regexReplaceAll "" (repeat 1000 "y") (repeat 1000000 "x") }}"#,
    r#"{{ wrapWith 1 (repeat 1000000 "x") (repeat 1000 "yy ") }}"#,
    r#"{{ join (repeat 1000000 "x") (until 1000) }}"#,
    r#"{{ printf (repeat 100 "%1000000[1]d") 1 }}"#,
    r#"{{ printf (repeat 100 "%.1000000[1]f") 1.5 }}"#,
    r#"{{ mustRegexMatch (repeat 100000 "(a|b)") "a" }}"#,
    r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ print $d }}"#,
    r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ mustToJson $d }}"#,
    r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ mustToYaml $d }}"#,
    r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ mustToToml $d }}"#,
    r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepCopy $d }}"#,
    r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $e := dict }}{{ $_ := set $e "d" (dict "d" $e) }}{{ merge $d $e }}"#,
    r#"{{ mustFromJson (repeat 100000 "[") }}"#,
    r#"{{ fromYamlArray (print "[" (repeat 4000000 "a,") "]") | len }}"#,
    r#"{{ fromToml (print "a = [" (repeat 4000000 "1,") "]") | len }}"#,
    r#"{{ list (repeat 60000000 "a") (repeat 60000000 "b") | join "," | len }}"#,
];

/// Time that this thread has run: the machine may be busy with other things.
fn processor_time() -> Duration {
    let statistics = fs_err::read_to_string("/proc/thread-self/schedstat").expect("statistics");
    let nanoseconds = statistics.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("nanoseconds"))
}

/// Longest time.
const WITHIN: Duration = Duration::from_secs(1);

#[test]
fn too_much_is_refused_within_a_second() {
    // renders have a large stack of their own
    let test = std::thread::Builder::new().stack_size(512 << 20).spawn(refuse_all).expect("a thread");
    test.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn refuse_all() {
    let mut taken = Vec::new();
    for template in HOSTILE {
        let mut evaluator = Evaluator::new();
        let start = processor_time();
        let result = evaluator.render(template.as_bytes());
        let time = processor_time().saturating_sub(start);
        let shown = template.get(..80.min(template.len())).unwrap_or_default();
        assert!(result.is_err(), "{shown} gives {} bytes", result.map_or(0, |output| output.len()));
        if time > WITHIN {
            taken.push(format!("{shown}: {time:?}"));
        }
    }
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn what_holds_itself_is_equal_to_itself() {
    let mut evaluator = Evaluator::new();
    let template = r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepEqual $d $d }}{{ has $d (list $d) }}"#;
    assert_eq!(evaluator.render(template.as_bytes()), Ok(b"truetrue".to_vec()));
}
