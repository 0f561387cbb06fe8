//! Functions of templates.
//!
//! A function is a Rust function of type [`Body`] and a [`Function`] that tells its parameters. The evaluator checks the
//! number and the types of arguments, with Go's messages, before it calls; a body sees only what its parameters allow:
//! untyped constants are converted, nil stands for nil maps, lists and empty interfaces.
//!
//! Each family is one module with a table `FUNCTIONS`; `FAMILIES` lists the tables.

mod arguments;
mod builtin;
mod crypto;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod fault;
mod format;
mod json;
mod lists;
mod numbers;
mod paths;
mod reflection;
mod regex;
mod strings;
mod templates;
mod toml;
mod url;
mod urls;
mod versions;
mod words;
mod yaml;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::engine::{FunctionError, FunctionError as Error, Render};
use crate::value::{ListType, MapType, Value};

pub use format::{implicit, print, print_line, sprintf};

/// What runs when a template calls a function. Maps and lists are made in and read from `render.arena`; whoever builds
/// something whose size an argument tells asks `render.budget` first.
pub type Body = fn(render: &mut Render, arguments: &[Value]) -> Result<Value, FunctionError>;

/// A function that templates call by name.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Name in templates.
    pub name: &'static str,
    /// Types of its parameters, without the variadic one.
    pub parameters: &'static [Type],
    /// Type of each further argument.
    pub variadic: Option<Type>,
    /// What it does.
    pub body: Body,
}

impl Function {
    /// A function with a fixed number of parameters.
    pub const fn new(name: &'static str, parameters: &'static [Type], body: Body) -> Self {
        Self { name, parameters, variadic: None, body }
    }

    /// A function that takes any number of arguments of one type after its parameters.
    pub const fn variadic(
        name: &'static str,
        parameters: &'static [Type],
        variadic: Type,
        body: Body,
    ) -> Self {
        Self { name, parameters, variadic: Some(variadic), body }
    }

    /// Type of an argument, if there may be one at this place.
    pub fn parameter(&self, index: usize) -> Option<Type> {
        self.parameters.get(index).copied().or(self.variadic)
    }
}

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`
    Any,
    /// `reflect.Value`: as [`Self::Any`], for built-in functions.
    Reflected,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `int32`
    Int32,
    /// `uint32`
    Uint32,
    /// `float64`
    Float64,
    /// `string`
    String,
    /// `[]byte`
    Bytes,
    /// A slice.
    List(ListType),
    /// A map.
    Map(MapType),
    /// `time.Time`
    Time,
    /// A struct, or a pointer to one, by the name of the type.
    Struct(&'static str),
}

impl Type {
    /// Go's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflected => "reflect.Value",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Uint32 => "uint32",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Bytes => "[]uint8",
            Self::List(kind) => kind.name(),
            Self::Map(kind) => kind.name(),
            Self::Time => "time.Time",
            Self::Struct(name) => name,
        }
    }
}

/// The tables of all families.
const FAMILIES: &[&[Function]] = &[
    crypto::FUNCTIONS,
    dates::FUNCTIONS,
    defaults::FUNCTIONS,
    dicts::FUNCTIONS,
    encoding::FUNCTIONS,
    format::FUNCTIONS,
    json::FUNCTIONS,
    lists::FUNCTIONS,
    numbers::FUNCTIONS,
    paths::FUNCTIONS,
    reflection::FUNCTIONS,
    regex::FUNCTIONS,
    strings::FUNCTIONS,
    toml::FUNCTIONS,
    urls::FUNCTIONS,
    versions::FUNCTIONS,
    yaml::FUNCTIONS,
    builtin::FUNCTIONS,
    templates::FUNCTIONS,
];

/// Functions by name.
static FUNCTIONS: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let all = FAMILIES.iter().copied().flatten();
    all.map(|function| (function.name, function)).collect()
});

/// The function of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.get(name).copied()
}

/// The names of all functions, in no order.
pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.keys().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_function_stands_twice() {
        let all = FAMILIES.iter().map(|family| family.len()).sum::<usize>();
        assert_eq!(FUNCTIONS.len(), all);
    }
}
