//! The tree of causes that the Go library reports, from the flat list that the crate gives.
//!
//! Every error says on which way of keywords it was reached. The tree is built along these ways; what the Go library does
//! not look at, since an earlier keyword has failed, is left out.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;

use super::message::{self, quote};
use super::references::Cycle;

/// Something wrong, and what is wrong in it.
struct Cause {
    /// JSON pointer of the value.
    at: String,
    text: String,
    causes: Vec<Self>,
    heading: Heading,
}

/// What a cause with causes of its own is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heading {
    /// A keyword.
    Keyword,
    /// Several things wrong with one value, which show without it where it is the only cause.
    Group,
    /// A reference, which shows only if it has several causes.
    Reference,
}

/// A schema that was applied to a value and failed.
#[derive(Default)]
struct Schema<'a> {
    /// JSON pointer of the value.
    at: String,
    errors: Vec<&'a ValidationError<'a>>,
    /// What the schema is not applied for, since it is being applied already.
    cycle: Option<&'a str>,
    below: Vec<(Step, Self)>,
}

/// How a schema is to be read.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The schema that was applied.
    pub(super) schema: &'a serde_json::Value,
    /// What stands beside `$ref` does not count: drafts up to 7.
    pub(super) refs_stand_alone: bool,
}

/// From a schema to one in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    keyword: String,
    /// Name or index in the keyword.
    part: String,
}

/// Keywords below which a schema has a name or an index.
const NAMED: [&str; 6] =
    ["properties", "patternProperties", "dependentSchemas", "dependencies", "allOf", "prefixItems"];
/// Keywords below which a schema follows at once.
const DIRECT: [&str; 10] = [
    "items",
    "additionalProperties",
    "additionalItems",
    "unevaluatedProperties",
    "unevaluatedItems",
    "then",
    "else",
    "$ref",
    "$recursiveRef",
    "$dynamicRef",
];
const REFERENCES: [&str; 3] = ["$ref", "$recursiveRef", "$dynamicRef"];
/// Keywords of which the first that fails is the only one that is reported.
const FIRST: [&str; 4] = ["type", "const", "enum", "format"];
/// Order in which the others are looked at.
const ORDER: [&str; 36] = [
    "$ref",
    "minProperties",
    "maxProperties",
    "required",
    "dependencies",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "dependentSchemas",
    "dependentRequired",
    "minItems",
    "maxItems",
    "uniqueItems",
    "items",
    "additionalItems",
    "prefixItems",
    "contains",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "$recursiveRef",
    "$dynamicRef",
    "not",
    "allOf",
    "anyOf",
    "oneOf",
    "then",
    "else",
    "unevaluatedProperties",
    "unevaluatedItems",
];

