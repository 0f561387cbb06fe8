//! Errors in Go's words.

use std::fmt::Display;

use crate::engine::FunctionError;
use crate::value::{Arena, Value};

impl FunctionError {
    /// What Go's function returns, or panics with.
    pub(super) fn new(message: impl Display) -> Self {
        Self::Message(message.to_string())
    }

    /// A fault that Go's runtime panics with.
    pub(super) fn runtime(fault: impl Display) -> Self {
        Self::Message(format!("runtime error: {fault}"))
    }

    /// What Go panics with where nil is taken apart.
    pub(super) fn nil_pointer() -> Self {
        Self::runtime("invalid memory address or nil pointer dereference")
    }

    /// A value that is not of the type that Go's code takes for granted.
    pub(super) fn conversion(value: &Value, wanted: &str, arena: &Arena) -> Self {
        let found = match value {
            Value::Nil => "nil".to_owned(),
            value => value.type_name(arena),
        };
        Self::Message(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
    }
}
