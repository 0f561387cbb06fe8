//! Writing and reading again changes nothing.

use flux_yaml::{Lists, Node, Style, Tag, Value, parse_document, to_sorted_yaml, to_styled_yaml};
use proptest::prelude::*;

/// Strings of what the scanner and the writers treat apart, and now and then of anything.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,20}",
        2 => "[ab1:#,\\-?\\[\\]{}&*!|>'\"%@`\\\\ \t\n~=<éü日😀]{0,30}",
        1 => "(word |wörd  |x: ){0,30}",
        1 => prop::sample::select(vec!["", "null", "yes", "0644", "1e3", "2001-01-01", "12:30", "<<", "---", "- ", "\u{2028}"])
            .prop_map(str::to_owned),
        1 => any::<String>().prop_map(|text| text.chars().filter(|c| is_plain_json(*c)).collect()),
    ]
}

/// What survives the detour over JSON: see `strings_are_quoted_and_folded_as_by_go` for the rest.
fn is_plain_json(c: char) -> bool {
    !matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (u64::MAX / 2 + 1..).prop_map(Value::Uint),
        (any::<i32>(), 1_u8..9)
            .prop_map(|(whole, power)| Value::Float(f64::from(whole) + 2_f64.powi(-i32::from(power)))),
        text().prop_map(|text| Value::String(text.into())),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::btree_map(text().prop_map(Into::into), inner, 0..6).prop_map(Value::Object),
        ]
    })
}

/// The same tree in random styles.
fn styled(node: &mut Node, seed: &mut u64) {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    let pick = *seed >> 33;
    if node.is_scalar() && node.tag() == Tag::Str {
        // upstream's literal blocks cannot begin with a tab, and it writes them all the same
        let tabs = node.as_str().is_some_and(|text| text.contains('\t'));
        let styles = [Style::DoubleQuoted, Style::Plain, Style::SingleQuoted, Style::Literal];
        let styles = if tabs { &styles[..1] } else { &styles[..] };
        node.set_style(styles[usize::try_from(pick).unwrap() % styles.len()]);
    } else if !node.is_scalar() && pick.is_multiple_of(4) {
        node.set_style(Style::Flow);
    }
    if let Some(items) = node.items_mut() {
        items.iter_mut().for_each(|item| styled(item, seed));
    }
    if let Some(entries) = node.entries_mut() {
        for entry in entries.iter_mut() {
            styled(&mut entry.key, seed);
            styled(&mut entry.value, seed);
        }
    }
}

fn read(text: &str) -> Value {
    let document = parse_document(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    document.unwrap_or_default().to_value().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn sorted(value in value()) {
        prop_assert_eq!(read(&value.to_yaml().unwrap()), value);
    }

    #[test]
    fn styled_in_any_way(value in value(), seed in any::<u64>()) {
        let mut node = value.to_node();
        styled(&mut node, &mut { seed });
        for lists in [Lists::Compact, Lists::Indented] {
            let written = to_styled_yaml(&node, lists);
            prop_assert_eq!(&read(&written), &value, "{}", written);
        }
    }

    #[test]
    fn json_is_yaml(value in value()) {
        prop_assert_eq!(read(&value.to_json()), value);
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_document(&bytes).map(|document| document.map(|document| to_sorted_yaml(&document)));
    }
}
