//! Methods of values that templates meet. The receiver is the first argument of a method's body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_gotext::GoTime;

use super::error::FunctionError;
use super::glob::Glob;
use super::render::Render;
use crate::functions::{Function, Type, function};
use crate::value::{Arena, ListType, MapId, MapType, Text, Value};

/// The method of this name.
pub(super) fn of(value: &Value, arena: &Arena, name: &[u8]) -> Option<&'static Function> {
    let methods: &[Function] = match value {
        Value::Map(map) => match map.kind() {
            MapType::Values => VALUES,
            MapType::Files => FILES,
            MapType::Any | MapType::String => &[],
        },
        Value::List(list) if list.kind() == ListType::VersionSet => VERSIONS,
        Value::Struct(id) => match arena.structure(*id).map(|structure| structure.type_name) {
            Some("common.KubeVersion") => KUBE_VERSION,
            _ => &[],
        },
        Value::Time(_) => TIME,
        Value::Version(_) => VERSION,
        _ => &[],
    };
    methods.iter().find(|method| method.name.as_bytes() == name)
}

/// Whether anything has a method of this name.
pub(super) fn is_name(name: &[u8]) -> bool {
    let is_exported = name.first().is_some_and(u8::is_ascii_uppercase);
    let all = [VALUES, FILES, VERSIONS, KUBE_VERSION, TIME, VERSION];
    is_exported && all.iter().copied().flatten().any(|method| method.name.as_bytes() == name)
}

fn text(arguments: &[Value], index: usize) -> &[u8] {
    match arguments.get(index) {
        Some(Value::String(text)) => text,
        _ => &[],
    }
}

fn map(arguments: &[Value]) -> Option<MapId> {
    match arguments.first() {
        Some(Value::Map(map)) => Some(*map),
        _ => None,
    }
}

/// The table at a path; Helm's error where there is none.
fn table(render: &Render, from: MapId, path: &[u8]) -> Result<MapId, FunctionError> {
    let mut table = from;
    for name in path.split(|byte| *byte == b'.') {
        match render.arena.map(table).get(name) {
            Some(Value::Map(inner)) if inner.kind().takes_any() => table = *inner,
            _ => {
                let name = flux_gotext::quote_bytes(name, flux_gotext::Shown::Printable);
                return Err(format!("{name} is not a table").into());
            }
        }
    }
    Ok(table)
}

const VALUES: &[Function] = &[
    Function::new("AsMap", &[], |render, arguments| {
        let Some(values) = map(arguments) else { return Ok(Value::Nil) };
        if render.arena.map(values).is_empty() {
            return Ok(render.arena.add_map(MapType::Any, std::collections::BTreeMap::new()).into());
        }
        Ok(values.seen_as(MapType::Any).into())
    }),
    Function::new("YAML", &[], |render, arguments| {
        let Value::String(text) = to_yaml(render, arguments.first().cloned().unwrap_or_default())? else {
            return Ok(Value::Nil);
        };
        Ok([&text, b"\n".as_slice()].concat().into())
    }),
    Function::new("Table", &[Type::String], |render, arguments| {
        let Some(values) = map(arguments) else { return Ok(Value::Nil) };
        Ok(table(render, values, text(arguments, 1))?.seen_as(MapType::Values).into())
    }),
    Function::new("PathValue", &[Type::String], |render, arguments| {
        let Some(values) = map(arguments) else { return Ok(Value::Nil) };
        let path = text(arguments, 1);
        if path.is_empty() {
            return Err("YAML path cannot be empty".into());
        }
        let no_value = || {
            let name = path.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
            let name = flux_gotext::quote_bytes(name, flux_gotext::Shown::Printable);
            FunctionError::from(format!("{name} is not a value"))
        };
        let (from, name) = match path.iter().rposition(|byte| *byte == b'.') {
            None => (values, path),
            Some(at) => {
                let (tables, name) = path.split_at(at);
                (table(render, values, tables).map_err(|_| no_value())?, name.get(1..).unwrap_or_default())
            }
        };
        match render.arena.map(from).get(name) {
            Some(Value::Map(_)) | None => Err(no_value()),
            Some(value) => Ok(value.clone()),
        }
    }),
];

/// What a file holds.
fn file(render: &Render, arguments: &[Value]) -> Option<Text> {
    match render.arena.map(map(arguments)?).get(text(arguments, 1)) {
        Some(Value::Bytes(text)) => Some(text.clone()),
        _ => None,
    }
}

/// `toYaml`
fn to_yaml(render: &mut Render, value: Value) -> Result<Value, FunctionError> {
    match function("toYaml") {
        Some(to_yaml) => (to_yaml.body)(render, &[value]),
        None => Ok(Value::Nil),
    }
}

