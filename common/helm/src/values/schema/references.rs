//! Where references within a schema lead: back to a schema that is being applied to the same value, which the Go library
//! reports and the crate passes over, or to more work than a chart may cause.

use std::collections::HashMap;

use serde_json::Value;

use super::BASE;

/// Most references that a schema may hold: the crate recurses along chains of them.
const MOST_REFERENCES: usize = 10_000;
/// Most schemas that may be applied to values, each time counted.
const MOST_APPLICATIONS: u64 = 2_000_000;

/// A schema that is applied to a value while it is being applied to it.
pub(super) struct Cycle {
    /// JSON pointer of the value.
    pub(super) at: String,
    /// Keywords that lead there the second time, as a JSON pointer.
    pub(super) way: String,
    /// What is wrong.
    pub(super) text: String,
}

/// More than a schema may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMuch {
    #[error("schema holds more than {MOST_REFERENCES} references")]
    References,
    #[error("schema is applied to values more than {MOST_APPLICATIONS} times")]
    Applications,
}

/// Follows the references that apply to a value whatever it is, and those of its members and items.
///
/// # Errors
/// [`TooMuch`]
pub(super) fn cycles(schema: &Value, value: &Value, refs_stand_alone: bool) -> Result<Vec<Cycle>, TooMuch> {
    let references = count_references(schema);
    if references == 0 {
        return Ok(Vec::new());
    }
    if references > MOST_REFERENCES {
        return Err(TooMuch::References);
    }
    let mut search = Search {
        root: schema,
        refs_stand_alone,
        open: Vec::new(),
        applied: HashMap::new(),
        cycles: Vec::new(),
    };
    let applications = search.apply("", value, "", "");
    if applications > MOST_APPLICATIONS { Err(TooMuch::Applications) } else { Ok(search.cycles) }
}

/// How many `$ref`s there are. No deeper than JSON nests.
fn count_references(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => {
            usize::from(members.get("$ref").is_some_and(Value::is_string))
                + members.values().map(count_references).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(count_references).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Search<'a> {
    root: &'a Value,
    refs_stand_alone: bool,
    /// What is being applied: pointers of schema and value, and the keywords that led there.
    open: Vec<(String, String, String)>,
    /// How many schemas are applied with one, by pointers of schema and value.
    applied: HashMap<(String, String), u64>,
    cycles: Vec<Cycle>,
}

impl Search<'_> {
    /// Applies the schema at a pointer to the value at a pointer; how many are applied with it.
    fn apply(&mut self, pointer: &str, value: &Value, at: &str, way: &str) -> u64 {
        let Some(Value::Object(schema)) = self.root.pointer(pointer) else { return 1 };
        let same = |(schema, value, _): &&(String, String, String)| schema == pointer && value == at;
        if let Some((_, _, first)) = self.open.iter().rev().take_while(|(_, value, _)| value == at).find(same)
        {
            let text =
                format!("both {way} and {first} resolve to \"{BASE}#{pointer}\" causing reference cycle");
            self.cycles.push(Cycle { at: at.to_owned(), way: way.to_owned(), text });
            return 1;
        }
        let key = (pointer.to_owned(), at.to_owned());
        if let Some(known) = self.applied.get(&key) {
            return *known;
        }
        self.open.push((pointer.to_owned(), at.to_owned(), way.to_owned()));
        let mut count = 1_u64;
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some(target) = reference.and_then(|target| target.strip_prefix('#')) {
            count = count.saturating_add(self.apply(target, value, at, &format!("{way}/$ref")));
        }
        if reference.is_none() || !self.refs_stand_alone {
            for keyword in ["allOf", "anyOf", "oneOf"] {
                let branches = schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len);
                for index in 0..branches {
                    let step = format!("/{keyword}/{index}");
                    // a cycle in an alternative only makes it one that fails
                    let known = self.cycles.len();
                    let applied = self.apply(&format!("{pointer}{step}"), value, at, &format!("{way}{step}"));
                    count = count.saturating_add(applied);
                    if keyword != "allOf" {
                        self.cycles.truncate(known);
                    }
                }
            }
            count = count.saturating_add(self.members(schema, pointer, value, at, way));
        }
        self.open.pop();
        self.applied.insert(key, count);
        count
    }

    #[expect(clippy::too_many_arguments, reason = "a schema and a value, each with where it stands")]
    fn members(
        &mut self,
        schema: &serde_json::Map<String, Value>,
        pointer: &str,
        value: &Value,
        at: &str,
        way: &str,
    ) -> u64 {
        let mut count = 0_u64;
        let named = schema.get("properties").and_then(Value::as_object);
        let has_patterns = schema.contains_key("patternProperties");
        for (name, member) in value.as_object().into_iter().flatten() {
            let step = if named.is_some_and(|named| named.contains_key(name)) {
                format!("/properties/{}", escaped(name))
            } else if !has_patterns && schema.get("additionalProperties").is_some_and(Value::is_object) {
                "/additionalProperties".to_owned()
            } else {
                continue;
            };
            let at = format!("{at}/{}", escaped(name));
            count = count.saturating_add(self.apply(
                &format!("{pointer}{step}"),
                member,
                &at,
                &format!("{way}{step}"),
            ));
        }
        if schema.get("items").is_some_and(Value::is_object) {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                let at = format!("{at}/{index}");
                let applied = self.apply(&format!("{pointer}/items"), item, &at, &format!("{way}/items"));
                count = count.saturating_add(applied);
            }
        }
        count
    }
}
