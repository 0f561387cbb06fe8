//! YAML as go-yaml v3 encodes values of Go, without a detour over JSON.

use std::cmp::Ordering;

use data_encoding::BASE64;
use flux_gotext::{FloatFormat, LetterCase, format_float, is_digit, is_letter};
use flux_yaml::{Lists, Node, Resolved, Schema, Style, Tag, resolve, to_styled_yaml};

use crate::engine::{FunctionError as Error, Render};
use crate::value::{Arena, Text, Value};

/// How deep values are written; one that holds itself has no end.
const MAX_DEPTH: usize = 400;

/// The value as YAML, without its last line break.
pub(super) fn write(render: &mut Render, value: &Value) -> Result<String, Error> {
    let mut encoder = Encoder { arena: &render.arena, steps: 0, bytes: 0 };
    let node = encoder.node(value, 0);
    let (steps, bytes) = (encoder.steps, encoder.bytes);
    render.budget.steps(steps)?;
    render.budget.text(bytes)?;
    let text = to_styled_yaml(&node?, Lists::Indented);
    render.budget.text(text.len())?;
    Ok(super::without_line_break(text))
}

struct Encoder<'a> {
    arena: &'a Arena,
    steps: usize,
    bytes: usize,
}

impl Encoder<'_> {
    fn plain(text: impl AsRef<str>) -> Node {
        Node::scalar(text.as_ref()).styled(Style::Plain)
    }

    fn node(&mut self, value: &Value, depth: usize) -> Result<Node, Error> {
        self.steps += 1;
        if depth > MAX_DEPTH {
            return Err(Error::new("yaml: value is nested too deeply"));
        }
        Ok(match value {
            Value::Nil => Node::null(),
            Value::Bool(is) => Self::plain(is.to_string()),
            Value::Int(number) | Value::Int64(number) => Self::plain(number.to_string()),
            Value::Int32(number) => Self::plain(number.to_string()),
            Value::Uint8(number) => Self::plain(number.to_string()),
            Value::Uint32(number) => Self::plain(number.to_string()),
            Value::Uint64(number) => Self::plain(number.to_string()),
            Value::Float64(number) => Self::plain(float(*number)),
            Value::String(text) => self.string(text),
            Value::Bytes(bytes) => {
                self.bytes += bytes.len() * 4;
                Node::sequence_of(bytes.iter().map(|byte| Self::plain(byte.to_string())))
            }
            Value::List(list) => {
                let items = self.arena.items(*list).iter().map(|item| self.node(item, depth + 1));
                Node::sequence_of(items.collect::<Result<Vec<_>, _>>()?)
            }
            Value::Map(id) => {
                let mut entries: Vec<_> = self.arena.map(*id).entries().collect();
                entries.sort_by(|(one, _), (other, _)| key_order(one, other));
                let entries = entries.into_iter().map(|(key, value)| {
                    let key = self.string(key);
                    Ok((key, self.node(value, depth + 1)?))
                });
                Node::mapping_of(entries.collect::<Result<Vec<_>, Error>>()?)
            }
            Value::Time(time) => {
                let text = time.format(b"2006-01-02T15:04:05.999999999Z07:00");
                Self::plain(String::from_utf8_lossy(&text))
            }
            Value::Version(version) => self.string(version.to_string().as_bytes()),
            Value::Struct(_) => {
                let fields = value.fields(self.arena).into_iter();
                let exported = fields.filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()));
                let entries = exported.map(|(name, field)| {
                    let key = self.string(name.to_lowercase().as_bytes());
                    Ok((key, self.node(&field, depth + 1)?))
                });
                Node::mapping_of(entries.collect::<Result<Vec<_>, Error>>()?)
            }
        })
    }

    fn string(&mut self, text: &[u8]) -> Node {
        self.bytes += text.len();
        let Ok(text) = std::str::from_utf8(text) else {
            let mut node = Node::scalar(BASE64.encode(text).as_str());
            node.set_explicit_tag(Tag::Binary.as_str());
            return node;
        };
        let style = if text.contains('\n') {
            Style::Literal
        } else if resolve(text, Schema::V3) == Resolved::Str && !is_old_bool(text) && !is_base_60(text) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        Node::string(text).styled(style)
    }
}

fn float(number: f64) -> String {
    match number {
        f64::INFINITY => ".inf".to_owned(),
        f64::NEG_INFINITY => "-.inf".to_owned(),
        number if number.is_nan() => ".nan".to_owned(),
        number => format_float(number, FloatFormat::General(LetterCase::Lower), None),
    }
}

/// Words that YAML 1.1 reads as booleans.
fn is_old_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
fn is_base_60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let sixty = |text: &str| match text.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    };
    let mut groups = whole.split(':');
    rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.contains(':')
        && groups.next().is_some_and(digits)
        && groups.all(sixty)
        && digits(fraction)
}

/// go-yaml v3's order of keys: numbers within them by value; letters after all else, but behind digits before it.
fn key_order(one: &Text, other: &Text) -> Ordering {
    let (one, other): (Vec<char>, Vec<char>) =
        (flux_gotext::runes(one).collect(), flux_gotext::runes(other).collect());
    let common = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let after_digits = one.get(..common).and_then(|prefix| prefix.last()).copied().is_some_and(is_digit);
    let (Some(a), Some(b)) = (one.get(common).copied(), other.get(common).copied()) else {
        return one.len().cmp(&other.len());
    };
    let less = |less: bool| if less { Ordering::Less } else { Ordering::Greater };
    match (is_letter(a), is_letter(b)) {
        (true, true) => return a.cmp(&b),
        (true, false) => return less(after_digits),
        (false, true) => return less(!after_digits),
        (false, false) => {}
    }
    let has_value =
        one.get(..common).unwrap_or_default().iter().rev().take_while(|c| is_digit(**c)).any(|c| *c != '0');
    let lead = i64::from((a == '0' || b == '0') && has_value);
    let number = |text: &[char]| {
        let digits = text.get(common..).unwrap_or_default().iter().take_while(|c| is_digit(**c));
        digits.fold((lead, 0), |(value, run), c| {
            let digit = i64::from(u32::from(*c)) - i64::from(u32::from('0'));
            (value.wrapping_mul(10).wrapping_add(digit), run + 1)
        })
    };
    number(&one).cmp(&number(&other)).then(a.cmp(&b))
}
