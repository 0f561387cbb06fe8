//! Go's template language, compiled to Tera: texts, conditions and loops are Tera's, each Go pipeline is one Rust closure.

mod budget;
mod error;
mod render;

pub use budget::{Budget, Exhausted, Limits};
pub use error::{ExecError, FunctionError};
pub use render::Render;