/// YAML of files by the last element of their names.
fn by_base_name(
    render: &mut Render,
    arguments: &[Value],
    shown: fn(&Text) -> Text,
) -> Result<Value, FunctionError> {
    let Some(files) = map(arguments) else { return Ok("".into()) };
    let mut entries = std::collections::BTreeMap::new();
    for (name, data) in render.arena.map(files).entries() {
        let base = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if let Value::Bytes(data) = data {
            entries.insert(Text::from(base), Value::String(shown(data)));
        }
    }
    let map = render.arena.add_map(MapType::String, entries);
    to_yaml(render, map.into())
}

const FILES: &[Function] = &[
    Function::new("Get", &[Type::String], |render, arguments| {
        Ok(Value::String(file(render, arguments).unwrap_or_default()))
    }),
    Function::new("GetBytes", &[Type::String], |render, arguments| {
        Ok(Value::Bytes(file(render, arguments).unwrap_or_default()))
    }),
    Function::new("Glob", &[Type::String], |render, arguments| {
        let Some(files) = map(arguments) else { return Ok(Value::Nil) };
        let pattern = text(arguments, 1);
        let entries = render.arena.map(files).entries();
        let names: Vec<&[u8]> = entries.map(|(name, _)| name.as_bytes()).collect();
        let glob = Glob::new(pattern);
        render.budget.steps(names.iter().map(|name| name.len()).sum::<usize>())?;
        let matches: Vec<bool> = names.iter().map(|name| glob.matches(name)).collect();
        let entries = render.arena.map(files).entries();
        let found = entries.zip(matches).filter(|(_, matches)| *matches);
        let found = found.map(|((name, data), _)| (name.clone(), data.clone())).collect();
        Ok(render.arena.add_map(MapType::Files, found).into())
    }),
    Function::new("AsConfig", &[], |render, arguments| by_base_name(render, arguments, Text::clone)),
    Function::new("AsSecrets", &[], |render, arguments| {
        by_base_name(render, arguments, |data| STANDARD.encode(data).into())
    }),
    Function::new("Lines", &[Type::String], |render, arguments| {
        let text = file(render, arguments).unwrap_or_default();
        let body = text.strip_suffix(b"\n").unwrap_or(&text);
        let lines: Vec<Value> = if text.is_empty() {
            Vec::new()
        } else {
            body.split(|byte| *byte == b'\n').map(|line| Value::String(Text::from(line))).collect()
        };
        render.budget.items(lines.len())?;
        Ok(render.arena.add_list(ListType::String, lines).into())
    }),
];

const VERSIONS: &[Function] = &[Function::new("Has", &[Type::String], |render, arguments| {
    let Some(Value::List(versions)) = arguments.first() else { return Ok(Value::Bool(false)) };
    let wanted = text(arguments, 1);
    let found = render.arena.items(*versions).iter().any(|version| match version {
        Value::String(version) => version.as_bytes() == wanted,
        _ => false,
    });
    Ok(found.into())
})];

/// Whether this is `.Capabilities.KubeVersion`.
pub(super) fn is_kube_version(value: &Value, arena: &Arena) -> bool {
    match value {
        Value::Struct(id) => {
            arena.structure(*id).is_some_and(|structure| structure.type_name == "common.KubeVersion")
        }
        _ => false,
    }
}

/// Version of Kubernetes as its `String` method gives it.
pub(super) fn kube_version(value: &Value, arena: &Arena) -> Value {
    let fields = value.fields(arena);
    let field =
        |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
    match field("normalizedVersion") {
        Some(Value::String(text)) if !text.is_empty() => Value::String(text),
        _ => field("Version").unwrap_or_default(),
    }
}

const KUBE_VERSION: &[Function] = &[
    Function::new("String", &[], |render, arguments| {
        Ok(kube_version(arguments.first().unwrap_or(&Value::Nil), &render.arena))
    }),
    Function::new("GitVersion", &[], |render, arguments| {
        let fields = arguments.first().map(|value| value.fields(&render.arena)).unwrap_or_default();
        let version = fields.into_iter().find(|(name, _)| *name == "Version");
        Ok(version.map(|(_, value)| value).unwrap_or_default())
    }),
];

fn time(arguments: &[Value]) -> GoTime {
    match arguments.first() {
        Some(Value::Time(time)) => time.as_ref().clone(),
        _ => GoTime::zero(),
    }
}

