//! Release records: the input is a record as it comes, and also the JSON in one. What decodes must survive another round.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_helm::release::{ChartPart, decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = decode(input, ChartPart::Metadata);
    let record = STANDARD.encode(input);
    let brief = decode(record.as_bytes(), ChartPart::Metadata);
    if let Ok((release, chart)) = decode(record.as_bytes(), ChartPart::Whole) {
        if let Ok((same, _)) = &brief {
            assert_eq!(same, &release);
        }
        if let Some(chart) = chart.record {
            let again = encode(&release, &chart);
            let (decoded, _) = decode(again.as_bytes(), ChartPart::Metadata).expect("what we write we read");
            assert_eq!(decoded, release);
        }
    }
});
