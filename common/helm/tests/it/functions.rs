//! Functions of templates against tables recorded from Helm's engine (`functions/ORIGIN.md`).

mod certificates;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "functions treat a few kinds of values apart, and all others alike"
)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "Go converts constants so"
)]
mod evaluate;
mod hostile;
mod random;

use evaluate::Evaluator;
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    t: String,
    #[serde(default)]
    o: Option<String>,
    #[serde(default)]
    e: Option<String>,
}

/// A text of a table: one that begins with `hex:` is bytes that are no UTF-8.
fn bytes(text: &str) -> Vec<u8> {
    match text.strip_prefix("hex:") {
        Some(digits) => hex::decode(digits).expect("hex digits"),
        None => text.as_bytes().to_vec(),
    }
}

fn shown(result: &Result<Vec<u8>, String>) -> String {
    match result {
        Ok(output) => format!("{:?}", String::from_utf8_lossy(output)),
        Err(error) => format!("error {error}"),
    }
}

/// Each row of a table that comes out otherwise.
fn check(table: &str) {
    let rows: Vec<Row> = serde_json::from_str(table).expect("recorded table");
    let mut wrong = Vec::new();
    let mut evaluator = Evaluator::new();
    for row in &rows {
        let got = evaluator.render(&bytes(&row.t));
        let want = match (&row.o, &row.e) {
            (Some(output), _) => Ok(bytes(output)),
            (None, error) => Err(error.clone().unwrap_or_default()),
        };
        if got != want {
            wrong.push(format!("{}\n   got {}\n  want {}", row.t, shown(&got), shown(&want)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

macro_rules! tables {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(include_str!(concat!("functions/", stringify!($name), ".json")));
            }
        )*
    };
}

tables! {
    crypto dates defaults dicts encoding kinds lists numbers paths printf readers regex semver toml urls words writers
}
