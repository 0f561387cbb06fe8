//! A kustomization as Go's encoder writes it: fields under their proper names, without those that say nothing.

use flux_yaml::{Object, Text, Value};

use crate::decode::text_of;

/// What a field holds.
#[derive(Clone, Copy)]
enum Shape {
    /// A text; numbers and booleans become one.
    Text,
    /// A number, a boolean, or anything else that stays as it is.
    Other,
    /// A list or a map of these.
    Each(&'static Self),
    /// A struct behind a pointer: written if it is there, even if it says nothing.
    Struct(&'static [Field]),
}

struct Field {
    name: &'static str,
    shape: Shape,
    /// Whether the field is written even if it says nothing.
    always: bool,
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, always: false }
}

const fn always(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, always: true }
}

const TEXTS: Shape = Shape::Each(&Shape::Text);

const METADATA: &[Field] = &[
    field("name", Shape::Text),
    field("namespace", Shape::Text),
    field("labels", TEXTS),
    field("annotations", TEXTS),
];

const SELECTOR: &[Field] = &[
    field("group", Shape::Text),
    field("version", Shape::Text),
    field("kind", Shape::Text),
    field("name", Shape::Text),
    field("namespace", Shape::Text),
    field("labelSelector", Shape::Text),
    field("annotationSelector", Shape::Text),
];

const FIELD_SPEC: Shape = Shape::Struct(&[
    field("group", Shape::Text),
    field("version", Shape::Text),
    field("kind", Shape::Text),
    field("path", Shape::Text),
    field("create", Shape::Other),
]);

const LABEL: Shape = Shape::Struct(&[
    field("pairs", TEXTS),
    field("includeSelectors", Shape::Other),
    field("includeTemplates", Shape::Other),
    field("fields", Shape::Each(&FIELD_SPEC)),
]);

const PATCH: Shape = Shape::Struct(&[
    field("path", Shape::Text),
    field("patch", Shape::Text),
    field("target", Shape::Struct(SELECTOR)),
    field(
        "options",
        Shape::Struct(&[field("allowNameChange", Shape::Other), field("allowKindChange", Shape::Other)]),
    ),
]);

const IMAGE: Shape = Shape::Struct(&[
    field("name", Shape::Text),
    field("newName", Shape::Text),
    field("tagSuffix", Shape::Text),
    field("newTag", Shape::Text),
    field("digest", Shape::Text),
]);

const FIELD_OPTIONS: Shape = Shape::Struct(&[
    field("delimiter", Shape::Text),
    field("index", Shape::Other),
    field("encoding", Shape::Text),
    field("create", Shape::Other),
]);

const REPLACEMENT: Shape = Shape::Struct(&[
    field("path", Shape::Text),
    field(
        "source",
        Shape::Struct(&[
            field("group", Shape::Text),
            field("version", Shape::Text),
            field("kind", Shape::Text),
            field("name", Shape::Text),
            field("namespace", Shape::Text),
            field("fieldPath", Shape::Text),
            field("options", FIELD_OPTIONS),
        ]),
    ),
    // a pointer: the empty text counts
    always("sourceValue", Shape::Text),
    field(
        "targets",
        Shape::Each(&Shape::Struct(&[
            always("select", Shape::Struct(SELECTOR)),
            field("reject", Shape::Each(&Shape::Struct(SELECTOR))),
            field("fieldPaths", TEXTS),
            field("options", FIELD_OPTIONS),
        ])),
    ),
]);

const VAR: Shape = Shape::Struct(&[
    always("name", Shape::Text),
    always(
        "objref",
        Shape::Struct(&[
            field("apiVersion", Shape::Text),
            field("group", Shape::Text),
            field("version", Shape::Text),
            field("kind", Shape::Text),
            always("name", Shape::Text),
            field("namespace", Shape::Text),
        ]),
    ),
    always("fieldref", Shape::Struct(&[field("fieldPath", Shape::Text)])),
]);

const GENERATOR_OPTIONS: Shape = Shape::Struct(&[
    field("labels", TEXTS),
    field("annotations", TEXTS),
    field("disableNameSuffixHash", Shape::Other),
    field("immutable", Shape::Other),
]);

const GENERATOR: Shape = Shape::Struct(&[
    field("namespace", Shape::Text),
    field("name", Shape::Text),
    field("behavior", Shape::Text),
    field("literals", TEXTS),
    field("files", TEXTS),
    field("envs", TEXTS),
    field("env", Shape::Text),
    field("options", GENERATOR_OPTIONS),
    field("type", Shape::Text),
]);