/// What is wrong, a line for each cause, without a newline at the end.
pub(super) fn explain(errors: &[ValidationError<'_>], cycles: &[Cycle], rules: Rules<'_>) -> String {
    let mut root = Schema::default();
    for error in errors {
        root.insert(error, 0);
    }
    for cycle in cycles {
        root.lead(&segments(&cycle.way), &cycle.at, &Kind::FalseSchema).cycle = Some(&cycle.text);
    }
    let mut text = String::new();
    for cause in root.flattened(rules) {
        cause.display(&mut text, 0);
    }
    text.strip_prefix('\n').unwrap_or(&text).to_owned()
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

impl<'a> Schema<'a> {
    /// Puts an error where its way leads, from the segment `skip` on.
    fn insert(&mut self, error: &'a ValidationError<'a>, skip: usize) {
        let way = segments(error.evaluation_path().as_str());
        let way = way.get(skip..).unwrap_or_default();
        self.lead(way, error.instance_path().as_str(), error.kind()).errors.push(error);
    }

    /// The schema that a way leads to, for an error of this kind in the value at a pointer.
    fn lead(&mut self, way: &[String], pointer: &str, kind: &Kind) -> &mut Self {
        let pointer: Vec<_> = pointer.split('/').skip(1).collect();
        let mut schema = self;
        let mut rest = way;
        while let Some((step, length)) = Step::first(rest, kind) {
            rest = rest.get(length..).unwrap_or_default();
            let at = if step.leads_into_value() {
                let depth = schema.at.matches('/').count();
                let part = pointer.get(depth).copied().unwrap_or_default();
                format!("{}/{part}", schema.at)
            } else {
                schema.at.clone()
            };
            schema = schema.child(step, at);
        }
        schema
    }

    fn child(&mut self, step: Step, at: String) -> &mut Self {
        let known = self.below.iter().position(|(known, schema)| *known == step && schema.at == at);
        let index = known.unwrap_or_else(|| {
            self.below.push((step, Self { at, ..Self::default() }));
            self.below.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made above")]
        &mut self.below[index].1
    }

    /// What this schema reports.
    fn causes(&self, rules: Rules<'_>) -> Vec<Cause> {
        if let Some(text) = self.cycle {
            return vec![self.leaf(text.to_owned())];
        }
        let keyword = |error: &&&ValidationError<'_>, wanted: &str| error.kind().keyword() == wanted;
        let only = FIRST.iter().find_map(|first| self.errors.iter().find(|error| keyword(error, first)));
        if let Some(only) = only {
            return vec![self.leaf(message::of(only))];
        }
        let references = self.below.iter().filter(|(step, _)| step.keyword == "$ref");
        let references: Vec<_> = references.map(|(_, schema)| schema.reference(rules)).collect();
        if rules.refs_stand_alone && !references.is_empty() {
            return references;
        }
        let mut found: Vec<(usize, String, Cause)> = Vec::new();
        let mut add = |keyword: &str, cause: Cause| {
            let rank = ORDER.iter().position(|known| *known == keyword).unwrap_or(ORDER.len());
            // what is wrong in members comes before members that should not be there, sorted by member
            let rank =
                if matches!(keyword, "patternProperties" | "additionalProperties") && cause.at != self.at {
                    5
                } else {
                    rank
                };
            found.push((rank, cause.at.clone(), cause));
        };
        for cause in references {
            add("$ref", cause);
        }
        for (keyword, cause) in self.own_causes(rules) {
            add(&keyword, cause);
        }
        let mut branches = Vec::new();
        for (step, schema) in &self.below {
            match step.keyword.as_str() {
                "$ref" => {}
                "allOf" => branches.push(schema.grouped(rules)),
                keyword if REFERENCES.contains(&keyword) => add(keyword, schema.reference(rules)),
                keyword => add(keyword, schema.grouped(rules)),
            }
        }
        if !branches.is_empty() {
            let all = Cause { causes: branches, ..self.leaf("'allOf' failed".to_owned()) };
            add("allOf", all);
        }
        found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        found.into_iter().map(|(_, _, cause)| cause).collect()
    }

    /// What the keywords of this schema itself report.
    fn own_causes(&self, rules: Rules<'_>) -> Vec<(String, Cause)> {
        let mut missing: Vec<&str> = Vec::new();
        let mut dependent: Vec<(String, Vec<&str>)> = Vec::new();
        let mut causes = Vec::new();
        for error in &self.errors {
            let keyword = error.kind().keyword().to_owned();
            let way = segments(error.evaluation_path().as_str());
            #[expect(clippy::wildcard_enum_match_arm, reason = "all others say all in their message")]
            match error.kind() {
                Kind::Required { property } => {
                    let property = property.as_str().unwrap_or_default();
                    let asked_by = rules.asked_by(error, property);
                    if asked_by.is_empty() {
                        missing.push(property);
                    }
                    for name in asked_by {
                        match dependent.iter_mut().find(|(known, _)| known == name) {
                            Some((_, properties)) => properties.push(property),
                            None => dependent.push((name.clone(), vec![property])),
                        }
                    }
                }
                Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                    let skip = way.len() + 1;
                    let branches = context.iter().map(|errors| self.branch(errors, skip).grouped(rules));
                    let causes_of_branches = branches.collect();
                    causes.push((
                        keyword,
                        Cause { causes: causes_of_branches, ..self.leaf(message::of(error)) },
                    ));
                }
                Kind::PropertyNames { error: inner } => {
                    let reason = Cause { at: String::new(), ..self.leaf(message::of(inner)) };
                    let name =
                        Cause { at: String::new(), causes: vec![reason], ..self.leaf(message::of(error)) };
                    causes.push((keyword, name));
                }
                Kind::UnevaluatedProperties { unexpected } | Kind::UnevaluatedItems { unexpected } => {
                    for name in unexpected {
                        let at = format!("{}/{name}", self.at);
                        causes.push((keyword.clone(), Cause { at, ..self.leaf(message::of(error)) }));
                    }
                }
                _ => causes.push((keyword, self.leaf(message::of(error)))),
            }
        }
        if !missing.is_empty() {
            causes.push(("required".to_owned(), self.leaf(message::missing(&missing))));
        }
        for (name, properties) in dependent {
            let text = message::dependent(&properties, &name);
            causes.push(("dependentRequired".to_owned(), self.leaf(text)));
        }
        causes
    }

    /// One of several alternatives.
    fn branch<'b>(&self, errors: &'b [ValidationError<'static>], skip: usize) -> Schema<'b> {
        let mut branch = Schema { at: self.at.clone(), ..Schema::default() };
        for error in errors {
            branch.insert(error, skip);
        }
        branch
    }

    fn leaf(&self, text: String) -> Cause {
        Cause { at: self.at.clone(), text, causes: Vec::new(), heading: Heading::Keyword }
    }

    /// The one cause, or all of them under one heading.
    fn grouped(&self, rules: Rules<'_>) -> Cause {
        let mut causes = self.causes(rules);
        match (causes.pop(), causes.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                causes.extend(last);
                Cause { causes, heading: Heading::Group, ..self.leaf("validation failed".to_owned()) }
            }
        }
    }

    /// All causes, without the heading of the only one.
    fn flattened(&self, rules: Rules<'_>) -> Vec<Cause> {
        let only = self.grouped(rules);
        if only.heading == Heading::Group { only.causes } else { vec![only] }
    }

    fn reference(&self, rules: Rules<'_>) -> Cause {
        let causes = self.flattened(rules);
        Cause { causes, heading: Heading::Reference, ..self.leaf("validation failed".to_owned()) }
    }
}

impl Rules<'_> {
    /// The properties on account of which another one is asked for.
    fn asked_by<'b>(&'b self, error: &'b ValidationError<'_>, property: &str) -> Vec<&'b String> {
        let path = error.schema_path().as_str();
        if !path.ends_with("/dependencies") && !path.ends_with("/dependentRequired") {
            return Vec::new();
        }
        let dependencies = self.schema.pointer(path).and_then(serde_json::Value::as_object);
        let asks = |list: &serde_json::Value| {
            list.as_array().is_some_and(|list| list.iter().any(|item| item.as_str() == Some(property)))
        };
        let asking = dependencies.into_iter().flatten().filter(|(_, list)| asks(list)).map(|(name, _)| name);
        asking.filter(|name| error.instance().get(name.as_str()).is_some()).collect()
    }
}

