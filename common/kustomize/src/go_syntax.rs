//! Values in Go's syntax, as messages of kustomize contain them.

use flux_yaml::{Kind, Node, Value};

/// A text as Go's `%q` prints it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if character == '\'' || (character.escape_debug().count() == 1) {
            quoted.push(character);
        } else {
            quoted.push_str(&escape(character));
        }
    }
    quoted.push('"');
    quoted
}

fn escape(character: char) -> String {
    match character {
        '"' | '\\' => format!("\\{character}"),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        other => match u32::from(other) {
            ascii @ 0..=0x7f => format!("\\x{ascii:02x}"),
            short @ 0x80..=0xffff => format!("\\u{short:04x}"),
            long => format!("\\U{long:08x}"),
        },
    }
}

/// A tree as Go's `%#v` prints what go-yaml decodes it into. A tree that cannot be decoded gives a map that is nil.
pub(crate) fn dump(node: &Node) -> String {
    dumped(node).unwrap_or_else(|_| "map[string]interface {}(nil)".to_owned())
}

fn dumped(node: &Node) -> Result<String, flux_yaml::Error> {
    match node.kind() {
        Kind::Scalar => scalar(node),
        Kind::Alias => Ok("interface {}(nil)".to_owned()),
        Kind::Sequence => {
            let items: Vec<_> = node.items().iter().map(dumped).collect::<Result<_, _>>()?;
            Ok(format!("[]interface {{}}{{{}}}", items.join(", ")))
        }
        Kind::Mapping => {
            let mut members = Vec::with_capacity(node.len());
            for entry in node.entries() {
                members.push((dumped(&entry.key)?, dumped(&entry.value)?));
            }
            members.sort();
            let has_text_keys = members.iter().all(|(key, _)| key.starts_with('"'));
            let key_type = if has_text_keys { "string" } else { "interface {}" };
            let members: Vec<_> = members.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            Ok(format!("map[{key_type}]interface {{}}{{{}}}", members.join(", ")))
        }
    }
}

fn scalar(node: &Node) -> Result<String, flux_yaml::Error> {
    Ok(match node.to_value() {
        Ok(Value::Null) => "interface {}(nil)".to_owned(),
        Ok(Value::String(text)) => quoted(&text),
        Ok(Value::Uint(value)) => format!("{value:#x}"),
        Ok(value) => value.to_json(),
        // not a number, or infinite: Go can print it, if not write it
        Err(flux_yaml::Error::UnsupportedValue(name)) => name.to_owned(),
        Err(error) => return Err(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_by_gos_rules() {
        assert_eq!(quoted("a\"b\\\n\u{81}\u{7f}ä\u{ffff}'"), "\"a\\\"b\\\\\\n\\u0081\\x7fä\\uffff'\"");
    }

    #[test]
    fn trees_are_maps_and_slices() {
        let node = flux_yaml::parse_document(b"b: [1, 'x', .nan]\na: {1: y}\nc:").unwrap().unwrap();
        assert_eq!(
            dump(&node),
            "map[string]interface {}{\"a\":map[interface {}]interface {}{1:\"y\"}, \"b\":[]interface {}{1, \"x\", NaN}, \
             \"c\":interface {}(nil)}"
        );
    }
}
