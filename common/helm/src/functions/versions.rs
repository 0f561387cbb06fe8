//! Semantic versions.

use std::sync::Arc;

use flux_gotext::{Constraint, Version};

use super::arguments::Arguments;
use super::{Error, Function, Type};
use crate::value::Value;

use Type::String;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("semver", &[String], |_, arguments| {
        Ok(Value::Version(Arc::new(arguments.string(0).parse::<Version>().map_err(Error::new)?)))
    }),
    Function::new("semverCompare", &[String, String], |_, arguments| {
        let constraint: Constraint = arguments.string(0).parse().map_err(Error::new)?;
        let version: Version = arguments.string(1).parse().map_err(Error::new)?;
        Ok(constraint.admits(&version).into())
    }),
];
