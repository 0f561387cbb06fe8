//! Functions that run other templates, end the render, or look into the cluster.

use super::{Function, Type};
use crate::engine::{FunctionError, warning};
use crate::value::{MapType, Value};

fn text(arguments: &[Value], index: usize) -> &[u8] {
    match arguments.get(index) {
        Some(Value::String(text)) => text,
        _ => &[],
    }
}

fn lossy(arguments: &[Value], index: usize) -> String {
    String::from_utf8_lossy(text(arguments, index)).into_owned()
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("include", &[Type::String, Type::Any], |render, arguments| {
        let data = arguments.get(1).cloned().unwrap_or_default();
        Ok(render.include(text(arguments, 0), data)?.into())
    }),
    Function::new("tpl", &[Type::String, Type::Any], |render, arguments| {
        let data = arguments.get(1).cloned().unwrap_or_default();
        Ok(render.run_text(text(arguments, 0), data)?.into())
    }),
    Function::new("required", &[Type::String, Type::Any], |_, arguments| match arguments.get(1) {
        None | Some(Value::Nil) => Err(warning(&lossy(arguments, 0)).into()),
        Some(Value::String(value)) if value.is_empty() => Err(warning(&lossy(arguments, 0)).into()),
        Some(value) => Ok(value.clone()),
    }),
    Function::new("fail", &[Type::String], |_, arguments| {
        Err(FunctionError::from(warning(&lossy(arguments, 0))))
    }),
    Function::new(
        "lookup",
        &[Type::String, Type::String, Type::String, Type::String],
        |render, arguments| {
            let names = [0, 1, 2, 3].map(|index| lossy(arguments, index));
            let found = render.look_up([&names[0], &names[1], &names[2], &names[3]])?;
            Ok(match found {
                Some(object) => render.arena.tree(&object),
                None => render.arena.add_map(MapType::Any, std::collections::BTreeMap::new()).into(),
            })
        },
    ),
];
