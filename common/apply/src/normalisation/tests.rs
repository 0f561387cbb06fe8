use super::*;

/// Recorded by `recorder` from Flux's `pkg/ssa` v0.77.0.
const CASES: &str = include_str!("cases.json");

#[test]
fn objects_are_written_as_flux_writes_them() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let mut object = case["input"].clone();
        normalise(&mut object);
        if object != case["expected"] {
            wrong.push(format!("expected {}\n but was {object}", case["expected"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() > 25);
}