const SORT_OPTIONS: Shape = Shape::Struct(&[
    field("order", Shape::Text),
    field("legacySortOptions", Shape::Struct(&[always("orderFirst", TEXTS), always("orderLast", TEXTS)])),
]);

const KUSTOMIZATION: &[Field] = &[
    field("apiVersion", Shape::Text),
    field("kind", Shape::Text),
    field("metadata", Shape::Struct(METADATA)),
    field("openapi", TEXTS),
    field("namePrefix", Shape::Text),
    field("nameSuffix", Shape::Text),
    field("namespace", Shape::Text),
    field("commonLabels", TEXTS),
    field("labels", Shape::Each(&LABEL)),
    field("commonAnnotations", TEXTS),
    field("patchesStrategicMerge", TEXTS),
    field("patchesJson6902", Shape::Each(&PATCH)),
    field("patches", Shape::Each(&PATCH)),
    field("images", Shape::Each(&IMAGE)),
    field("imageTags", Shape::Each(&IMAGE)),
    field("replacements", Shape::Each(&REPLACEMENT)),
    field(
        "replicas",
        Shape::Each(&Shape::Struct(&[field("name", Shape::Text), always("count", Shape::Other)])),
    ),
    field("vars", Shape::Each(&VAR)),
    field("sortOptions", SORT_OPTIONS),
    field("resources", TEXTS),
    field("components", TEXTS),
    field("crds", TEXTS),
    field("bases", TEXTS),
    field("configMapGenerator", Shape::Each(&GENERATOR)),
    field("secretGenerator", Shape::Each(&GENERATOR)),
    field("helmGlobals", Shape::Other),
    field("helmCharts", Shape::Other),
    field("helmChartInflationGenerator", Shape::Other),
    field("generatorOptions", GENERATOR_OPTIONS),
    field("configurations", TEXTS),
    field("generators", TEXTS),
    field("transformers", TEXTS),
    field("validators", TEXTS),
    field("buildMetadata", TEXTS),
];

/// The fields of a kustomization that its decoder accepts.
pub(super) fn normalised(value: &Value) -> Object {
    normalised_struct(value, KUSTOMIZATION)
}

fn normalised_struct(value: &Value, fields: &[Field]) -> Object {
    let mut found = Object::new();
    for (name, member) in value.as_object().into_iter().flatten().filter(|(_, member)| !member.is_null()) {
        if let Some(field) = fields.iter().find(|field| name.eq_ignore_ascii_case(field.name)) {
            found.insert(Text::from(field.name), normalised_value(member, field.shape));
        }
    }
    for field in fields {
        let is_struct = matches!(field.shape, Shape::Struct(_));
        match found.get(field.name) {
            Some(member) if !field.always && !is_struct && says_nothing(member) => {
                found.remove(field.name);
            }
            // a pointer to a text that is not there is not written either
            None if field.always && field.name != "sourceValue" => {
                found.insert(Text::from(field.name), zero(field));
            }
            Some(_) | None => {}
        }
    }
    found
}

fn normalised_value(value: &Value, shape: Shape) -> Value {
    match (shape, value) {
        (Shape::Struct(fields), Value::Object(_)) => Value::Object(normalised_struct(value, fields)),
        (Shape::Text, _) => {
            text_of(value).map_or_else(|| value.clone(), |text| Value::String(Text::from(text)))
        }
        (Shape::Each(shape), Value::List(items)) => {
            Value::List(items.iter().map(|item| normalised_value(item, *shape)).collect())
        }
        (Shape::Each(shape), Value::Object(members)) => {
            let members = members.iter().map(|(key, value)| (key.clone(), normalised_value(value, *shape)));
            Value::Object(members.collect())
        }
        (Shape::Each(_) | Shape::Struct(_) | Shape::Other, _) => value.clone(),
    }
}

/// What a field that is always written holds if it was not given.
fn zero(field: &Field) -> Value {
    match (field.name, field.shape) {
        ("select", _) | (_, Shape::Each(_)) => Value::Null,
        (_, Shape::Struct(fields)) => Value::Object(normalised_struct(&Value::Null, fields)),
        (_, Shape::Text) => Value::from(""),
        (_, Shape::Other) => Value::Int(0),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) => true,
        Value::Bool(true) | Value::Int(_) | Value::Uint(_) => false,
        Value::Float(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}
