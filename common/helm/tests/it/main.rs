//! Charts against what the real `helm` makes of them.
#![cfg(test)]

mod again;
#[path = "../../examples/template/command.rs"]
mod command;
mod functions;
mod hostile;
mod lookup;
mod recorded;
#[path = "../../examples/template/render.rs"]
mod render;
mod support;
