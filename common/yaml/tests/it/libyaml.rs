//! Our parser beside a port of libyaml: the same events for what both take.
//!
//! go-yaml's grammar, and so ours, is that of an older libyaml; where the two differ on purpose, the recordings decide.

use flux_yaml::{EventData, Parser, Style};
use libyaml_safer::{EventData as Theirs, ScalarStyle};
use proptest::prelude::*;

fn ours(text: &str) -> Option<Vec<String>> {
    let mut parser = Parser::new(text);
    let mut events = Vec::new();
    loop {
        let event = parser.next_event().ok()?;
        let end = event.data == EventData::StreamEnd;
        events.extend(match event.data {
            EventData::StreamEnd | EventData::DocumentStart | EventData::DocumentEnd => None,
            EventData::Alias(name) => Some(format!("*{name}")),
            EventData::Scalar { properties, text, style } => {
                Some(format!("{:?} {style:?} {text}", properties.and_then(|properties| properties.tag)))
            }
            EventData::SequenceStart { style, .. } => Some(format!("[ {}", style == Style::Flow)),
            EventData::SequenceEnd => Some("]".to_owned()),
            EventData::MappingStart { style, .. } => Some(format!("{{ {}", style == Style::Flow)),
            EventData::MappingEnd => Some("}".to_owned()),
        });
        if end {
            return Some(events);
        }
    }
}

fn theirs(text: &str) -> Option<Vec<String>> {
    // the port panics on some input, such as a block scalar that ends with the text
    let text = format!("{text}\n");
    std::panic::catch_unwind(move || {
        let mut input = text.as_bytes();
        let mut parser = libyaml_safer::Parser::new();
        parser.set_input_string(&mut input);
        let mut events = Vec::new();
        loop {
            let data = parser.parse().ok()?.data;
            let end = data == Theirs::StreamEnd;
            events.extend(match data {
                Theirs::StreamStart { .. }
                | Theirs::StreamEnd
                | Theirs::DocumentStart { .. }
                | Theirs::DocumentEnd { .. } => None,
                Theirs::Alias { anchor } => Some(format!("*{anchor}")),
                Theirs::Scalar { tag, value, style, .. } => {
                    let style = match style {
                        ScalarStyle::SingleQuoted => Style::SingleQuoted,
                        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                        ScalarStyle::Literal => Style::Literal,
                        ScalarStyle::Folded => Style::Folded,
                        ScalarStyle::Any | ScalarStyle::Plain | _ => Style::Plain,
                    };
                    Some(format!("{tag:?} {style:?} {value}"))
                }
                Theirs::SequenceStart { style, .. } => {
                    Some(format!("[ {}", style == libyaml_safer::SequenceStyle::Flow))
                }
                Theirs::SequenceEnd => Some("]".to_owned()),
                Theirs::MappingStart { style, .. } => {
                    Some(format!("{{ {}", style == libyaml_safer::MappingStyle::Flow))
                }
                Theirs::MappingEnd => Some("}".to_owned()),
            });
            if end {
                return Some(events);
            }
        }
    })
    .ok()
    .flatten()
}

/// Lines as manifests have them, at random indentation.
fn lines() -> impl Strategy<Value = String> {
    let content = prop::sample::select(vec![
        "a: b",
        "b:",
        "- x",
        "- a: 1",
        "-",
        "c: 'it''s'",
        "d: \"x\\ty\"",
        "e: |",
        "f: >-",
        "text of it",
        "g: {x: 1, y: [a, b]}",
        "h: [1, 2]",
        "# comment",
        "",
        "i: j # k",
        "&n o: p",
        "q: *n",
        "r: !t s",
        "- - y",
        "z: 'open",
        "close'",
        "---",
        "? k",
        ": v",
        "http://x/y: 1",
        "k: \u{e9}t\u{e9}",
    ]);
    prop::collection::vec((0_usize..5, content), 1..14).prop_map(|lines| {
        let lines = lines.into_iter().map(|(indent, content)| format!("{}{content}\n", " ".repeat(indent)));
        lines.collect::<Vec<_>>().concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn the_same_events(text in lines()) {
        if let (Some(ours), Some(theirs)) = (ours(&text), theirs(&text)) {
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }

    #[test]
    fn the_same_verdict(text in lines()) {
        prop_assert_eq!(ours(&text).is_some(), theirs(&text).is_some(), "{}", text);
    }
}
