use super::*;

/// Bits of the number, verb, precision (-1: none), text; recorded with Go 1.26.8.
const VECTORS: &str = include_str!("tests/vectors.json");

#[test]
fn numbers_are_written_as_go_writes_them() {
    let rows: Vec<(String, char, i32, String)> = serde_json::from_str(VECTORS).expect("recorded vectors");
    assert!(rows.len() > 4000);
    let mut wrong = Vec::new();
    for (bits, verb, precision, want) in rows {
        let value = f64::from_bits(u64::from_str_radix(&bits, 16).expect("bits"));
        let format = match verb {
            'e' => FloatFormat::Exponent(LetterCase::Lower),
            'E' => FloatFormat::Exponent(LetterCase::Upper),
            'f' => FloatFormat::Decimal,
            'g' => FloatFormat::General(LetterCase::Lower),
            'G' => FloatFormat::General(LetterCase::Upper),
            'x' => FloatFormat::Hexadecimal(LetterCase::Lower),
            'X' => FloatFormat::Hexadecimal(LetterCase::Upper),
            _ => FloatFormat::Binary,
        };
        let got = format_float(value, format, usize::try_from(precision).ok());
        if got != want {
            wrong.push(format!("%{verb} {precision} of {value:e}: {got}, not {want}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), wrong.get(..20.min(wrong.len())));
}

#[test]
fn a_long_precision_is_zeros() {
    assert_eq!(format_float(0.1, FloatFormat::Decimal, Some(1_000_000)).len(), 1_000_002);
    assert_eq!(format_float(0.1, FloatFormat::Exponent(LetterCase::Lower), Some(100_000)).len(), 100_006);
    assert_eq!(format_float(0.5, FloatFormat::General(LetterCase::Lower), Some(100_000)), "0.5");
}