/// A number that a layout of one field shows.
fn field_of_time(arguments: &[Value], layout: &[u8]) -> Value {
    let shown = time(arguments).format(layout);
    Value::Int(String::from_utf8_lossy(&shown).parse().unwrap_or_default())
}

/// When a time is, in nanoseconds since 1970: the receiver, or the argument behind it.
fn moment(value: Option<&Value>) -> i128 {
    match value {
        Some(Value::Time(time)) => {
            i128::from(time.unix_seconds()) * 1_000_000_000 + i128::from(time.subsec_nanoseconds())
        }
        _ => 0,
    }
}

/// As Go's conversions wrap.
#[expect(clippy::cast_possible_truncation, reason = "that is what they do")]
const fn wrapped(number: i128) -> Value {
    Value::Int64(number as i64)
}

macro_rules! time_comparison {
    ($name:literal, |$order:ident| $value:expr) => {
        Function::new($name, &[Type::Time], |_, arguments| {
            let $order = moment(arguments.first()).cmp(&moment(arguments.get(1)));
            Ok($value)
        })
    };
}

const TIME: &[Function] = &[
    Function::new("Year", &[], |_, arguments| Ok(field_of_time(arguments, b"2006"))),
    Function::new("YearDay", &[], |_, arguments| Ok(field_of_time(arguments, b"002"))),
    Function::new("Day", &[], |_, arguments| Ok(field_of_time(arguments, b"2"))),
    Function::new("Hour", &[], |_, arguments| Ok(field_of_time(arguments, b"15"))),
    Function::new("Minute", &[], |_, arguments| Ok(field_of_time(arguments, b"4"))),
    Function::new("Second", &[], |_, arguments| Ok(field_of_time(arguments, b"5"))),
    Function::new("Nanosecond", &[], |_, arguments| {
        Ok(Value::Int(i64::from(time(arguments).subsec_nanoseconds())))
    }),
    Function::new("UnixMilli", &[], |_, arguments| {
        Ok(wrapped(moment(arguments.first()).div_euclid(1_000_000)))
    }),
    Function::new("UnixNano", &[], |_, arguments| Ok(wrapped(moment(arguments.first())))),
    time_comparison!("Before", |order| order.is_lt().into()),
    time_comparison!("After", |order| order.is_gt().into()),
    time_comparison!("Equal", |order| order.is_eq().into()),
    time_comparison!("Compare", |order| Value::Int(order as i64)),
    Function::new("Unix", &[], |_, arguments| Ok(Value::Int64(time(arguments).unix_seconds()))),
    Function::new("String", &[], |_, arguments| Ok(time(arguments).to_string().into())),
    Function::new("Format", &[Type::String], |_, arguments| {
        Ok(time(arguments).format(text(arguments, 1)).into())
    }),
    Function::new("UTC", &[], |_, arguments| {
        let time = time(arguments).in_zone(flux_gotext::Zone::utc());
        Ok(Value::Time(std::sync::Arc::new(time)))
    }),
    Function::new("IsZero", &[], |_, arguments| Ok((time(arguments) == GoTime::zero()).into())),
];

macro_rules! version_method {
    ($name:literal, |$version:ident| $value:expr) => {
        Function::new($name, &[], |_, arguments| match arguments.first() {
            Some(Value::Version($version)) => Ok($value),
            _ => Ok(Value::Nil),
        })
    };
}

macro_rules! version_comparison {
    ($name:literal, |$order:ident| $value:expr) => {
        Function::new($name, &[Type::Struct("*semver.Version")], |_, arguments| match arguments {
            [Value::Version(version), Value::Version(other)] => {
                let $order = version.cmp(other);
                Ok($value)
            }
            _ => Err("runtime error: invalid memory address or nil pointer dereference".into()),
        })
    };
}

const VERSION: &[Function] = &[
    version_comparison!("Compare", |order| Value::Int(order as i64)),
    version_comparison!("Equal", |order| order.is_eq().into()),
    version_comparison!("GreaterThan", |order| order.is_gt().into()),
    version_comparison!("GreaterThanEqual", |order| order.is_ge().into()),
    version_comparison!("LessThan", |order| order.is_lt().into()),
    version_comparison!("LessThanEqual", |order| order.is_le().into()),
    version_method!("Major", |version| Value::Uint64(version.major())),
    version_method!("Minor", |version| Value::Uint64(version.minor())),
    version_method!("Patch", |version| Value::Uint64(version.patch())),
    version_method!("Prerelease", |version| version.pre_release().into()),
    version_method!("Metadata", |version| version.metadata().into()),
    version_method!("Original", |version| version.original().into()),
    version_method!("String", |version| version.to_string().into()),
];
