//! URLs as maps, and what else has to do with the network.

use super::arguments::Arguments;
use super::url::Url;
use super::{Error, Function, Render, Type};
use crate::value::{MapId, MapType, Value};

use Type::String;

/// `map[string]interface {}`
const MAP: Type = Type::Map(MapType::Any);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("urlParse", &[String], |render, arguments| parse(render, arguments.text(0))),
    Function::new("urlJoin", &[MAP], |render, arguments| join(render, arguments.map(0))),
    // Helm looks names up behind a gate that is off
    Function::new("getHostByName", &[String], |_, _| Ok("".into())),
    Function::new("uuidv4", &[], |_, _| Ok(uuid::Uuid::new_v4().to_string().into())),
];

fn parse(render: &mut Render, text: &[u8]) -> Result<Value, Error> {
    render.budget.text(text.len().saturating_mul(6))?;
    let url = Url::parse(text).map_err(|error| Error::new(format!("unable to parse url: {error}")))?;
    let host_name = url.host_name();
    let parts = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", host_name),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", url.user.map(|user| user.to_bytes()).unwrap_or_default()),
    ];
    let entries = parts.into_iter().map(|(name, part)| (name.into(), Value::from(part))).collect();
    Ok(render.arena.add_map(MapType::Any, entries).into())
}

fn join(render: &mut Render, map: Option<MapId>) -> Result<Value, Error> {
    let arena = &render.arena;
    let part = |name: &str| match map.and_then(|id| arena.map(id).get(name.as_bytes())) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.to_vec()),
        Some(Value::Nil) => Err(Error::nil_pointer()),
        Some(other) => Err(Error::new(format!(
            "unable to parse {name} key, must be of type string, but {} found",
            other.kind(arena)
        ))),
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let user = part("userinfo")?;
    if !user.is_empty() {
        let text = [b"proto://", user.as_slice(), b"@host"].concat();
        let parsed = Url::parse(&text)
            .map_err(|error| Error::new(format!("unable to parse userinfo in dict: {error}")))?;
        url.user = parsed.user;
    }
    Ok(url.to_bytes().into())
}
