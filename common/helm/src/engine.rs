//! Go's template language, compiled to Tera: texts, conditions and loops are Tera's, each Go pipeline is one Rust closure.
//!
//! [`Program::compile`] makes a program of a chart's templates, which may run any number of times, on any thread;
//! [`render`] runs it with a [`RenderInput`](crate::context::RenderInput).

mod budget;
mod code;
mod compile;
mod context;
mod error;
mod evaluate;
mod glob;
mod lookup;
mod methods;
mod parse;
mod program;
mod render;
mod run;
mod turns;
mod typing;
mod unit;

pub use budget::{Budget, Exhausted, Limits};
pub use context::{Options, Rendered, compile, render, render_once};
pub use error::{ExecError, FunctionError, RenderError};
pub use lookup::Lookup;
pub use program::Program;
pub use render::Render;

pub(crate) use error::warning;
pub(crate) use typing::zero_of;
