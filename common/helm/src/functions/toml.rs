//! TOML, as `BurntSushi`'s library 1.6 writes it.

mod read;
mod write;

use super::arguments::Arguments;
use super::json::error_map;
use super::{Error, Function, Type};

use Type::{Any, String};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("toToml", &[Any], |render, arguments| match write::encode(render, arguments.any(0)) {
        Err(write::Failure::Encoding(problem)) => Ok(problem.into()),
        Err(write::Failure::Function(error)) => Err(error),
        Ok(text) => Ok(text.into()),
    }),
    Function::new("mustToToml", &[Any], |render, arguments| match write::encode(render, arguments.any(0)) {
        Err(write::Failure::Encoding(problem)) => Err(Error::new(problem)),
        Err(write::Failure::Function(error)) => Err(error),
        Ok(text) => Ok(text.into()),
    }),
    Function::new("fromToml", &[String], |render, arguments| match read::decode(render, arguments.text(0)) {
        Err(Error::Message(problem)) => Ok(error_map(render, None, &problem)),
        other => other,
    }),
];