impl Step {
    /// The step at the start of a way, and how many segments it takes; `None` if the way ends in a keyword here.
    fn first(way: &[String], kind: &Kind) -> Option<(Self, usize)> {
        let keyword = way.first()?;
        let part = way.get(1);
        let step = |part: &str| Self { keyword: keyword.clone(), part: part.to_owned() };
        let is_index = |part: &&String| part.bytes().all(|byte| byte.is_ascii_digit());
        // of dependencies on properties, the name is followed by no schema
        let ends = |length| way.len() == length && !matches!(kind, Kind::FalseSchema);
        if NAMED.contains(&keyword.as_str()) {
            let part = part?;
            return (!ends(2)).then(|| (step(part), 2));
        }
        if keyword == "items"
            && let Some(index) = part.filter(is_index)
        {
            return Some((step(index), 2));
        }
        (DIRECT.contains(&keyword.as_str()) && !ends(1)).then(|| (step(""), 1))
    }

    fn leads_into_value(&self) -> bool {
        matches!(
            self.keyword.as_str(),
            "properties"
                | "patternProperties"
                | "additionalProperties"
                | "items"
                | "prefixItems"
                | "additionalItems"
                | "unevaluatedProperties"
                | "unevaluatedItems"
        )
    }
}

impl Cause {
    fn display(&self, out: &mut String, indent: usize) {
        let mut inner = indent;
        if self.heading != Heading::Reference || self.causes.len() != 1 {
            out.push('\n');
            out.push_str(&"  ".repeat(indent));
            out.push_str("- at ");
            out.push_str(&quote(&self.at));
            out.push_str(": ");
            out.push_str(&self.text);
            inner += 1;
        }
        for cause in &self.causes {
            cause.display(out, inner);
        }
    }
}
